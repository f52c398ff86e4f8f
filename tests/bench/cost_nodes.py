#!/usr/bin/env python3
"""`make cost-nodes`: what distance costs a round, by the formula of docs/design/cost-model.md beside
measured rounds on three nodes whose cables are long.

The nodes are those of the test cluster. Rounds are measured first with cables that hold nothing up:
what a round takes beyond training then is the machine's. Longer cables add trips to it, which the
formula counts; it knows nothing of what is measured. Needs root and Open MPI.
"""

from __future__ import annotations

import argparse
import os
import sys
from dataclasses import dataclass
from pathlib import Path

import h5py

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path[:0] = [str(ROOT / "tests/cluster"), str(ROOT / "tests/e2e")]

EAGER_BYTES = 64 << 10  # of Open MPI's over TCP: what is longer is announced, and asked for
TRIPS_TO_ASK = 3        # more than for a short message
LINKS = 2               # between two nodes: to the switch, and from it
DELAYS_MS = (1, 5, 20)
ROUNDS = 20


@dataclass(frozen=True)
class Case:
    slots: tuple[int, ...]  # ranks of each node
    hidden: int
    collective: str

    @property
    def parameters(self) -> int:
        return 785 * self.hidden + 10 * (self.hidden + 1)


CASES = tuple(Case(slots, hidden, collective) for hidden in (1, 64)
              for slots in ((1, 1), (1, 1, 1), (2, 2, 2)) for collective in ("gather", "reduce"))


class Trips:
    """Of a collective among ranks that stand on nodes, as multiples of the way between two nodes:
    ways within a node count nothing. Trees are binomial, with rank 0 as their root."""

    def __init__(self, slots: tuple[int, ...]) -> None:
        self.node = [node for node, count in enumerate(slots) for _ in range(count)]

    def children(self, rank: int) -> list[int]:
        """In the order in which they are served."""
        ranks, step, found = len(self.node), 1, []
        while (rank == 0 or rank % (2 * step) == 0) and rank + step < ranks:
            found.append(rank + step)
            step *= 2
        return found

    def way(self, a: int, b: int, size: int) -> tuple[int, int]:
        """Trips until a message is announced, and from when it is asked for."""
        if self.node[a] == self.node[b]:
            return 0, 0
        return 1, TRIPS_TO_ASK if size > EAGER_BYTES else 0

    def broadcast(self, size: int, rank: int = 0) -> int:
        """All children at once."""
        return max((sum(self.way(rank, child, size)) + self.broadcast(size, child)
                    for child in self.children(rank)), default=0)

    def reduce(self, size: int, rank: int = 0) -> int:
        """One child after another: each is asked when the one before has come."""
        at = 0
        for child in self.children(rank):
            announced, asked = self.way(child, rank, size)
            at = max(at, self.reduce(size, child) + announced) + asked
        return at

    def gather(self, size: int) -> int:
        """From all at once."""
        return max(sum(self.way(rank, 0, size)) for rank in range(len(self.node)))

    def of_round(self, parameters: int, collective: str) -> int:
        """All have trained; sums of updates; parameters; the evaluation's sums."""
        up = self.gather if collective == "gather" else self.reduce
        return (self.broadcast(8) + up(8 * parameters) + self.broadcast(4 * parameters)
                + self.reduce(8))


def beyond_training(test, case: Case) -> float:
    """Seconds: of the fastest of the rounds but the first, which other work disturbs least."""
    settings = (f"federated.rounds={ROUNDS}", f"federated.collective={case.collective}",
                f"data.path={test.mnist}", f"model.hidden={case.hidden}", "training.epochs=1",
                "federated.tracked_clients=", "centralized.enabled=false", "checkpoint.every=0")
    with h5py.File(test.run_on(case.slots, *settings)) as file:
        rounds = file["federated/rounds"][1:]
    return float(min(rounds["wall_seconds"] - rounds["train_seconds"]))


def make_test(data: Path):
    """The test cluster, outside of a test."""
    from case import ClusterCase

    class Nodes(ClusterCase):
        mnist = data

        def runTest(self) -> None:
            self.lines = ["| nodes x ranks | parameters | up by | trips | one way, ms | model, s | "
                          "measured, s | ratio |", "|---|---|---|---|---|---|---|---|"]
            self.stretch(0)
            near = {case: beyond_training(self, case) for case in CASES}
            for delay in DELAYS_MS:
                self.stretch(delay)
                for case in CASES:
                    self.add(case, near[case], LINKS * delay)

        def stretch(self, delay_ms: float) -> None:
            for number in range(1, 4):
                self.node(number).slow_cable(delay_ms / 1000)

        def add(self, case: Case, near: float, way_ms: float) -> None:
            trips = Trips(case.slots).of_round(case.parameters, case.collective)
            model, real = near + trips * way_ms / 1000, beyond_training(self, case)
            self.lines.append(f"| {len(case.slots)} x {case.slots[0]} | {case.parameters:,} | "
                              f"{case.collective} | {trips} | {way_ms} | {model:.3f} | {real:.3f} | "
                              f"{model / real:.2f} |")
            print(self.lines[-1], file=sys.stderr, flush=True)

    return Nodes()


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--data", type=Path, default=ROOT / "data/mnist")
    options = parser.parse_args()
    os.environ["FEDMPI"] = str(options.build.resolve() / "fedmpi")
    test = make_test(options.data.resolve())
    type(test).setUpClass()
    try:
        test.setUp()
        test.runTest()
    finally:
        test.doCleanups()
        type(test).doClassCleanups()
    print("\n".join(test.lines))
    return 0


if __name__ == "__main__":
    sys.exit(main())
