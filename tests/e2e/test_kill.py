"""Killed at any moment, a run loses at most the round in progress.

FEDMPI_KILLS (default 12) says how many moments are tried; with FEDMPI_KILL_REPORT a line
for each is printed.
"""

import os
import random
import resource
import signal
import subprocess
import sys
import time
import unittest
import uuid
from pathlib import Path

import h5py
from program import ProgramCase, text_attribute

KILLS = int(os.environ.get("FEDMPI_KILLS", "12"))
REPORT = bool(os.environ.get("FEDMPI_KILL_REPORT"))
SETTINGS = ("federated.rounds=40", "training.persistent_momentum=true",
            "federated.clients_per_round=5", "centralized.epochs=200", "training.epochs=20")
ENDS_WITHIN_SECONDS = 10
MARK = "FEDMPI_TEST_RUN"


def overrides(settings=SETTINGS) -> list[str]:
    return [part for setting in settings for part in ("--set", setting)]


def ranks_of(mark: str) -> dict[int, int]:
    """The living ranks of the run with this mark in its environment: rank -> pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            variables = dict(part.partition(b"=")[::2]
                             for part in (entry / "environ").read_bytes().split(b"\0"))
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if variables.get(MARK.encode()) == mark.encode() and state != "Z":
            rank = variables.get(b"OMPI_COMM_WORLD_RANK")
            found[int(rank) if rank else -1 - len(found)] = int(entry.name)
    return found


def announced(stderr: str) -> int:
    """The last round that was said to be finished."""
    rounds = [line.split()[1].partition("/")[0] for line in stderr.splitlines()
              if line.startswith("round ")]
    return max(map(int, rounds), default=0)


class KillCase(ProgramCase):
    """A run that can be found, and killed."""

    def begin(self, ranks: int, *arguments: object, settings=SETTINGS, **options):
        self.mark = uuid.uuid4().hex
        environment = {**os.environ, MARK: self.mark, **options.pop("env", {})}
        return self.start(ranks, *overrides(settings), *arguments, self.config, env=environment,
                          start_new_session=True, **options)

    def ranks(self) -> dict[int, int]:
        return {rank: pid for rank, pid in ranks_of(self.mark).items() if rank >= 0}

    def wait_until_gone(self) -> float:
        """Seconds until no process of the run is left."""
        started = time.monotonic()
        while ranks_of(self.mark):
            if time.monotonic() - started > ENDS_WITHIN_SECONDS:
                left = ranks_of(self.mark)
                for pid in left.values():
                    os.kill(pid, signal.SIGKILL)
                self.fail(f"still there after {ENDS_WITHIN_SECONDS} s: {left}")
            time.sleep(0.02)
        return time.monotonic() - started

    def wait_for_ranks(self, process, count: int) -> dict[int, int]:
        while process.poll() is None:
            ranks = self.ranks()
            if len(ranks) == count:
                return ranks
            time.sleep(0.02)
        self.fail(f"ended before it had {count} ranks: {process.communicate()[1]}")

    def rounds_in_file(self) -> int:
        path = self.folder / "run.h5"
        if not path.exists():
            return 0
        with h5py.File(path) as file:
            rounds = list(file["federated/rounds"]["round"])
        self.assertEqual(rounds, list(range(1, len(rounds) + 1)))
        return len(rounds)

    def clear(self) -> None:
        for rest in self.folder.glob("run.h5*"):
            rest.unlink()


class Kill(KillCase):
    def wait_for_moment(self, process, draw: random.Random, rounds_seconds: float) -> str:
        """A fifth of the moments lie in the set-up, the others are spread over the rounds."""
        if draw.random() < 0.2:
            delay = draw.uniform(0.0, 0.5)
            time.sleep(delay)
            return f"{delay:.2f} s into the set-up"
        while not (self.folder / "run.h5").exists() and process.poll() is None:
            time.sleep(0.002)
        delay = draw.uniform(0.0, rounds_seconds)
        time.sleep(delay)
        return f"{delay:.2f} s into the rounds"

    def kill_once(self, draw: random.Random, rounds_seconds: float, victim: str) -> str:
        process = self.begin(3)
        ranks = self.wait_for_ranks(process, 3)
        moment = self.wait_for_moment(process, draw, rounds_seconds)
        target = {"mpirun": process.pid, "rank 0": ranks.get(0),
                  "client rank": ranks.get(draw.choice((1, 2)))}[victim]
        try:
            os.kill(target, signal.SIGKILL)
        except ProcessLookupError:  # it was faster
            pass
        gone = self.wait_until_gone()
        stderr = process.communicate(timeout=30)[1]
        said, there = announced(stderr), self.rounds_in_file()
        self.assertGreaterEqual(there, said, f"{victim} {moment}: rounds are lost")
        outcome = self.launch(draw.choice((1, 2, 4)), "--resume", *overrides(), self.config)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        return f"{victim} {moment}: {said} announced, {there} in the file, " \
               f"all gone in {gone:.2f} s"

    def test_kills_lose_nothing(self):
        whole = self.run_small(3, *SETTINGS, output="whole.h5")
        with h5py.File(whole) as file:
            rounds_seconds = file["federated/rounds"]["wall_seconds"].sum()
        draw = random.Random(20250101)
        for i in range(KILLS):
            victim = ("rank 0", "client rank", "mpirun")[i % 3]
            with self.subTest(kill=i, victim=victim):
                report = self.kill_once(draw, rounds_seconds, victim)
                self.assert_same(whole, self.folder / "run.h5", report)
                leftovers = [path.name for path in self.folder.glob("*.part")]
                self.assertEqual(leftovers, [])
                if REPORT:
                    print(f"kill {i}: {report}", flush=True)
            self.clear()


READER = """
import os, sys, h5py
path, seen = sys.argv[1], 0
while not os.path.exists(path + ".over"):
    if os.path.exists(path):
        with h5py.File(path) as file:
            assert bytes(file.attrs["status"]) in (b"running", b"complete")
            rounds = list(file["federated/rounds"]["round"])
            clients = list(file["federated/clients"]["round"])
        assert rounds == list(range(1, len(rounds) + 1)), rounds
        assert all(clients.count(done) == 5 for done in rounds), "rounds without their clients"
        seen += 1
print(seen)
"""


class Readers(KillCase):
    def test_a_plain_reader_never_fails(self):
        """One that looks all the time, in a process of its own: HDF5 opens a file only once in a
        process, so that who holds it open there sees it as it was."""
        process = self.begin(3)
        path = self.folder / "run.h5"
        reader = subprocess.Popen([sys.executable, "-c", READER, path], stdout=subprocess.PIPE,
                                  stderr=subprocess.PIPE, text=True)
        for line in process.stderr:  # at every round's end
            if line.startswith("round "):
                self.assertGreaterEqual(self.rounds_in_file(), announced(line))
        self.write("run.h5.over", "")
        seen, failure = reader.communicate(timeout=60)
        self.assertEqual(process.wait(), 0)
        self.assertEqual(failure, "")
        self.assertGreater(int(seen), 40)


class Disk(KillCase):
    def test_a_full_disk_is_reported_and_spares_what_was_there(self):
        whole = self.run_small(2, *SETTINGS, output="whole.h5")
        process = self.begin(2)
        server = self.wait_for_ranks(process, 2)[0]
        while self.rounds_in_file() < 3 and process.poll() is None:
            time.sleep(0.01)
        resource.prlimit(server, resource.RLIMIT_FSIZE, (1000, 1000))
        stderr = process.communicate(timeout=60)[1]
        self.assertEqual(process.returncode, 1, stderr)
        self.assertRegex(stderr, "fedmpi: .*run.h5.*: cannot write: File too large")
        self.assertGreaterEqual(self.rounds_in_file(), max(3, announced(stderr)))
        self.assertEqual(list(self.folder.glob("*.part")), [])
        self.wait_until_gone()
        again = self.launch(3, "--resume", *overrides(), self.config)
        self.assertEqual(again.code, 0, again.stderr)
        self.assert_same(whole, self.folder / "run.h5")


class Hang(KillCase):
    def test_a_rank_that_hangs_is_named(self):
        process = self.begin(3)
        ranks = self.wait_for_ranks(process, 3)
        while self.rounds_in_file() < 2:
            time.sleep(0.01)
        os.kill(ranks[2], signal.SIGSTOP)
        try:
            warning = next(line for line in process.stderr if "waiting" in line)
        finally:
            os.kill(ranks[2], signal.SIGCONT)
        self.assertEqual(process.wait(60), 0)
        self.assertRegex(warning, r"warning: waiting 1\d s, [a-z ]+, round \d+; expected "
                                    r"[0-9.e-]+ s; no answer from rank 2$")


if __name__ == "__main__":
    unittest.main()
