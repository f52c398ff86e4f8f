"""The tables of the two studies, and the commands that print them."""

import unittest

import pandas as pd

import analysis
from analysis import mcmahan, skew
from case import FolderCase, run_command
from synthetic import write_run

CROSSES_AT_2_5 = [0.90, 0.96, 0.98, 0.90, 0.90]
CROSSES_AT_3_5 = [0.80, 0.90, 0.96, 0.98, 0.90]
NEVER_CROSSES = [0.80, 0.90, 0.91, 0.92, 0.969]


class McMahan(FolderCase):
    def write(self, rate, seed, accuracy, scheme="iid", **options):
        config = {
            "model.type": "mlp",
            "partition.scheme": scheme,
            "training.learning_rate": rate,
            "experiment.seed": seed,
        }
        path = self.folder / f"{scheme}-{rate}-{seed}.h5"
        return write_run(path, config, test_accuracy=accuracy, **options)

    def study(self):
        return analysis.load(f"{self.folder}/*.h5")

    def row(self, scheme="IID"):
        table = mcmahan.table(self.study()).set_index(["model", "clients"])
        return table.loc[("2NN", scheme)]

    def test_the_papers_numbers(self):
        self.write(0.1, 1, CROSSES_AT_2_5)
        table = mcmahan.table(self.study())
        self.assertEqual(table["published rounds"].tolist(), ["87", "664", "18", "206"])
        self.assertEqual(table["test accuracy"].tolist(), ["97 %", "97 %", "99 %", "99 %"])

    def test_the_best_learning_rate_is_that_of_fewest_rounds(self):
        self.write(0.1, 1, CROSSES_AT_3_5)
        self.write(0.2, 1, CROSSES_AT_2_5)
        self.write(0.3, 1, NEVER_CROSSES)
        row = self.row()
        self.assertEqual((row["rounds"], row["learning rate"]), ("2.5", "0.2"))
        conditions = mcmahan.conditions(self.study(), mcmahan.PUBLISHED[0])
        self.assertEqual(conditions["learning_rate"].tolist(), [0.2, 0.1, 0.3])

    def test_seeds_are_averaged(self):
        self.write(0.1, 1, CROSSES_AT_2_5)
        self.write(0.1, 2, CROSSES_AT_3_5)
        row = self.row()
        self.assertEqual((row["rounds"], row["seeds"]), ("3.0 \u00b1 0.7", "2"))

    def test_a_seed_that_does_not_get_there_makes_the_rate_worse_than_any_that_does(self):
        self.write(0.1, 1, CROSSES_AT_2_5)
        self.write(0.1, 2, NEVER_CROSSES)
        self.assertEqual(self.row()["rounds"], "> 5")
        self.write(0.2, 1, CROSSES_AT_3_5)
        self.assertEqual((self.row()["rounds"], self.row()["learning rate"]), ("3.5", "0.2"))

    def test_where_no_rate_gets_there_the_highest_accuracy_is_best(self):
        self.write(0.1, 1, NEVER_CROSSES, scheme="shards")
        self.write(0.2, 1, [0.5, 0.6, 0.7, 0.8, 0.9], scheme="shards")
        row = self.row("shards")
        self.assertEqual(
            (row["rounds"], row["learning rate"], row["best accuracy"]), ("> 5", "0.1", "0.9690")
        )
        self.assertEqual(self.row("IID")["rounds"], "-")

    def test_the_command_prints_markdown(self):
        path = self.write(0.1, 1, CROSSES_AT_2_5)
        outcome = run_command(mcmahan.main, path)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        lines = outcome.stdout.splitlines()
        self.assertEqual(len(lines), 2 + len(mcmahan.PUBLISHED))
        cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
        self.assertEqual(cells, ["2NN", "IID", "97 %", "87", "2.5", "0.1", "1", "0.9800"])

    def test_results_of_something_else_are_refused(self):
        path = write_run(self.folder / "a.h5", {"model.type": "logistic"})
        outcome = run_command(mcmahan.main, path)
        self.assertEqual((outcome.code, outcome.stdout), (2, ""))
        self.assertIn("no run holds a test accuracy for a row", outcome.stderr)


class Skew(FolderCase):
    def write(self, name, accuracy, **config):
        path = self.folder / f"{name}.h5"
        keys = {key.replace("__", "."): value for key, value in config.items()}
        return write_run(path, {"partition.scheme": "dirichlet", **keys}, test_accuracy=accuracy)

    def test_final_and_best_accuracy_over_seeds(self):
        for seed, last in ((1, 0.7), (2, 0.8)):
            accuracy = [0.5, 0.6, 0.9, 0.8, last]
            self.write(f"avg{seed}", accuracy, experiment__seed=seed, partition__alpha=0.1)
        self.write("prox", [0.5] * 5, federated__algorithm="fedprox", partition__alpha=1)
        table = skew.table(analysis.load(f"{self.folder}/*.h5"))
        expected = pd.DataFrame(
            [
                ("0.1", "FedAvg", "2", "0.7500 \u00b1 0.0707", "0.9000 \u00b1 0.0000"),
                ("1", "FedProx", "1", "0.5000", "0.5000"),
            ],
            columns=["alpha", "algorithm", "seeds", "final accuracy", "best accuracy"],
        )
        pd.testing.assert_frame_equal(table, expected)

    def test_algorithms_have_the_names_of_papers(self):
        names = {
            ("fedavg", "adam"): "FedAdam",
            ("scaffold", "sgd"): "SCAFFOLD",
            ("feddyn", "sgd"): "FedDyn",
            ("scaffold", "adam"): "SCAFFOLD + adam",
            ("fresh", "sgd"): "fresh",
        }
        for i, (algorithm, optimizer) in enumerate(names):
            self.write(
                str(i),
                [0.5] * 5,
                federated__algorithm=algorithm,
                federated__server_optimizer=optimizer,
            )
        runs = skew.compared(analysis.load(f"{self.folder}/*.h5"))
        self.assertEqual(sorted(runs["algorithm"]), sorted(names.values()))

    def test_runs_on_other_partitions_have_no_alpha(self):
        path = self.write("iid", [0.5] * 5, partition__scheme="iid")
        outcome = run_command(skew.main, path)
        self.assertEqual((outcome.code, outcome.stdout), (2, ""))
        self.assertIn("no run on a Dirichlet partition", outcome.stderr)
        self.write("skewed", [0.5] * 5, federated__algorithm="scaffold")
        runs = skew.compared(analysis.load(f"{self.folder}/*.h5"))
        self.assertEqual(list(runs["algorithm"]), ["SCAFFOLD"])

    def test_the_command_prints_markdown(self):
        path = self.write("a", [0.5, 0.6, 0.9, 0.8, 0.7], partition__alpha=0.1)
        outcome = run_command(skew.main, path)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        cells = [cell.strip() for cell in outcome.stdout.splitlines()[2].strip("|").split("|")]
        self.assertEqual(cells, ["0.1", "FedAvg", "1", "0.7000", "0.9000"])


if __name__ == "__main__":
    unittest.main()
