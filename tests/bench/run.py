#!/usr/bin/env python3
"""`make bench`: one table of ratios that were measured in one run, on one machine.

Everything that is compared alternates, so that what else the machine does falls on
all alike. Figures are medians. The workload: MNIST, 150 clients of 300 samples, MLP
784-200-200-10, batch 32, E = 5, all clients in each of 5 rounds, a test evaluation each
round, no tracked clients, no baseline. PyTorch is the fastest that is found, see pytorch.py. The
table goes to stdout and to build/bench.md.
"""

from __future__ import annotations

import argparse
import json
import os
import re
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import h5py
import numpy as np
import pytorch

BENCH = Path(__file__).resolve().parent
ROOT = BENCH.parent.parent
EPOCHS, ROUNDS, STEPS_PER_ROUND = 5, 5, 7500
SETTINGS = [f"training.epochs={EPOCHS}", f"federated.rounds={ROUNDS}",
            "federated.tracked_clients=", "centralized.enabled=false"]
RANKS = (2, 3, 6)
PHASES = ("bcast", "gather", "aggregate", "evaluate")

Row = tuple[str, str, str]  # what, measured, beside what


def run(command: list[str], **options) -> str:
    done = subprocess.run(command, check=False, capture_output=True, text=True, cwd=ROOT, **options)
    if done.returncode:
        raise subprocess.CalledProcessError(done.returncode, command, done.stdout, done.stderr)
    return done.stdout


# --- one rank's kernels -----------------------------------------------------------

LIMITS = re.compile(r"kernels (\w+); one core: ([\d.]+) GFLOP/s, ([\d.]+) GB/s; "
                    r"all: ([\d.]+) GFLOP/s, ([\d.]+) GB/s")


def steps(build: Path, data: Path) -> tuple[list[Row], dict[str, float]]:
    """The step and its parts beside their rooflines; and microseconds of the parts."""
    text = run([str(build / "tests/bench/bench_step"), str(data)])
    (build / "bench-step.txt").write_text(text)
    name, peak, moved, peak_all, moved_all = LIMITS.match(text).groups()
    us = {line[1].strip(): float(line[2]) for line in
          re.finditer(r"^ *([a-z][\w, ]*?) {2,}([\d.]+)", text, re.MULTILINE)}
    rows = [(f"multiply-adds ({name}), one core and all", f"{peak} and {peak_all} GFLOP/s",
             "registers only: the peak"),
            ("bytes of an update of 199,210 parameters, the same", f"{moved} and {moved_all} GB/s",
             "momentum and weights, read and written"),
            *sgemm_rows(build, data)]
    beside = {
        "step, dense": {"dense roofline": "its roofline"},
        "step, sparse": {"sparse roofline": "its roofline, dark pixels skipped",
                         "no zeros roofline": "that without zeros of hidden units"},
    }
    for step, bounds in beside.items():
        rows.append((f"{step} ({name})", f"{us[step]:.0f} us", "; ".join(
            f"{us[step] / us[bound]:.2f} of {meaning}, {us[bound]:.0f} us"
            for bound, meaning in bounds.items())))
    pattern = r"^ *(\d+ x +\d+) (\w+) +[\d.]+ +\( *(\d+)%\) +([\d.]+) +\( *(\d+)%\)"
    for layer, kind, theirs, ours_us, ours in re.findall(pattern, text, re.MULTILINE):
        rows.append((f"kernel {layer.replace('  ', ' ')}, {kind}", f"{float(ours_us):.1f} us",
                     f"{ours} % of the peak; `cblas_sgemm` {theirs} %"))
    return rows, us


def sgemm_rows(build: Path, data: Path) -> list[Row]:
    """A large product by each kernel of OpenBLAS that runs here: those that do not, it replaces."""
    speeds = {}
    for core_type in pytorch.CORE_TYPES:
        text = run([str(build / "tests/bench/bench_step"), str(data), "sgemm"],
                   env={**os.environ, "OPENBLAS_CORETYPE": core_type, "OPENBLAS_NUM_THREADS": "1"})
        name, speed = text.split()
        speeds[name] = speed
    return [(f"large `cblas_sgemm`, one core, OpenBLAS's {name}", f"{speed} GFLOP/s", "")
            for name, speed in speeds.items()]


def instruction_rows(build: Path, data: Path) -> list[Row]:
    """What noise does not touch. valgrind knows no AVX-512."""
    rows = []
    for kernels in ("avx2", "plain"):
        for step in ("sparse", "dense"):
            counted = subprocess.run(
                ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null",
                 "--toggle-collect=client*", str(build / "tests/bench/bench_step"), str(data), "steps",
                 step], check=False, capture_output=True, text=True,
                env={**os.environ, "FEDMPI_SIMD": kernels})
            found = re.search(r"Collected : (\d+)", counted.stderr)
            if counted.returncode or not found:
                print(f"no instructions counted: {counted.stderr[-300:]}", file=sys.stderr)
                return rows
            count = int(found[1]) / int(counted.stdout.split()[0])
            rows.append((f"instructions of a step, {step} ({kernels})", f"{count:,.0f}",
                         "callgrind, with the start of a client"))
    return rows


# --- rounds -----------------------------------------------------------------------

def rounds(build: Path, data: Path, ranks: int, folder: Path) -> dict[str, list[float]]:
    """The columns of seconds of a run's rounds, and what rank 0 used of a processor."""
    results, used = folder / "bench.h5", folder / "rank0.json"
    used.unlink(missing_ok=True)
    program = [str(build / "fedmpi"), "--quiet", "--overwrite", "--output", str(results),
               "--set", f"data.path={data}"]
    for setting in SETTINGS:
        program += ["--set", setting]
    program.append(str(ROOT / "configs/mnist.ini"))
    run(["mpirun", "-np", "1", sys.executable, str(BENCH / "measure_rank.py"), str(used), *program,
         ":", "-np", str(ranks - 1), *program])
    with h5py.File(results) as file:
        table, clients = file["federated/rounds"][:], file["federated/clients"][:]
    columns = {name: list(table[name]) for name in table.dtype.names if name.endswith("_seconds")}
    columns["one_client"] = [float(np.median(clients["train_seconds"]))]
    columns["rank0"] = [json.loads(used.read_text())["processor_seconds"]]
    return columns


def all_rounds(build: Path, data: Path, turns: int,
               peer: pytorch.Peer | None) -> tuple[dict[int, dict], list[float]]:
    ours = {ranks: {} for ranks in RANKS}
    theirs: list[float] = []
    with tempfile.TemporaryDirectory(prefix="fedmpi-bench-") as name:
        for turn in range(turns):
            for ranks in RANKS:
                print(f"turn {turn + 1} of {turns}: -np {ranks}", file=sys.stderr)
                for column, values in rounds(build, data, ranks, Path(name)).items():
                    ours[ranks].setdefault(column, []).extend(values)
            for record in peer.run("torch_peer.py", "--data", str(data)) if peer else ():
                theirs += record["seconds_of_each_round"]
    return ours, theirs


def round_rows(ours: dict[int, dict], theirs: list[float], peer: pytorch.Peer | None) -> list[Row]:
    rows = []
    beside = statistics.median(theirs) if theirs else None
    for ranks in RANKS:
        seconds = statistics.median(ours[ranks]["wall_seconds"])
        per_step = seconds / STEPS_PER_ROUND * min(max(ranks - 1, 1), os.cpu_count()) * 1e6
        note = f"{per_step:.0f} us a step and core"
        if beside:
            note += f"; PyTorch takes {beside / seconds:.2f} times as long"
        rows.append((f"round, `mpirun -np {ranks}`", f"{seconds:.3f} s", note))
    if beside:
        rows.append((f"round, {peer.name}, by hand, 2 processes", f"{beside:.3f} s",
                     "the fastest of those tried; own backward pass, flat parameters"))
    return rows


def breakdown_rows(columns: dict[str, list[float]], us: dict[str, float]) -> list[Row]:
    """Where a round of 6 ranks goes, beside the steps. Encoding is measured by itself."""
    wall = statistics.median(columns["wall_seconds"])
    cores = min(os.cpu_count(), RANKS[-1] - 1)
    parts = {phase: statistics.median(columns[f"{phase}_seconds"]) for phase in PHASES}
    parts["start of clients"] = 150 * us["start a client"] * 1e-6 / cores
    parts["encode"] = 150 * us["encode its update"] * 1e-6 / cores
    rows = [(f"round at -np {RANKS[-1]}: {part}", f"{1e3 * seconds:.1f} ms",
             f"{100 * seconds / wall:.1f} % of the round") for part, seconds in parts.items()]
    rows.append((f"round at -np {RANKS[-1]}: all but the steps", f"{1e3 * sum(parts.values()):.1f} ms",
                 f"{100 * sum(parts.values()) / wall:.1f} % of the round"))
    spread = statistics.median(columns["finish_spread_seconds"])
    client = statistics.median(columns["one_client"])
    rows.append(("finish spread over ranks", f"{1e3 * spread:.1f} ms",
                 f"one client takes {1e3 * client:.1f} ms"))
    rank0, total = statistics.median(columns["rank0"]), ROUNDS * wall
    rows.append(("processor time of rank 0, whole run", f"{rank0:.2f} s",
                 f"{ROUNDS} rounds take {total:.2f} s; includes start, data, evaluation, files"))
    return rows


# --- collectives --------------------------------------------------------------------

def collective_rows(build: Path) -> list[Row]:
    rows = []
    pairs = (("broadcast", "MPI_Bcast"), ("gather_sums", "MPI_Gather"), ("reduce_sums", "MPI_Reduce"))
    for ranks in (2, 6):
        text = run(["mpirun", "-np", str(ranks), str(build / "tests/bench/bench_comm")])
        times = json.loads(text)
        for ours, theirs in pairs:
            rows.append((f"`{ours}` of {times['parameters']:,} parameters, -np {ranks}",
                         f"{1e3 * times[ours]:.2f} ms",
                         f"bare `{theirs}` {1e3 * times[theirs]:.2f} ms"))
    return rows


# --- convolutional networks ---------------------------------------------------------

def records(text: str) -> list[dict]:
    return [json.loads(line) for line in text.splitlines()]


def network_rows(build: Path, data: Path, turns: int, peer: pytorch.Peer | None) -> list[Row]:
    """Steps of the networks beside their bounds and beside PyTorch's, in alternation."""
    ours: dict[tuple, list[dict]] = {}
    theirs: dict[tuple, list[float]] = {}
    for turn in range(turns):
        print(f"turn {turn + 1} of {turns}: networks", file=sys.stderr)
        for record in records(run([str(build / "tests/bench/bench_cnn"), str(data)])):
            ours.setdefault((record["model"], record["batch_size"]), []).append(record)
        for record in peer.run("torch_cnn.py", "--data", str(data)) if peer else ():
            theirs.setdefault((record["model"], record["batch_size"]), []).append(
                record["microseconds_per_step"])
    rows = []
    for (model, batch_size), measured in ours.items():
        us = statistics.median(record["microseconds_per_step"] for record in measured)
        ratio = statistics.median(record["ratio"] for record in measured)
        note = f"{ratio:.2f} of its dense roofline"
        if (model, batch_size) in theirs:
            beside = statistics.median(theirs[model, batch_size])
            note += f"; PyTorch takes {beside / us:.2f} times as long"
        rows.append((f"step of `{model}`, batch {batch_size}, one core", f"{us / 1e3:.2f} ms", note))
    return rows


# --- whose products -----------------------------------------------------------------

def product_rows(build: Path) -> list[Row]:
    """Our dense products beside OpenBLAS's; all shapes are in build/bench-gemm.txt."""
    products = records(run([str(build / "tests/bench/bench_gemm")]))
    lines = [f"{p['inputs']:4} x {p['outputs']:4}, batch {p['batch']:3}, {p['product']:8} "
             f"own {p['own_us']:9.1f} us, openblas {p['openblas_us']:9.1f} us, ratio "
             f"{p['own_us'] / p['openblas_us']:.2f}; without zeros "
             f"{p['own_full_us'] / p['openblas_full_us']:.2f}; auto: {p['auto']}\n"
             for p in products]
    (build / "bench-gemm.txt").write_text("".join(lines))
    rows = []
    for inputs, outputs, batch in ((200, 200, 32), (200, 200, 64), (1024, 1024, 64),
                                   (2048, 2048, 64), (2048, 2048, 256)):
        shown = [p for p in products
                 if (p["inputs"], p["outputs"], p["batch"]) == (inputs, outputs, batch)]
        rows.append((f"dense {inputs} x {outputs}, batch {batch}: "
                     + ", ".join(p["product"] for p in shown),
                     ", ".join(f"{p['own_us'] / 1e3:.3f}" for p in shown) + " ms",
                     "OpenBLAS takes " + ", ".join(f"{p['openblas_us'] / p['own_us']:.2f}"
                                                   for p in shown) + " of that; `auto`: "
                     + ", ".join(p["auto"] for p in shown)))
    return rows


# --- the table ------------------------------------------------------------------------

def markdown(rows: list[Row]) -> str:
    lines = ["| what | measured | beside |", "|---|---|---|"]
    return "\n".join(lines + [f"| {' | '.join(row)} |" for row in rows]) + "\n"


BEGIN, END = "<!-- make bench: begin -->\n", "<!-- make bench: end -->"


def insert_into(page: Path, table: str) -> None:
    """Put the table between the markers of the page."""
    before, rest = page.read_text().split(BEGIN)
    _, after = rest.split(END)
    page.write_text(before + BEGIN + table + END + after)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--build", type=Path, default=ROOT / "build")
    parser.add_argument("--data", type=Path, default=ROOT / "data/mnist")
    parser.add_argument("--turns", type=int, default=2, help="alternations of the rounds")
    parser.add_argument("--docs", action="store_true", help="put the table into docs/benchmarks.md, too")
    options = parser.parse_args()
    build, data = options.build.resolve(), options.data.resolve()
    try:
        kernel_rows, us = steps(build, data)
        peer = pytorch.fastest(data)
        ours, theirs = all_rounds(build, data, options.turns, peer)
        rows = (kernel_rows + instruction_rows(build, data) + round_rows(ours, theirs, peer)
                + breakdown_rows(ours[RANKS[-1]], us) + product_rows(build) + collective_rows(build)
                + network_rows(build, data, options.turns, peer))
    except subprocess.CalledProcessError as error:
        print(f"bench: {error}\n{error.stderr}", file=sys.stderr)
        return 1
    table = markdown(rows)
    (build / "bench.md").write_text(table)
    if options.docs:
        insert_into(ROOT / "docs" / "benchmarks.md", table)
    print(table, end="")
    return 0


if __name__ == "__main__":
    sys.exit(main())
