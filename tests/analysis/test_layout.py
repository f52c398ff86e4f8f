"""Figures as they are printed: nothing is clipped or covered, and text stays text."""

import re
import unittest
import zlib

import matplotlib
from matplotlib.backends.backend_agg import FigureCanvasAgg

import analysis
from analysis import figures, plot
from case import FolderCase, run_command
from synthetic import write_run

#: A pixel or two that letters may stand over.
SLACK = 3


def boxes(figure):
    """After a drawing: the boxes of titles, labels, small print and legend, by what they say."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    renderer = canvas.get_renderer()
    found = [(text.get_text(), text.get_window_extent(renderer)) for text in figure.texts]
    for legend in figure.legends:
        found.append(("legend", legend.get_window_extent(renderer)))
    for axes in figure.axes:
        if axes.get_visible():
            for text in (axes.title, axes._left_title, axes.xaxis.label, axes.yaxis.label):
                if text.get_text():
                    found.append((text.get_text(), text.get_window_extent(renderer)))
            found.append(("panel", axes.get_window_extent(renderer)))
    return found


def overlap(one, other):
    width = min(one.x1, other.x1) - max(one.x0, other.x0)
    height = min(one.y1, other.y1) - max(one.y0, other.y0)
    return width > SLACK and height > SLACK


class Layout(FolderCase):
    def study(self):
        """Three conditions with long names, over two seeds and two numbers of ranks."""
        for i, (scheme, algorithm) in enumerate(
            (("iid", "fedavg"), ("dirichlet", "fedavg"), ("dirichlet", "scaffold"))
        ):
            for seed in (1, 2):
                config = {
                    "partition.scheme": scheme,
                    "federated.algorithm": algorithm,
                    "training.learning_rate": 0.01 * (i + 1),
                    "experiment.seed": seed,
                }
                write_run(self.folder / f"{i}{seed}.h5", config, ranks=3 * seed)
        for ranks in (2, 4):
            write_run(self.folder / f"r{ranks}.h5", ranks=ranks)
            private = {"privacy.mechanism": "gaussian", "privacy.noise_multiplier": ranks}
            write_run(self.folder / f"p{ranks}.h5", private)
        return analysis.load(f"{self.folder}/*.h5")

    def test_nothing_is_clipped_or_covered(self):
        study = self.study()
        for name in figures.OF_A_STUDY:
            for width in figures.style.WIDTHS:
                with self.subTest(f"{name}, {width}"):
                    figure = getattr(figures, name)(study, width=width)
                    self.assertEqual(figure.get_figwidth(), figures.style.WIDTHS[width])
                    self.assert_in_view_and_apart(figure)
                    self.assert_axes_are_named(figure)

    def assert_in_view_and_apart(self, figure):
        found = boxes(figure)
        width, height = figure.bbox.size
        for text, box in found:
            self.assertGreaterEqual(min(box.x0, box.y0), -SLACK, text)
            self.assertLessEqual(box.x1, width + SLACK, text)
            self.assertLessEqual(box.y1, height + SLACK, text)
        for i, (text, box) in enumerate(found):
            for other, its_box in found[i + 1 :]:
                self.assertFalse(overlap(box, its_box), f"{text!r} and {other!r}")

    def assert_axes_are_named(self, figure):
        for axes in figure.axes:
            if axes.get_visible() and axes.get_label() != "<colorbar>":
                named = axes.get_ylabel() or any(
                    label.get_text() for label in axes.get_yticklabels() if "=" in label.get_text()
                )
                shared = axes.get_shared_y_axes().get_siblings(axes)
                self.assertTrue(named or len(shared) > 1, axes.get_title("left"))

    def test_type_is_as_large_as_a_captions_in_every_width(self):
        study = analysis.load(write_run(self.folder / "a.h5"))
        for width in figures.style.WIDTHS:
            figure = figures.global_model(study, width=width)
            for axes in figure.axes:
                for text in (axes.xaxis.label, axes.yaxis.label, *axes.get_xticklabels()):
                    self.assertGreaterEqual(text.get_fontsize(), 7)

    def test_a_caption_takes_the_place_of_the_title(self):
        study = analysis.load(write_run(self.folder / "a.h5"))
        titled, bare = (figures.global_model(study, title=title) for title in (True, False))
        self.assertGreater(titled.get_figheight(), bare.get_figheight())
        self.assertFalse([text for text in bare.texts if "Global" in text.get_text()])

    def test_widths_that_are_none(self):
        path = write_run(self.folder / "a.h5")
        for width in ("wide", "0.5", "nan"):
            outcome = run_command(plot.main, path, "-o", self.folder / "x.pdf", "--width", width)
            self.assertEqual(outcome.code, 2, width)
            self.assertIn("page, column or 2 to 40 inches", outcome.stderr)


class Text(FolderCase):
    def draw(self, suffix):
        target = self.folder / f"x{suffix}"
        path = write_run(self.folder / "a.h5")
        options = ["--figure", "global_model", "--width", "column", "--no-title"]
        outcome = run_command(plot.main, path, "-o", target, *options)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        return target.read_bytes()

    def test_a_pdf_holds_truetype_fonts(self):
        content = self.draw(".pdf")
        streams = re.findall(rb"stream\r?\n(.*?)\r?\nendstream", content, re.DOTALL)
        for stream in streams:
            try:
                content += zlib.decompress(stream)
            except zlib.error:
                continue
        self.assertIn(b"/FontFile2", content)  # TrueType
        self.assertNotIn(b"/Type3", content)

    def test_an_svg_holds_text(self):
        self.assertRegex(self.draw(".svg").decode(), r"<text[^>]*>Communication round</text>")

    def test_the_callers_settings_stay(self):
        before = dict(matplotlib.rcParams)
        self.draw(".pdf")
        self.assertEqual(dict(matplotlib.rcParams), before)


if __name__ == "__main__":
    unittest.main()
