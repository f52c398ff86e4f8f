"""Tables for a README: printed, or put into the file between two marks."""

import re
from pathlib import Path
from typing import Callable, Iterable, List, Optional, Sequence

import pandas as pd

from . import command
from .atomic import replacing
from .errors import ResultsError
from .study import Study, load


def row(cells: Iterable[str]) -> str:
    """A line of a table."""
    return f"| {' | '.join(cells)} |"


def head(names: Sequence[str]) -> List[str]:
    """The first two lines of a table."""
    return [row(names), "|---" * len(names) + "|"]


def table(frame: pd.DataFrame) -> str:
    """A data frame of text without its index."""
    return "\n".join([*head(frame.columns), *map(row, frame.itertuples(index=False))])


def main(
    module: str,
    description: Optional[str],
    part: str,
    make: Callable[[Study], str],
    arguments: Optional[List[str]],
) -> None:
    """A command that makes a text of results and prints it, or puts it into a page's part."""
    parser = command.parser(module, description)
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help="write into this Markdown file, between marks"
    )
    options = parser.parse_args(arguments)
    study = load(options.results)
    command.report_notes(study.notes)
    text = make(study)
    if options.into is None:
        print(text)
    else:
        insert(text, part, options.into)
        print(options.into)


def insert(text: str, part: str, path: Path) -> None:
    """Replace what stands between `<!-- begin PART ... -->` and `<!-- end PART -->`."""
    try:
        page = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from error
    marks = re.compile(rf"(<!-- begin {part}\b[^>]*-->\n).*?(<!-- end {part} -->)", re.DOTALL)
    page, count = marks.subn(lambda found: f"{found[1]}{text}\n{found[2]}", page)
    if count != 1:
        raise ResultsError(f"{path}: has {count} parts between begin and end of '{part}', not one")
    with replacing(path) as temporary:
        temporary.write_text(page, encoding="utf-8")
