#!/usr/bin/env python3
"""Does each header include what declares the standard's types that it uses? Exit code 1 if not.

By itself or through our own headers: another MPI's or HDF5's headers need not bring them along.
"""

import re
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]

#: A type, and the headers any of which declares it.
TYPES = {
    r"\bbool\b": {"stdbool.h"},
    r"\bu?int(8|16|32|64)_t\b": {"stdint.h", "inttypes.h"},
    r"\bsize_t\b": {"stddef.h", "stdio.h", "stdlib.h", "string.h"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s*[<"]([^>"]+)[>"]', re.M)


def ours(name: str, beside: Path) -> Path | None:
    """The header of ours that is included by this name."""
    places = (beside.parent / name, ROOT / "include" / name, ROOT / "src" / name)
    return next((place for place in places if place.is_file()), None)


def included(path: Path, seen: set[Path]) -> set[str]:
    """What stands in includes of a header and of ours that it includes."""
    seen.add(path)
    names = set(INCLUDE.findall(path.read_text()))
    headers = {ours(name, path) for name in names} - seen - {None}
    return names.union(*(included(header, seen) for header in headers))


def main() -> int:
    headers = [*ROOT.glob("src/**/*.h"), *ROOT.glob("include/**/*.h")]
    found = not headers
    for path in sorted(headers):
        code = re.sub(r"/\*.*?\*/|//[^\n]*", " ", path.read_text(), flags=re.S)
        names = included(path, set())
        for used, declared in TYPES.items():
            if re.search(used, code) and not names & declared:
                print(f"{path.relative_to(ROOT)}: uses {used}, includes none of {sorted(declared)}")
                found = True
    return int(found)


if __name__ == "__main__":
    sys.exit(main())
