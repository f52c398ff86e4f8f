"""Stopped on purpose, at any moment and from anywhere: exit code 75, a checkpoint, same bits."""

import gzip
import os
import shutil
import signal
import time
import unittest
from pathlib import Path

import h5py
from program import text_attribute, write_data
from test_kill import KillCase, overrides

# Rounds that take half a minute: a stop must come from inside one.
LONG = ("training.epochs=3000000", "federated.rounds=3", "federated.tracked_clients=",
        "centralized.enabled=false", "federated.clients_per_round=3")


class Pipe:
    """A data file that its reader waits for: the reader is there, and does not get on."""

    def __init__(self, path: Path) -> None:
        self.plain, self.path = path, path.with_name(path.name + ".gz")
        self.bytes = gzip.compress(path.read_bytes())  # whose size nobody knows before the end

    def take_the_place(self) -> None:
        os.mkfifo(self.path)
        self.plain.unlink()

    def wait_for_reader(self) -> None:
        self.file = os.open(self.path, os.O_WRONLY)

    def let_go(self) -> None:
        """The reader gets this file; who opens it again finds a plain one."""
        self.path.unlink()
        self.path.write_bytes(self.bytes)
        os.write(self.file, self.bytes)
        os.close(self.file)


class Stops(KillCase):
    def begin_long(self, *arguments: object, **options):
        return self.begin(3, *arguments, settings=LONG, **options)

    def assert_stopped(self, process, started: float, reason: str, where: str) -> None:
        stderr = process.communicate(timeout=30)[1]
        seconds = time.monotonic() - started
        self.assertEqual(process.returncode, 75, stderr)
        self.assertLess(seconds, 10, stderr)
        self.assertRegex(stderr, f"(?m)^fedmpi: stopped{reason} {where}")
        self.wait_until_gone()

    def test_one_rank_in_a_long_round_stops_all(self):
        for rank, number in ((0, signal.SIGUSR1), (1, signal.SIGTERM), (2, signal.SIGINT)):
            with self.subTest(rank=rank, signal=number.name):
                process = self.begin_long()
                ranks = self.wait_for_ranks(process, 3)
                while not (self.folder / "run.h5").exists():
                    time.sleep(0.01)
                time.sleep(0.5)
                started = time.monotonic()
                os.kill(ranks[rank], number)
                self.assert_stopped(process, started, f" by {number.name}",
                                    "after round 0; --resume goes on from")
                self.assertTrue((self.folder / "run.h5.checkpoint").exists())
                with h5py.File(self.folder / "run.h5") as file:
                    self.assertEqual(text_attribute(file, "status"), "interrupted")
                self.clear()

    def test_a_second_interrupt_stops_at_once(self):
        process = self.begin_long()
        ranks = self.wait_for_ranks(process, 3)
        while not (self.folder / "run.h5").exists():
            time.sleep(0.01)
        os.kill(ranks[1], signal.SIGSTOP)  # nobody can agree to stop now
        os.kill(ranks[2], signal.SIGINT)
        time.sleep(0.3)
        self.assertIsNone(process.poll())
        os.kill(ranks[2], signal.SIGINT)
        self.assertNotIn(process.wait(10), (0, 75))
        self.wait_until_gone()

    def test_a_stop_while_the_data_are_loaded(self):
        """Rank 0 waits for a label file's bytes, first its header, then its values."""
        for stage, victim, number in (("header", 0, signal.SIGTERM), ("values", 1, signal.SIGUSR1),
                                      ("values", 0, signal.SIGINT)):
            with self.subTest(stage=stage, victim=victim):
                data = write_data(self.folder / "data", self.train, self.test)
                last, labels = (Pipe(data / f"{part}-labels-idx1-ubyte")
                                for part in ("t10k", "train"))
                last.take_the_place()
                process = self.begin(3, "--set", f"data.path={data}")
                pipe = last
                last.wait_for_reader()
                if stage == "values":
                    labels.take_the_place()  # its header has been read
                    last.let_go()
                    labels.wait_for_reader()
                    pipe = labels
                ranks, started = self.wait_for_ranks(process, 3), time.monotonic()
                os.kill(ranks[victim], number)
                if victim:  # the others hear of it while rank 0 is still away
                    time.sleep(0.3)
                pipe.let_go()
                self.assert_stopped(process, started, f" by {number.name}", "while setting up")
                self.assertEqual(list(self.folder.glob("run.h5*")), [])
                shutil.rmtree(data)

    def test_the_time_limit_stops_with_a_checkpoint(self):
        for limit, environment in (("3", {}),
                                   ("0", {"SLURM_JOB_END_TIME": str(int(time.time()) + 5)})):
            with self.subTest(limit=limit, environment=environment):
                started = time.monotonic()
                process = self.begin_long("--set", f"checkpoint.time_limit={limit}",
                                          env=environment)
                self.assert_stopped(process, started, ": the time is up", "after round 0")
                self.assertLess(time.monotonic() - started, 7)
                self.assertTrue((self.folder / "run.h5.checkpoint").exists())
                self.clear()

    def test_a_time_limit_between_rounds_ends_in_the_same_bits(self):
        settings = ("federated.rounds=300", "training.epochs=8", "federated.tracked_clients=")
        whole = self.run_small(2, *settings, output="whole.h5")
        stops = 0
        for attempt in range(40):
            outcome = self.launch(2, "--resume", *overrides(settings), "--set",
                                  "checkpoint.time_limit=2", self.config)
            if outcome.code == 0:
                break
            self.assertEqual(outcome.code, 75, outcome.stderr)
            stops += 1
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.assert_same(whole, self.folder / "run.h5", f"{stops} stops")

    def test_time_limits_are_checked(self):
        for text in ("1:2", "-1", "1:60:00", "2 h", "1:00:00:00", ""):
            with self.subTest(text):
                self.assert_refused(self.launch(0, "--set", f"checkpoint.time_limit={text}",
                                                self.config), "checkpoint.time_limit", "H:MM:SS")
        for text in ("90", "1:30:00", "0"):
            outcome = self.launch(0, "--dry-run", "--set", f"checkpoint.time_limit={text}",
                                  self.config)
            self.assertEqual(outcome.code, 0, outcome.stderr)


if __name__ == "__main__":
    unittest.main()
