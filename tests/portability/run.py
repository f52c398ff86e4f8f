#!/usr/bin/env python3
"""`make check-portability`: fedmpi on each stack that is there, to the same bits.

Builds fedmpi for each in a folder of its own, trains a small federation on 1 and on 3 ranks, with
both collectives and with each kind of kernels, and compares a hash of every tensor and of everything
measured. A row of the table says what was built on what; FAILED where a build, a run or a hash went
wrong, or where a program does not bear the marks of its stack. What is missing is listed with the
packages that bring it; --get fetches them from Debian and PyPI and unpacks them in a folder, without
installing anything. Takes a minute or two a stack; not part of `make check`.
"""

import argparse
import hashlib
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tests" / "e2e"))

import fetch  # noqa: E402
import h5py  # noqa: E402
import program  # noqa: E402
from stacks import STACKS, Component, Stack  # noqa: E402

BUILD_SECONDS, RUN_SECONDS = 1800, 600  # for what hangs, however slow the machine is
# One of each sum that travels and each function of the mathematics library that trains.
SETTINGS = ("federated.clients_per_round=5", "training.weight_decay=0.01",
            "data.normalize=standard", "federated.evaluate_every=2")
RUNS = ((1, "gather"), (3, "gather"), (3, "reduce"))
OPENBLAS = "OpenBLAS"  # its products in place of the kernels'; its bits are its version's


@dataclass
class Place:
    """Where a stack's components lie, and where the program that is built on it."""

    stack: Stack
    roots: dict[str, str]  # of components; empty for /
    build: Path

    def fill(self, text: str) -> str:
        return text.format(**self.roots)

    @property
    def program(self) -> Path:
        return self.build / "fedmpi"

    @property
    def line(self) -> list[str]:
        """The program, behind its emulator if it has one."""
        return [*map(self.fill, self.stack.emulator), str(self.program)]

    @property
    def environment(self) -> dict[str, str]:
        own = {name: self.fill(text) for name, text in self.stack.environment.items()}
        return {**os.environ, **own}

    def run(self, *line: object, seconds: int = RUN_SECONDS, **environment: str) -> str:
        """All that a command prints; an error with the end of that where it fails."""
        words = [str(word) for word in line]
        done = subprocess.run(words, cwd=ROOT, check=False, text=True, timeout=seconds,
                              stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                              stderr=subprocess.STDOUT, env={**self.environment, **environment})
        if done.returncode:
            raise RuntimeError(f"{' '.join(words)}: exit code {done.returncode}\n{done.stdout[-2000:]}")
        return done.stdout


@dataclass
class Row:
    """What became of a stack."""

    name: str
    hashes: dict[str, str] = field(default_factory=dict)  # of plain and fused kernels, and OPENBLAS
    failure: str = ""


def find_root(component: Component, folder: Path) -> str | None:
    """Where all of its files are: in the system, else where they were fetched."""
    for root in ("", str(folder / component.folder)):
        if all(Path(f"{root}/{file}").exists() for file in component.files):
            return root
    return None


def get(component: Component, folder: Path) -> None:
    root = folder / component.folder
    shutil.rmtree(root, ignore_errors=True)
    if component.wheel:
        fetch.unpack_wheel(component.wheel, root)
    else:
        fetch.unpack_debian(component.packages, root, component.architecture)


def find_place(stack: Stack, folder: Path, may_get: bool) -> tuple[Place, list[Component]]:
    """Where it all is, and the components that are nowhere."""
    fetched, missing, roots = folder / "components", [], {}
    for component in stack.components:
        if may_get and find_root(component, fetched) is None:
            get(component, fetched)
        root = find_root(component, fetched)
        if root is None:
            missing.append(component)
        else:
            roots[component.name] = root
    return Place(stack, roots, folder / "build" / stack.folder), missing


def build(place: Place, jobs: int) -> None:
    variables = [f"{name}={place.fill(value)}" for name, value in place.stack.build.items()]
    place.run("make", f"-j{jobs}", "WERROR=-Werror", f"BUILD={place.build}", *variables,
              place.program, seconds=BUILD_SECONDS)


def train(place: Place, work: Path, ranks: int, kernels: str, *settings: str) -> Path:
    """The results of the small federation."""
    config, results = work / "run.ini", work / "results.h5"
    launcher = place.fill(place.stack.launcher)
    place.run(launcher, "-np", ranks, *place.line, "--quiet", "--overwrite",
              *program.overrides((*SETTINGS, *settings)), "--output", results, config,
              **({"FEDMPI_SIMD": kernels} if kernels else {}))
    return results


def hash_of(results: Path) -> str:
    """Of every tensor and everything measured, whatever the machine's shape."""
    total = hashlib.sha256()
    for name, values in sorted(program.same_everywhere(results).items()):
        total.update(name.encode())
        total.update(values.tobytes())
    return total.hexdigest()[:12]


def check_proofs(place: Place, results: Path) -> None:
    """Was it really built on this stack? What it says of itself, and what it links, tells."""
    with h5py.File(results) as file:
        said = program.text_attribute(file, "mpi_library")
    said += place.run(*place.line, "--version")
    said += place.run(*(("file", "--brief") if place.stack.emulator else ("ldd",)), place.program)
    said = " ".join(said.split())
    for proof in place.stack.proofs:
        if proof not in said:
            raise RuntimeError(f"built on another stack: nothing says {proof!r} in\n{said}")


def same_hash(place: Place, work: Path, kernels: str) -> str:
    """The hash that all runs with these kernels have."""
    hashes = {}
    for ranks, collective in RUNS:
        results = train(place, work, ranks, kernels, f"federated.collective={collective}")
        hashes[f"-np {ranks}, {collective}"] = hash_of(results)
    if len(set(hashes.values())) > 1:
        raise RuntimeError(f"bits differ between runs of one program: {hashes}")
    return hashes.popitem()[1]


def check(place: Place, work: Path, jobs: int) -> Row:
    row = Row(place.stack.name)
    try:
        build(place, jobs)
        for bits, kernels in place.stack.kernels.items():
            row.hashes[bits] = same_hash(place, work, kernels)
        check_proofs(place, work / "results.h5")
        # What is beside its products is plain, and not fused; an emulated processor is another to it.
        if place.stack.kernels.get("plain") == "plain" and not place.stack.emulator:
            row.hashes[OPENBLAS] = hash_of(train(place, work, 1, "plain", "model.gemm=openblas"))
    except (RuntimeError, OSError, subprocess.TimeoutExpired) as error:
        row.failure = str(error)
    return row


def compare(row: Row, first: dict[str, Row]) -> None:
    """Its hashes are those of the first stack that has such."""
    for bits, found in row.hashes.items():
        oracle = first.setdefault(bits, row)
        if found != oracle.hashes[bits] and not row.failure:
            row.failure = f"{bits} bits are not those of {oracle.name}: {found}"


def chosen(words: list[str]) -> Iterator[Stack]:
    for stack in STACKS:
        if not words or any(word.lower() in stack.name.lower() for word in words):
            yield stack


COLUMNS = ("plain", "fused", OPENBLAS)


def line(row: Row) -> str:
    cells = (row.hashes.get(column, "") for column in COLUMNS)
    return f"| {row.name} | {' | '.join(cells)} | {'FAILED' if row.failure else 'same bits'} |"


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--get", action="store_true", help="fetch what is missing, without installing it")
    parser.add_argument("--folder", type=Path, default=ROOT / "build" / "portability",
                        help="where to build and fetch (default: build/portability)")
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("names", nargs="*", help="parts of stacks' names; none: all")
    return parser.parse_args()


def main() -> int:
    options = arguments()
    folder = options.folder.resolve()
    work = folder / "work"
    data = program.write_data(work / "data", program.make_samples(400), program.make_samples(230, seed=2))
    (work / "run.ini").write_text(program.SMALL.format(data=data, folder=work))
    failed, missing, first = [], {}, {}
    print(f"| stack | {' | '.join(COLUMNS)} | |\n|---|---|---|---|---|", flush=True)
    for stack in chosen(options.names):
        place, lacking = find_place(stack, folder, options.get)
        if lacking:
            missing[stack.name] = lacking
            continue
        row = check(place, work, options.jobs)
        compare(row, first)
        print(line(row), flush=True)
        if row.failure:
            failed.append(row)
    for row in failed:
        print(f"\nFAILED {row.name}: {row.failure}")
    if missing:
        print("\nNot here; --get fetches what brings it:")
        for name, lacking in missing.items():
            print(f"  {name:28} {', '.join(component.brought_by for component in lacking)}")
    return 1 if failed or not first else 0


if __name__ == "__main__":
    sys.exit(main())
