"""The table of a sweep, against values worked out by hand, and its place in a file."""

import re
import unittest
from datetime import datetime, timedelta, timezone

from analysis import table
from case import FolderCase, run_command
from synthetic import PAPER, write_run

HEAD = "| E | momentum | seeds | federated | centralized | seconds a run |"
RULE = "|-----------|------------|---------|-----------------|-----------------|-----------------|"
PUBLISHED = "| published | | | 0.93 to 0.94 | 0.97 to 0.98 | |"


def squeezed(text):
    """The lines of a table without the blanks that align its columns."""
    return [re.sub(" +", " ", line) for line in text.splitlines()]


class Table(FolderCase):
    def write(
        self, epochs, seed, federated, baseline=0.97, kept=False, seconds=60, more=(), **options
    ):
        """A run of so many seconds with these final accuracies, and more attributes."""
        config = {
            "training.epochs": epochs,
            "experiment.seed": seed,
            "training.persistent_momentum": str(kept).lower(),
            **PAPER,
            **options.pop("config", {}),
        }
        start = datetime(2026, 11, 23, 19, tzinfo=timezone.utc)
        finish = start + timedelta(seconds=seconds)
        times = {"started": start.isoformat(), "finished": finish.isoformat()}
        write_run(
            self.folder / f"{epochs}-{kept}-{seed}.h5",
            config,
            test_accuracy=federated,
            centralized_accuracy=baseline,
            attributes={**times, **dict(more)},
            **options,
        )

    def run_table(self, *options):
        return run_command(table.main, f"{self.folder}/*.h5", *options)

    def lines(self):
        outcome = self.run_table()
        self.assertEqual(outcome.code, 0, outcome.stderr)
        return squeezed(outcome.stdout)

    def test_a_sweep_over_epochs_seeds_and_momentum(self):
        # Means of 0.93, 0.94, 0.95 and 0.97, 0.972, 0.974: deviations 0.01 and 0.002.
        for seed, federated, baseline in ((1, 0.93, 0.97), (2, 0.94, 0.972), (3, 0.95, 0.974)):
            self.write(5, seed, federated, baseline, seconds=60 + 2 * seed)
        # 0.92 and 0.94 lie 0.01 from their mean: deviation 0.01 * sqrt(2) = 0.0141.
        for seed, federated in ((1, 0.92), (2, 0.94)):
            self.write(5, seed, federated, kept=True, seconds=100)
        self.write(10, 1, 0.96, seconds=1000)
        self.assertEqual(
            self.lines(),
            [
                HEAD,
                RULE,
                "| 5 | fresh | 3 | 0.9400 \u00b1 0.0100 | 0.9720 \u00b1 0.0020 | 64 |",
                "| 5 | persistent | 2 | 0.9300 \u00b1 0.0141 | 0.9700 \u00b1 0.0000 | 100 |",
                "| 10 | fresh | 1 | 0.9600 | 0.9700 | 1,000 |",
                PUBLISHED,
                "",
                "Final test accuracy: mean \u00b1 standard deviation over seeds; runs: 6; ranks: 6; "
                "CPU: AMD EPYC; seconds in all: 1,392.",
            ],
        )

    def test_other_keys_that_differ_have_columns(self):
        for rate in (0.01, 0.1):
            config = {"training.learning_rate": rate}
            self.write(5, 1, 0.93, kept=rate == 0.1, config=config)
        head, _, *rows = self.lines()
        self.assertTrue(head.startswith("| E | momentum | lr | seeds |"))
        self.assertTrue(rows[0].startswith("| 5 | fresh | 0.01 | 1 | 0.9300 |"), rows)
        self.assertTrue(rows[1].startswith("| 5 | persistent | 0.1 | 1 | 0.9300 |"), rows)

    def test_what_the_study_published_stands_beside_its_own_runs_only(self):
        for key, value in (
            ("data.dataset", "fashion-mnist"),
            ("partition.scheme", "shards"),
            ("model.type", "cnn"),
            ("federated.rounds", 5),
        ):
            self.write(5, 1, 0.8, config={key: value})
            self.assertNotIn("published", "\n".join(self.lines()), key)
        self.write(5, 1, 0.8)
        self.assertIn(PUBLISHED, self.lines())

    def test_keys_that_share_a_symbol_have_columns_of_their_own(self):
        for seed, alpha in ((1, 0.1), (2, 1)):
            config = {"partition.alpha": alpha, "federated.alpha": alpha}
            self.write(5, seed, 0.8, config=config)
        self.assertIn("partition.alpha | federated.alpha", self.lines()[0])

    def test_latex_for_a_paper(self):
        self.write(5, 1, 0.93)
        self.write(5, 2, 0.95, config={"model.init": "a_b%"})
        outcome = self.run_table("--latex")
        self.assertEqual(outcome.code, 0, outcome.stderr)
        lines = outcome.stdout.splitlines()
        self.assertEqual(lines[0], r"\begin{tabular}{lllllll}")
        self.assertIn(r"a\_b\%", outcome.stdout)
        self.assertEqual(lines[-2:], [r"\bottomrule", r"\end{tabular}"])

    def test_latex_is_not_put_into_a_page(self):
        self.write(5, 1, 0.93)
        outcome = self.run_table("--latex", "--into", self.folder / "page.md")
        self.assertEqual((outcome.code, outcome.stdout), (2, ""))
        self.assertIn("only Markdown is written into a page", outcome.stderr)

    def test_resumed_and_unfinished_runs_have_no_time(self):
        self.write(5, 1, 0.93)
        self.write(5, 2, 0.93, more={"resumed": "2026-11-23T19:03:00+00:00"})
        self.write(10, 1, [0.5, 0.6], status="interrupted", rounds=2)
        outcome = self.run_table()
        self.assertIn("was interrupted", outcome.stderr)
        _, _, finished, unfinished, *_, account = squeezed(outcome.stdout)
        self.assertTrue(finished.endswith("| 60 |"), finished)
        self.assertIn("| 0.6000 |", unfinished)
        self.assertIn("; seconds in all: 60 for the 1 that went through at once; ", account)
        self.assertTrue(account.endswith("; 1 of 3 runs unfinished."), account)

    def test_a_model_that_was_not_trained(self):
        self.write(5, 1, 0.93, centralized=False)
        self.assertIn("| 5 | fresh | 1 | 0.9300 | - | 60 |", self.lines())


class Insert(FolderCase):
    def setUp(self):
        super().setUp()
        write_run(self.folder / "a.h5")
        self.page = self.folder / "page.md"

    def insert(self, text):
        self.page.write_text(text, encoding="utf-8")
        return run_command(table.main, self.folder / "a.h5", "--into", self.page)

    def test_the_part_between_the_marks_is_replaced(self):
        before = "# A page\n\n<!-- begin sweep: made by x -->\n"
        after = "<!-- end sweep -->\nEnd.\n"
        for old in ("", "| old |\n"):
            outcome = self.insert(before + old + after)
            self.assertEqual((outcome.code, outcome.stdout), (0, f"{self.page}\n"))
            text = self.page.read_text(encoding="utf-8")
            self.assertTrue(text.startswith(before + "| E   | momentum   | seeds "), text)
            self.assertTrue(text.endswith(".\n" + after), text)
            self.assertNotIn("old", text)

    def test_a_page_without_the_marks_stays_as_it_is(self):
        outcome = self.insert("# A page\n")
        self.assertEqual(outcome.code, 2)
        self.assertIn("has 0 parts", outcome.stderr)
        self.assertEqual(self.page.read_text(encoding="utf-8"), "# A page\n")

    def test_a_missing_page(self):
        outcome = run_command(table.main, self.folder / "a.h5", "--into", self.page)
        self.assertEqual(outcome.code, 2)
        self.assertIn("page.md: No such file", outcome.stderr)


if __name__ == "__main__":
    unittest.main()
