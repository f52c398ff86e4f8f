"""The two studies in small on a real Slurm, and their tables and notebooks over the results."""

import importlib.util
import os
import unittest
from pathlib import Path
from typing import List
from unittest import mock

from case import SMALL, SlurmCase, attribute, bits, pictures

import analysis
from analysis import execute, mcmahan, skew

_CAN_EXECUTE = all(importlib.util.find_spec(name) for name in ("nbconvert", "ipykernel"))

#: A round of three of six clients, and a CNN of a size that trains in a moment.
TINY = [
    *SMALL,
    *"-s federated.clients_per_round=3 -s training.epochs=1 -s federated.tracked_clients=".split(),
    *"-s model.filters=2,4 -s model.dense=8".split(),
]


class Studies(SlurmCase):
    def run_study(self, study: str, elements: int, **environment: str) -> analysis.Study:
        """Submit all elements of a study; its results, once all have ended well."""
        job = self.submit(f"jobs/{study}.sbatch", *TINY, **environment)
        self.cluster.wait(job)
        for i in range(1, elements + 1):
            self.assert_ended(f"{job}_{i}", "COMPLETED", "0:0", f"fedmpi-{study}-{job}_{i}.log")
        return analysis.load(f"{self.folder(study)}/*.h5")

    def folder(self, study: str) -> Path:
        return self.work / "results" / study

    def assert_runs(self, study: str, names: List[str]) -> None:
        """These results files and no others are there, all of them complete."""
        files = sorted(self.folder(study).glob("*.h5"))
        self.assertEqual([file.stem for file in files], sorted(names))
        self.assertEqual({attribute(file, "status") for file in files}, {"complete"})

    def assert_notebook_draws(self, notebook: str, study: str, expected: int) -> None:
        """It runs to its end, which an empty plot prevents, and shows its pictures."""
        if not _CAN_EXECUTE:
            self.skipTest("needs nbconvert and ipykernel")
        where = {"FEDMPI_RESULTS": f"{self.folder(study)}/*.h5"}
        with mock.patch.dict(os.environ, where):
            execute.execute([execute.FOLDER / notebook], self.work)
        self.assertEqual(pictures(self.work / notebook), expected)

    def test_mcmahans_table(self) -> None:
        study = self.run_study("mcmahan", 4, LEARNING_RATES="0.1 0.2")
        rows = ("mlp-iid", "mlp-shards", "cnn-iid", "cnn-shards")
        self.assert_runs("mcmahan", [f"{r}-lr{lr}-seed1" for r in rows for lr in ("0.1", "0.2")])
        for kind, scheme, rate in study.runs[
            ["model.type", "partition.scheme", "training.learning_rate"]
        ].itertuples(index=False):
            file = self.folder("mcmahan") / f"{kind}-{scheme}-lr{rate}-seed1.h5"
            self.assertTrue(file.exists(), file)
        table = mcmahan.table(study)
        self.assertTrue(table["rounds"].str.match(r"> 3$|[123]\.\d").all(), table)
        self.assertTrue(table["best accuracy"].astype(float).between(0.05, 1).all(), table)
        self.assert_notebook_draws("04-mcmahan-table.ipynb", "mcmahan", 1)

    def test_algorithms_under_skew(self) -> None:
        study = self.run_study("skew", 5, SEEDS="1 2")
        algorithms = ("fedavg", "fedprox", "scaffold", "feddyn", "fedadam")
        self.assert_runs(
            "skew",
            [f"{name}-alpha{a}-seed{s}" for name in algorithms for a in ("0.1", "1") for s in "12"],
        )
        table = skew.table(study)
        names = ["FedAdam", "FedAvg", "FedDyn", "FedProx", "SCAFFOLD"]
        for alpha in ("0.1", "1"):
            part = table[table["alpha"] == alpha]
            self.assertEqual(sorted(part["algorithm"]), names)
        self.assertEqual(set(table["seeds"]), {"2"})
        self.assert_notebook_draws("05-algorithms-under-skew.ipynb", "skew", 2)

    def test_element_without_slurm_is_that_of_slurm(self) -> None:
        """Twice by bash alone, the second time finding all done, and once by Slurm."""
        script = ["jobs/mcmahan.sbatch", *TINY]
        settings = {"LEARNING_RATES": "0.1", "FEDMPI_RANKS": "2"}
        alone = {"SLURM_ARRAY_TASK_ID": "1", "STUDY": "results/bash", **settings}
        for _ in range(2):
            self.cluster.run("bash", *script, **alone)
        job = self.submit("--array=1", *script, STUDY="results/slurm", **settings)
        self.cluster.wait(job)
        (bash,), (slurm,) = (sorted(self.folder(name).glob("*.h5")) for name in ("bash", "slurm"))
        self.assertEqual(bash.name, slurm.name)
        self.assertEqual(bits(bash), bits(slurm))

    def test_rows_that_do_not_exist_are_refused(self) -> None:
        for study, element in (("mcmahan", "5"), ("skew", "6")):
            with self.assertRaisesRegex(RuntimeError, f"exit 2.*--array={element}"):
                self.cluster.run("bash", f"jobs/{study}.sbatch", SLURM_ARRAY_TASK_ID=element)


if __name__ == "__main__":
    unittest.main()
