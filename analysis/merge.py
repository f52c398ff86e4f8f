"""Combine results files into one HDF5 file with the runs as groups.

Every attribute and data set of a run is kept. With links the runs stay in their files
and the new file refers to them, by paths relative to itself.
"""

import os
from pathlib import Path
from typing import List, Optional

import h5py

from . import command
from .atomic import replacing
from .errors import ResultsError
from .labels import unique
from .reader import RunGroup, Source, Sources, find_files, open_results


def merge(sources: Sources, output: Source, links: bool = False, force: bool = False) -> List[str]:
    """Write the runs of all sources into one file and return their groups' names.

    The file appears only when it is complete. An existing one is an error unless `force`
    is given; it is then never taken for one of the sources.
    """
    target = Path(output)
    if target.exists() and not force:
        raise ResultsError(f"{target}: already exists; --force replaces it")
    paths = [path for path in find_files(sources) if not _same_file(path, target)]
    if not paths:
        raise ResultsError(f"nothing to merge into {target}")
    names: List[str] = []
    with replacing(target) as temporary:
        if not links:
            _reserve(temporary, sum(path.stat().st_size for path in paths))
        with h5py.File(temporary, "w") as merged:
            for path in paths:
                with open_results(path) as runs:
                    for run in runs:
                        name = unique(run.name, names)
                        if links:
                            merged[name] = _link(run, target)
                        else:
                            _copy(run, merged, name)
                        names.append(name)
    return names


def _reserve(path: Path, size: int) -> None:
    """Raise OSError now if there is no room for so many bytes: HDF5 crashes on a full disk."""
    if hasattr(os, "posix_fallocate"):
        with path.open("r+b") as file:
            os.posix_fallocate(file.fileno(), 0, size)


def _copy(run: RunGroup, merged: h5py.File, name: str) -> None:
    try:
        run.group.file.copy(run.group, merged, name)
    except (OSError, RuntimeError, KeyError) as error:
        raise ResultsError(f"{run.source}: cannot be copied ({error})") from error


def _link(run: RunGroup, target: Path) -> h5py.ExternalLink:
    home = target.resolve().parent
    return h5py.ExternalLink(
        os.path.relpath(os.path.realpath(run.group.file.filename), home), run.group.name
    )


def _same_file(path: Path, other: Path) -> bool:
    return other.exists() and path.samefile(other)


def main(arguments: Optional[List[str]] = None) -> None:
    """Run the command `python3 -m analysis.merge`."""
    parser = command.parser("merge", __doc__, "the merged file")
    parser.add_argument("--links", action="store_true", help="refer to the runs where they are")
    parser.add_argument("--force", action="store_true", help="replace the output if it exists")
    options = parser.parse_args(arguments)
    names = merge(options.results, options.output, options.links, options.force)
    print(f"{options.output}: {len(names)} runs {'linked' if options.links else 'copied'}")


if __name__ == "__main__":
    command.run(main)
