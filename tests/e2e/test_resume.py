"""Stopped and resumed, a run gives the bits of one that was never stopped."""

import os
import shutil
import signal
import unittest
from pathlib import Path

import h5py
from program import (ENDLESS, LIMIT_SECONDS, ProgramCase, overrides, process_words,
                     text_attribute)

LONG = (*ENDLESS, "federated.evaluate_every=50", "federated.tracked_clients=0",
        "centralized.epochs=150")


def children(parent: int) -> list[int]:
    """The processes that a process has started."""
    return [int(entry.name) for entry in Path("/proc").glob("[0-9]*")
            if process_words(entry.name)[1:2] == [str(parent)]]


class Resume(ProgramCase):
    def test_three_and_three_rounds_are_six(self):
        for optimizer in ("training.persistent_momentum=false", "training.persistent_momentum=true",
                          "training.optimizer=adamw"):
            with self.subTest(optimizer):
                settings = (optimizer, "federated.clients_per_round=5", "centralized.epochs=9")
                whole = self.run_small(2, *settings, "federated.rounds=6", output="whole.h5")
                for first, then in ((1, 4), (3, 2)):
                    name = f"parts-{first}-{then}.h5"
                    self.run_small(first, *settings, "federated.rounds=3", output=name)
                    parts = self.run_small(then, *settings, "federated.rounds=6", output=name,
                                           options=("--resume",))
                    self.assert_same(whole, parts, f"{first} ranks, then {then}")
                    with h5py.File(parts) as file:
                        self.assertIn("resumed", file.attrs)
                        self.assertEqual(text_attribute(file, "status"), "complete")
                for rest in self.folder.glob("*.h5*"):
                    rest.unlink()

    def test_without_a_checkpoint_it_starts(self):
        plain = self.run_small(2, output="plain.h5")
        self.assert_same(plain, self.run_small(2, output="resumed.h5", options=("--resume",)))

    def test_a_complete_run_is_left_as_it_is(self):
        path = self.run_small(2, output="run.h5")
        copy = shutil.copy(path, self.folder / "copy.h5")
        self.assert_same(copy, self.run_small(3, output="run.h5", options=("--resume",)))

    def test_a_stop_between_checkpoints_loses_no_bits(self):
        settings = ("checkpoint.every=3", "federated.rounds=5")
        whole = self.run_small(1, *settings, output="whole.h5")
        self.run_small(2, "checkpoint.every=3", "federated.rounds=4", output="parts.h5")
        parts = self.run_small(3, *settings, output="parts.h5", options=("--resume",))
        self.assert_same(whole, parts)

    def resume(self, *settings: str):
        return self.launch(2, "--resume", *overrides(settings), self.config)

    def test_keys_that_alter_the_past_must_not_change(self):
        self.run_small(2)
        for setting, was in (("training.learning_rate=0.2", "0.1"), ("experiment.seed=3", "1"),
                             ("partition.clients=6", "7"), ("model.hidden=12", "12,6")):
            with self.subTest(setting):
                self.assert_refused(self.resume(setting), "--set: " + setting.replace("=", " = "),
                                    f"the checkpoint was made with {was}")

    def test_fewer_rounds_than_done_are_refused(self):
        self.run_small(2)
        self.assert_refused(self.resume("federated.rounds=3"), "federated.rounds = 3",
                            "4 rounds already")

    def test_damage_falls_back_on_the_checkpoint_before(self):
        whole = self.run_small(1, output="whole.h5")
        path = self.run_small(2)
        checkpoint = self.folder / "run.h5.checkpoint"
        data = bytearray(checkpoint.read_bytes())
        data[len(data) // 2] ^= 1
        checkpoint.write_bytes(data)
        outcome = self.launch(2, "--resume", self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assertIn("run.h5.checkpoint: damaged", outcome.stderr)
        self.assert_same(whole, path)

    def test_a_damaged_journal_is_an_error(self):
        self.run_small(2)
        journal = self.folder / "run.h5.checkpoint.rows"
        data = bytearray(journal.read_bytes())
        data[len(data) // 2] ^= 1
        journal.write_bytes(data)
        self.assert_refused(self.resume(), "run.h5.checkpoint.rows: damaged")
        journal.unlink()
        self.assert_refused(self.resume(), "run.h5.checkpoint.rows: cannot read")

    def test_what_stands_behind_the_checkpoint_in_its_journal_does_not_count(self):
        whole = self.run_small(1, output="whole.h5")
        path = self.run_small(2, "federated.rounds=2")
        with open(self.folder / "run.h5.checkpoint.rows", "ab") as journal:
            journal.write(b"rows of a round that was not finished")
        self.assertEqual(self.resume().code, 0)
        self.assert_same(whole, path)

    def test_a_checkpoint_does_not_grow_with_the_rounds(self):
        sizes, rows = set(), []
        for rounds in (2, 5, 8):
            self.run_small(2, f"federated.rounds={rounds}", "centralized.enabled=false",
                           output="grows.h5", options=("--resume",))
            sizes.add((self.folder / "grows.h5.checkpoint").stat().st_size)
            rows.append((self.folder / "grows.h5.checkpoint.rows").stat().st_size)
        self.assertEqual(len(sizes), 1)
        self.assertEqual(rows[2] - rows[1], rows[1] - rows[0])

    def test_a_run_that_begins_anew_leaves_nothing_of_the_one_before(self):
        whole = self.run_small(1, "experiment.seed=2", output="whole.h5")
        self.run_small(2, "federated.rounds=3")
        self.run_small(2, "experiment.seed=2", "federated.rounds=1")
        (self.folder / "run.h5.checkpoint").write_bytes(b"damaged")
        self.assertEqual(self.resume("experiment.seed=2").code, 0)
        self.assert_same(whole, self.folder / "run.h5")

    def test_no_whole_checkpoint_is_an_error(self):
        self.run_small(2)
        for checkpoint in self.folder.glob("*.checkpoint*"):
            checkpoint.write_bytes(checkpoint.read_bytes()[:-1])
        self.assert_refused(self.resume(), "run.h5.checkpoint", "truncated")


class Signals(ProgramCase):
    def start_endless(self, ranks: int, *settings: str):
        """A run that is in its seventh round, or later."""
        process = self.start(ranks, *overrides((*LONG, *settings)), self.config)
        self.wait_for_rounds(process, 6)
        return process

    def assert_stopped(self, process, name: str) -> None:
        """It ends with 75, one message, and results that say so."""
        _, stderr = process.communicate(timeout=LIMIT_SECONDS)
        self.assertEqual(process.returncode, 75, stderr)
        ours = [line for line in stderr.splitlines() if line.startswith("fedmpi: ")]
        self.assertEqual(len(ours), 1, stderr)
        self.assertIn(f"stopped by {name} after round ", ours[0])
        self.assertIn("--resume", ours[0])
        with h5py.File(self.folder / "run.h5") as file:
            self.assertEqual(text_attribute(file, "status"), "interrupted")
            self.assertEqual(text_attribute(file, "stopped_because"), "request")
            self.assertIn(name, text_attribute(file, "stopped_message"))

    def test_signals_stop_with_a_checkpoint(self):
        for ranks, number in ((0, signal.SIGTERM), (3, signal.SIGUSR1), (3, signal.SIGTERM)):
            with self.subTest(ranks=ranks, signal=number.name):
                process = self.start_endless(ranks)
                with h5py.File(self.folder / "run.h5") as file:
                    self.assertEqual(text_attribute(file, "status"), "running")
                if ranks == 0 or number == signal.SIGUSR1:
                    os.kill(process.pid, number)  # mpirun hands SIGUSR1 on
                else:
                    os.kill(children(process.pid)[-1], number)  # one rank is enough
                self.assert_stopped(process, number.name)
                self.assert_resumed_is_whole(2, *LONG)
                for rest in self.folder.glob("run.h5*"):
                    rest.unlink()

    def test_a_kill_leaves_every_finished_round(self):
        process = self.start_endless(0)
        process.kill()
        process.wait()
        with h5py.File(self.folder / "run.h5") as file:
            rows = file["federated/rounds"][:]
        self.assertGreaterEqual(len(rows), 6)
        self.assert_resumed_is_whole(2, *LONG)
        with h5py.File(self.folder / "whole.h5") as whole:
            expected = whole["federated/rounds"][:len(rows)]
            for column in ("train_loss", "update_norm"):
                self.assertEqual(rows[column].tobytes(), expected[column].tobytes())

    def test_without_checkpoints_a_stop_says_so(self):
        process = self.start_endless(0, "checkpoint.every=0")
        process.terminate()
        _, stderr = process.communicate(timeout=LIMIT_SECONDS)
        self.assertEqual(process.returncode, 75, stderr)
        self.assertIn("checkpoint.every is 0", stderr)
        self.assertFalse((self.folder / "run.h5.checkpoint").exists())


if __name__ == "__main__":
    unittest.main()
