#!/usr/bin/env python3
"""Thousands of short rounds: the memory and the files of every rank stay what they are.

    tests/soak/soak.py PROGRAM [ROUNDS]      what `make soak` does

Samples VmRSS and the number of open files of every rank while 2,000 rounds run on 6
ranks, prints a table, and ends with 1 if something grows after round 100 by more than
the rows of the results, which the server holds until the end.
"""

import os
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

E2E = Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))
os.environ["FEDMPI"] = sys.argv[1]
import program  # noqa: E402: reads FEDMPI
import test_kill  # noqa: E402

RANKS, SETTLED = 6, 100
SLACK_KIB = 512  # pages that the allocator touches late
SETTINGS = ("training.epochs=1", "training.persistent_momentum=true", "federated.tracked_clients=0",
            "federated.evaluate_every=10", "checkpoint.every=20", "centralized.epochs=300")


def sample(pids: dict[int, int]) -> dict[int, tuple[int, int]]:
    """(VmRSS in KiB, open files) of each rank."""
    found = {}
    for rank, pid in pids.items():
        try:
            status = Path(f"/proc/{pid}/status").read_text()
            rss = next(int(line.split()[1]) for line in status.splitlines()
                       if line.startswith("VmRSS"))
            found[rank] = rss, len(os.listdir(f"/proc/{pid}/fd"))
        except (OSError, StopIteration):
            continue
    return found


def run(folder: Path, rounds: int) -> tuple[dict[int, dict], int]:
    """Samples by round, and the exit code."""
    data = program.write_data(folder / "data", program.make_samples(400),
                              program.make_samples(100, seed=2))
    config = folder / "run.ini"
    config.write_text(program.SMALL.format(data=data, folder=folder))
    mark = uuid.uuid4().hex
    process = subprocess.Popen(
        program.command(RANKS, *program.overrides((*SETTINGS, f"federated.rounds={rounds}")),
                        config),
        env={**os.environ, test_kill.MARK: mark}, stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE, text=True)
    samples, pids = {}, {}
    for line in process.stderr:
        if not line.startswith("round "):
            print(line, end="", file=sys.stderr)
            continue
        done = int(line.split()[1].partition("/")[0])
        if len(pids) < RANKS:
            pids = {rank: pid for rank, pid in test_kill.ranks_of(mark).items() if rank >= 0}
        samples[done] = sample(pids)
    return samples, process.wait()


def main() -> int:
    rounds = int(sys.argv[2]) if len(sys.argv) > 2 else 2000
    with tempfile.TemporaryDirectory(prefix="fedmpi-soak-") as name:
        samples, code = run(Path(name), rounds)
        results_kib = (Path(name) / "run.h5").stat().st_size // 1024
    shown = [done for done in sorted(samples) if len(samples[done]) == RANKS]
    first = next((done for done in shown if done >= SETTLED), None)
    if code or first is None or shown[-1] < rounds * 0.9:
        print(f"soak: the run ended with {code}")
        return 1
    marks = sorted({first, *(next(d for d in shown if d >= rounds * part // 10)
                             for part in (3, 5, 7)), shown[-1]})
    print(f"VmRSS in KiB and open files after round; the results file has {results_kib} KiB")
    print("rank   " + "".join(f"{done:>16}" for done in marks) + "          growth")
    failed = False
    for rank in range(RANKS):
        cells = [samples[done][rank] for done in marks]
        growth, files = cells[-1][0] - cells[0][0], cells[-1][1] - cells[0][1]
        allowed = SLACK_KIB + (3 * results_kib if rank == 0 else 0)
        bad = growth > allowed or files > 0
        failed |= bad
        print(f"rank {rank} " + "".join(f"{rss:>11} {fds:>4}" for rss, fds in cells) +
              f"{growth:>11} {files:>4}" + ("  <- grows" if bad else ""))
    return int(failed)


if __name__ == "__main__":
    sys.exit(main())
