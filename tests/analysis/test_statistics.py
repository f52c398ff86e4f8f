"""Statistics over seeds, against values worked out by hand or taken from tables."""

import math
import unittest

import numpy as np
import pandas as pd

import analysis
from analysis.statistics import label_skew, rounds_to_target, spread
from case import FolderCase
from synthetic import write_run


class Student(unittest.TestCase):
    def test_intervals_are_those_of_the_tables(self):
        """Of n values with deviation 1, times the root of n: the quantile of n - 1."""
        quantiles = {2: 12.7062, 3: 4.3027, 4: 3.1824, 5: 2.7764, 11: 2.2281, 31: 2.0423, 121: 1.9799}
        for n, quantile in quantiles.items():
            values = np.linspace(-1, 1, n)
            frame = pd.DataFrame({"g": 0, "x": values / values.std(ddof=1)})
            (width,) = spread(frame, ["g"], "x")["ci95"]
            self.assertAlmostEqual(width * math.sqrt(n), quantile, places=4)


class Spread(unittest.TestCase):
    def test_mean_deviation_and_confidence(self):
        frame = pd.DataFrame(
            {"e": [5, 5, 5, 10, 10, 15], "x": [1.0, 2.0, 3.0, 4.0, math.nan, math.nan]}
        )
        table = spread(frame, ["e"], "x").set_index("e")
        self.assertEqual(table["n"].tolist(), [3, 1, 0])
        self.assertEqual(table.loc[5, "mean"], 2.0)
        self.assertEqual(table.loc[5, "std"], 1.0)
        self.assertAlmostEqual(table.loc[5, "ci95"], 4.302653 / math.sqrt(3), places=6)
        self.assertEqual(table.loc[10, "mean"], 4.0)
        self.assertTrue(math.isnan(table.loc[10, "std"]) and math.isnan(table.loc[10, "ci95"]))
        self.assertTrue(math.isnan(table.loc[15, "mean"]))


class RoundsToTarget(unittest.TestCase):
    def test_between_two_rounds_it_is_interpolated(self):
        self.assertAlmostEqual(rounds_to_target([1, 2, 3], [0.90, 0.96, 0.98], 0.97), 2.5)
        self.assertAlmostEqual(rounds_to_target([1, 2, 3], [0.90, 0.96, 1.00], 0.97), 2.25)

    def test_a_round_that_hits_it_counts_whole(self):
        self.assertEqual(rounds_to_target([1, 2, 3], [0.5, 0.97, 0.98], 0.97), 2)

    def test_the_best_so_far_counts_where_the_curve_falls(self):
        """From 0.95 in round 2, kept through round 3, to 0.99 in round 4: half way at 3.5."""
        self.assertAlmostEqual(rounds_to_target([1, 2, 3, 4], [0.5, 0.95, 0.6, 0.99], 0.97), 3.5)

    def test_the_first_crossing_counts(self):
        self.assertAlmostEqual(rounds_to_target([1, 2, 3, 4], [0.96, 0.98, 0.9, 0.99], 0.97), 1.5)

    def test_reached_in_the_first_round(self):
        self.assertEqual(rounds_to_target([1, 2], [0.98, 0.99], 0.97), 1)

    def test_rounds_that_were_not_evaluated_are_no_points(self):
        nan = math.nan
        rounds = rounds_to_target([1, 2, 3, 4, 5], [nan, 0.95, nan, 0.99, nan], 0.97)
        self.assertAlmostEqual(rounds, 3.0)

    def test_not_reached(self):
        for accuracy in ([0.5, 0.969], [math.nan, math.nan]):
            self.assertTrue(math.isnan(rounds_to_target([1, 2], accuracy, 0.97)))
        self.assertTrue(math.isnan(rounds_to_target([], [], 0.97)))


class LabelSkew(unittest.TestCase):
    def test_by_hand(self):
        """Everybody holds (10, 10, 20) of 40; the last client has nothing."""
        skew = label_skew(np.array([[10, 0, 0, 0], [0, 10, 0, 0], [0, 10, 10, 0]]))
        np.testing.assert_allclose(skew["emd"], [1.5, 0.5, 1.0, np.nan])
        np.testing.assert_allclose(skew["effective_classes"], [1, 2, 1, np.nan])


class Summary(FolderCase):
    def write(self, name, epochs, seed, accuracy, **options):
        config = {"training.epochs": epochs, "experiment.seed": seed, "output.file": name}
        options.setdefault("centralized_accuracy", 0.97)
        return write_run(self.folder / f"{name}.h5", config, test_accuracy=accuracy, **options)

    def summary(self, *arguments):
        return analysis.load(f"{self.folder}/*.h5").summary(*arguments).set_index("condition")

    def test_seeds_are_replicates(self):
        for seed, accuracy in ((1, 0.93), (2, 0.94), (3, 0.95)):
            self.write(f"a{seed}", 5, seed, accuracy)
        self.write("b", 10, 1, 0.96)
        table = self.summary()
        self.assertEqual(table.index.tolist(), ["E=5", "E=10"])
        self.assertEqual(table["training.epochs"].tolist(), [5, 10])
        self.assertEqual(table["runs"].tolist(), [3, 1])
        first = table.loc["E=5"]
        self.assertEqual(first["federated_test_accuracy_n"], 3)
        self.assertAlmostEqual(first["federated_test_accuracy_mean"], 0.94)
        self.assertAlmostEqual(first["federated_test_accuracy_std"], 0.01)
        self.assertAlmostEqual(
            first["federated_test_accuracy_ci95"], 4.302653 * 0.01 / math.sqrt(3)
        )
        self.assertAlmostEqual(first["gap_mean"], 0.03)
        self.assertNotIn("federated_validation_accuracy_mean", table)

    def test_a_repetition_with_the_same_seed_counts_once(self):
        for ranks in (2, 4, 6):
            self.write(f"np{ranks}", 5, 1, 0.93, ranks=ranks)
        self.write("other-seed", 5, 2, 0.95)
        table = self.summary()
        self.assertEqual(table["federated_test_accuracy_n"].tolist(), [2])
        self.assertAlmostEqual(table["federated_test_accuracy_mean"].iloc[0], 0.94)

    def test_unfinished_runs_are_left_out_beside_finished_ones(self):
        self.write("done", 5, 1, 0.93)
        self.write("half", 5, 2, [0.5, 0.6], status="interrupted", rounds=2)
        table = self.summary()
        self.assertEqual(table["runs"].tolist(), [1])
        self.assertAlmostEqual(table["federated_test_accuracy_mean"].iloc[0], 0.93)

    def test_unfinished_runs_alone_are_summarised(self):
        self.write("short", 5, 1, [0.5], status="interrupted", rounds=1)
        self.write("long", 5, 1, [0.5, 0.6], status="interrupted", rounds=2)
        self.assertAlmostEqual(self.summary()["federated_test_accuracy_mean"].iloc[0], 0.6)

    def test_names_of_experiments_set_no_condition(self):
        for seed in (1, 2):
            write_run(
                self.folder / f"{seed}.h5",
                {"experiment.name": f"run-{seed}", "experiment.seed": seed},
            )
        table = self.summary()
        self.assertEqual(table["runs"].tolist(), [2])

    def test_metrics_can_be_chosen(self):
        self.write("a", 5, 1, 0.93)
        table = self.summary(["round_seconds"])
        self.assertIn("round_seconds_mean", table)
        self.assertNotIn("gap_mean", table)
        with self.assertRaisesRegex(analysis.ResultsError, "no column 'nonsense'"):
            self.summary(["nonsense"])


if __name__ == "__main__":
    unittest.main()
