"""Killed at any moment, a run loses at most the round in progress.

FEDMPI_KILLS (default 9) says how many moments are tried; with FEDMPI_KILL_REPORT a line
for each is printed.
"""

import contextlib
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
from program import ENDLESS, LIMIT_SECONDS, ProgramCase, overrides, process_words, wait_for

KILLS = int(os.environ.get("FEDMPI_KILLS", "9"))
REPORT = bool(os.environ.get("FEDMPI_KILL_REPORT"))
SETTINGS = ("federated.rounds=40", "training.persistent_momentum=true",
            "federated.clients_per_round=5", "centralized.epochs=200", "training.epochs=20")
MARK = "FEDMPI_TEST_RUN"
SECONDS_OF_MPIRUN = 10  # to end when its ranks have; nothing depends on it


def ranks_of(mark: str) -> dict[int, int]:
    """The living ranks of the run with this mark in its environment: rank -> pid."""
    found = {}
    for entry in Path("/proc").iterdir():
        try:
            variables = dict(part.partition(b"=")[::2]
                             for part in (entry / "environ").read_bytes().split(b"\0"))
        except OSError:
            continue
        if variables.get(MARK.encode()) == mark.encode() and \
                process_words(entry.name)[:1] not in ([], ["Z"]):
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
        """Seconds until no rank of the run is left.

        mpirun ends with them, but for a lock on which Open MPI 4.1's may wait for ever in
        PMIx_server_finalize after a rank was killed while it started: that one is ended here.
        """
        started = time.monotonic()
        try:
            wait_for(lambda: not self.ranks(), "the end of all its ranks")
            gone = time.monotonic() - started
            end = time.monotonic() + SECONDS_OF_MPIRUN
            while ranks_of(self.mark) and time.monotonic() < end:
                time.sleep(0.01)
        finally:
            for pid in ranks_of(self.mark).values():
                with contextlib.suppress(ProcessLookupError):
                    os.kill(pid, signal.SIGKILL)
        return gone

    def wait_for_ranks(self, process, count: int) -> dict[int, int]:
        def all_ranks() -> dict[int, int]:
            ranks = self.ranks()
            return ranks if len(ranks) == count else {}
        return wait_for(all_ranks, f"it had {count} ranks", process)

    def clear(self) -> None:
        for rest in self.folder.glob("run.h5*"):
            rest.unlink()


class Kill(KillCase):
    SETTINGS = (*SETTINGS, "federated.rounds=200", "training.epochs=200")  # a line each, at length

    def wait_for_moment(self, process, draw: random.Random, in_set_up: bool) -> str:
        """In the set-up, or anywhere in a round."""
        if in_set_up:
            delay = draw.uniform(0.0, 0.5)
            time.sleep(delay)
            return f"{delay:.2f} s into the set-up"
        rounds = draw.randrange(20)
        wait_for((self.folder / "run.h5").exists, "it had a results file", process)
        self.wait_for_rounds(process, rounds)
        time.sleep(draw.uniform(0.0, 0.05))
        return f"behind round {rounds}"

    def kill_once(self, draw: random.Random, victim: str, in_set_up: bool) -> str:
        process = self.begin(3, settings=self.SETTINGS)
        ranks = self.wait_for_ranks(process, 3)
        moment = self.wait_for_moment(process, draw, in_set_up)
        target = {"mpirun": process.pid, "rank 0": ranks[0],
                  "client rank": ranks[draw.choice((1, 2))]}[victim]
        try:
            os.kill(target, signal.SIGKILL)
        except ProcessLookupError:  # it was faster, and all its rounds have to be there
            pass
        gone = self.wait_until_gone()
        said = announced(process.communicate(timeout=LIMIT_SECONDS)[1])
        there = self.rounds_in_file()
        self.assertGreaterEqual(there, said, f"{victim} {moment}: rounds are lost")
        self.assert_resumed_is_whole(draw.choice((1, 2, 4)), *self.SETTINGS)
        return f"{victim} {moment}: {said} announced, {there} in the file, " \
               f"all gone in {gone:.2f} s"

    def test_kills_lose_nothing(self):
        """Each victim in turn, once in the set-up and then twice behind it."""
        draw = random.Random(20250101)
        for i in range(KILLS):
            victim = ("rank 0", "client rank", "mpirun")[i % 3]
            with self.subTest(kill=i, victim=victim):
                report = self.kill_once(draw, victim, in_set_up=i // 3 % 3 == 0)
                self.assertEqual(list(self.folder.glob("*.part")), [])
                if REPORT:
                    print(f"kill {i}: {report}", flush=True)
            self.clear()


READER = """
import os, sys, h5py, numpy as np
path = sys.argv[1]
while not os.path.exists(path + ".over"):
    if os.path.exists(path):
        with h5py.File(path) as file:
            assert bytes(file.attrs["status"]) in (b"running", b"interrupted")
            rounds = file["federated/rounds"]["round"]
            clients = file["federated/clients"]["round"]
        expected = np.arange(1, len(rounds) + 1)
        assert (rounds == expected).all(), rounds
        there = clients[:5 * len(rounds)]
        assert there.tolist() == np.repeat(expected, 5).tolist(), "rounds without their clients"
        print(len(rounds), flush=True)
"""


class Readers(KillCase):
    def test_a_round_is_in_the_file_when_it_is_announced(self):
        process = self.begin(3)
        for line in process.stderr:
            if line.startswith("round "):
                self.assertGreaterEqual(self.rounds_in_file(), announced(line))
        self.assertEqual(process.wait(), 0)

    def test_a_plain_reader_never_fails(self):
        """One that looks all the time, in a process of its own: HDF5 opens a file only once in a
        process, so that who holds it open there sees it as it was."""
        reader = subprocess.Popen([sys.executable, "-c", READER, self.folder / "run.h5"],
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(reader.wait)
        self.addCleanup(reader.kill)
        process = self.begin(3, settings=(*SETTINGS, *ENDLESS))
        looks = []
        while len(looks) < 200 or len(set(looks)) < 10:  # many, and at different rounds
            looks.append(int(reader.stdout.readline() or self.fail(reader.stderr.read())))
        os.kill(self.ranks()[0], signal.SIGUSR1)
        stderr = process.communicate(timeout=LIMIT_SECONDS)[1]
        self.write("run.h5.over", "")
        failure = reader.communicate(timeout=LIMIT_SECONDS)[1]
        self.assertEqual((process.returncode, failure), (75, ""), stderr)
        self.assertEqual(looks, sorted(looks))


class Disk(KillCase):
    def test_a_full_disk_is_reported_and_spares_what_was_there(self):
        process = self.begin(2, settings=(*SETTINGS, *ENDLESS))
        server = self.wait_for_ranks(process, 2)[0]
        self.wait_for_rounds(process, 3)
        resource.prlimit(server, resource.RLIMIT_FSIZE, (1000, 1000))
        stderr = process.communicate(timeout=LIMIT_SECONDS)[1]
        self.assertEqual(process.returncode, 1, stderr)
        self.assertRegex(stderr, "fedmpi: .*run.h5.*: cannot write: File too large")
        self.assertGreaterEqual(self.rounds_in_file(), 3)
        self.assertEqual(list(self.folder.glob("*.part")), [])
        self.wait_until_gone()
        self.assert_resumed_is_whole(3, *SETTINGS)


class Hang(KillCase):
    #: A first checkpoint has nothing that it is expected to take.
    WAITED = r"waiting \d+ s, [a-z ]+, round \d+(; expected [0-9.e-]+ s)?"

    def test_a_rank_that_hangs_is_named(self):
        process = self.begin(3, settings=(*SETTINGS, *ENDLESS))
        ranks = self.wait_for_ranks(process, 3)
        self.wait_for_rounds(process, 2)
        os.kill(ranks[2], signal.SIGSTOP)
        try:
            warning = next(line for line in process.stderr if "waiting" in line)
        finally:
            os.kill(ranks[2], signal.SIGCONT)
        os.kill(ranks[0], signal.SIGUSR1)
        process.communicate(timeout=LIMIT_SECONDS)
        self.assertEqual(process.returncode, 75)
        self.assertRegex(warning, rf"warning: {self.WAITED}; no answer from rank 2$")

    def assert_given_up(self, stopped: int, who: str, silent: str) -> None:
        """After one of three ranks does not answer any more."""
        process = self.begin(3, "--set", "checkpoint.give_up_after=4", settings=Kill.SETTINGS)
        ranks = self.wait_for_ranks(process, 3)
        self.wait_for_rounds(process, 2)
        os.kill(ranks[stopped], signal.SIGSTOP)
        self.addCleanup(self.clear_away, ranks[stopped])
        stderr = process.communicate(timeout=LIMIT_SECONDS)[1]
        self.assertEqual(process.returncode, 75, stderr)
        self.assertRegex(stderr, rf"(?m)^fedmpi: rank {who}: {self.WAITED}; "
                                 rf"no answer from {silent} in all that time: given up; "
                                 r"--resume goes on from the last checkpoint$")
        self.wait_until_gone()
        self.assert_resumed_is_whole(2, *Kill.SETTINGS)

    @staticmethod
    def clear_away(pid: int) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGKILL)

    def test_the_server_gives_up_ranks_that_do_not_answer(self):
        self.assert_given_up(2, "0", "rank 2")

    def test_ranks_give_up_a_server_that_does_not_answer(self):
        self.assert_given_up(0, "[12]", "rank 0")


if __name__ == "__main__":
    unittest.main()
