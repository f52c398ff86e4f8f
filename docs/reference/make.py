#!/usr/bin/env python3
"""Make the reference from the program itself, so that it cannot drift.

    docs/reference/make.py [--check] [--program ./fedmpi]

Options, exit codes, environment variables and keys come from `fedmpi --help all`, variants
from `fedmpi --list`, and the tables of the results from results files that short runs make.
Written are keys.md, variants.md, tables.md, exit-codes.md, the table in environment.md and
the manual page fedmpi.1, beside this file. --check writes nothing and fails with exit code 1
if one of them differs.
"""

import argparse
import re
import struct
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Callable, Dict, Iterator, List, NamedTuple

import h5py

HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
MADE = "<!-- made by `make docs` from the program: change it there -->"
CONFIG = """
[data]
dataset = idx
path = {folder}
validation_samples = 10
[partition]
clients = 5
samples_per_client = 10
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


class Table(NamedTuple):
    help: str
    columns: Dict[str, List[str]]  # type, unit, meaning


class Key(NamedTuple):
    """A configuration key, or the head of a section where `name` is empty."""

    section: str
    name: str = ""
    default: str = ""
    accepted: str = ""
    meaning: str = ""


class Program(NamedTuple):
    """What the program says of itself."""

    options: List[List[str]]  # "-s, --set SECTION.KEY=VALUE", its help
    exit_codes: List[List[str]]
    attributes: Dict[str, List[List[str]]]  # of a results file's root: words, meaning
    environment: List[List[str]]  # name, accepted, meaning
    keys: List[Key]
    variants: List[List[str]]  # key, value, what it is


def run(program: str, *arguments: str) -> str:
    return subprocess.run([program, *arguments], check=True, text=True,
                          stdout=subprocess.PIPE).stdout


def part(lines: List[str], title: str) -> List[str]:
    """The lines of a part of the help: up to an empty one."""
    first = next(i for i, line in enumerate(lines) if line.startswith(title)) + 1
    last = lines.index("", first) if "" in lines[first:] else len(lines)
    return lines[first:last]


def facts(lines: List[str]) -> List[List[str]]:
    """ "  NAME  MEANING", which may go on in the next lines."""
    found: List[List[str]] = []
    for line in lines:
        start = re.fullmatch(r"  (\S.*?)  +(\S.*)", line)
        if start and not line.startswith("   "):
            found.append(list(start.groups()))
        else:
            found[-1][1] += " " + line.strip()
    return found


def variables(lines: List[str]) -> Iterator[List[str]]:
    """Name, what is accepted, meaning; a first line has the first two."""
    found: List[List[str]] = []
    for line in lines:
        if line.startswith("      "):
            found[-1][2] = (found[-1][2] + " " + line.strip()).strip()
        else:
            found.append([*line.strip().split(maxsplit=1), ""])
    yield from found


def keys(lines: List[str]) -> Iterator[Key]:
    section = ""
    fields: List[str] = []
    for line in [*lines, "  [end]"]:
        begins = re.fullmatch(r"  \[(\w+)\]", line)
        key = re.fullmatch(r"  (\w+) = (.*?)  +(\S.*)", line)
        if (begins or key) and fields:
            yield Key(section, *fields)
            fields = []
        if begins:
            section = begins[1]
            if line != "  [end]":
                yield Key(section)
        elif key:
            fields = [key[1], key[2], key[3], ""]
        elif fields and line.startswith("      "):
            fields[-1] = (fields[-1] + " " + line.strip()).strip()


def variants(program: str) -> Iterator[List[str]]:
    for line in run(program, "--list").splitlines():
        found = re.fullmatch(r".*?  +(\S+) +(.*?) +\[(\S+) = (\S+)\]", line)
        if not found or found[1] != found[4]:
            sys.exit(f"make.py: cannot read this line of --list: {line}")
        yield [found[3], found[1], found[2]]


def ask(program: str) -> Program:
    lines = run(program, "--help", "all").splitlines()
    return Program(
        options=facts(part(lines, "options")),
        exit_codes=facts(part(lines, "exit codes")),
        attributes={name: facts(part(lines, f"attribute {name} "))
                    for name in ("status", "stopped_because")},
        environment=list(variables(part(lines, "environment variables"))),
        keys=list(keys(lines[lines.index("configuration keys"):])),
        variants=list(variants(program)),
    )


# --- Markdown ---------------------------------------------------------------------------


def cell(text: str) -> str:
    return text.replace("|", "\\|") if text else " "


def row(*cells: str) -> str:
    return "| " + " | ".join(cell(text) for text in cells) + " |"


def head(*cells: str) -> List[str]:
    return [row(*cells), "|" + "---|" * len(cells)]


def code(text: str) -> str:
    return f"`{text}`" if text else ""


def keys_page(program: Program) -> Iterator[str]:
    yield from ["# Configuration keys", "", MADE, ""]
    yield ("`fedmpi --help SECTION` says the same. How a configuration is written is told in "
           "[the configuration file](configuration.md).")
    for key in program.keys:
        if not key.name:
            yield from ["", f"## {key.section}", "",
                        *head("key", "default", "accepted", "meaning")]
        else:
            yield row(code(key.name), code(key.default), key.accepted, key.meaning)


def variants_page(program: Program) -> Iterator[str]:
    yield from ["# What can be chosen", "", MADE, "", "`fedmpi --list` says the same.", "",
                *head("key", "value", "what it is")]
    for key, value, meaning in program.variants:
        yield row(code(key), code(value), meaning)


def exit_codes_page(program: Program) -> Iterator[str]:
    yield from ["# Exit codes", "", MADE, "", "The same from every rank.", "",
                *head("code", "meaning")]
    for number, meaning in program.exit_codes:
        yield row(number, meaning)
    yield from ["", "mpirun adds lines of its own after every code but 0, also after 75; fedmpi's "
                "message is the line", "that starts with `fedmpi:`."]


def environment_page(program: Program) -> Iterator[str]:
    """The program's variables, then the page as it is: what scripts read."""
    page = (HERE / "environment.md").read_text().splitlines()
    first = page.index("<!-- begin environment: made by `make docs` -->")
    last = page.index("<!-- end environment -->")
    yield from page[:first + 1]
    yield from head("variable", "accepted", "meaning")
    for name, accepted, meaning in program.environment:
        yield row(code(name), accepted, meaning)
    yield from page[last:]


# --- Tables of the results --------------------------------------------------------------


def write_idx(path: Path, *sizes: int) -> None:
    """Bytes that count up, modulo ten."""
    count = 1
    for size in sizes:
        count *= size
    path.write_bytes(struct.pack(f">BBBB{len(sizes)}I", 0, 0, 8, len(sizes), *sizes)
                     + bytes(i % 10 for i in range(count)))


def make_data(folder: Path) -> None:
    for name in "train", "t10k":
        write_idx(folder / f"{name}-images-idx3-ubyte", 100, 3, 3)
        write_idx(folder / f"{name}-labels-idx1-ubyte", 100)
    (folder / "run.ini").write_text(CONFIG.format(folder=folder))


def read_tables(program: str, folder: Path, *settings: str) -> Dict[str, Table]:
    """What a short run with these settings says of its tables, by path."""
    overrides = [word for setting in settings for word in ("--set", setting)]
    run(program, "--quiet", "--overwrite", *overrides, str(folder / "run.ini"))
    found: Dict[str, Table] = {}
    with h5py.File(folder / "run.h5", "r") as results:
        results.visititems(lambda path, item: found.update({path: describe(item)})
                           if getattr(getattr(item, "dtype", None), "names", None) else None)
    return found


def describe(item: h5py.Dataset) -> Table:
    columns = {}
    for column in item.dtype.names:
        unit = text_of(item.attrs[f"{column}.unit"])
        columns[column] = ["integer" if item.dtype[column].kind == "i" else "real",
                           "" if unit == "1" else unit, text_of(item.attrs[f"{column}.help"])]
    return Table(text_of(item.attrs["help"]), columns)


def add_those_of_variants(tables: Dict[str, Table], program: Program, path: str,
                          folder: Path) -> None:
    """A column that only runs with some variant have says so."""
    own = {path: set(found.columns) for path, found in tables.items()}
    for key, value, _ in program.variants:
        if not key.startswith("federated."):
            continue
        for path_, found in read_tables(path, folder, f"{key}={value}").items():
            for column, (kind, unit, text) in found.columns.items():
                if column not in own[path_]:
                    known = tables[path_].columns.setdefault(column, [kind, unit, f"{text}; with"])
                    known[2] += f"{'' if known[2].endswith('with') else ' or'} `{key} = {value}`"


def tables_page(program: Program, path: str) -> Iterator[str]:
    """Every table of a results file with its columns, units and their help."""
    yield from ["# Tables of the results file", "", MADE, "",
                "What else is in the file: [results](../guide/results.md)."]
    with tempfile.TemporaryDirectory() as name:
        make_data(Path(name))
        tables = read_tables(path, Path(name))
        add_those_of_variants(tables, program, path, Path(name))
    for table in sorted(tables, key=lambda table: (not table.startswith("federated"), table)):
        yield from ["", f"## /{table}", "", f"{sentence(tables[table].help)}", "",
                    *head("column", "type", "unit", "meaning")]
        for column, facts_ in tables[table].columns.items():
            yield row(code(column), *facts_)
    yield from ["", "## How a run stands", "", "Attributes of the file's root, `stopped_because` "
                "where a run was interrupted.", "", *head("attribute", "word", "meaning")]
    for name, words in program.attributes.items():
        for word, meaning in words:
            yield row(code(name), code(word), meaning)


def text_of(value: object) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)


def sentence(text: str) -> str:
    return text[:1].upper() + text[1:] + "."


# --- The manual page --------------------------------------------------------------------


def roff(text: str) -> str:
    text = text.replace("\\", "\\e").replace("-", "\\-")
    return "\\&" + text if text[:1] in (".", "'") else text


def tagged(tag: str, text: str) -> List[str]:
    return [".TP", tag, roff(text)]


def option_tag(text: str) -> str:
    """ "-o, --output FILE": what is typed is bold, what stands for something is not."""
    words = []
    for word in text.split(" "):
        if word.startswith("-"):
            words.append(f"\\fB{roff(word.rstrip(','))}\\fR{',' if word.endswith(',') else ''}")
        else:
            words.append(f"\\fI{roff(word)}\\fR")
    return " ".join(words)


def manual_page(program: Program) -> Iterator[str]:
    yield '.\\" made by `make docs` from the program: change it there'
    version = (ROOT / "VERSION").read_text().strip()
    yield f'.TH FEDMPI 1 "" "fedmpi {version}" "User Commands"'
    yield from [".SH NAME", "fedmpi \\- federated learning, simulated on MPI"]
    yield from [".SH SYNOPSIS", "\\fBmpirun \\-np\\fR \\fIRANKS\\fR \\fBfedmpi\\fR "
                "[\\fIoptions\\fR] \\fICONFIG.ini\\fR"]
    yield from [".SH DESCRIPTION",
                "Simulates federated learning as the configuration says, and trains the same "
                "network on pooled data for comparison.",
                "Rank 0 is the server, the others train the clients; with one rank it does both.",
                "Any number of clients runs on any number of ranks, and the same configuration and "
                "seed give the same model bit for bit.",
                ".PP",
                "Progress goes to standard error, a summary to standard output, and every number "
                "to one HDF5 file."]
    yield ".SH OPTIONS"
    for option, meaning in program.options:
        yield from tagged(option_tag(option), meaning)
    yield from [".SH EXIT STATUS", "The same from every rank."]
    for number, meaning in program.exit_codes:
        yield from tagged(f"\\fB{number}\\fR", meaning)
    yield ".SH ENVIRONMENT"
    for name, accepted, meaning in program.environment:
        yield from tagged(f"\\fB{name}\\fR", meaning)
        said = "Set" if accepted.startswith("set by") else "Accepted:"
        yield from [".br", f"{said} {roff(accepted.removeprefix('set '))}."]
    yield from [".SH CONFIGURATION",
                "An INI file. A semicolon starts a comment, # does at the start of a line.",
                "\\fBinclude = \\fIFILE\\fR before the first section reads another file first, "
                "relative to this one."]
    for key in program.keys:
        if not key.name:
            yield f".SS [{key.section}]"
            continue
        default = f" {roff(key.default)}" if key.default else ""
        yield from tagged(f"\\fB{roff(key.name)} =\\fR{default}", key.meaning)
        yield from [".br", f"Accepted: {roff(key.accepted)}."]
    yield ".SH CHOICES"
    at = ""
    for name, value, meaning in program.variants:
        if name != at:
            yield f".SS {roff(name)}"
        at = name
        yield from tagged(f"\\fB{roff(value)}\\fR", meaning)
    yield from [".SH EXAMPLES", "First a look, then a run, then the same on other ranks after it "
                "was stopped:", ".PP", ".nf", ".RS",
                "mpirun \\-np 3 fedmpi \\-\\-dry\\-run configs/quick.ini",
                "mpirun \\-np 3 fedmpi configs/quick.ini \\-\\-set federated.algorithm=scaffold",
                "mpirun \\-np 4 fedmpi configs/quick.ini \\-\\-set federated.algorithm=scaffold "
                "\\-\\-resume",
                ".RE", ".fi"]
    yield from [".SH SEE ALSO", "\\fBmpirun\\fR(1), \\fBh5dump\\fR(1), and the documentation in "
                "\\fIshare/doc/fedmpi\\fR beside the program's \\fIbin\\fR."]


# ----------------------------------------------------------------------------------------


def pages(path: str) -> Dict[str, Callable[[], Iterator[str]]]:
    program = ask(path)
    return {
        "keys.md": lambda: keys_page(program),
        "variants.md": lambda: variants_page(program),
        "tables.md": lambda: tables_page(program, path),
        "exit-codes.md": lambda: exit_codes_page(program),
        "environment.md": lambda: environment_page(program),
        "fedmpi.1": lambda: manual_page(program),
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--check", action="store_true", help="only compare")
    parser.add_argument("--program", default=str(ROOT / "fedmpi"))
    options = parser.parse_args()
    stale = False
    for name, make in pages(options.program).items():
        path = HERE / name
        text = "\n".join(make()) + "\n"
        if path.exists() and path.read_text() == text:
            continue
        stale = True
        if options.check:
            print(f"docs/reference/{name} is not what `make docs` writes", file=sys.stderr)
        else:
            path.write_text(text)
            print(f"docs/reference/{name}")
    return int(options.check and stale)


if __name__ == "__main__":
    sys.exit(main())
