"""Every algorithm of the tables gives the same bits on any ranks, and after a resume."""

import unittest

import h5py
import numpy as np

from program import ProgramCase, text_attribute

# What varies the training of a round, in all its parts: clients are drawn, some more often.
COMMON = ("centralized.enabled=false", "federated.clients_per_round=5", "federated.norm_bound=0.02",
          "federated.server_learning_rate=0.5")
TABLES = {"algorithm": "federated.algorithm", "server optimizer": "federated.server_optimizer",
          "aggregation": "federated.aggregation", "encoder": "federated.encoders"}


def outcome(path) -> dict[str, np.ndarray]:
    """What must not depend on the machine's shape: the model and what was measured."""
    with h5py.File(path) as f:
        found = {name: f[f"model/federated/{name}"][()] for name in f["model/federated"]}
        for table in ("rounds", "clients", "local_epochs", "personalization"):
            rows = f[f"federated/{table}"][()]
            for column in rows.dtype.names:
                if not column.endswith("seconds") and column != "rank":
                    found[f"{table}.{column}"] = rows[column]
    return found


class AlgorithmTest(ProgramCase):
    def entries(self) -> list[tuple[str, str]]:
        """(key, name) of every entry, as --list shows them."""
        lines = self.launch(0, "--list").stdout.splitlines()
        found = [(key, line[len(kind):].split()[0]) for line in lines
                 for kind, key in TABLES.items() if line.startswith(kind + " ")]
        self.assertGreaterEqual(len(found), 2 * len(TABLES))
        return found

    def assert_same(self, first: dict, second: dict, what: str) -> None:
        self.assertEqual(first.keys(), second.keys())
        for name, values in first.items():
            self.assertEqual(values.tobytes(), second[name].tobytes(), f"{what}: {name}")

    def check_everywhere(self, *settings: str) -> dict[str, np.ndarray]:
        """Run alone, on 3 ranks, and in two parts on 3 and 2: all the same."""
        settings = (*COMMON, *settings)
        alone = outcome(self.run_small(1, *settings, output="alone.h5"))
        three = self.run_small(3, *settings, "federated.collective=reduce", output="three.h5")
        self.assert_same(alone, outcome(three), "3 ranks")
        self.run_small(3, *settings, "federated.rounds=2", output="parts.h5")
        parts = self.run_small(2, *settings, output="parts.h5", options=("--resume",))
        self.assert_same(alone, outcome(parts), "resumed on 2 ranks")
        for rest in self.folder.glob("*.h5*"):
            rest.unlink()
        return alone

    def test_same_bits_on_any_ranks_and_after_a_resume(self):
        for key, name in self.entries():
            with self.subTest(**{key: name}):
                alone = self.check_everywhere(f"{key}={name}")
                self.assertTrue(np.isfinite(alone["rounds.test_loss"]).all())

    def test_single_vectors_of_any_algorithm(self):
        """Rules that look at single clients, where these send more than an update."""
        for rule in ("median", "multi_krum"):
            with self.subTest(rule):
                self.check_everywhere(f"federated.aggregation={rule}",
                                      "federated.algorithm=scaffold", "federated.dropout=0.1",
                                      "federated.byzantine_clients=2",
                                      "federated.attack=gaussian")

    def test_rules_withstand_attackers(self):
        """Two of seven send noise: the mean does not learn, robust rules do."""
        attack = ("federated.byzantine_clients=2", "federated.attack=gaussian",
                  "federated.attack_scale=5", "federated.tolerated=0.3",
                  "centralized.enabled=false", "federated.rounds=15",
                  "partition.samples_per_client=50", "training.epochs=5")
        accuracy = {}
        for rule in ("mean", "median", "trimmed_mean", "krum", "multi_krum"):
            path = self.run_small(3, *attack, f"federated.aggregation={rule}", "partition.clients=8",
                                  output=f"{rule}.h5")
            with h5py.File(path) as f:
                accuracy[rule] = f["federated/rounds"]["test_accuracy"][-1]
                self.assertEqual(f["federated/clients"]["byzantine"].sum(), 2 * 15)
        attacked = accuracy.pop("mean")
        for rule, robust in accuracy.items():
            self.assertGreater(robust, attacked + 0.1, (rule, attacked, accuracy))

    def test_participation(self):
        for settings in (("federated.sampling=weighted",),
                         ("federated.sampling=poisson", "federated.participation=0.2",
                          "federated.clients_per_round=0", "federated.algorithm=scaffold"),
                         ("federated.availability=0.4", "federated.dropout=0.3",
                          "federated.server_optimizer=momentum")):
            with self.subTest(settings):
                alone = self.check_everywhere(*settings)
                self.assertTrue((alone["rounds.drawn"] >= alone["rounds.participants"]).all())

    def test_the_clients_own_view(self):
        alone = self.check_everywhere("partition.holdout=0.2", "partition.scheme=shards",
                                      "federated.personal_epochs=10",
                                      "federated.evaluate_every=2", "federated.algorithm=fedprox",
                                      "training.persistent_momentum=true")
        view = {name.split(".")[1]: values for name, values in alone.items()
                if name.startswith("personalization.")}
        self.assertEqual(list(view["round"]), [2, 4])
        self.assertEqual(set(view["clients"]), {7})
        self.assertEqual(set(view["samples"]), {7 * 6})  # of 30 each
        self.assertEqual(set(alone["clients.samples"]), {24})
        for part in ("before", "after"):
            self.assertTrue((view[f"{part}_worst_decile"] <= view[f"{part}_accuracy"]).all())
        # A client has two classes: a model of its own tells them apart.
        self.assertTrue((view["after_accuracy"] > view["before_accuracy"] + 0.1).all())

    def test_variants_add_columns_of_their_own(self):
        """Behind those of every run, in the order of the keys, and right; also where nobody answers."""
        plain = outcome(self.run_small(2, "training.momentum=0"))
        bound = float(np.median(plain["clients.update_norm"]))
        with h5py.File(self.run_small(3, "federated.algorithm=fednova",
                                      "federated.aggregation=norm_bound",
                                      f"federated.norm_bound={bound!r}", "federated.dropout=0.5",
                                      "training.momentum=0")) as f:
            rounds, clients = f["federated/rounds"], f["federated/clients"]
            for table, added in ((rounds, ("tau_eff", "cut")), (clients, ("cut",))):
                before = table.dtype.names[:-len(added)]
                self.assertEqual(table.dtype.names[len(before):], added)
                self.assertEqual(table.dtype.itemsize, 8 * len(table.dtype.names))
                kind = table.name.split("/")[-1]
                self.assertEqual({name for name in before
                                  if not name.endswith("seconds") and name != "rank"},
                                 {name.split(".")[1] for name in plain
                                  if name.startswith(f"{kind}.")})
                for name in added:
                    self.assertTrue(text_attribute(table, f"{name}.help"))
                    self.assertEqual(text_attribute(table, f"{name}.unit"), "1")
            clients = clients[()]
            self.assertEqual(set(clients["cut"]), {0, 1})
            np.testing.assert_array_equal(clients["cut"], clients["update_norm"] > bound)
            for row in rounds[()]:
                its = clients[clients["round"] == row["round"]]
                self.assertEqual(row["cut"], its["cut"].sum())
                np.testing.assert_allclose(row["tau_eff"], (its["weight"] * its["steps"]).sum())

    def test_what_nobody_notes_is_not_a_number(self):
        with h5py.File(self.run_small(2, "federated.algorithm=fednova", "federated.dropout=1",
                                      "federated.aggregation=norm_bound")) as f:
            self.assertTrue(np.isnan(f["federated/rounds"]["tau_eff"]).all())
            self.assertFalse(f["federated/rounds"]["cut"].any())

    def test_without_fine_tuning_nothing_comes_after(self):
        with h5py.File(self.run_small(2, "partition.holdout=0.5",
                                      "federated.personal_epochs=0")) as f:
            rows = f["federated/personalization"][()]
        for column in ("loss", "accuracy", "worst_decile", "deviation"):
            self.assertEqual(list(rows[f"before_{column}"]), list(rows[f"after_{column}"]))

    def test_a_round_without_answers_keeps_the_model(self):
        with h5py.File(self.run_small(2, "federated.dropout=1", "federated.server_optimizer=adam",
                                      "federated.algorithm=feddyn")) as f:
            for name, initial in f["model/initial"].items():
                np.testing.assert_array_equal(initial[()], f["model/federated"][name][()])
            rounds = f["federated/rounds"][()]
        self.assertEqual(set(rounds["drawn"]), {7})
        self.assertEqual(set(rounds["participants"]), {0})
        self.assertTrue(np.isnan(rounds["train_loss"]).all())
        self.assertTrue((rounds["bytes_up"] == 0).all() and (rounds["bytes_down"] > 0).all())

    def test_algorithms_differ(self):
        """Each entry does something: no two give the same model, but for the defaults."""
        models = {}
        for key, name in self.entries():
            found = outcome(self.run_small(1, *COMMON, f"{key}={name}", "training.momentum=0",
                                           output=f"{name}.h5"))
            models.setdefault(b"".join(values.tobytes() for tensor, values in found.items()
                                       if "." in tensor and tensor.startswith("fc")), []
                              ).append(name)
        shared = [names for names in models.values() if len(names) > 1]
        self.assertEqual(shared, [["fedavg", "sgd", "mean"],  # the defaults
                                  ["norm_bound", "norm_bound"]])  # by itself, or by the rule

    def test_vectors_are_counted(self):
        with h5py.File(self.run_small(2, "federated.algorithm=scaffold")) as f:
            scaffold = f["federated/rounds"][()]
        with h5py.File(self.run_small(2)) as f:
            fedavg = f["federated/rounds"][()]
        for column in ("bytes_down", "bytes_up"):
            self.assertEqual(list(scaffold[column]), list(2 * fedavg[column]))

    def test_checked_keys(self):
        for settings, key in (
                (("federated.algorithm=fedavgg",), "federated.algorithm"),
                (("federated.server_optimizer=adamw",), "federated.server_optimizer"),
                (("federated.algorithm=fednova", "training.persistent_momentum=true"),
                 "training.persistent_momentum"),
                (("federated.algorithm=scaffold", "training.persistent_momentum=true"),
                 "training.persistent_momentum"),
                (("federated.aggregation=krum", "federated.clients_per_round=3",
                  "federated.tolerated=0.4"), "federated.aggregation"),
                (("federated.byzantine_clients=8",), "federated.byzantine_clients"),
                (("federated.sampling=poisson", "federated.clients_per_round=3"),
                 "federated.clients_per_round"),
                (("training.nesterov=true", "training.momentum=0"), "training.nesterov"),
        ):
            with self.subTest(settings):
                overrides = [part for setting in settings for part in ("--set", setting)]
                done = self.launch(2, *overrides, self.config)
                self.assertEqual(done.code, 2, done.stderr)
                self.assertIn(key, done.stderr)


if __name__ == "__main__":
    unittest.main()
