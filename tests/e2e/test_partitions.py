"""Every partition scheme in the whole program: same bits on any ranks, skew as NumPy has it."""

import re
import unittest
from pathlib import Path

import h5py
import numpy as np
from program import ProgramCase

SCHEMES = {
    "iid": ["partition.stratified=false"],
    "dirichlet": ["partition.alpha=0.3"],
    "dirichlet, classes split": ["partition.scheme=dirichlet", "partition.alpha=0.3",
                                 "partition.dirichlet_form=class_split"],
    "shards": ["partition.shards_per_client=3"],
    "quantity": ["partition.min_samples=3"],
    "quantity, power": ["partition.scheme=quantity", "partition.quantity_law=power"],
    "feature": ["partition.feature_noise=0.2", "partition.feature_intensity=0.3",
                "partition.stratified=false"],
}


def model(path: Path) -> dict[str, np.ndarray]:
    """The federated model's tensors."""
    with h5py.File(path) as file:
        return {name: tensor[:] for name, tensor in file["model/federated"].items()}


class Partitions(ProgramCase):
    """What holds for each scheme."""

    def run_scheme(self, name: str, settings: list[str], ranks: int) -> Path:
        return self.run_small(ranks, f"partition.scheme={name.split(',')[0]}", *settings,
                              "federated.rounds=2", output=f"{ranks}.h5")

    def check_skew(self, path: Path) -> None:
        """The same from the counts alone, as the papers define it."""
        with h5py.File(path) as file:
            counts = file["partition/label_counts"][:].astype(float)
            rows = file["partition/clients"][:]
            samples = file["federated/rounds"][-1]["samples"]
        shares = counts / counts.sum(axis=1, keepdims=True)
        everybody = counts.sum(axis=0) / counts.sum()
        entropy = -np.sum(shares * np.log(np.where(shares > 0, shares, 1)), axis=1)
        np.testing.assert_array_equal(rows["client"], np.arange(len(counts)))
        np.testing.assert_array_equal(rows["samples"], counts.sum(axis=1))
        np.testing.assert_allclose(rows["emd"], np.abs(shares - everybody).sum(axis=1), atol=1e-12)
        np.testing.assert_allclose(rows["effective_classes"], np.exp(entropy))
        self.assertEqual(samples, counts.sum())

    def test_same_bits_on_any_ranks(self) -> None:
        for name, settings in SCHEMES.items():
            with self.subTest(name):
                paths = [self.run_scheme(name, settings, ranks) for ranks in (1, 2, 5)]
                models = [model(path) for path in paths]
                for other in models[1:]:
                    for tensor, values in models[0].items():
                        np.testing.assert_array_equal(values, other[tensor])
                self.check_skew(paths[0])

    def test_ends_of_the_concentration(self) -> None:
        """alpha to 0: a single class a client; to infinity: everybody has all of them."""
        few = ("partition.clients=4", "partition.samples_per_client=10", "federated.rounds=1",
               "federated.tracked_clients=")  # so few that no class runs out
        mean = {}
        for alpha in ("1e-6", "1e9"):
            path = self.run_small(0, "partition.scheme=dirichlet", f"partition.alpha={alpha}", *few)
            with h5py.File(path) as file:
                mean[alpha] = file["partition/clients"]["effective_classes"].mean()
        self.assertAlmostEqual(mean["1e-6"], 1)
        self.assertGreater(mean["1e9"], 4)

    def test_levelling_is_told(self) -> None:
        """Clients filled up to min_samples are less skewed than alpha asks for."""
        settings = ("partition.scheme=dirichlet", "partition.dirichlet_form=class_split",
                    "partition.alpha=0.05", "partition.clients=40",
                    "partition.samples_per_client=0", "federated.tracked_clients=")
        told = {}
        for minimum in (1, 9):
            sets = [part for setting in (*settings, f"partition.min_samples={minimum}")
                    for part in ("--set", setting)]
            told[minimum] = self.launch(0, "--dry-run", *sets, self.config).stderr
        self.assertRegex(told[9], r"partition.min_samples = 9: \d+ of 40 clients had fewer and took "
                                  r"\d+ samples from the largest, which lessens the skew; effective "
                                  r"classes of a client before [\d.]+, after [\d.]+")
        before, after = (float(word) for word in
                         re.search(r"before ([\d.]+), after ([\d.]+)", told[9]).groups())
        path = self.run_small(0, *settings, "partition.min_samples=9", "federated.rounds=1")
        with h5py.File(path) as file:
            self.assertAlmostEqual(file["partition/clients"]["effective_classes"].mean(), after,
                                   delta=0.006)
        self.assertNotEqual(before, after)


if __name__ == "__main__":
    unittest.main()
