"""Numbers that leave their range are found before they are averaged."""

import unittest

import h5py
import numpy as np
from program import ProgramCase, write_data, make_samples


class Divergence(ProgramCase):
    """Client data with huge values make some clients diverge and spare the others."""

    def diverging(self, clients: int = 7) -> tuple[str, ...]:
        """Settings under which the clients that hold a poisoned sample diverge."""
        folder = self.folder / "poisoned"
        train = make_samples(self.TRAIN)
        images = train.images.astype(np.float32)
        images[:2] *= 1e30
        write_data(folder, train._replace(images=images),
                   self.test._replace(images=self.test.images.astype(np.float32)))
        return (f"data.path={folder}", f"partition.clients={clients}", "data.normalize=none",
                "partition.samples_per_client=0", "training.learning_rate=0.00001",
                "partition.stratified=false", "centralized.enabled=false")

    def refuse(self, ranks: int, *settings: str):
        overrides = [part for setting in settings for part in ("--set", setting)]
        return self.launch(ranks, "--overwrite", *overrides, self.config)

    def test_the_run_stops_with_client_round_and_reason(self):
        for ranks in (1, 3):
            outcome = self.refuse(ranks, *self.diverging())
            self.assertEqual(outcome.code, 1, outcome.stderr)
            self.assert_one_message_of_the_end(outcome, "round 1: client ", "diverged",
                                               "training.learning_rate")

    def assert_one_message_of_the_end(self, outcome, *parts: str) -> None:
        ours = [line for line in outcome.stderr.splitlines()
                if line.startswith("fedmpi: ") and "warning" not in line]
        self.assertEqual(len(ours), 1, outcome.stderr)
        for part in parts:
            self.assertIn(part, ours[0])

    def test_skipped_clients_leave_no_trace(self):
        settings = (*self.diverging(), "federated.on_divergence=skip",
                    "training.persistent_momentum=true")
        whole = self.run_small(1, *settings, output="whole.h5")
        with h5py.File(whole) as file:
            clients, rounds = file["federated/clients"][:], file["federated/rounds"][:]
            out = clients["diverged"] == 1
            self.assertGreater(out.sum(), 0)
            self.assertLess(out.sum(), len(out))
            self.assertTrue((clients["weight"][out] == 0).all())
            self.assertTrue(np.isnan(clients["update_norm"][out]).all())
            for row in rounds:
                mine = clients[clients["round"] == row["round"]]
                self.assertEqual(row["diverged"], mine["diverged"].sum())
                self.assertEqual(row["participants"], (mine["diverged"] == 0).sum())
                self.assertEqual(row["samples"], mine["samples"][mine["diverged"] == 0].sum())
                self.assertAlmostEqual(mine["weight"].sum(), 1, 12)
            self.assertTrue(np.isfinite(rounds["train_loss"]).all())
            for tensor in file["model/federated"].values():
                self.assertTrue(np.isfinite(tensor[:]).all())
        for ranks in (2, 4):
            self.assert_same(whole, self.run_small(ranks, *settings, output=f"{ranks}.h5"))
        self.run_small(2, *settings, "federated.rounds=2", output="parts.h5")
        parts = self.run_small(3, *settings, output="parts.h5", options=("--resume",))
        self.assert_same(whole, parts)

    def test_it_is_as_if_they_had_not_been_drawn(self):
        """One round of the others alone gives the same model, to the rounding of the sums."""
        settings = (*self.diverging(), "federated.rounds=1", "federated.tracked_clients=")
        path = self.run_small(2, *settings, "federated.on_divergence=skip")
        with h5py.File(path) as file:
            rows = file["federated/clients"][:]
            initial, final = file["model/initial"], file["model/federated"]
            squares = sum(((final[name][:].astype(float) - initial[name][:]) ** 2).sum()
                          for name in final)
            self.assertAlmostEqual(np.sqrt(squares), file["federated/rounds"]["update_norm"][0], 6)
            self.assertLessEqual(np.sqrt(squares),
                                 np.nanmax(rows["update_norm"]) * (1 + 1e-6))

    def test_rules_over_single_updates_never_see_them(self):
        """Five clients and two that diverge give the bits of the five alone."""
        poisoned, alone = 2, 5
        clients = [alone, alone + 1] + [i % alone for i in range(self.TRAIN - poisoned)]
        deal = self.write("clients.txt", "\n".join(map(str, clients)))
        settings = (*self.diverging(), "partition.scheme=file", f"partition.file={deal}",
                    "training.momentum=0", "federated.on_divergence=skip",
                    "federated.tolerated=0.2", "federated.tracked_clients=")
        for rule in ("median", "trimmed_mean", "krum", "multi_krum"):
            with self.subTest(rule):
                chosen = (*settings, f"federated.aggregation={rule}")
                paths = [self.run_small(ranks, *chosen, f"partition.clients={count}",
                                        output=f"{rule}-{count}-{ranks}.h5")
                         for count, ranks in ((alone, 2), (alone + poisoned, 1),
                                              (alone + poisoned, 4))]
                reference, *others = [self.federated_result(path) for path in paths]
                for other in others:
                    self.assertEqual(reference.keys(), other.keys())
                    for name, values in reference.items():
                        self.assertEqual(values, other[name], name)
                with h5py.File(paths[-1]) as file:
                    self.assertTrue((file["federated/rounds"]["diverged"] == poisoned).all())

    @staticmethod
    def federated_result(path) -> dict[str, bytes]:
        """The final model, and what the rounds made of it."""
        with h5py.File(path) as file:
            found = {name: tensor[:].tobytes() for name, tensor in file["model/federated"].items()}
            for column in ("test_loss", "update_norm"):
                found[column] = file["federated/rounds"][column].tobytes()
        return found

    def test_all_clients_diverged(self):
        for ranks, rule in ((1, "mean"), (3, "mean"), (3, "median"), (3, "krum")):
            outcome = self.refuse(ranks, "training.learning_rate=1000", "training.epochs=30",
                                  "data.normalize=none", "centralized.enabled=false",
                                  "federated.on_divergence=skip", f"federated.aggregation={rule}")
            self.assertEqual(outcome.code, 1, outcome.stderr)
            self.assert_one_message_of_the_end(outcome, "round 1: all 7 clients diverged")
            with h5py.File(self.folder / "run.h5") as file:
                self.assertEqual(len(file["federated/rounds"]), 0)

    def test_clients_without_some_classes(self):
        settings = ("partition.scheme=shards", "partition.shards_per_client=1",
                    "partition.samples_per_client=0")
        for weighting in ("samples", "uniform"):
            path = self.run_small(3, *settings, f"federated.weighting={weighting}")
            with h5py.File(path) as file:
                self.assertTrue((file["partition/label_counts"][:] == 0).any())
                rows = file["federated/clients"][:]
                self.assertEqual(rows["diverged"].sum(), 0)
                self.assertTrue(np.isfinite(rows["train_loss"]).all())

    def test_a_round_in_which_nobody_is_drawn(self):
        settings = ("federated.sampling=poisson", "federated.participation=0.02",
                    "federated.on_divergence=skip", "federated.rounds=12")
        whole = self.run_small(1, *settings, output="whole.h5")
        with h5py.File(whole) as file:
            rounds = file["federated/rounds"][:]
            empty = rounds["participants"] == 0
            self.assertTrue(empty.any() and not empty.all())
            self.assertTrue((rounds["update_norm"][empty] == 0).all())
            self.assertTrue(np.isfinite(rounds["test_loss"]).all())
        self.assert_same(whole, self.run_small(3, *settings, output="three.h5"))


if __name__ == "__main__":
    unittest.main()
