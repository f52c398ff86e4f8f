#!/usr/bin/env python3
"""Do the includes obey the layers? Prints what does not; exit code 1 then.

A folder of src/ and include/fedmpi/ is a layer. It may include itself and the
layers below it, nothing else; a library with a layer of its own is included there only.
The lowest one, core, knows no word of learning.
The first header of a source is the one that it implements, of its own name or of the kind or the
part of the layer that it belongs to. Words that docs/design/names.md replaced do not come back.
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
    "privacy": {"core"},
    "fl": {"core", "config", "math", "data", "nn", "privacy"},
    "sim": {"core", "config", "math", "data", "nn", "privacy", "comm", "fl"},
    "run": {"core", "config", "math", "data", "nn", "privacy", "comm", "io", "fl", "sim"},
    "cli": {"core", "config", "math", "data", "nn", "privacy", "comm", "io", "fl", "sim", "run"},
}
HOME = {"mpi.h": "comm", "hdf5.h": "io", "cblas.h": "math", "openblas_config.h": "math", "fftw3.h": "privacy"}
LEARNING = re.compile(r"\b(clients?|epochs?|federat\w+|training|models?|mini-batch(es)?|gradients?|rounds?|"
                      r"neural|optimizers?|aggregat\w+|losses|learning_rate|weight_decay)\b", re.I)
#: As identifiers: what docs/design/names.md calls by another name.
REPLACED = re.compile(r"\b(central|centralised|held_out|heldout|aggregator|n_params|num_\w+|n_clients|"
                      r"master|init_weights|normalise\w*_t)\b")
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


def implements(path: Path, text: str) -> str:
    """What is wrong with the first include of a source, "" if nothing."""
    first = re.search(r'^#include "([^"]+)"', text, re.M)
    if not first:
        return "includes no header that declares what it defines"
    name, layer = first[1], layer_of(path)
    of_layer = name.startswith((f"fedmpi/{layer}/", f"{layer}/")) or (path.parent / name).exists()
    return "" if of_layer else "includes first the header of its layer that it implements"


def code_of(line: str) -> str:
    """A line without texts and comments that end in it."""
    return re.sub(r'"(\\.|[^"\\])*"|/\*.*?(\*/|$)|^ \*.*', " ", line)


def main() -> int:
    found = False
    files = [*ROOT.glob("src/**/*.[ch]"), *ROOT.glob("include/fedmpi/**/*.h")]
    for path in sorted(files):
        if layer_of(path) not in BELOW:
            print(f"{path.relative_to(ROOT)}: unknown layer {layer_of(path)}")
            found = True
            continue
        text = path.read_text()
        wrong = path.suffix == ".c" and implements(path, text)
        if wrong:
            print(f"{path.relative_to(ROOT)}: {wrong}")
            found = True
        for number, line in enumerate(text.splitlines(), start=1):
            replaced = REPLACED.search(code_of(line))
            if replaced:
                print(f"{path.relative_to(ROOT)}:{number}: {replaced[0]}: see docs/design/names.md")
                found = True
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
