"""The same configuration gives the same results, bit for bit, whatever runs it."""

import re
import unittest

import h5py
import numpy as np
from program import ROOT, ProgramCase, same_everywhere

CASES = {
    "all clients": (),
    "five of seven": ("federated.clients_per_round=5",),
    "fewer than ranks": ("federated.clients_per_round=2",),
    "momentum that persists": ("training.persistent_momentum=true",
                               "federated.clients_per_round=4"),
    "uniform weights, validation": ("federated.weighting=uniform", "data.validation_samples=50",
                                    "data.normalize=standard", "federated.evaluate_every=3"),
    "no baseline, nobody tracked": ("centralized.enabled=false", "federated.tracked_clients="),
    "a baseline on everything": ("centralized.data=all", "centralized.epochs=3",
                                 "training.weight_decay=0.01"),
    "Adam": ("training.optimizer=adam", "training.learning_rate=0.01", "training.weight_decay=0.01",
             "training.clip_norm=1", "federated.clients_per_round=4"),
    "AdamW and a proximal term": ("training.optimizer=adamw", "training.weight_decay=0.01",
                                  "federated.algorithm=fedprox"),
    "OpenBLAS": ("model.gemm=openblas", "federated.clients_per_round=5"),
}


class SameBits(ProgramCase):
    def check(self, ranks: tuple, *settings: str) -> None:
        """One rank is the oracle; the others alternate between the collectives."""
        alone = self.run_small(1, *settings, output="alone.h5")
        for number, n in enumerate(ranks):
            collective = ("reduce", "gather")[number % 2]
            path = self.run_small(n, f"federated.collective={collective}", *settings,
                                  output=f"{n}-{collective}.h5")
            self.assert_same(alone, path, f"{n} ranks, {collective}")

    def test_every_case_on_any_ranks(self):
        for number, (name, settings) in enumerate(CASES.items()):
            with self.subTest(name):
                self.check((2, 3, 6) if number == 0 else (2 + number % 3, 6), *settings)

    def test_results_say_whose_products_they_are(self):
        for gemm, said in (("own", "fc1: own; fc2: own"), ("openblas", "fc1: openblas; fc2: openblas")):
            with self.subTest(gemm):
                path = self.run_small(1, f"model.gemm={gemm}", "federated.rounds=1",
                                      output=f"{gemm}.h5")
                with h5py.File(path) as file:
                    self.assertTrue(file["model"].attrs["gemm"].decode().startswith(said))

    def test_both_collectives(self):
        gather = self.run_small(4, "federated.collective=gather", output="gather.h5")
        self.assert_same(gather, self.run_small(4, "federated.collective=reduce"))

    def test_more_ranks_than_clients(self):
        self.check((3, 6), "partition.clients=2", "federated.tracked_clients=1")

    def test_default_tracked_clients_that_are_not_there_are_left_out(self):
        self.config.write_text(re.sub("tracked_clients.*\n", "", self.config.read_text()))
        self.check((2,), "partition.clients=3")
        with h5py.File(self.folder / "alone.h5") as file:
            self.assertEqual(set(file["federated/local_epochs"]["client"]), {0, 1, 2})
            self.assertEqual(bytes(file["config"].attrs["federated.tracked_clients"]), b"0,1,2")

    def test_a_client_with_everything_is_the_baseline(self):
        for optimizer in ("sgd", "adam", "adamw"):
            with self.subTest(optimizer):
                self.check_baseline(f"training.optimizer={optimizer}", "training.weight_decay=0.01",
                                    output=f"{optimizer}.h5")

    def check_baseline(self, *settings: str, output: str) -> None:
        path = self.run_small(2, "partition.clients=1", "partition.samples_per_client=0",
                              "federated.rounds=1", "federated.tracked_clients=0",
                              "training.epochs=4", *settings, output=output)
        found = same_everywhere(path)
        for column in ("train_loss", "train_accuracy", "test_loss", "test_accuracy"):
            np.testing.assert_array_equal(found[f"federated/local_epochs.{column}"],
                                          found[f"centralized/epochs.{column}"])
        with h5py.File(path) as file:
            for name, tensor in file["model/federated"].items():
                np.testing.assert_allclose(tensor[:], file["model/centralized"][name][:],
                                           rtol=0, atol=1e-7)

    def test_the_seed_decides(self):
        first = same_everywhere(self.run_small(1))
        second = same_everywhere(self.run_small(1, "experiment.seed=2", output="other.h5"))
        for name in ("model/initial/fc1.weight", "model/federated/fc1.weight",
                     "model/centralized/fc1.weight"):
            self.assertNotEqual(first[name].tobytes(), second[name].tobytes(), name)

    @unittest.skipUnless((ROOT / "data/mnist").exists(), "no data/mnist; make data fetches it")
    def test_mnist(self):
        self.check((2, 4), "data.dataset=mnist", f"data.path={ROOT}/data/mnist",
                   "data.train_limit=3000", "partition.clients=12",
                   "partition.samples_per_client=100", "model.hidden=40", "training.epochs=1",
                   "federated.rounds=2", "federated.tracked_clients=")


if __name__ == "__main__":
    unittest.main()
