#!/usr/bin/env python3
"""What saving costs a round late in a long run, when many rows lie behind it.

    tests/soak/saving.py PROGRAM      what `make soak-saving` does

2,000 clients that train a sample each make in 150 rounds the rows that 150 clients make in
2,000. Prints time and bytes written a round, as rounds go by, with a checkpoint each round and
with none; and then what whole runs of 2,000 to 50,000 short rounds take, saved after each.
"""

import os
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import NamedTuple

E2E = Path(__file__).resolve().parents[1] / "e2e"
sys.path.insert(0, str(E2E))
os.environ["FEDMPI"] = sys.argv[1]
import program  # noqa: E402: reads FEDMPI

CLIENTS, ROUNDS, SPAN = 2000, 150, 15
SETTINGS = (f"partition.clients={CLIENTS}", "partition.samples_per_client=1",
            "partition.stratified=false", "training.epochs=1", f"federated.rounds={ROUNDS}",
            "federated.evaluate_every=1000", "centralized.enabled=false")
LENGTHS = (2000, 10000, 50000)
SHORT_ROUNDS = ("centralized.enabled=false", "federated.evaluate_every=100",
                "federated.tracked_clients=")


class Spent(NamedTuple):
    """What the process has used so far."""

    processor_seconds: float
    bytes_written: int
    wall_seconds: float


def spent(pid: int) -> Spent:
    times = program.process_words(pid)[11:13]
    written = Path(f"/proc/{pid}/io").read_text().split()[3]  # wchar
    return Spent(sum(map(int, times)) / os.sysconf("SC_CLK_TCK"), int(written), time.monotonic())


def run(every: int) -> dict[int, Spent]:
    """By round, with a checkpoint every so many."""
    with tempfile.TemporaryDirectory(prefix="fedmpi-saving-") as name:
        folder = Path(name)
        data = program.write_data(folder / "data", program.make_samples(CLIENTS),
                                  program.make_samples(100, seed=2))
        config = folder / "run.ini"
        config.write_text(program.SMALL.format(data=data, folder=folder))
        settings = (*SETTINGS, f"checkpoint.every={every}")
        process = subprocess.Popen(program.command(0, *program.overrides(settings), config),
                                   stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        found = {int(line.split()[1].partition("/")[0]): spent(process.pid)
                 for line in process.stderr if line.startswith("round ")}
        if process.wait() != 0:
            sys.exit("saving: the run failed")
        return found


def processor_seconds_of(rounds: int) -> float:
    """A whole run of so many rounds, on one rank."""
    with tempfile.TemporaryDirectory(prefix="fedmpi-saving-") as name:
        folder = Path(name)
        data = program.write_data(folder / "data", program.make_samples(400),
                                  program.make_samples(230, seed=2))
        config = folder / "run.ini"
        config.write_text(program.SMALL.format(data=data, folder=folder))
        settings = (*SHORT_ROUNDS, f"federated.rounds={rounds}")
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        subprocess.run(program.command(0, "--quiet", *program.overrides(settings), config),
                       check=True, stdout=subprocess.DEVNULL)
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def main() -> None:
    print("checkpoint.every  rows of clients  a round: processor time  wall time  written")
    for every in (0, 1):
        found = run(every)
        for last in range(2 * SPAN, ROUNDS + 1, 2 * SPAN):
            processor, written, wall = (
                (after - before) / SPAN for before, after in zip(found[last - SPAN], found[last]))
            print(f"{every:16} {last * CLIENTS:16,} {processor * 1e3:21.1f} ms "
                  f"{wall * 1e3:7.1f} ms {written / 1e6:5.1f} MB")
    for rounds in LENGTHS:
        seconds = processor_seconds_of(rounds)
        print(f"{rounds:,} rounds: {seconds:.1f} s of processor time, "
              f"{seconds / rounds * 1e3:.2f} ms a round", flush=True)


if __name__ == "__main__":
    main()
