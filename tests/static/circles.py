#!/usr/bin/env python3
"""Do files call each other in circles? circles.py BUILD prints those that do; exit code 1 then.

Reads from the object files which file defines what and which uses it. The copies of a kernel
for several instruction sets are one file. A group of keys is no call: who names one asks the
configuration for its options.
"""

import re
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]


def read(build: Path) -> tuple[dict[str, str], dict[str, set[str]]]:
    """Which file defines a symbol, and which symbols a file uses."""
    home: dict[str, str] = {}
    uses: dict[str, set[str]] = {}
    for path in sorted((build / "src").glob("**/*.o")):
        file = re.sub(r"(\.\w+)?\.o$", ".c", str(path.relative_to(build)))
        if not (ROOT / file).exists():
            continue  # its source has moved since
        listed = subprocess.run(["nm", "-P", path], check=True, capture_output=True, text=True)
        for line in listed.stdout.splitlines():
            symbol, kind = line.split()[:2]
            if symbol.endswith("_keys"):
                continue
            if kind == "U":
                uses.setdefault(file, set()).add(symbol)
            elif kind.isupper():
                home[symbol] = file
    return home, uses


def circles(calls: dict[str, set[str]]) -> list[list[str]]:
    """Sets of files that reach each other: Tarjan 1972."""
    order: dict[str, int] = {}
    lowest: dict[str, int] = {}
    stack: list[str] = []
    found: list[list[str]] = []

    def visit(file: str) -> None:
        order[file] = lowest[file] = len(order)
        stack.append(file)
        for other in sorted(calls.get(file, ())):
            if other not in order:
                visit(other)
                lowest[file] = min(lowest[file], lowest[other])
            elif other in stack:
                lowest[file] = min(lowest[file], order[other])
        if lowest[file] == order[file]:
            at = stack.index(file)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for file in sorted(calls):
        if file not in order:
            visit(file)
    return found


def main() -> int:
    home, uses = read(Path(sys.argv[1]))
    calls = {file: {home[symbol] for symbol in symbols if symbol in home} - {file}
             for file, symbols in uses.items()}
    if not home:
        print(f"no object files below {sys.argv[1]}")
        return 1
    found = circles(calls)
    for files in found:
        print("a circle of " + ", ".join(files))
        for file in files:
            for symbol in sorted(uses[file]):
                if home.get(symbol) in files and home[symbol] != file:
                    print(f"    {file}: {symbol} of {home[symbol]}")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
