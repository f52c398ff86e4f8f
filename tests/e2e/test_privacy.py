"""Differential privacy of clients, from the configuration to the results: the same bits on any
ranks, costs as closed forms have them, budgets that are kept, promises that are not broken."""

import math
import re
import unittest
from pathlib import Path

import h5py
import numpy as np
from program import ProgramCase, overrides, text_attribute
from scipy.optimize import brentq
from scipy.special import ndtr

from test_algorithms import outcome

PRIVATE = ("privacy.mechanism=gaussian", "federated.weighting=uniform", "privacy.clip_norm=0.3",
           "centralized.enabled=false")
SAMPLED = (*PRIVATE, "federated.sampling=poisson", "federated.participation=0.6")

SAMPLES = ("privacy.mechanism=dp_sgd", "training.clip_sample_norm=0.7", "centralized.enabled=false")


def gaussian_epsilon(noise: float, rounds: int, delta: float) -> float:
    """Of so many rounds in which all take part: Balle and Wang 2018, Theorem 8."""
    mu = math.sqrt(rounds) / noise

    def excess(epsilon: float) -> float:
        return ndtr(mu / 2 - epsilon / mu) - math.exp(epsilon) * ndtr(-mu / 2 - epsilon / mu) - delta

    return brentq(excess, 0, 500, xtol=1e-10)


class Privacy(ProgramCase):
    def spent(self, path: Path) -> np.ndarray:
        with h5py.File(path) as file:
            return file["privacy/rounds"][()]

    def assert_same_outcome(self, first: Path, second: Path) -> None:
        one, other = outcome(first), outcome(second)
        self.assertEqual(one.keys(), other.keys())
        for name, values in one.items():
            self.assertEqual(values.tobytes(), other[name].tobytes(), name)
        self.assertEqual(self.spent(first).tobytes(), self.spent(second).tobytes())

    def assert_same_everywhere(self, settings: tuple, shapes: dict[int, str]) -> None:
        """Alone, on so many ranks by these collectives, and in two parts on 3 and 2."""
        alone = self.run_small(1, *settings, output="alone.h5")
        for ranks, collective in shapes.items():
            several = self.run_small(ranks, *settings, f"federated.collective={collective}",
                                     output="several.h5")
            self.assert_same_outcome(alone, several)
        self.run_small(3, *settings, "federated.rounds=2", output="parts.h5")
        parts = self.run_small(2, *settings, output="parts.h5", options=("--resume",))
        self.assert_same_outcome(alone, parts)

    def test_same_bits_on_any_ranks_and_after_a_resume(self):
        for settings in ((), ("privacy.clipping=adaptive",),
                         ("privacy.clipping=adaptive", "privacy.clip_count_noise=2",
                          "federated.server_optimizer=adam", "federated.average_decay=0.5",
                          "federated.encoders=bfloat16", "federated.on_divergence=skip")):
            with self.subTest(settings):
                self.assert_same_everywhere((*SAMPLED, *settings), {2: "gather", 5: "reduce"})

    def test_without_noise_and_bound_it_is_plain_averaging(self):
        plain = self.run_small(2, "federated.weighting=uniform", "centralized.enabled=false",
                               output="plain.h5")
        private = self.run_small(3, *PRIVATE, "privacy.clip_norm=1e30", "privacy.noise_multiplier=0",
                                 output="private.h5")
        one, other = outcome(plain), outcome(private)
        for name in one:
            self.assertEqual(one[name].tobytes(), other[name].tobytes(), name)
        spent = self.spent(private)
        self.assertTrue(np.isinf(spent["epsilon_lower"]).all())

    def test_costs_are_those_of_the_closed_form(self):
        path = self.run_small(2, *PRIVATE, "privacy.noise_multiplier=1.3", "privacy.delta=1e-4")
        for row in self.spent(path):
            expected = gaussian_epsilon(1.3, row["round"], 1e-4)
            for column in ("epsilon_lower", "epsilon", "epsilon_upper"):
                self.assertAlmostEqual(row[column], expected, places=6)
            self.assertGreater(row["epsilon_rdp"], expected)
            self.assertEqual((row["sampling"], row["expected"], row["noise_multiplier"], row["delta"]),
                             (1, 7, 1.3, 1e-4))
            self.assertAlmostEqual(row["noise_deviation"], 1.3 * 0.3 / 7, places=9)
        with h5py.File(path) as file:
            self.assertEqual(text_attribute(file["privacy/rounds"], "epsilon.unit"), "nat")
            rounds, clients = file["federated/rounds"][()], file["federated/clients"][()]
        np.testing.assert_array_equal(clients["clipped"], clients["update_norm"] > 0.3)
        self.assertEqual(set(clients["weight"]), {1 / 7})
        for row in rounds:
            its = clients[clients["round"] == row["round"]]
            self.assertEqual(row["clipped"], its["clipped"].sum())

    def test_the_update_is_the_clipped_sum_and_the_noise(self):
        """What moved the model is, without noise, as long as numpy makes it; with noise its length
        is that of the noise."""
        with h5py.File(self.run_small(2, *PRIVATE, "privacy.noise_multiplier=0",
                                      "federated.rounds=1")) as file:
            norm = file["federated/rounds"]["update_norm"][0]
            parameters = sum(tensor.size for tensor in file["model/initial"].values())
        self.assertTrue(0.1 < norm <= 0.3 + 1e-6, norm)
        rows = []
        for seed in range(5):
            with h5py.File(self.run_small(1, *PRIVATE, "privacy.noise_multiplier=7",
                                          f"experiment.seed={seed}", "federated.rounds=4")) as file:
                rows += list(file["federated/rounds"]["update_norm"])
        expected = math.sqrt(parameters) * 0.3
        self.assertAlmostEqual(np.mean(rows) / expected, 1, delta=0.1)

    def test_nobody_comes_and_the_model_does_not_tell(self):
        settings = (*PRIVATE, "federated.sampling=poisson", "federated.participation=0.15",
                    "federated.rounds=12")
        path = self.run_small(3, *settings)
        with h5py.File(path) as file:
            rounds = file["federated/rounds"][()]
        empty = rounds["participants"] == 0
        self.assertTrue(empty.any() and not empty.all(), rounds["participants"])
        self.assertTrue((rounds["update_norm"] > 0.1).all())
        self.assertTrue((np.diff(self.spent(path)["epsilon"]) > 0).all())

    def test_a_budget_ends_the_run(self):
        settings = (*SAMPLED, "privacy.noise_multiplier=2", "federated.rounds=20")
        whole = self.spent(self.run_small(1, *settings, output="whole.h5"))
        budget = float(whole["epsilon_upper"][6]) + 1e-6
        for ranks in (1, 3):
            path = self.folder / "ended.h5"
            done = self.launch(ranks, "--overwrite", *overrides(settings), "--set",
                               f"privacy.epsilon_budget={budget}", "-o", path, self.config)
            self.assertEqual(done.code, 0, done.stderr)
            self.assertIn("the budget of privacy ends the run after round 7 of 20", done.stderr)
            self.assertEqual(list(self.spent(path)["round"]), list(range(1, 8)))
            with h5py.File(path) as file:
                self.assertEqual(text_attribute(file, "status"), "complete")
                self.assertFalse(np.isnan(file["federated/rounds"]["test_accuracy"][-1]))
        again = self.run_small(2, *settings, f"privacy.epsilon_budget={budget}", output="ended.h5",
                               options=("--resume",))
        self.assertEqual(len(self.spent(again)), 7)
        more = self.run_small(2, *settings, output="ended.h5", options=("--resume",))
        self.assert_same_outcome(self.folder / "whole.h5", more)

    def test_a_budget_below_one_round_is_refused(self):
        self.assert_refused(self.launch(2, *overrides(SAMPLED), "--set",
                                        "privacy.epsilon_budget=0.1", self.config),
                            "privacy.epsilon_budget = 0.1: round 1 alone could cost epsilon ")
        self.assertFalse((self.folder / "run.h5").exists())

    def test_a_target_finds_the_noise(self):
        settings = (*SAMPLED, "privacy.target_epsilon=2.5", "federated.rounds=6")
        spent = self.spent(self.run_small(2, *settings))
        self.assertEqual(len(spent), 6)
        self.assertTrue(2.48 < spent["epsilon_upper"][-1] <= 2.5, spent["epsilon_upper"])
        dry = self.launch(0, "--dry-run", *overrides(settings), self.config)
        said = re.search(r"; privacy of clients: epsilon at most ([\d.]+), at least ([\d.]+) .* after 6 rounds; "
                         r"noise multiplier ([\d.]+), 4.2 of 7 clients", dry.stdout)
        self.assertEqual(float(said[3]), spent["noise_multiplier"][0])
        self.assertAlmostEqual(float(said[1]), spent["epsilon_upper"][-1], places=3)

    def test_noise_may_change_on_the_way(self):
        """The ledger knows what the rounds before had."""
        settings = (*SAMPLED, "privacy.clip_norm=0.2")
        self.run_small(2, *settings, "privacy.noise_multiplier=1", "federated.rounds=2")
        path = self.run_small(2, *settings, "privacy.noise_multiplier=3", options=("--resume",))
        spent = self.spent(path)
        self.assertEqual(list(spent["noise_multiplier"]), [1, 1, 3, 3])
        quiet = self.spent(self.run_small(1, *settings, "privacy.noise_multiplier=3"))
        loud = self.spent(self.run_small(1, *settings, "privacy.noise_multiplier=1"))
        self.assertTrue(loud["epsilon"][1] < spent["epsilon"][3] < loud["epsilon"][3])
        self.assertGreater(spent["epsilon"][3], quiet["epsilon"][3])

    def test_what_breaks_the_promise_is_refused(self):
        for settings, parts in (
                ((*PRIVATE, "federated.weighting=samples"),
                 ("federated.weighting = samples", "accepted is uniform")),
                ((*PRIVATE, "federated.clients_per_round=3"),
                 ("federated.clients_per_round = 3", "each on its own", "poisson")),
                ((*PRIVATE, "federated.aggregation=median"),
                 ("federated.aggregation = median", "looks at single updates")),
                ((*PRIVATE, "federated.algorithm=scaffold"),
                 ("federated.algorithm = scaffold", "controls")),
                ((*SAMPLED, "federated.participation=0.1"),
                 ("federated.participation = 0.1", "less than one")),
                ((*PRIVATE, "privacy.clip_norm=1e9"), ("privacy.clip_norm = 1e9", "accepted is")),
                ((*PRIVATE, "privacy.clip_norm=0"), ("privacy.clip_norm = 0", "> 0")),
                ((*PRIVATE, "privacy.delta=0"), ("privacy.delta = 0", "1e-10")),
                ((*PRIVATE, "privacy.target_epsilon=1e-6", "privacy.delta=1e-10"),
                 ("privacy.target_epsilon = 1e-6", "keeps 4 rounds within it")),
                ((*PRIVATE, "privacy.mechanism=gauss"), ("privacy.mechanism = gauss", "gaussian"))):
            with self.subTest(settings[-1]):
                self.assert_refused(self.launch(2, *overrides(settings), self.config), *parts)

    def test_private_steps_have_the_same_bits_everywhere(self):
        for settings in ((), ("federated.algorithm=scaffold", "federated.clients_per_round=4",
                              "training.optimizer=sgd", "training.momentum=0"),
                         ("training.optimizer=adam", "training.steps=3",
                          "federated.aggregation=median", "partition.scheme=quantity")):
            with self.subTest(settings):
                self.assert_same_everywhere((*SAMPLES, *settings), {3: "reduce"})

    def test_private_steps_cost_what_the_closed_form_says(self):
        """Where a batch is all that a client has, and two epochs are two steps."""
        path = self.run_small(2, *SAMPLES, "training.batch_size=30", "privacy.noise_multiplier=2.5")
        for row in self.spent(path):
            expected = gaussian_epsilon(2.5, 2 * row["round"], 1e-5)
            self.assertAlmostEqual(row["epsilon"], expected, places=6)
            self.assertEqual((row["sampling"], row["expected"], row["clip_norm"]), (1, 30, 0.7))
            self.assertAlmostEqual(row["noise_deviation"], 2.5 * 0.7 / 30, places=9)
        with h5py.File(path) as file:
            self.assertEqual(set(file["federated/clients"]["steps"]), {2})
            self.assertNotIn("clipped", file["federated/clients"].dtype.names)
        sampled = self.spent(self.run_small(2, *SAMPLES))
        self.assertEqual(set(sampled["sampling"]), {16 / 30})  # 2 steps an epoch, of two epochs
        whole = gaussian_epsilon(1, 4 * 4, 1e-5)
        self.assertTrue(whole / 2 < sampled["epsilon"][-1] < whole, sampled["epsilon"])

    def test_private_steps_may_have_a_budget(self):
        settings = (*SAMPLES, "federated.rounds=9", "privacy.target_epsilon=4")
        done = self.launch(2, *overrides(settings), self.config)
        self.assertEqual(done.code, 0, done.stderr)
        self.assertIn("privacy of samples: epsilon at most 4.000, at least 3.99", done.stdout)
        self.assert_refused(self.launch(2, "--overwrite", *overrides(SAMPLES), "--set",
                                        "training.clip_sample_norm=0", self.config),
                            "training.clip_sample_norm = 0", "accepted is a number > 0")

    def test_dry_run_counts_the_accountant(self):
        """Beside what the server takes: its grid for so many rounds."""
        settings = (*SAMPLED, "federated.rounds=250", "privacy.noise_multiplier=5")

        def estimated(*more: str) -> float:
            said = self.launch(0, "--dry-run", *overrides((*settings, *more)), self.config).stdout
            return float(re.search(r"([\d.]+) MB the server", said)[1])

        def measured(*more: str) -> float:
            return self.server_megabytes("--overwrite", *overrides((*settings, *more)))

        plain = "privacy.mechanism=none"
        self.assertAlmostEqual(estimated() - estimated(plain), measured() - measured(plain), delta=6)


if __name__ == "__main__":
    unittest.main()
