"""Stopped on purpose, at any moment and from anywhere: exit code 75, a checkpoint, same bits."""

import gzip
import os
import shutil
import signal
import time
import unittest
from pathlib import Path

import h5py
from program import (ENDLESS, ENDLESS_ROUND, LIMIT_SECONDS, overrides, text_attribute, wait_for,
                     write_data)
from test_kill import KillCase


def is_pending(pid: int, number: int) -> bool:
    """Whether a signal has been sent that the process has not taken yet."""
    status = Path(f"/proc/{pid}/status").read_text()
    masks = [int(line.split()[1], 16) for line in status.splitlines()
             if line.startswith(("SigPnd", "ShdPnd"))]
    return any(mask >> (number - 1) & 1 for mask in masks)


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
    def begin_round(self, *arguments: object, **options):
        """A run whose first round does not end: a stop must come from inside it."""
        process = self.begin(3, *arguments, settings=ENDLESS_ROUND, **options)
        return process, self.wait_for_ranks(process, 3)

    def wait_for_results(self, process) -> None:
        wait_for((self.folder / "run.h5").exists, "it had a results file", process)

    def assert_stopped(self, process, reason: str, where: str) -> None:
        stderr = process.communicate(timeout=LIMIT_SECONDS)[1]
        self.assertEqual(process.returncode, 75, stderr)
        self.assertRegex(stderr, f"(?m)^fedmpi: stopped{reason} {where}")
        self.wait_until_gone()

    def test_one_rank_in_a_long_round_stops_all(self):
        for rank, number in ((0, signal.SIGUSR1), (1, signal.SIGTERM), (2, signal.SIGINT)):
            with self.subTest(rank=rank, signal=number.name):
                process, ranks = self.begin_round()
                self.wait_for_results(process)
                time.sleep(0.5)  # to be in the middle; before it the stop is the same
                os.kill(ranks[rank], number)
                self.assert_stopped(process, f" by {number.name}",
                                    "after round 0; --resume goes on from")
                self.assertTrue((self.folder / "run.h5.checkpoint").exists())
                with h5py.File(self.folder / "run.h5") as file:
                    self.assertEqual(text_attribute(file, "status"), "interrupted")
                self.clear()

    def test_a_second_interrupt_stops_at_once(self):
        process, ranks = self.begin_round()
        self.wait_for_results(process)
        os.kill(ranks[1], signal.SIGSTOP)  # nobody can agree to stop now
        os.kill(ranks[2], signal.SIGINT)
        wait_for(lambda: not is_pending(ranks[2], signal.SIGINT), "it had the signal", process)
        self.assertIsNone(process.poll())
        os.kill(ranks[2], signal.SIGINT)
        self.assertNotIn(process.wait(LIMIT_SECONDS), (0, 75))
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
                ranks = self.wait_for_ranks(process, 3)
                os.kill(ranks[victim], number)
                if victim:  # the others hear of it while rank 0 is still away, or soon after
                    time.sleep(0.3)
                pipe.let_go()
                self.assert_stopped(process, f" by {number.name}", "while setting up")
                self.assertEqual(list(self.folder.glob("run.h5*")), [])
                shutil.rmtree(data)

    def test_the_time_limit_stops_with_a_checkpoint(self):
        for by_slurm in (False, True):
            with self.subTest(by_slurm=by_slurm):
                self.stop_in_time(by_slurm, 4)
                self.assertTrue((self.folder / "run.h5.checkpoint").exists())
                self.clear()

    def stop_in_time(self, by_slurm: bool, seconds: int) -> None:
        """In the first round; with more time where so much passes before it."""
        limit = 0 if by_slurm else seconds
        end = {"SLURM_JOB_END_TIME": str(int(time.time()) + seconds + 2)} if by_slurm else {}
        process, _ = self.begin_round("--set", f"checkpoint.time_limit={limit}", env=end)
        setting_up = not wait_for(lambda: (self.folder / "run.h5").exists() or process.poll(),
                                  "results, or the end") is True
        if setting_up and seconds < LIMIT_SECONDS:
            self.assert_stopped(process, ": the time is up", "while setting up")
            self.stop_in_time(by_slurm, 3 * seconds)
        else:
            self.assert_stopped(process, ": the time is up", "after round 0")

    def test_a_time_limit_between_rounds_ends_in_the_same_bits(self):
        """Twice, each time with twice the time until there has been some for rounds."""
        settings = ("training.epochs=8", "federated.tracked_clients=")
        seconds, before = 2, 0
        for _ in range(2):
            while self.rounds_in_file() == before:
                outcome = self.launch(2, "--resume", *overrides((*settings, *ENDLESS)), "--set",
                                      f"checkpoint.time_limit={seconds}", self.config)
                self.assertEqual(outcome.code, 75, outcome.stderr)
                self.assertLess(seconds, LIMIT_SECONDS)
                seconds *= 2
            before = self.rounds_in_file()
        self.assert_resumed_is_whole(2, *settings)

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
