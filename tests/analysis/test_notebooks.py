"""The notebooks: their source, and that they run headless and fail when a plot is empty."""

import ast
import importlib.util
import json
import os
import unittest
from unittest import mock

import numpy as np

from analysis import execute
from case import FolderCase, run_command
from synthetic import write_idx, write_run

NOTEBOOKS = sorted(execute.FOLDER.glob("*.ipynb"))
_CAN_EXECUTE = all(importlib.util.find_spec(name) for name in ("nbconvert", "ipykernel"))


def code_cells(notebook):
    """The code cells of a notebook, without the lines that only IPython knows."""
    cells = json.loads(notebook.read_text(encoding="utf-8"))["cells"]
    for cell in cells:
        if cell["cell_type"] == "code":
            yield "".join(line for line in cell["source"] if not line.startswith("%"))


class Source(unittest.TestCase):
    def test_they_are_numbered(self):
        numbers = [path.name[:2] for path in NOTEBOOKS]
        self.assertEqual(numbers, ["01", "02", "03", "04", "05"])

    def test_every_plot_is_followed_by_its_assertion(self):
        for notebook in NOTEBOOKS:
            for cell in code_cells(notebook):
                ast.parse(cell)
                plots = cell.count("figure = figures.")
                self.assertEqual(
                    cell.count("figures.assert_drawn(figure)"), plots, f"{notebook.name}: {cell}"
                )


@unittest.skipUnless(_CAN_EXECUTE, "needs nbconvert and ipykernel")
class Execution(FolderCase):
    def execute(self, results, *notebooks):
        environment = {"FEDMPI_RESULTS": results, "FEDMPI_DATA": str(self.folder / "data")}
        with mock.patch.dict(os.environ, environment):
            return run_command(execute.main, *notebooks, "-o", self.folder / "executed")

    def test_all_run_and_carry_pictures(self):
        random = np.random.default_rng(1)
        write_idx(self.folder / "data", random.integers(0, 256, (20, 28, 28)), np.arange(20) % 10)
        for ranks in (2, 3):
            for epochs in (2, 3):
                config = {"training.epochs": epochs, "partition.clients": 4}
                write_run(self.folder / "results" / f"{ranks}-{epochs}.h5", config, ranks=ranks)
        write_run(self.folder / "results" / "skewed.h5", {"partition.scheme": "dirichlet"})
        outcome = self.execute(f"{self.folder}/results/*.h5")
        self.assertEqual(outcome.code, 0, outcome.stderr)
        for notebook in NOTEBOOKS:
            executed = json.loads(
                (self.folder / "executed" / notebook.name).read_text(encoding="utf-8")
            )
            outputs = [output for cell in executed["cells"] for output in cell.get("outputs", [])]
            pictures = [output for output in outputs if "image/png" in output.get("data", {})]
            plots = sum(cell.count("figures.assert_drawn") for cell in code_cells(notebook))
            self.assertEqual(len(pictures), plots, notebook.name)

    def test_an_empty_plot_fails_and_leaves_nothing(self):
        write_run(self.folder / "a.h5", skip=["partition/label_counts"])
        outcome = self.execute(f"{self.folder}/a.h5", NOTEBOOKS[0])
        self.assertEqual(outcome.code, 2)
        self.assertIn("NothingToDraw", outcome.stderr)
        self.assertIn("01-first-look.ipynb: not executed", outcome.stderr)
        self.assertFalse((self.folder / "executed" / "01-first-look.ipynb").exists())

    def test_without_a_scaling_series_the_notebook_says_so_and_goes_on(self):
        write_run(self.folder / "a.h5")
        outcome = self.execute(f"{self.folder}/a.h5", NOTEBOOKS[2])
        self.assertEqual(outcome.code, 0, outcome.stderr)
        text = (self.folder / "executed" / NOTEBOOKS[2].name).read_text(encoding="utf-8")
        self.assertIn("No two runs make a scaling series: the same configuration", text)
        self.assertEqual(text.count('"image/png"'), 1)  # what a round is made of

    def test_studies_without_accuracies_fail(self):
        write_run(self.folder / "a.h5", federated=False, status="running")
        for notebook in NOTEBOOKS[3:]:
            with self.subTest(notebook.name):
                outcome = self.execute(f"{self.folder}/a.h5", notebook)
                self.assertEqual(outcome.code, 2)
                self.assertIn("NothingToDraw", outcome.stderr)

    def test_a_missing_notebook(self):
        outcome = self.execute("x.h5", self.folder / "none.ipynb")
        self.assertEqual(outcome.code, 2)
        self.assertIn("no such notebook", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
