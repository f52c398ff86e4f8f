"""Read fedmpi results files: one run a file, or many runs in a merged file."""

import glob
import os
import re
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Dict, FrozenSet, Iterable, Iterator, List, NamedTuple, Tuple, Union

import h5py
import numpy as np
import pandas as pd

from . import schema
from .errors import ResultsError

Source = Union[str, "os.PathLike[str]"]
Sources = Union[Source, Iterable[Source]]

_INTEGER = re.compile(r"[+-]?\d+")
_REAL = re.compile(r"[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?")
#: How a matrix's help begins: with the names of its axes.
_AXES = re.compile(r"\[(\w+), (\w+)\]")


class RunGroup(NamedTuple):
    """A run in an open file: where its data sets are, and what to call it."""

    name: str  # the file's stem, or the group's name in a merged file
    source: str  # the file, with the group in it where that is a merged file
    group: h5py.Group


class Column(NamedTuple):
    """What a file says of a table's column."""

    unit: str  # "1" for a number without one
    help: str


class Grid(NamedTuple):
    """A matrix of counts and the names of its two axes."""

    axes: Tuple[str, str]
    counts: np.ndarray


@dataclass(frozen=True)
class Run:
    """All that a run recorded, except its models' parameters."""

    name: str  # as in RunGroup
    source: str
    attributes: Dict[str, Any]
    config: Dict[str, Any]  # section.key -> value
    ini: str
    unused: FrozenSet[str]  # the keys that had no effect, as far as the file names them
    tables: Dict[str, pd.DataFrame]  # path -> table
    columns: Dict[str, Dict[str, Column]]  # path -> column -> what the file says of it
    grids: Dict[str, Grid]  # path -> matrix


def find_files(sources: Sources) -> List[Path]:
    """The files that paths and glob patterns stand for, in order, each once.

    Raises ResultsError for a pattern that matches nothing and for a directory.
    """
    if isinstance(sources, (str, os.PathLike)):
        sources = [sources]
    files: Dict[Path, None] = {}
    for source in map(os.fspath, sources):
        if os.path.exists(source):
            matches = [source]
        elif glob.has_magic(source):
            matches = sorted(glob.glob(source, recursive=True))
            if not matches:
                raise ResultsError(f"no file matches {source!r}")
        else:
            raise ResultsError(f"{source}: no such file")
        files.update(dict.fromkeys(map(Path, matches)))
    if not files:
        raise ResultsError("no results file given")
    for path in files:
        if path.is_dir():
            raise ResultsError(f"{path}: is a directory; did you mean '{path}/*.h5'?")
    return list(files)


@contextmanager
def open_results(path: Path) -> Iterator[List[RunGroup]]:
    """Open a results file and give its runs: the file itself, or the groups of a merged file.

    The file is not locked, so that looking at a run that goes on never disturbs it.
    """
    if not os.access(path, os.R_OK):
        raise ResultsError(f"{path}: no permission to read it")
    if not h5py.is_hdf5(path):
        raise ResultsError(f"{path}: not an HDF5 file")
    with _open(path) as file:
        yield _runs_in(file, path)


def read(sources: Sources) -> List[Run]:
    """Read every run of the files that the sources stand for."""
    runs = []
    for path in find_files(sources):
        with open_results(path) as groups:
            for run in groups:
                try:
                    runs.append(_read_run(run))
                except (OSError, KeyError, RuntimeError, TypeError, ValueError) as error:
                    raise _damaged(run.source, error) from error
    return runs


def _open(path: Path) -> h5py.File:
    try:
        return h5py.File(path, "r", locking=False)
    except OSError:
        pass  # among others, where this process has it open already, with locking
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise _damaged(path, error) from error


def _damaged(source: Any, error: Exception) -> ResultsError:
    return ResultsError(f"{source}: damaged, or being written at this moment ({error})")


def _runs_in(file: h5py.File, path: Path) -> List[RunGroup]:
    if schema.RUN_MARK in file.attrs:
        return [RunGroup(path.stem, str(path), file["/"])]
    members = {name: _member(file, name, path) for name in file}
    runs = [
        RunGroup(name, f"{path}:/{name}", member)
        for name, member in members.items()
        if isinstance(member, h5py.Group) and schema.RUN_MARK in member.attrs
    ]
    if not runs:
        raise ResultsError(
            f"{path}: not a fedmpi results file (it has no attribute {schema.RUN_MARK!r})"
        )
    return runs


def _member(file: h5py.File, name: str, path: Path) -> Union[h5py.Group, h5py.Dataset]:
    try:
        return file[name]
    except (KeyError, OSError) as error:
        link = file.get(name, getlink=True)
        target = getattr(link, "filename", None)
        if target is None:
            raise ResultsError(f"{path}: {name} cannot be opened ({error})") from error
        raise ResultsError(
            f"{path}: {name} is a link to {target}, which cannot be opened"
        ) from error


def _read_run(run: RunGroup) -> Run:
    group = run.group
    config = group.get("config")
    ini = group.get("config/ini")
    settings = _attributes(config) if config else {}
    unused = str(settings.pop(schema.UNUSED, ""))
    datasets = _datasets(group)
    tables = {path: item for path, item in datasets.items() if item.dtype.names}
    for path in set(schema.TABLES.values()) & set(datasets) - set(tables):
        raise ValueError(f"{path} is no table")
    grids = {path: (_AXES.match(_help(item)), item) for path, item in datasets.items()}
    return Run(
        name=run.name,
        source=run.source,
        attributes=_attributes(group),
        config={key: parse(value) for key, value in settings.items()},
        ini="" if ini is None else str(plain(ini[()])),
        unused=frozenset(map(str.strip, unused.split(","))),
        tables={path: read_table(item) for path, item in tables.items()},
        columns={path: _read_columns(item) for path, item in tables.items()},
        grids={
            path: Grid((axes[1], axes[2]), item[:])
            for path, (axes, item) in grids.items()
            if axes and item.ndim == 2
        },
    )


def _attributes(group: h5py.Group) -> Dict[str, Any]:
    return {key: plain(value) for key, value in group.attrs.items()}


def _datasets(group: h5py.Group) -> Dict[str, h5py.Dataset]:
    """All data sets below a group by their paths."""
    found: Dict[str, h5py.Dataset] = {}

    def look(path: str, item: Union[h5py.Group, h5py.Dataset]) -> None:
        if isinstance(item, h5py.Dataset):
            found[path] = item

    group.visititems(look)
    return found


def _help(item: h5py.Dataset) -> str:
    return str(plain(item.attrs.get("help", "")))


def _read_columns(table: h5py.Dataset) -> Dict[str, Column]:
    def said(name: str, what: str) -> str:
        return str(plain(table.attrs.get(f"{name}.{what}", "")))

    return {name: Column(said(name, "unit"), said(name, "help")) for name in table.dtype.names}


def read_table(dataset: h5py.Dataset) -> pd.DataFrame:
    """A compound data set as a frame; a field that is an array becomes a column an element."""
    records = dataset[:]
    columns: Dict[str, Any] = {}
    for field in records.dtype.names:
        values = records[field]
        if values.dtype.kind in "SO":
            columns[field] = [plain(value) for value in values]
        elif values.ndim == 1:
            columns[field] = values
        else:
            elements = values.reshape(len(values), -1).T
            columns.update({f"{field}_{i}": element for i, element in enumerate(elements)})
    return pd.DataFrame(columns)


def plain(value: Any) -> Any:
    """A value from HDF5 as one of Python's own: text is decoded, arrays become a list in text."""
    if isinstance(value, bytes):
        return value.decode("utf-8", "replace").rstrip("\0")
    if isinstance(value, np.ndarray):
        elements = [plain(element) for element in value.ravel()]
        return elements[0] if len(elements) == 1 else ", ".join(map(str, elements))
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, h5py.Empty):
        return ""
    return value


def parse(value: Any) -> Any:
    """The value that a configuration's text stands for: a number, a truth value, or text."""
    if not isinstance(value, str):
        return value
    if value in ("true", "false"):
        return value == "true"
    if _INTEGER.fullmatch(value):
        return int(value)
    if _REAL.fullmatch(value):
        return float(value)
    return value
