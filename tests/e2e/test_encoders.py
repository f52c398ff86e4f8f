"""What clients' updates pass on their way: as NumPy has it, from updates of single clients."""

import unittest
from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np

from program import ProgramCase, text_attribute

CLIENTS = 3
BOUND = 0.1
ONE_ROUND = ("federated.rounds=1", "centralized.enabled=false", "federated.tracked_clients=",
             "partition.scheme=file", "partition.clients=0", "partition.samples_per_client=0",
             f"federated.norm_bound={BOUND}")

Vector = np.ndarray


def vector(path: Path, model: str) -> Vector:
    """All tensors of a model in one."""
    with h5py.File(path) as file:
        return np.concatenate([tensor[()].ravel() for tensor in file[f"model/{model}"].values()]
                              ).astype(float)


def eight_digits(numbers: Vector) -> Vector:
    """bfloat16, by arithmetic: binary numbers with eight digits, the nearest, ties to even."""
    mantissa, exponent = np.frexp(numbers)
    return np.ldexp(np.rint(mantissa * 256) / 256, exponent)


def cut(numbers: Vector) -> Vector:
    """norm_bound: no longer than the bound."""
    return numbers * min(1, BOUND / np.linalg.norm(numbers))


class Encoders(ProgramCase):
    """One round of three clients, and of the first one and two."""

    def setUp(self) -> None:
        super().setUp()
        self.owner = np.arange(self.TRAIN) % 10
        self.owner[self.owner >= CLIENTS] = -1
        self.owner[:40] = 0  # unequal weights
        self.samples = np.array([(self.owner == k).sum() for k in range(CLIENTS)])

    def run_with(self, owner: Vector, *settings: str) -> Path:
        file = self.write("clients.csv", "".join(f"{k}\n" for k in owner))
        return self.run_small(0, *ONE_ROUND, f"partition.file={file}", *settings)

    def move(self, *settings: str) -> Vector:
        """How far the round brings the model."""
        path = self.run_with(self.owner, *settings)
        return vector(path, "federated") - vector(path, "initial")

    def updates(self) -> list[Vector]:
        """Each client's: what the mean of the first so many does not have of the mean before."""
        sums = [np.zeros(1)]
        for k in range(CLIENTS):
            path = self.run_with(np.where(self.owner <= k, self.owner, -1))
            move = vector(path, "federated") - vector(path, "initial")
            sums.append(self.samples[:k + 1].sum() * move)
        return [(sums[k + 1] - sums[k]) / self.samples[k] for k in range(CLIENTS)]

    def assert_move(self, expected: Vector, *settings: str) -> None:
        """But for the rounding of parameters to floats, and of a few numbers that a last bit of
        an update turns the other way."""
        error = np.abs(self.move(*settings) - expected)
        self.assertLess(np.median(error), 1e-8, settings)
        self.assertGreater((error < 1e-7).mean(), 0.99, settings)
        self.assertLess(error.max(), np.abs(expected).max() / 128, settings)

    def test_chains_are_what_numpy_makes_of_updates(self) -> None:
        updates = self.updates()
        weights = self.samples / self.samples.sum()
        self.assertTrue(all(np.linalg.norm(update) > BOUND for update in updates))

        def mean(encode: Callable[[Vector], Vector]) -> Vector:
            return sum(weight * encode(update) for weight, update in zip(weights, updates))

        def median(encode: Callable[[Vector], Vector]) -> Vector:
            return np.median([encode(update) for update in updates], axis=0)

        chains = {"": lambda update: update, "bfloat16": eight_digits, "norm_bound": cut,
                  "bfloat16, norm_bound": lambda update: cut(eight_digits(update)),
                  "norm_bound,bfloat16": lambda update: eight_digits(cut(update))}
        for names, encode in chains.items():
            with self.subTest(names):
                self.assert_move(mean(encode), f"federated.encoders={names}")
                self.assert_move(median(encode), f"federated.encoders={names}",
                                 "federated.aggregation=median")
        with self.subTest("the rule's own comes last"):
            self.assert_move(mean(chains["bfloat16, norm_bound"]), "federated.encoders=bfloat16",
                             "federated.aggregation=norm_bound")
        with self.subTest("attackers come first"):
            self.assert_move(mean(lambda update: chains["norm_bound,bfloat16"](-3 * update)),
                             "federated.encoders=norm_bound,bfloat16", "federated.attack_scale=3",
                             f"federated.byzantine_clients={CLIENTS}")

    def test_bytes_are_those_behind_the_chain(self) -> None:
        for algorithm, vectors in (("fedavg", 1), ("scaffold", 2)):
            for names, each in (("norm_bound", 4), ("bfloat16,norm_bound", 2)):
                path = self.run_with(self.owner, f"federated.algorithm={algorithm}",
                                     f"federated.encoders={names}")
                with h5py.File(path) as file:
                    rounds = file["federated/rounds"][()]
                    self.assertEqual(text_attribute(file["config"], "federated.encoders"), names)
                parameters = vector(path, "federated").size
                self.assertEqual(rounds["bytes_up"][0], CLIENTS * vectors * each * parameters)
                self.assertEqual(rounds["bytes_down"][0], CLIENTS * vectors * 4 * parameters)

    def test_the_norm_is_that_of_the_update_as_it_was(self) -> None:
        norms = [np.linalg.norm(update) for update in self.updates()]
        for names in "bfloat16", "norm_bound,bfloat16":
            for rule in "mean", "median":
                path = self.run_with(self.owner, f"federated.encoders={names}",
                                     f"federated.aggregation={rule}")
                with h5py.File(path) as file:
                    rows = file["federated/clients"][()]
                np.testing.assert_allclose(rows["update_norm"], norms, rtol=1e-5)
                if "norm_bound" in names:
                    self.assertEqual(list(rows["cut"]), [1] * CLIENTS)

    def test_what_does_not_go_together(self) -> None:
        for settings, *parts in (
                (("federated.encoders=bfloat",), "did you mean bfloat16?"),
                (("federated.encoders=bfloat16,bfloat16",), "each once"),
                (("federated.encoders=norm_bound", "federated.aggregation=norm_bound"),
                 "federated.encoders = norm_bound", "brings norm_bound along already")):
            with self.subTest(settings):
                words = [word for setting in settings for word in ("--set", setting)]
                self.assert_refused(self.launch(0, *words, self.config), *parts)

    def test_dry_run_counts_what_is_rewritten(self) -> None:
        """Two vectors of floats where numbers change, none where a factor does."""
        shown = {names: self.launch(0, "--dry-run", "--set", f"federated.encoders={names}",
                                    "--set", "model.hidden=2000,2000", self.config).stdout
                 for names in ("", "norm_bound", "bfloat16")}
        memory = {names: next(line for line in text.splitlines() if line.startswith("; memory"))
                  for names, text in shown.items()}
        self.assertEqual(memory[""], memory["norm_bound"])
        self.assertNotEqual(memory[""], memory["bfloat16"])


if __name__ == "__main__":
    unittest.main()
