"""A call of one rank fails, anywhere: all ranks end, with one message, and nothing is lost.

faults.c makes it fail. FEDMPI_FAULTS (default 1) says how many moments are tried of each kind of
call on each rank, FEDMPI_FAULTS=every that each call fails in turn, alone and with all that come
later: a full disk at every write is FEDMPI_FAULTS=every FEDMPI_FAULT_CALLS=write,resize. With
FEDMPI_FAULT_REPORT a line for each is printed.
"""

import errno
import itertools
import os
import random
import subprocess
import unittest
from collections.abc import Iterator
from pathlib import Path

import h5py
from program import Outcome, ProgramCase, overrides

MOMENTS = os.environ.get("FEDMPI_FAULTS", "1")
CALLS = os.environ.get("FEDMPI_FAULT_CALLS", "")
REPORT = bool(os.environ.get("FEDMPI_FAULT_REPORT"))

# Clients keep states, which every rank writes.
SETTINGS = ("federated.algorithm=scaffold", "federated.rounds=2", "federated.tracked_clients=",
            "centralized.enabled=false")
ALWAYS = 10**9

# What fails on which rank, with which error.
SERVER = {"alloc": errno.ENOMEM, "open": errno.EMFILE, "read": errno.EIO, "write": errno.ENOSPC,
          "sync": errno.EIO, "rename": errno.EACCES, "resize": errno.ENOSPC}
CLIENT = {"alloc": errno.ENOMEM, "open": errno.EMFILE, "write": errno.ENOSPC, "rename": errno.EIO}
KINDS = [(rank, call, error) for rank, calls in ((0, SERVER), (1, CLIENT))
         for call, error in calls.items() if not CALLS or call in CALLS.split(",")]

# Runs what follows with a library preloaded on one rank only: RANK LIBRARY command...
PRELOADED = ("sh", "-c", 'if [ "$OMPI_COMM_WORLD_RANK" = "$0" ]; then export LD_PRELOAD="$1"; fi; '
                         'shift; exec "$@"')


def moments(calls: int, draw: random.Random) -> Iterator[tuple[int, int]]:
    """From which of so many calls, and how many from there on."""
    if MOMENTS == "every":
        yield from itertools.product(range(1, calls + 1), (1, ALWAYS))
        return
    for _ in range(int(MOMENTS)):
        yield draw.randint(1, calls), draw.choice((1, ALWAYS))


class Faults(ProgramCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.library = cls.data / "faults.so"
        subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1",
                        "-o", cls.library, Path(__file__).with_name("faults.c"), "-ldl"],
                       check=True)

    def run_with(self, rank: int, **fault: object) -> Outcome:
        environment = {f"FAULT_{name.upper()}": str(value) for name, value in fault.items()}
        return self.launch(2, *overrides(SETTINGS), self.config, env={**os.environ, **environment},
                           prefix=(*PRELOADED, rank, self.library))

    def clear(self) -> None:
        for rest in self.folder.glob("run.h5*"):
            rest.unlink()

    def count_calls(self, rank: int, call: str) -> int:
        """How many there are in a run in which none fails."""
        total = self.folder / "total"
        outcome = self.run_with(rank, call=call, total=total)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        self.clear()
        return int(total.read_text())

    def assert_ended_well(self, outcome: Outcome) -> str:
        """All ranks did, and said why where it matters; the message."""
        self.assertIn(outcome.code, (0, 1, 2), outcome.stderr)
        said = [line for line in outcome.stderr.splitlines() if line.startswith("fedmpi: ")
                and not line.startswith("fedmpi: warning: ")]
        self.assertEqual(len(said), outcome.code != 0, outcome.stderr)
        if "no memory" not in outcome.stderr:  # of which a process dies, as of a kill
            self.assertEqual(list(self.folder.glob("*.part")), [])
        for results in self.folder.glob("run.h5"):
            h5py.File(results).close()
        return f"exit {outcome.code} {''.join(said)}"

    def fail_once(self, rank: int, call: str, error: int, first: int, count: int) -> None:
        with self.subTest(call, rank=rank, first=first, count=count):
            outcome = self.run_with(rank, call=call, errno=error, count=count, **{"from": first})
            said = self.assert_ended_well(outcome)
            if outcome.code == 0:
                self.assert_same(self.whole, self.folder / "run.h5")
            again = self.launch(1, "--resume", *overrides(SETTINGS), self.config)
            self.assertEqual(again.code, 0, again.stderr)
            self.assert_same(self.whole, self.folder / "run.h5", said)
            self.assertEqual(list(self.folder.glob("*.part")), [])
            if REPORT:
                print(f"rank {rank}, {call} {first}, {count} times: {said}", flush=True)
        self.clear()

    def test_all_ranks_end_and_what_was_saved_counts(self):
        draw = random.Random(20261126)
        self.whole = self.run_small(1, *SETTINGS, output="whole.h5")
        for rank, call, error in KINDS:
            calls = self.count_calls(rank, call)
            self.assertGreater(calls, 0, f"{call} on rank {rank}")
            for first, count in moments(calls, draw):
                self.fail_once(rank, call, error, first, count)

    def test_a_run_that_could_not_have_the_last_word_in_its_results_has_it_later(self):
        """Its last checkpoint says that it is complete, its results do not."""
        self.whole = self.run_small(1, *SETTINGS, output="whole.h5")
        last = self.count_calls(0, "rename")
        self.fail_once(0, "rename", errno.EACCES, last, ALWAYS)


if __name__ == "__main__":
    unittest.main()
