#!/usr/bin/env python3
"""Make the golden files that the C tests compare with, or check them.

    make_golden.py            write all files beside this script
    make_golden.py --check    compute them again and compare (exit code 1: they differ)

Needs PyTorch, h5py and NumPy (Debian: python3-torch python3-h5py); exit code 77
without them. Everything is computed in float64 from float32 inputs with fixed
seeds, then rounded, so that every machine gives the same numbers within the last
bit; a file whose contents would not change is not written. `--check` computes the
MLPs in PyTorch's own float32 as well. The layout of a file is described in the
docstring of the module that makes it, and in the file's attribute `layout`.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable
from pathlib import Path

EXIT_SKIP = 77

try:
    import torch
    from golden import Golden, differences, read, write
    import clients
    import cnn
    import layers
    import mlp
    import optimizers
    import server
except ImportError as missing:
    print(f"make_golden.py: skipped, {missing}; Debian: apt install python3-torch python3-h5py",
          file=sys.stderr)
    sys.exit(EXIT_SKIP)

PARTS = {"mlp.h5": mlp.build, "layers.h5": layers.build, "server.h5": server.build,
         "clients.h5": clients.build, "cnn.h5": cnn.build,
         "optimizers.h5": optimizers.build}
FLOAT64_TOLERANCE = 1e-7   # one float32 rounding
FLOAT32_TOLERANCE = 2e-6   # ten float32 steps


def check(file: Path, build: Callable[..., Golden]) -> list[str]:
    """What differs between the committed file and the same computed now."""
    if not file.exists():
        return ["no such file"]
    committed = read(file)
    found = differences(build(), committed, FLOAT64_TOLERANCE)
    if build is mlp.build:
        found += [f"float32: {line}" for line in
                  differences(build(torch.float32), committed, FLOAT32_TOLERANCE)]
    return found


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--check", action="store_true", help="compare instead of writing")
    parser.add_argument("--directory", type=Path, default=Path(__file__).parent,
                        help="where the files are (default: beside this script)")
    arguments = parser.parse_args()
    torch.set_num_threads(1)

    failed = 0
    for name, build in PARTS.items():
        file = arguments.directory / name
        if not arguments.check:
            golden = build()
            if file.exists() and not differences(golden, read(file), FLOAT64_TOLERANCE):
                print(f"{file} is up to date")
            else:
                write(golden, file)
                print(f"wrote {file} ({file.stat().st_size} bytes)")
            continue
        found = check(file, build)
        failed += bool(found)
        print(f"{'FAIL' if found else 'ok'} {name}", *found, sep="\n  ")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
