"""The report and the plot: files that stand alone, with pictures that show something."""

import base64
import io
import unittest
from html.parser import HTMLParser

import numpy as np
from matplotlib import image

from analysis import plot, report
from case import FolderCase, run_command
from synthetic import write_run

#: Attributes by which a page loads something.
_LOADING = {"src", "href", "srcset", "data", "poster", "action"}
_VOID = {"meta", "img", "br", "link", "input", "hr"}


class Page(HTMLParser):
    """What a page refers to, the pictures and anchors in it, and whether its tags are closed."""

    def __init__(self, text):
        super().__init__()
        self.references, self.pictures, self.anchors, self.open, self.text = [], [], set(), [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        if tag not in _VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name == "id":
                self.anchors.add(value)
            if name in _LOADING:
                (self.pictures if tag == "img" else self.references).append(value)

    def handle_endtag(self, tag):
        if not self.open or self.open.pop() != tag:
            raise AssertionError(f"</{tag}> closes nothing")

    def handle_data(self, data):
        self.text += data


def shades(png):
    """How many different colours a PNG has, at every third of its pixels."""
    pixels = image.imread(io.BytesIO(png), format="png")[::3, ::3]
    levels = np.rint(255 * pixels).astype(np.int64)
    return len(np.unique(levels @ 256 ** np.arange(pixels.shape[-1])))


class Report(FolderCase):
    def make(self, pattern="*.h5"):
        outcome = run_command(report.main, f"{self.folder}/{pattern}", "-o", self.folder / "report")
        self.assertEqual(outcome.code, 0, outcome.stderr)
        text = (self.folder / "report" / "index.html").read_text(encoding="utf-8")
        return outcome, text, Page(text)

    def assert_self_contained(self, text, page):
        self.assertEqual(page.open, [])
        self.assertLessEqual(
            {reference for reference in page.references}, {f"#{name}" for name in page.anchors}
        )
        for forbidden in ("<script", "<link", "@import", "url("):
            self.assertNotIn(forbidden, text)
        self.assertGreater(len(page.pictures), 0)
        for picture in page.pictures:
            self.assertTrue(picture.startswith("data:image/png;base64,"))
            self.assertGreater(shades(base64.b64decode(picture.partition(",")[2])), 5)

    def test_one_run(self):
        write_run(self.folder / "a.h5")
        outcome, text, page = self.make()
        self.assert_self_contained(text, page)
        self.assertEqual(outcome.stdout.strip(), str(self.folder / "report" / "index.html"))
        self.assertLessEqual(
            {
                "summary",
                "curves",
                "centralized",
                "clients",
                "labels",
                "confusion",
                "time",
                "runs",
                "configuration",
                "provenance",
            },
            page.anchors,
        )
        for fact in (
            "Open MPI v4.1.4",
            "node1, node2",
            "0123abc",
            "training.learning_rate",
            "E is the same in all runs",
        ):
            self.assertIn(fact, page.text)
        self.assertEqual(
            sorted(path.name for path in (self.folder / "report").iterdir()), ["index.html"]
        )

    def test_a_sweep_over_epochs_and_seeds(self):
        for epochs in (2, 3):
            for seed in (1, 2):
                write_run(
                    self.folder / f"{epochs}{seed}.h5",
                    {"training.epochs": epochs, "experiment.seed": seed},
                )
        _, text, page = self.make()
        self.assert_self_contained(text, page)
        self.assertLessEqual({"sweep", "rounds", "times"}, page.anchors)
        for fact in (
            "E=2",
            "mnist-fedavg E=3 seed=2",
            "4 runs",
            "2 conditions (training.epochs)",
            "\u00b1",
        ):
            self.assertIn(fact, page.text)

    def test_algorithms_and_partitions(self):
        for algorithm in ("fedavg", "fedprox"):
            for scheme in ("iid", "dirichlet"):
                config = {"federated.algorithm": algorithm, "partition.scheme": scheme}
                write_run(self.folder / f"{algorithm}-{scheme}.h5", config)
        _, text, page = self.make()
        self.assert_self_contained(text, page)
        self.assertIn("partition=dirichlet algorithm=fedprox", page.text)

    def test_many_conditions_and_ranks(self):
        for ranks in (2, 3, 5, 9, 17):
            write_run(
                self.folder / f"{ranks}.h5", {"partition.clients": 2 * (ranks - 1)}, ranks=ranks
            )
        _, text, page = self.make()
        self.assert_self_contained(text, page)
        self.assertIn("scaling", page.anchors)
        self.assertNotIn("curves", page.anchors)

    def test_unfinished_runs_are_noted(self):
        write_run(self.folder / "a.h5", status="interrupted", rounds=2, centralized=False)
        outcome, text, page = self.make()
        self.assert_self_contained(text, page)
        self.assertIn("notes", page.anchors)
        self.assertIn("note: mnist-fedavg was interrupted", outcome.stderr)

    def test_a_run_without_any_figure_still_has_a_report(self):
        write_run(
            self.folder / "a.h5",
            status="running",
            federated=False,
            centralized=False,
            skip=["partition/label_counts"],
        )
        _, text, page = self.make()
        self.assertEqual((page.open, page.pictures), ([], []))

    def test_text_from_results_is_escaped(self):
        name = "<script>alert('x')</script> & co"
        write_run(self.folder / "a.h5", {"experiment.name": name})
        _, text, page = self.make()
        self.assert_self_contained(text, page)
        self.assertIn(name, page.text)

    def test_wrong_input_leaves_no_report(self):
        outcome = run_command(report.main, f"{self.folder}/*.h5", "-o", self.folder / "report")
        self.assertEqual(outcome.code, 2)
        self.assertRegex(outcome.stderr, r"^error: no file matches [^\n]*\n$")
        self.assertEqual(self.names(), [])


class Plot(FolderCase):
    def test_a_png_that_shows_something(self):
        path = write_run(self.folder / "a.h5", {"data.validation_samples": 5000})
        target = self.folder / "pictures" / "curves.png"
        outcome = run_command(plot.main, path, "-o", target)
        self.assertEqual((outcome.code, outcome.stdout), (0, f"{target}\n"))
        self.assertGreater(shades(target.read_bytes()), 50)

    def test_other_formats_by_name(self):
        path = write_run(self.folder / "a.h5")
        for suffix, start in ((".svg", b"<?xml"), (".pdf", b"%PDF")):
            target = self.folder / f"curves{suffix}"
            self.assertEqual(run_command(plot.main, path, "-o", target).code, 0)
            self.assertTrue(target.read_bytes().startswith(start))

    def test_a_format_that_is_unknown(self):
        path = write_run(self.folder / "a.h5")
        outcome = run_command(plot.main, path, "-o", self.folder / "curves.h5")
        self.assertEqual(outcome.code, 2)
        self.assertIn("the name must end in one of", outcome.stderr)
        self.assertEqual(self.names(), ["a.h5"])

    def test_a_run_without_curves(self):
        path = write_run(self.folder / "a.h5", status="running", rounds=0, centralized=False)
        outcome = run_command(plot.main, path, "-o", self.folder / "curves.png")
        self.assertEqual(outcome.code, 2)
        self.assertIn("error: no run holds a test accuracy", outcome.stderr)
        self.assertEqual(self.names(), ["a.h5"])


if __name__ == "__main__":
    unittest.main()
