"""Loading: tidy frames, names, derived columns, unfinished runs and wrong input."""

import os
import re
import subprocess
import sys
import unittest
from pathlib import Path

import h5py
import numpy as np

import analysis
from analysis import schema
from case import FolderCase
from synthetic import DEFAULTS, columns_of, write_run

FRAMES = (*schema.TABLES, "label_counts", "confusion")


class Words(unittest.TestCase):
    def test_how_a_run_stands_is_said_in_the_programs_words(self):
        reference = Path(__file__).parents[2] / "docs/reference/tables.md"
        rows = re.findall(r"^\| `(status|stopped_because)` \| `(\w+)` ", reference.read_text(), re.M)
        expected = [("status", word)
                    for word in (schema.RUNNING, schema.COMPLETE, schema.INTERRUPTED)]
        expected += [("stopped_because", word)
                     for word in (schema.REQUEST, schema.DIVERGENCE, schema.FAILURE)]
        self.assertEqual(rows, expected)


class LoadOneRun(FolderCase):
    def setUp(self):
        super().setUp()
        self.path = write_run(self.folder / "a.h5")
        self.study = analysis.load(self.path)

    def test_every_frame_has_rows_and_names_its_run(self):
        self.assertEqual(len(self.study.runs), 1)
        for name in FRAMES:
            frame = getattr(self.study, name)
            self.assertGreater(len(frame), 0, name)
            self.assertEqual(set(frame["run"]), {"mnist-fedavg"}, name)

    def test_tables_are_as_in_the_file(self):
        with h5py.File(self.path, "r") as file:
            for name, path in schema.TABLES.items():
                records, frame = file[path][:], getattr(self.study, name)
                self.assertLessEqual(set(records.dtype.names), set(frame))
                for column in records.dtype.names:
                    np.testing.assert_array_equal(frame[column].to_numpy(), records[column])

    def test_tables_that_have_no_name_here_are_there_by_their_path(self):
        with h5py.File(self.path, "r+") as file:
            file["privacy/budget"] = np.array([(1, 0.5)], [("round", "<i8"), ("epsilon", "<f8")])
            file["privacy/budget"].attrs["epsilon.help"] = b"spent so far"
        study = analysis.load(self.path)
        self.assertEqual(study.tables["privacy/budget"]["epsilon"].tolist(), [0.5])
        self.assertEqual(study.describe("privacy/budget")["help"].tolist(), ["", "spent so far"])
        self.assertIs(study.tables["federated/rounds"], study.rounds)

    def test_units_and_help_of_columns_are_those_of_the_program(self):
        for name, path in schema.TABLES.items():
            said = self.study.describe(name)
            self.assertEqual(said.to_dict("index"), columns_of(path))
            self.assertLessEqual(set(said.index), set(getattr(self.study, name)))
            self.assertTrue(said["help"].ne("").all(), path)
        self.assertEqual(self.study.describe("rounds").loc["wall_seconds", "unit"], "s")
        with self.assertRaisesRegex(analysis.ResultsError, "no table 'x'; there are: .*rounds"):
            self.study.describe("x")

    def test_matrices_become_a_row_a_cell(self):
        with h5py.File(self.path, "r") as file:
            counts = file["federated/confusion_matrix"][:]
        rows = self.study.confusion
        row = rows[(rows["model"] == "federated") & (rows["class"] == 3) & (rows["predicted"] == 5)]
        self.assertEqual(row["samples"].tolist(), [counts[3, 5]])
        self.assertEqual(len(rows), 2 * counts.size)
        self.assertEqual(self.study.label_counts["samples"].sum(), 6 * 300)

    def test_attributes_are_decoded(self):
        run = self.study.runs.iloc[0]
        self.assertEqual(run["status"], "complete")
        self.assertEqual(run["mpi_library"], "Open MPI v4.1.4")
        self.assertEqual(run["hosts"], "node1, node2")
        self.assertEqual(run["ranks"], 6)

    def test_configuration_keys_are_columns_with_values_of_their_type(self):
        run = self.study.runs.iloc[0]
        self.assertLessEqual(set(DEFAULTS), set(self.study.runs))
        self.assertEqual(run["training.epochs"], 3)
        self.assertEqual(run["training.learning_rate"], 0.01)
        self.assertEqual(run["model.hidden"], "200,200")
        self.assertEqual(run["checkpoint.file"], "")
        self.assertIs(bool(run["partition.stratified"]), True)
        self.assertIn("[training]\nepochs = 3\n", run["ini"])

    def test_derived_columns(self):
        run, rounds, epochs = self.study.runs.iloc[0], self.study.rounds, self.study.epochs
        federated, centralized = rounds["test_accuracy"].iloc[-1], epochs["test_accuracy"].iloc[-1]
        self.assertEqual(run["federated_test_accuracy"], federated)
        self.assertEqual(run["centralized_test_accuracy"], centralized)
        self.assertEqual(run["gap"], centralized - federated)
        self.assertEqual((run["rounds_done"], run["epochs_done"]), (5, 3))
        self.assertEqual(run["round_seconds"], rounds["wall_seconds"].median())
        self.assertEqual(run["total_bytes_up"], rounds["bytes_up"].sum())
        self.assertTrue(np.isnan(run["federated_validation_accuracy"]))

    def test_nothing_varies_in_one_run(self):
        self.assertEqual(self.study.varying, ())
        self.assertEqual(self.study.notes, ())


class LoadManyRuns(FolderCase):
    def setUp(self):
        super().setUp()
        for epochs in (10, 5):
            for seed in (2, 1):
                config = {
                    "training.epochs": epochs,
                    "experiment.seed": seed,
                    "output.file": f"{epochs}-{seed}",
                }
                write_run(self.folder / f"e{epochs}-s{seed}.h5", config)

    def test_rows_carry_the_keys_that_differ(self):
        study = analysis.load(f"{self.folder}/*.h5")
        self.assertEqual(study.varying, ("training.epochs", "experiment.seed"))
        for name in ("runs", *FRAMES):
            frame = getattr(study, name)
            self.assertEqual(sorted(frame["training.epochs"].unique()), [5, 10], name)
            self.assertEqual(sorted(frame["experiment.seed"].unique()), [1, 2], name)

    def test_runs_have_readable_names_in_the_order_of_the_keys(self):
        study = analysis.load(f"{self.folder}/*.h5")
        self.assertEqual(
            study.runs["run"].tolist(),
            [f"mnist-fedavg E={epochs} seed={seed}" for epochs in (5, 10) for seed in (1, 2)],
        )
        self.assertEqual(study.conditions, ["E=5", "E=10"])

    def test_runs_with_the_same_configuration_get_different_names(self):
        for ranks in (2, 4):
            write_run(self.folder / "same" / f"{ranks}.h5", ranks=ranks)
        study = analysis.load(f"{self.folder}/same/*.h5")
        self.assertEqual(study.runs["run"].tolist(), ["mnist-fedavg", "mnist-fedavg #2"])

    def test_a_list_of_paths_and_patterns_counts_each_file_once(self):
        study = analysis.load([self.folder / "e5-s1.h5", f"{self.folder}/e5-*.h5"])
        self.assertEqual(len(study.runs), 2)

    def test_a_copy_of_a_run_is_left_out_with_a_note(self):
        (self.folder / "copy.h5").write_bytes((self.folder / "e5-s1.h5").read_bytes())
        study = analysis.load(f"{self.folder}/*.h5")
        self.assertEqual(len(study.runs), 4)
        self.assertIn("is the same run as", study.notes[0])

    def test_a_key_that_one_run_lacks_differs(self):
        write_run(self.folder / "new" / "a.h5", {"federated.server": "adam"})
        write_run(self.folder / "new" / "b.h5")
        study = analysis.load(f"{self.folder}/new/*.h5")
        self.assertEqual(study.varying, ("federated.server",))
        self.assertEqual(study.conditions, ["server=adam", "mnist-fedavg"])

    def test_keys_that_a_run_does_not_use_are_no_label_of_it(self):
        folder = self.folder / "unused"
        for alpha in (0.5, 0.1):
            config = {"partition.scheme": "dirichlet", "partition.alpha": alpha}
            write_run(folder / f"{alpha}.h5", {**config, "federated.mu": alpha})
        with h5py.File(write_run(folder / "iid.h5", {"federated.mu": 7}), "r+") as file:
            file["config"].attrs["unused_keys"] = np.bytes_("partition.alpha,federated.mu")
        study = analysis.load(f"{folder}/*.h5")
        self.assertEqual(
            set(study.conditions),
            {
                "partition=iid",
                "partition=dirichlet alpha=0.1 mu=0.1",
                "partition=dirichlet alpha=0.5 mu=0.5",
            },
        )
        self.assertTrue(study.runs.set_index("condition")["partition.alpha"].isna()["partition=iid"])
        alone = analysis.load([folder / "0.5.h5", folder / "iid.h5"])
        self.assertEqual(alone.varying, ("partition.scheme",))

    def test_select_keeps_the_part_and_refuses_unknown_names(self):
        study = analysis.load(f"{self.folder}/*.h5")
        part = study.select(["mnist-fedavg E=5 seed=2"])
        self.assertEqual(len(part.runs), 1)
        self.assertEqual(set(part.rounds["run"]), {"mnist-fedavg E=5 seed=2"})
        with self.assertRaisesRegex(
            analysis.ResultsError, "no run 'x'; there are: 'mnist-fedavg E=5 seed=1'"
        ):
            study.select(["x"])


class LoadUnusualRuns(FolderCase):
    def test_an_interrupted_run_loads_with_a_note(self):
        path = write_run(self.folder / "i.h5", status="interrupted", rounds=2, centralized=False)
        study = analysis.load(path)
        self.assertEqual(study.runs["status"].tolist(), ["interrupted"])
        self.assertEqual(len(study.rounds), 2)
        self.assertEqual(len(study.confusion), 0)
        self.assertEqual(len(study.epochs), 0)
        self.assertIn(
            "was interrupted and can be resumed: 2 rounds and 0 centralized epochs", study.notes[0]
        )

    def test_a_run_that_diverged_is_not_called_resumable(self):
        for cause, expected in (
            ("divergence", "diverged and was stopped (client 3 diverged): 2 rounds"),
            ("failure", "failed (client 3 diverged): 2 rounds"),
            ("", "was interrupted: 2 rounds"),
        ):
            said = {
                "stopped_because": np.bytes_(cause) if cause else h5py.Empty("S1"),
                "stopped_message": np.bytes_("client 3 diverged"),
            }
            path = self.folder / "d.h5"
            write_run(path, status="interrupted", rounds=2, attributes=said)
            (note,) = analysis.load(path).notes
            self.assertIn(expected, note)
            self.assertNotIn("resumed", note)

    def test_updates_that_were_left_out_and_lost_losses_are_noted(self):
        path = write_run(self.folder / "d.h5")
        with h5py.File(path, "r+") as file:
            rounds = file["federated/rounds"][:]
            rounds["diverged"][[1, 3]] = 2, 1
            rounds["train_loss"][4] = np.nan
            file["federated/rounds"][:] = rounds
        notes = analysis.load(path).notes
        self.assertIn("3 updates of clients diverged and were left out, in 2 of 5 rounds", notes[0])
        self.assertIn("losses of the federated model are not finite", notes[1])
        with h5py.File(path, "r+") as file:  # nobody answered: there is no loss to be finite
            rounds["participants"][4] = 0
            file["federated/rounds"][:] = rounds
        self.assertEqual(len(analysis.load(path).notes), 1)

    def test_a_running_run_loads_with_a_note(self):
        study = analysis.load(write_run(self.folder / "r.h5", status="running", rounds=0))
        self.assertIn("is still running or was killed", study.notes[0])
        self.assertTrue(np.isnan(study.runs["federated_test_accuracy"].iloc[0]))

    def test_a_run_that_a_writer_holds_open_can_be_read(self):
        path = write_run(self.folder / "w.h5", status="running", rounds=3)
        hold = (
            "import h5py, sys; f = h5py.File(sys.argv[1], 'r+'); print('open', flush=True); input()"
        )
        command = [sys.executable, "-c", hold, str(path)]
        with subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        ) as writer:
            self.assertEqual(writer.stdout.readline(), "open\n")
            with self.assertRaises(OSError):
                h5py.File(path, "r")
            self.assertEqual(len(analysis.load(path).rounds), 3)
            writer.communicate("\n")

    def test_a_run_that_this_process_has_open_can_be_read(self):
        path = write_run(self.folder / "o.h5")
        with h5py.File(path, "r"):
            self.assertEqual(len(analysis.load(path).rounds), 5)

    def test_frames_that_no_run_fills_have_the_columns_of_the_file(self):
        study = analysis.load(write_run(self.folder / "c.h5", federated=False))
        self.assertEqual(len(study.rounds), 0)
        self.assertEqual(
            list(study.rounds), ["run", "condition", *columns_of("federated/rounds")]
        )

    def test_frames_that_no_file_holds_are_empty(self):
        study = analysis.load(write_run(self.folder / "c.h5", skip=["federated/rounds"]))
        self.assertEqual(study.rounds.shape, (0, 2))

    def test_rounds_that_were_not_evaluated_are_nan_and_the_last_value_counts(self):
        accuracy = [0.5, np.nan, 0.75, np.nan, np.nan]
        study = analysis.load(write_run(self.folder / "n.h5", test_accuracy=accuracy))
        np.testing.assert_array_equal(study.rounds["test_accuracy"], accuracy)
        self.assertEqual(study.runs["federated_test_accuracy"].iloc[0], 0.75)

    def test_columns_that_are_new_are_kept(self):
        path = write_run(self.folder / "x.h5", skip=["centralized/epochs"])
        fields = [
            ("epoch", "<i4"),
            ("test_accuracy", "<f8"),
            ("note", "S8"),
            ("norms", "<f8", (2,)),
        ]
        with h5py.File(path, "r+") as file:
            file["centralized/epochs"] = np.array(
                [(1, 0.5, b"first", (3.0, 4.0))], np.dtype(fields)
            )
        epochs = analysis.load(path).epochs
        self.assertEqual(epochs["note"].tolist(), ["first"])
        self.assertEqual(epochs[["norms_0", "norms_1"]].to_numpy().tolist(), [[3.0, 4.0]])

    def test_validation_columns_are_outcomes(self):
        study = analysis.load(write_run(self.folder / "v.h5", {"data.validation_samples": 5000}))
        last = study.rounds["validation_accuracy"].iloc[-1]
        self.assertEqual(study.runs["federated_validation_accuracy"].iloc[0], last)


class LoadWrongInput(FolderCase):
    def assert_refused(self, source, message):
        with self.assertRaises(analysis.ResultsError) as caught:
            analysis.load(source)
        self.assertIn(message, str(caught.exception))

    def test_a_missing_file(self):
        self.assert_refused(self.folder / "missing.h5", "missing.h5: no such file")

    def test_a_pattern_without_a_match(self):
        self.assert_refused(f"{self.folder}/*.h5", "no file matches")

    def test_nothing(self):
        self.assert_refused([], "no results file given")

    def test_a_directory(self):
        self.assert_refused(self.folder, "is a directory; did you mean")

    def test_a_file_that_is_not_hdf5(self):
        path = self.folder / "text.h5"
        path.write_text("no")
        self.assert_refused(path, "text.h5: not an HDF5 file")

    def test_an_hdf5_file_of_something_else(self):
        path = self.folder / "other.h5"
        with h5py.File(path, "w") as file:
            file["x/y"] = 1
        self.assert_refused(path, "other.h5: not a fedmpi results file")

    def test_a_file_that_was_cut_off(self):
        path = write_run(self.folder / "cut.h5")
        os.truncate(path, path.stat().st_size // 2)
        self.assert_refused(path, "cut.h5: damaged")

    def test_a_table_that_is_none(self):
        path = write_run(self.folder / "odd.h5", skip=["federated/rounds"])
        with h5py.File(path, "r+") as file:
            file["federated/rounds"] = np.zeros(3)
        self.assert_refused(path, "odd.h5: damaged")


if __name__ == "__main__":
    unittest.main()
