"""What clients keep from round to round is saved and loaded where they train."""

import hashlib
import os
import random
import re
import resource
import shutil
import signal
import struct
import time
import unittest
from pathlib import Path

from program import ProgramCase
from test_kill import KillCase, overrides

ALGORITHMS = (("federated.algorithm=scaffold", "federated.clients_per_round=5"),
              ("federated.algorithm=feddyn", "federated.alpha=0.1"),
              ("training.persistent_momentum=true",))
HEADER_BYTES = 512  # of a sealed file
SAVES = int(os.environ.get("FEDMPI_KILLS", "4"))
NAME = re.compile(r"\.checkpoint\.states\.(\d+)\.(\d+)(\.part)?$")


def files_of(results: Path) -> dict[int, dict[int, Path]]:
    """generation -> rank -> file of states"""
    found: dict[int, dict[int, Path]] = {}
    for path in results.parent.glob(f"{results.name}.checkpoint.states.*"):
        generation, rank, _ = NAME.search(path.name).groups()
        found.setdefault(int(generation), {})[int(rank)] = path
    return found


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


class StatesCase(ProgramCase):
    SCAFFOLD = ALGORITHMS[0]

    def resume(self, ranks: int, *settings: str):
        return self.launch(ranks, "--resume", *overrides(settings), self.config)

    def generations(self, name: str = "run.h5") -> list[int]:
        return sorted(files_of(self.folder / name))


class Ranks(StatesCase):
    def test_saved_on_three_ranks_they_go_on_on_any(self):
        for settings in ALGORITHMS:
            whole = self.run_small(1, *settings, "federated.rounds=6", output="whole.h5")
            self.run_small(3, *settings, "federated.rounds=3")
            (of_ranks,) = files_of(self.folder / "run.h5").values()
            self.assertEqual(set(of_ranks), {1, 2})  # the server has no clients
            for ranks in (2, 1, 5):
                with self.subTest(settings=settings, ranks=ranks):
                    kept = self.folder / f"on-{ranks}"
                    kept.mkdir()
                    for path in self.folder.glob("run.h5*"):
                        shutil.copy(path, kept)
                    outcome = self.launch(ranks, "--resume", "-o", kept / "run.h5",
                                          *overrides((*settings, "federated.rounds=6")), self.config)
                    self.assertEqual(outcome.code, 0, outcome.stderr)
                    self.assertIn("after round 3", outcome.stderr)
                    self.assert_same(whole, kept / "run.h5")
                    (of_ranks,) = files_of(kept / "run.h5").values()
                    self.assertEqual(set(of_ranks), set(range(1, ranks)) or {0})
                    shutil.rmtree(kept)
            for path in self.folder.glob("*.h5*"):
                path.unlink()

    def test_generations_go_on_and_old_ones_go(self):
        self.run_small(2, *self.SCAFFOLD, "federated.rounds=1", output="one.h5")
        self.assertEqual(self.generations("one.h5"), [1])  # its last checkpoint has no new states
        self.assertEqual(self.resume(3, *self.SCAFFOLD, "federated.rounds=3",
                                     "output.file=one.h5").code, 0)
        self.assertEqual(self.generations("one.h5"), [3])
        whole = self.run_small(1, *self.SCAFFOLD, "federated.rounds=3", output="whole.h5")
        self.assert_same(whole, self.folder / "one.h5")

    def test_a_new_start_leaves_nothing_of_the_old_one(self):
        self.run_small(3, *self.SCAFFOLD)
        self.run_small(2)
        self.assertEqual(self.generations(), [])

    def test_without_checkpoints_there_are_no_files(self):
        self.run_small(2, *self.SCAFFOLD, "checkpoint.every=0")
        self.assertEqual(self.generations(), [])


class Damage(StatesCase):
    def setUp(self) -> None:
        super().setUp()
        self.whole = self.run_small(1, *self.SCAFFOLD, "federated.rounds=5", output="whole.h5")
        # Ended before its last word: both checkpoints have states of their own.
        self.run_small(3, *self.SCAFFOLD, "federated.rounds=2")
        self.older = {path.name: path.read_bytes() for path in self.folder.glob("run.h5.checkpoint*")}
        self.assertEqual(self.resume(3, *self.SCAFFOLD, "federated.rounds=3").code, 0)
        checkpoint = self.folder / "run.h5.checkpoint"
        (self.folder / "run.h5.checkpoint.previous").write_bytes(self.older[checkpoint.name])
        for name, data in self.older.items():
            if NAME.search(name):
                (self.folder / name).write_bytes(data)
        self.first, self.last = self.generations()

    def file(self, generation: int, rank: int) -> Path:
        return files_of(self.folder / "run.h5")[generation][rank]

    def go_on(self, ranks: int = 2):
        return self.resume(ranks, *self.SCAFFOLD, "federated.rounds=5")

    def test_damage_falls_back_on_the_states_before(self):
        path = self.file(self.last, 2)
        for what in ("head", "index", "record", "truncated", "missing"):
            with self.subTest(what):
                kept = {left: left.read_bytes() for left in self.folder.glob("run.h5*")}
                if what == "missing":
                    path.unlink()
                elif what == "truncated":
                    path.write_bytes(path.read_bytes()[:-1])
                else:
                    flip(path, {"head": 40, "index": HEADER_BYTES, "record": -1}[what])
                outcome = self.go_on()
                self.assertEqual(outcome.code, 0, outcome.stderr)
                self.assertRegex(outcome.stderr, rf"warning: .*{path.name}: .*; going on from "
                                                 r"\S*run.h5.checkpoint.previous")
                self.assertIn("after round 2", outcome.stderr)
                self.assert_same(self.whole, self.folder / "run.h5")
                for left in self.folder.glob("run.h5*"):
                    left.unlink()
                for left, data in kept.items():
                    left.write_bytes(data)

    def test_the_checkpoint_that_was_fallen_back_on_outlives_the_next_kill(self):
        """A damaged one must not take its place."""
        (self.folder / "run.h5.checkpoint").write_bytes(b"damaged")
        outcome = self.resume(2, *self.SCAFFOLD, "federated.rounds=2")
        self.assertEqual(outcome.code, 0, outcome.stderr)
        (self.folder / "run.h5.checkpoint").rename(self.folder / "run.h5.checkpoint.previous")
        self.assertEqual(self.go_on(4).code, 0)
        self.assert_same(self.whole, self.folder / "run.h5")

    def test_no_whole_states_are_an_error(self):
        for generation in (self.first, self.last):
            flip(self.file(generation, 1), -1)
        before = {path: path.read_bytes() for path in self.folder.glob("run.h5*")}
        for ranks in (1, 3):
            self.assert_refused(self.go_on(ranks), f"states.{self.last}.1: damaged",
                                f"states.{self.first}.1: damaged")
        self.assertEqual(before, {path: path.read_bytes() for path in self.folder.glob("run.h5*")})

    def test_files_that_are_elsewhere_are_named(self):
        for generation in (self.first, self.last):
            self.file(generation, 2).unlink()
        self.assert_refused(self.go_on(), f"run.h5.checkpoint.states.{self.last}.2: is missing",
                            "on a file system that all nodes share")

    def test_files_of_another_run_are_refused(self):
        self.run_small(3, *self.SCAFFOLD, "experiment.seed=2", "federated.rounds=3",
                       output="other.h5")
        (others,) = files_of(self.folder / "other.h5").values()
        for generation in (self.first, self.last):
            shutil.copy(others[1], self.file(generation, 1))
        self.assert_refused(self.go_on(), f"states.{self.last}.1: damaged")

    def test_an_older_format_is_refused_by_its_number(self):
        for path in (self.folder / "run.h5.checkpoint", self.folder / "run.h5.checkpoint.previous"):
            data = bytearray(path.read_bytes())
            at = data.index(b"format\0\0") + 8
            (now,) = struct.unpack_from("<q", data, at)
            struct.pack_into("<q", data, at, now - 1)
            data[40:72] = hashlib.blake2b(data[HEADER_BYTES:], digest_size=32).digest()
            path.write_bytes(data)
        self.assert_refused(self.go_on(), "checkpoint.file = ",
                            f"has format {now - 1}, this fedmpi goes on from format {now}")


class Saves(KillCase):
    """Killed while states are being saved."""

    SETTINGS = ("federated.algorithm=scaffold", "federated.rounds=25", "model.hidden=300,300",
                "training.epochs=1", "centralized.enabled=false", "training.learning_rate=0.01")

    def setUp(self) -> None:
        super().setUp()
        self.draw = random.Random(7)

    def wait_for_save(self, process) -> None:
        """Until one of a drawn generation begins, and a moment more."""
        wanted = self.draw.randint(1, 12)
        while process.poll() is None:
            if any(generation >= wanted for generation in files_of(self.folder / "run.h5")):
                time.sleep(self.draw.uniform(0, 0.02))
                return
            time.sleep(0.0005)

    def kill_once(self, ranks: int, victim: int, *options: str) -> int:
        """@return rounds that were announced"""
        process = self.begin(ranks, *options, settings=self.SETTINGS)
        pids = self.wait_for_ranks(process, ranks)
        self.wait_for_save(process)
        try:
            os.kill(pids[victim], signal.SIGKILL)
        except ProcessLookupError:  # it was faster
            pass
        self.wait_until_gone()
        return process.communicate(timeout=30)[1].count("\nround ")

    def test_the_last_complete_checkpoint_survives(self):
        whole = self.run_small(2, *self.SETTINGS, output="whole.h5")
        for i in range(SAVES):
            with self.subTest(kill=i):
                self.kill_once(3, i % 3)
                self.kill_once(self.draw.choice((2, 4)), i % 2, "--resume")
                there = self.rounds_in_file()
                outcome = self.launch(self.draw.choice((1, 2, 5)), "--resume",
                                      *overrides(self.SETTINGS), self.config)
                self.assertEqual(outcome.code, 0, outcome.stderr)
                self.assertNotIn("warning", outcome.stderr)
                resumed = re.search(r"after round (\d+)", outcome.stderr)
                if there > 1:  # the round in progress is lost, and no other
                    self.assertGreaterEqual(int(resumed.group(1)), there - 1)
                self.assert_same(whole, self.folder / "run.h5")
                self.assertEqual(len(files_of(self.folder / "run.h5")), 1)
                self.assertEqual(list(self.folder.glob("*.part")), [])
            self.clear()

    def test_a_full_disk_of_a_client_rank_spares_what_was_there(self):
        whole = self.run_small(2, *self.SETTINGS, output="whole.h5")
        process = self.begin(3, settings=self.SETTINGS)
        client = self.wait_for_ranks(process, 3)[2]
        while self.rounds_in_file() < 3 and process.poll() is None:
            time.sleep(0.01)
        resource.prlimit(client, resource.RLIMIT_FSIZE, (1000, 1000))
        stderr = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 1, stderr)
        self.assertRegex(stderr, r"fedmpi: .*run.h5.checkpoint.states.\d+.2: cannot write: File too "
                                 r"large \(on \S+, rank 2\)")
        self.assertEqual(list(self.folder.glob("*.part")), [])
        self.assertEqual(len(files_of(self.folder / "run.h5")), 2)
        self.assertEqual(self.launch(4, "--resume", *overrides(self.SETTINGS), self.config).code, 0)
        self.assert_same(whole, self.folder / "run.h5")


class Memory(ProgramCase):
    """The server's does not grow with what clients keep."""

    TRAIN = 1200
    CLIENT_BYTES = 4 * (64 * 400 + 400 + 400 * 10 + 10)

    def measure(self, clients: int, *options: str) -> float:
        return self.server_megabytes(*options, *overrides((
            "federated.algorithm=scaffold", f"partition.clients={clients}",
            "partition.samples_per_client=3", "partition.stratified=false", "model.hidden=400",
            "federated.rounds=2" if options == ("--resume",) else "federated.rounds=1",
            "federated.tracked_clients=", "centralized.enabled=false", "training.epochs=1")))

    def test_saving_and_loading(self):
        few, many = 20, 400
        states = (many - few) * self.CLIENT_BYTES / 1e6
        for options in (("--overwrite",), ("--resume",)):
            with self.subTest(options):
                used = []
                for clients in (few, many):
                    if options == ("--resume",):
                        self.measure(clients, "--overwrite")
                    used.append(self.measure(clients, *options))
                self.assertLess(used[1] - used[0], 0.2 * states)


if __name__ == "__main__":
    unittest.main()
