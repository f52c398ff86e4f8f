#!/usr/bin/env python3
"""Do the includes obey the layers? Prints what does not; exit code 1 then.

A folder of src/ and include/fedmpi/ is a layer. It may include itself and the
layers below it, nothing else; a library with a layer of its own is included there only.
The lowest one, core, knows no word of learning.
Environment variables are read in one place.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

BELOW = {
    "core": set(),
    "config": {"core"},
    "math": {"core"},
    "data": {"core", "config", "math"},
    "nn": {"core", "config", "math"},
    "comm": {"core", "config", "math"},
    "io": {"core", "config", "math"},
    "fl": {"core", "config", "math", "data", "nn"},
    "sim": {"core", "config", "math", "data", "nn", "comm", "fl"},
    "run": {"core", "config", "math", "data", "nn", "comm", "io", "fl", "sim"},
    "cli": {"core", "config", "math", "data", "nn", "comm", "io", "fl", "sim", "run"},
}
HOME = {"mpi.h": "comm", "hdf5.h": "io", "cblas.h": "math", "openblas_config.h": "math"}
LEARNING = re.compile(r"\b(clients?|epochs?|federat\w+|training|models?|mini-batch(es)?|gradients?)\b", re.I)
GETENV = re.compile(r"\bgetenv\(")
INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')


def layer_of(path: Path) -> str:
    """The layer that a source or header belongs to."""
    parts = path.relative_to(ROOT).parts
    return parts[1] if parts[0] == "src" else parts[2]


def complaint(path: Path, mark: str, name: str) -> str:
    """What is wrong with this include, "" if nothing."""
    layer = layer_of(path)
    if name.startswith("fedmpi/"):
        target = name.split("/")[1]
        if target != layer and target not in BELOW[layer]:
            return f"{layer} must not include {target}"
        if mark == "<":
            return "our own headers stand in quotes"
    elif name in HOME and HOME[name] != layer:
        return f"{name} belongs to {HOME[name]}"
    elif mark == '"' and ".." in name:
        return "paths of private headers start at src"
    elif mark == '"' and not (path.parent / name).exists() and name.split("/")[0] != layer:
        return "a private header must stand in the same room"
    return ""


def main() -> int:
    found = False
    files = [*ROOT.glob("src/**/*.[ch]"), *ROOT.glob("include/fedmpi/**/*.h")]
    for path in sorted(files):
        if layer_of(path) not in BELOW:
            print(f"{path.relative_to(ROOT)}: unknown layer {layer_of(path)}")
            found = True
            continue
        for number, line in enumerate(path.read_text().splitlines(), start=1):
            word = layer_of(path) == "core" and LEARNING.search(line)
            if word:
                print(f"{path.relative_to(ROOT)}:{number}: core knows no word of learning: {word[0]}")
                found = True
            if GETENV.search(line) and path.name != "environment.c":
                print(f"{path.relative_to(ROOT)}:{number}: environment.c has the table of variables")
                found = True
            include = INCLUDE.match(line)
            wrong = include and complaint(path, *include.groups())
            if wrong:
                print(f"{path.relative_to(ROOT)}:{number}: {line.strip()}: {wrong}")
                found = True
    if not files:
        print(f"no sources below {ROOT}")
    return 1 if found or not files else 0


if __name__ == "__main__":
    sys.exit(main())
