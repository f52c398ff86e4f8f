#!/usr/bin/env python3
"""Write the README's reference tables from the program itself, so that they cannot drift.

    jobs/setup/readme.py [--check] [--program ./fedmpi] [README.md]

Keys come from `fedmpi --help`, variants from `fedmpi --list`, and the tables of the
results from a results file that a short run makes. --check writes nothing and fails
with exit code 1 if the README differs.
"""

import argparse
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Iterator, List

import h5py

ROOT = Path(__file__).resolve().parents[2]
CONFIG = """
[data]
dataset = idx
path = {folder}
validation_samples = 10
[partition]
clients = 2
samples_per_client = 20
[model]
hidden = 4
[training]
epochs = 1
[federated]
rounds = 1
tracked_clients = 0
[output]
file = {folder}/run.h5
"""


def cell(text: str) -> str:
    return text.replace("|", "\\|") if text else " "


def row(*cells: str) -> str:
    return "| " + " | ".join(cell(text) for text in cells) + " |"


def head(*cells: str) -> List[str]:
    return [row(*cells), "|" + "---|" * len(cells)]


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def run(program: str, *arguments: str) -> str:
    return subprocess.run([program, *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def keys(program: str) -> Iterator[str]:
    """A table a section, from the lines that `--help` prints below "configuration"."""
    lines = run(program, "--help").splitlines()
    at = lines.index("configuration")
    entries: List[List[str]] = []
    for line in lines[at:]:
        section = re.fullmatch(r"  \[(\w+)\]", line)
        key = re.fullmatch(r"  (\w+) = (.*?)  +(\S.*)", line)
        if section:
            entries.append([section[1]])
        elif key:
            entries.append([*key.groups(), ""])
        elif entries and line.startswith("      "):
            entries[-1][-1] += " " + line.strip()
    for entry in entries:
        if len(entry) == 1:
            yield from ["", f"**[{entry[0]}]**", "", *head("key", "default", "accepted", "meaning")]
        else:
            name, default, accepted, meaning = entry
            accepted = re.sub("^text of at most .*", "text", accepted)
            yield row(code(name), code(default), accepted, meaning.strip())


def variants(program: str) -> Iterator[str]:
    """What `--list` prints."""
    yield from head("key", "value", "what it is")
    for line in run(program, "--list").splitlines():
        found = re.fullmatch(r".*?  +(\S+) +(.*?) +\[(\S+) = (\S+)\]", line)
        if not found or found[1] != found[4]:
            sys.exit(f"readme.py: cannot read this line of --list: {line}")
        yield row(code(found[3]), code(found[1]), found[2])


def write_idx(path: Path, *sizes: int) -> None:
    """Bytes that count up, modulo ten."""
    count = 1
    for size in sizes:
        count *= size
    path.write_bytes(struct.pack(f">BBBB{len(sizes)}I", 0, 0, 8, len(sizes), *sizes)
                     + bytes(i % 10 for i in range(count)))


def make_results(program: str, folder: Path) -> Path:
    for part in "train", "t10k":
        write_idx(folder / f"{part}-images-idx3-ubyte", 100, 3, 3)
        write_idx(folder / f"{part}-labels-idx1-ubyte", 100)
    config = folder / "run.ini"
    config.write_text(CONFIG.format(folder=folder))
    run(program, "--quiet", str(config))
    return folder / "run.h5"


def tables(program: str) -> Iterator[str]:
    """Every table of a results file with its columns, units and their help."""
    with tempfile.TemporaryDirectory() as name:
        with h5py.File(make_results(program, Path(name)), "r") as results:
            found = []
            results.visititems(lambda path, item: found.append(path)
                               if getattr(getattr(item, "dtype", None), "names", None) else None)
            for path in sorted(found, key=lambda path: (not path.startswith("federated"), path)):
                yield from table(results[path], path)


def text_of(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def table(item: h5py.Dataset, path: str) -> Iterator[str]:
    yield from ["", f"`/{path}`: {text_of(item.attrs['help'])}", "",
                *head("column", "type", "unit", "meaning")]
    for column in item.dtype.names:
        kind = "integer" if item.dtype[column].kind == "i" else "real"
        unit = text_of(item.attrs[f"{column}.unit"])
        yield row(code(column), kind, "" if unit == "1" else unit,
                  text_of(item.attrs[f"{column}.help"]))


PARTS = {"keys": keys, "variants": variants, "tables": tables}


def renew(readme: str, program: str) -> str:
    """The README with what stands between its begin and end comments made anew."""
    for name, make in PARTS.items():
        pattern = re.compile(f"(<!-- begin {name}[^>]*-->\n).*?(<!-- end {name} -->)", re.DOTALL)
        body = "\n".join(make(program)).strip("\n")
        readme, count = pattern.subn(lambda found, body=body: f"{found[1]}{body}\n{found[2]}",
                                     readme)
        if count != 1:
            sys.exit(f"readme.py: the README has {count} parts '{name}' instead of one")
    return readme


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("readme", nargs="?", default=ROOT / "README.md", type=Path)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--program", default=str(ROOT / "fedmpi"))
    options = parser.parse_args()
    before = options.readme.read_text()
    after = renew(before, options.program)
    if options.check:
        if before != after:
            print(f"{options.readme} is not what `make readme` writes", file=sys.stderr)
        return int(before != after)
    if before != after:
        options.readme.write_text(after)
    return 0


if __name__ == "__main__":
    sys.exit(main())
