"""Every model of the table gives the same bits on any ranks, and after a resume."""

import itertools
import unittest

import h5py
import numpy as np

from program import ROOT, ProgramCase, Samples, write_data

SMALL_MODELS = ("model.hidden=9,5", "model.filters=3,4", "model.dense=6", "model.norm_groups=1",
                "model.dropout=0.25", "model.blocks=2", "federated.clients_per_round=4")


def outcome(path) -> dict[str, np.ndarray]:
    """Both models and what was measured of them."""
    found = {}
    with h5py.File(path) as f:
        for part in f["model"].keys() & {"federated", "centralized"}:
            for name, values in f[f"model/{part}"].items():
                found[f"{part}/{name}"] = values[()]
        for table in ("federated/rounds", "federated/clients", "federated/local_epochs",
                      "centralized/epochs"):
            if table not in f:
                continue
            rows = f[table][()]
            found.update({f"{table}.{column}": rows[column] for column in rows.dtype.names
                          if not column.endswith("seconds") and column != "rank"})
    return found


class ModelTest(ProgramCase):
    def models(self) -> list[str]:
        lines = self.launch(0, "--list").stdout.splitlines()
        found = [line.split()[1] for line in lines if line.startswith("model ")]
        self.assertGreaterEqual(len(found), 5)
        return found

    def assert_same(self, first: dict, second: dict, what: str) -> None:
        self.assertEqual(first.keys(), second.keys())
        for name, values in first.items():
            self.assertEqual(values.tobytes(), second[name].tobytes(), f"{what}: {name}")

    def test_same_bits_on_any_ranks_and_after_a_resume(self):
        for name in self.models():
            with self.subTest(name):
                settings = (*SMALL_MODELS, f"model.type={name}")
                alone = outcome(self.run_small(1, *settings, output="alone.h5"))
                for ranks in (2, 4):
                    path = self.run_small(ranks, *settings, output="more.h5")
                    self.assert_same(alone, outcome(path), f"{ranks} ranks")
                self.run_small(3, *settings, "federated.rounds=2", output="parts.h5")
                parts = self.run_small(2, *settings, output="parts.h5", options=("--resume",))
                self.assert_same(alone, outcome(parts), "resumed")
                self.assertTrue(np.isfinite(alone["federated/rounds.test_loss"]).all())

    def test_blocks_that_share_have_one_set_of_parameters(self):
        """As many as one block has; the steps of SGD are the same whatever ranks there are."""
        settings = (*SMALL_MODELS, "model.type=resnet", "federated.rounds=2")
        shared = outcome(self.run_small(1, *settings, "model.share_blocks=true", output="s.h5"))
        three = outcome(self.run_small(3, *settings, "model.share_blocks=true", output="t.h5"))
        one = outcome(self.run_small(1, *settings, "model.blocks=1", output="one.h5"))
        two = outcome(self.run_small(1, *settings, output="two.h5"))
        self.assert_same(shared, three, "3 ranks")
        shapes = [{name: values.shape for name, values in found.items() if "federated/res" in name}
                  for found in (shared, one, two)]
        self.assertEqual(shapes[0], shapes[1])
        self.assertEqual(len(shapes[2]), 2 * len(shapes[0]))
        name = "federated/res1.0.conv1.weight"
        self.assertTrue((shared[name] != one[name]).any())

    def test_one_client_with_everything_is_the_baseline(self):
        """Dropout too: both draw from the same stream."""
        settings = ("model.type=cifar-cnn", *SMALL_MODELS[:-1], "partition.clients=1",
                    "partition.samples_per_client=210", "federated.rounds=1",
                    "federated.tracked_clients=0")
        found = outcome(self.run_small(1, *settings))
        for name, values in found.items():
            if name.startswith("federated/") and f"centralized/{name[10:]}" in found:
                np.testing.assert_allclose(values, found[f"centralized/{name[10:]}"], atol=1e-6)

    def test_clipping_of_single_samples(self):
        """With a bound that nothing reaches: nothing. In batches of one: clipping of the batch."""
        for name in ("mlp", "cnn", "resnet"):
            with self.subTest(name):
                settings = (*SMALL_MODELS, f"model.type={name}", "federated.rounds=2",
                            "centralized.enabled=false")
                free, one = (*settings, "training.clip_sample_norm=1e20"), "training.batch_size=1"
                clipped = (*settings, "training.clip_sample_norm=0.3")
                self.assert_same(outcome(self.run_small(1, *settings, output="without.h5")),
                                 outcome(self.run_small(1, *free, output="free.h5")), "free")
                alone = outcome(self.run_small(1, *clipped, output="alone.h5"))
                self.assert_same(alone, outcome(self.run_small(3, *clipped, output="three.h5")),
                                 "3 ranks")
                samples = outcome(self.run_small(1, *clipped, one, output="samples.h5"))
                batches = outcome(self.run_small(1, *settings, one, "training.clip_norm=0.3",
                                                 output="batches.h5"))
                for part, values in samples.items():
                    if part.startswith("federated/") and part.endswith(("weight", "bias")):
                        np.testing.assert_allclose(values, batches[part], rtol=0, atol=1e-4)

    def test_networks_learn(self):
        """Far above chance, which is 0.1, on a handful of samples."""
        adam = ("training.optimizer=adam", "training.learning_rate=0.005")
        for name, optimizer in itertools.product(("cnn", "cifar-cnn", "resnet"), ((), adam)):
            with self.subTest(name, optimizer=optimizer), \
                    h5py.File(self.run_small(2, f"model.type={name}", "model.filters=4,8",
                                             "model.dense=32", "model.norm_groups=2",
                                             "training.epochs=6", "training.batch_size=8",
                                             "data.normalize=standard", *optimizer)) as f:
                self.assertGreater(f["federated/rounds"][()]["test_accuracy"][-1], 0.3)

    def test_adam_has_the_same_bits_on_any_ranks(self):
        for name in ("cnn", "cifar-cnn"):
            for optimizer in ("adam", "adamw"):
                with self.subTest(name, optimizer=optimizer):
                    settings = (*SMALL_MODELS, f"model.type={name}", "training.weight_decay=0.01",
                                f"training.optimizer={optimizer}", "training.learning_rate=0.01")
                    alone = outcome(self.run_small(1, *settings, output="alone.h5"))
                    three = outcome(self.run_small(3, *settings, output="three.h5"))
                    self.assert_same(alone, three, "3 ranks")
                    self.assertTrue(np.isfinite(alone["federated/rounds.test_loss"]).all())

    def test_checked_keys(self):
        for settings, text in (
                (("model.type=cnn", "model.filters=2,2,2,2"), "at least 16 x 16"),
                (("model.type=cifar-cnn", "model.norm_groups=5"), "model.norm_groups = 5"),
                (("model.type=resnet", "model.filters=2", "model.norm_groups=1", "model.blocks=2",
                  "model.share_blocks=true", "training.clip_sample_norm=1"),
                 "training.clip_sample_norm = 1"),
                (("model.dropout=1",), "model.dropout = 1")):
            with self.subTest(settings):
                overrides = [part for setting in settings for part in ("--set", setting)]
                done = self.launch(2, *overrides, self.config)
                self.assertEqual(done.code, 2, done.stderr)
                self.assertIn(text, done.stderr)


class Published(ProgramCase):
    """Models as papers have them."""

    def test_parameters_of_mcmahans_table(self) -> None:
        """McMahan et al. 2017, section 3: 199,210 and 1,663,370 parameters."""
        parts = [Samples(np.zeros((count, 28, 28), "u1"), (np.arange(count) % 10).astype("u1"))
                 for count in (400, 20)]
        folder = write_data(self.folder / "digits", *parts)
        settings = (f"data.path={folder}", "partition.clients=4", "partition.samples_per_client=20",
                    "federated.clients_per_round=2", "federated.tracked_clients=")
        overrides = [part for setting in settings for part in ("--set", setting)]
        for kind, count in (("mlp", 199210), ("cnn", 1663370)):
            for scheme in ("iid", "shards"):
                config = ROOT / f"configs/studies/mcmahan/{kind}-{scheme}.ini"
                outcome = self.launch(0, "--dry-run", *overrides, config)
                self.assertEqual(outcome.code, 0, outcome)
                self.assertIn(f"; model: {kind} with {count} parameters in ", outcome.stdout)


if __name__ == "__main__":
    unittest.main()
