"""The notebooks and the sweep's table on results that the job scripts have just made."""

import importlib.util
import json
import os
import subprocess
import sys
import unittest
from pathlib import Path

import h5py
from case import TOP, SlurmCase, pictures

NOTEBOOKS = TOP / "analysis" / "notebooks"
MNIST = TOP / "data" / "mnist"

#: The study in small; the tracked clients and the baseline are its own.
STUDY = (
    "-s partition.clients=10 -s partition.samples_per_client=50 -s model.hidden=32 "
    "-s federated.rounds=3 -s centralized.data=clients"
).split()

_CAN_EXECUTE = all(importlib.util.find_spec(name) for name in ("nbconvert", "ipykernel"))


@unittest.skipUnless(_CAN_EXECUTE, "needs nbconvert and ipykernel")
class NotebooksOnRealResults(SlurmCase):
    data: Path

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.data = MNIST if MNIST.is_dir() else cls.cluster.work / "data" / "mnist"
        settings = [*STUDY, "-s", f"data.path={cls.data}"]
        sweep = {"SEEDS": "1 2", "MOMENTUM": "fresh persistent"}
        scaling = {"FEDMPI_RANKS": "3", "CLIENTS_PER_RANK": "2"}
        submit = ["jobs/submit.sh", "--parsable"]
        jobs = [
            cls.cluster.run(*submit, "--array=1,2", "jobs/sweep.sbatch", *settings, **sweep),
            cls.cluster.run(*submit, "jobs/strong-scaling.sbatch", *settings, **scaling),
            cls.cluster.run(*submit, "jobs/weak-scaling.sbatch", *settings, **scaling),
        ]
        cls.cluster.complete(*map(str.strip, jobs))

    def analyse(self, module: str, *arguments: str, results: str = "") -> subprocess.CompletedProcess:
        return subprocess.run(
            [sys.executable, "-m", f"analysis.{module}", *arguments],
            cwd=self.work,
            env={**os.environ, "FEDMPI_RESULTS": results, "FEDMPI_DATA": str(self.data)},
            capture_output=True,
            text=True,
            timeout=240,
            check=False,
        )

    def assert_executes(self, results: str, *names: str) -> None:
        """The notebooks run on these results, and every plot of theirs is a picture."""
        notebooks = [str(NOTEBOOKS / f"{name}.ipynb") for name in names]
        done = self.analyse("execute", *notebooks, "-o", "executed", results=results)
        self.assertEqual(done.returncode, 0, done.stderr)
        for name in names:
            executed = self.work / "executed" / f"{name}.ipynb"
            cells = json.loads(executed.read_text(encoding="utf-8"))["cells"]
            plots = sum("figures.assert_drawn(" in "".join(cell["source"]) for cell in cells)
            self.assertGreater(plots, 0, name)
            self.assertEqual(pictures(executed), plots, name)

    def test_the_sweep(self) -> None:
        self.assert_executes("results/paper/*.h5", "01-first-look", "02-paper-figures")

    def test_scaling(self) -> None:
        self.assert_executes("results/*-scaling/*.h5", "03-scaling")

    def test_results_without_what_a_figure_needs_fail(self) -> None:
        notebook = str(NOTEBOOKS / "02-paper-figures.ipynb")
        results = "results/strong-scaling/*.h5"  # without the baseline and tracked clients
        done = self.analyse("execute", notebook, "-o", "failed", results=results)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn("NothingToDraw: no run holds a centralized baseline", done.stderr)
        self.assertFalse((self.work / "failed" / "02-paper-figures.ipynb").exists())

    def test_the_table_has_the_means_over_the_files(self) -> None:
        folder = self.work / "results" / "paper"
        done = self.analyse("table", *map(str, folder.glob("*.h5")))
        self.assertEqual(done.returncode, 0, done.stderr)
        lines = done.stdout.splitlines()
        for row, (epochs, momentum) in enumerate(
            (epochs, momentum) for epochs in (1, 2) for momentum in ("fresh", "persistent")
        ):
            federated, centralized = 0.0, 0.0
            for seed in (1, 2):
                with h5py.File(folder / f"E{epochs:02d}-{momentum}-seed{seed}.h5") as file:
                    federated += file["federated/rounds"]["test_accuracy"][-1] / 2
                    centralized += file["centralized/epochs"]["test_accuracy"][-1] / 2
            cells = [cell.strip() for cell in lines[2 + row].strip("|").split("|")]
            self.assertEqual(cells[:3], [str(epochs), momentum, "2"])
            self.assertAlmostEqual(float(cells[3].split()[0]), federated, delta=6e-5)
            self.assertAlmostEqual(float(cells[4].split()[0]), centralized, delta=6e-5)


if __name__ == "__main__":
    unittest.main()
