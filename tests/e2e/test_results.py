"""The results file: complete, self-describing, and true."""

import collections
import configparser
import datetime
import math
import os
import unittest

import h5py
import numpy as np
from program import ProgramCase, Samples, text_attribute, write_data

ROOT_TEXTS = ("fedmpi_version", "git_revision", "status", "started", "finished", "command_line",
              "hosts", "mpi_library", "blas", "cpu")
ROOT_INTEGERS = ("schema_version", "ranks", "seed")
MEASURES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
COLUMNS = {
    "federated/rounds": ("round", "participants", "samples", *MEASURES, "validation_loss",
                         "validation_accuracy", "update_norm", "wall_seconds", "train_seconds",
                         "bcast_seconds", "gather_seconds", "aggregate_seconds",
                         "evaluate_seconds", "bytes_down", "bytes_up"),
    "federated/clients": ("round", "client", "rank", "samples", "steps", "train_loss",
                          "train_accuracy", "update_norm", "train_seconds"),
    "federated/local_epochs": ("round", "client", "epoch", *MEASURES),
    "centralized/epochs": ("epoch", *MEASURES, "train_seconds"),
}
SHAPES = {"fc1.weight": (12, 64), "fc1.bias": (12,), "fc2.weight": (6, 12), "fc2.bias": (6,),
          "fc3.weight": (10, 6), "fc3.bias": (10,)}


def logits(tensors: h5py.Group, images: np.ndarray) -> np.ndarray:
    """What PyTorch's Linear and ReLU with this state_dict compute, in double."""
    x = images.reshape(len(images), -1) / 255
    for layer in (1, 2, 3):
        x = x @ tensors[f"fc{layer}.weight"][:].astype(float).T + tensors[f"fc{layer}.bias"][:]
        x = np.maximum(x, 0) if layer < 3 else x
    return x


class Results(ProgramCase):
    """One run, looked at from all sides."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.path = None

    def setUp(self):
        super().setUp()
        if not Results.path:  # the first test runs it, in a folder of the class
            path = self.run_small(3, "data.validation_samples=40", "federated.evaluate_every=3",
                                  "partition.samples_per_client=30")
            kept = self.data / "run.h5"
            path.rename(kept)
            Results.path = kept
        self.file = h5py.File(Results.path)
        self.addCleanup(self.file.close)

    def test_the_root_says_who_ran_what_where(self):
        for name in ROOT_TEXTS:
            self.assertTrue(text_attribute(self.file, name), name)
        for name in ROOT_INTEGERS:
            self.assertIsInstance(int(self.file.attrs[name]), int, name)
        self.assertEqual(text_attribute(self.file, "status"), "complete")
        self.assertEqual(self.file.attrs["ranks"], 3)
        self.assertEqual(self.file.attrs["seed"], 1)
        self.assertIn("run.ini", text_attribute(self.file, "command_line"))
        self.assertIn("Open MPI", text_attribute(self.file, "mpi_library"))
        started, finished = (datetime.datetime.fromisoformat(text_attribute(self.file, name))
                             for name in ("started", "finished"))
        self.assertIsNotNone(started.tzinfo)
        self.assertLessEqual(started, finished)
        self.assertNotIn("slurm_job_id", self.file.attrs)

    def test_tables_have_the_contracts_columns(self):
        for table, columns in COLUMNS.items():
            found = self.file[table]
            self.assertEqual(found.ndim, 1)
            for column in columns:
                self.assertIn(column, found.dtype.names, table)

    def test_every_column_has_a_unit_and_help(self):
        for table in COLUMNS:
            for column in self.file[table].dtype.names:
                unit = text_attribute(self.file[table], f"{column}.unit")
                expected = ("s" if column.endswith("seconds") else "nat" if column.endswith("loss")
                            else "B" if column.startswith("bytes") else "1")
                self.assertEqual(unit, expected, f"{table}.{column}")
                self.assertGreater(len(text_attribute(self.file[table], f"{column}.help")), 8)

    def test_rows_are_there(self):
        rounds, clients = self.file["federated/rounds"][:], self.file["federated/clients"][:]
        np.testing.assert_array_equal(rounds["round"], [1, 2, 3, 4])
        np.testing.assert_array_equal(rounds["participants"], 7)
        np.testing.assert_array_equal(rounds["samples"], 210)
        np.testing.assert_array_equal(np.isnan(rounds["test_loss"]), [1, 1, 0, 0])
        np.testing.assert_array_equal(np.isnan(rounds["validation_accuracy"]), [1, 1, 0, 0])
        self.assertEqual(len(clients), 4 * 7)
        np.testing.assert_array_equal(clients["client"], np.tile(np.arange(7), 4))
        np.testing.assert_array_equal(clients["steps"], 2 * math.ceil(30 / 16))
        self.assertLessEqual(set(clients["rank"]), {1, 2})
        self.assertEqual(self.file.attrs["workers"], 2)
        epochs = self.file["federated/local_epochs"][:]
        np.testing.assert_array_equal(epochs["client"], np.tile([0, 0, 3, 3], 4))
        np.testing.assert_array_equal(epochs["epoch"], np.tile([1, 2], 8))
        np.testing.assert_array_equal(self.file["centralized/epochs"]["epoch"], [1, 2])

    def test_rounds_add_up_their_clients(self):
        rounds, clients = self.file["federated/rounds"][:], self.file["federated/clients"][:]
        for row in rounds:
            mine = clients[clients["round"] == row["round"]]
            for name in ("train_loss", "train_accuracy"):
                self.assertAlmostEqual(row[name], np.average(mine[name], weights=mine["samples"]))
            parts = sum(row[f"{part}_seconds"] for part in ("train", "gather", "aggregate",
                                                            "bcast", "evaluate"))
            self.assertAlmostEqual(row["wall_seconds"], parts, places=3)
        parameters = sum(math.prod(shape) for shape in SHAPES.values())
        self.assertTrue((rounds["bytes_down"] >= parameters * 4).all())
        self.assertTrue((rounds["bytes_up"] >= parameters * 4).all())

    def test_models_are_state_dicts(self):
        for kind in ("initial", "federated", "centralized"):
            tensors = self.file[f"model/{kind}"]
            self.assertEqual(set(tensors), set(SHAPES))
            for name, shape in SHAPES.items():
                self.assertEqual(tensors[name].shape, shape)
                self.assertEqual(tensors[name].dtype, np.float32)
        bound = 1 / math.sqrt(64)
        self.assertLessEqual(np.abs(self.file["model/initial/fc1.weight"][:]).max(), bound)

    def test_pytorch_loads_them(self):
        try:
            import torch
        except ImportError:
            self.skipTest("PyTorch is not installed")
        layers = [("fc1", torch.nn.Linear(64, 12)), ("relu1", torch.nn.ReLU()),
                  ("fc2", torch.nn.Linear(12, 6)), ("relu2", torch.nn.ReLU()),
                  ("fc3", torch.nn.Linear(6, 10))]
        network = torch.nn.Sequential(collections.OrderedDict(layers))
        tensors = self.file["model/federated"]
        network.load_state_dict({name: torch.from_numpy(tensors[name][:]) for name in tensors})
        x = torch.from_numpy(self.test.images.reshape(-1, 64).astype(np.float32) / 255)
        with torch.no_grad():
            found = network(x).numpy()
        np.testing.assert_allclose(found, logits(tensors, self.test.images), atol=1e-4)

    def test_accuracy_and_loss_are_recomputed(self):
        recorded = {"federated": self.file["federated/rounds"][-1],
                    "centralized": self.file["centralized/epochs"][-1]}
        for kind, row in recorded.items():
            outputs = logits(self.file[f"model/{kind}"], self.test.images)
            right = outputs.argmax(axis=1) == self.test.labels
            self.assertEqual(row["test_accuracy"], right.mean(), kind)
            log_sums = np.log(np.exp(outputs).sum(axis=1))
            loss = (log_sums - outputs[np.arange(len(outputs)), self.test.labels]).mean()
            self.assertAlmostEqual(row["test_loss"], loss, places=5)
            confusion = np.zeros((10, 10), int)
            np.add.at(confusion, (self.test.labels, outputs.argmax(axis=1)), 1)
            np.testing.assert_array_equal(self.file[f"{kind}/confusion_matrix"][:], confusion)

    def test_validation_is_the_end_of_the_training_set(self):
        outputs = logits(self.file["model/federated"], self.train.images[-40:])
        accuracy = (outputs.argmax(axis=1) == self.train.labels[-40:]).mean()
        self.assertEqual(self.file["federated/rounds"][-1]["validation_accuracy"], accuracy)

    def test_matrices_say_what_they_count(self):
        for path, axes in (("partition/label_counts", "[client, class]"),
                           ("federated/confusion_matrix", "[class, predicted]"),
                           ("centralized/confusion_matrix", "[class, predicted]")):
            self.assertEqual(text_attribute(self.file[path], "unit"), "1", path)
            self.assertIn(axes, text_attribute(self.file[path], "help"), path)

    def test_label_counts_are_the_partition(self):
        counts = self.file["partition/label_counts"]
        np.testing.assert_array_equal(counts[:], np.full((7, 10), 3))

    def test_the_effective_configuration_is_there_twice(self):
        text = bytes(self.file["config/ini"][()]).decode()
        parser = configparser.ConfigParser(comment_prefixes=(";",), interpolation=None)
        parser.read_string(text)
        attributes = self.file["config"].attrs
        pairs = {f"{section}.{key}": value for section in parser.sections()
                 for key, value in parser[section].items()}
        found = {name: bytes(attributes[name]).decode() for name in attributes}
        unused = found.pop("unused_keys").split(",")
        self.assertEqual(found, pairs)
        self.assertLessEqual(set(unused), set(pairs))
        self.assertIn("federated.mu", unused)
        self.assertNotIn("partition.stratified", unused)
        self.assertEqual(pairs["data.validation_samples"], "40")

    def test_the_effective_configuration_runs_again(self):
        text = bytes(self.file["config/ini"][()]).decode()
        again = self.write("again.ini", text)
        outcome = self.launch(2, "--output", self.folder / "again.h5", again)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assert_same(Results.path, self.folder / "again.h5")

    def test_pandas_reads_the_tables(self):
        try:
            import pandas
        except ImportError:
            self.skipTest("pandas is not installed")
        for table, columns in COLUMNS.items():
            frame = pandas.DataFrame(self.file[table][:])
            self.assertGreater(len(frame), 0)
            self.assertLessEqual(set(columns), set(frame.columns))
            self.assertFalse(frame["train_loss"].isna().any())


class OtherResults(ProgramCase):
    def test_a_slurm_job_is_named(self):
        path = self.folder / "run.h5"
        outcome = self.launch(2, "--output", path, self.config,
                              env={**os.environ, "SLURM_JOB_ID": "4711"})
        self.assertEqual(outcome.code, 0, outcome.stderr)
        with h5py.File(path) as file:
            self.assertEqual(text_attribute(file, "slurm_job_id"), "4711")

    def test_parts_that_are_off_leave_no_results(self):
        path = self.run_small(2, "federated.enabled=false")
        with h5py.File(path) as file:
            self.assertEqual(len(file["federated/rounds"]), 0)
            self.assertEqual(set(file["model"]), {"initial", "centralized"})
        path = self.run_small(2, "centralized.enabled=false")
        with h5py.File(path) as file:
            self.assertEqual(len(file["centralized/epochs"]), 0)
            self.assertEqual(set(file["model"]), {"initial", "federated"})

    def test_training_learns(self):
        path = self.run_small(2, "federated.rounds=25", "training.epochs=4")
        with h5py.File(path) as file:
            self.assertGreater(file["federated/rounds"][-1]["test_accuracy"], 0.6)
            losses = file["federated/rounds"]["train_loss"]
            self.assertLess(losses[-1], losses[0] / 2)

    def test_a_run_starts_from_anothers_model(self):
        first = self.run_small(1, output="first.h5")
        for location in (first, f"{first}:model/federated"):
            second = self.run_small(1, f"model.init={location}", output="second.h5")
            with h5py.File(first) as before, h5py.File(second) as after:
                for name, tensor in before["model/federated"].items():
                    np.testing.assert_array_equal(tensor[:], after["model/initial"][name][:])

    def test_cleaning_is_counted(self):
        images = self.train.images.astype(np.float32)
        images[3, 2, 2] = np.nan
        images[17, 0, 0] = np.inf
        images[:, 0, 1] = 5
        test = self.test.images.astype(np.float32)
        write_data(self.folder / "floats", Samples(images, self.train.labels),
                   Samples(test, self.test.labels))
        path = self.run_small(2, f"data.path={self.folder}/floats",
                              "data.drop_constant_features=true")
        with h5py.File(path) as file:
            self.assertEqual(file["data"].attrs["dropped_samples"], 2)
            self.assertEqual(file["data"].attrs["dropped_features"], 1)
            self.assertEqual(file["data"].attrs["train_samples"], self.TRAIN - 2)
            self.assertEqual(list(file["data/kept_features"]), [0, *range(2, 64)])
            self.assertEqual(file["model/federated/fc1.weight"].shape, (12, 63))


if __name__ == "__main__":
    unittest.main()
