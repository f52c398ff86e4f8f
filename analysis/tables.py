"""Tables of results, for a page in Markdown or a paper in LaTeX."""

import re
from pathlib import Path
from typing import Callable, List, Optional

import pandas as pd

from . import command
from .atomic import replacing
from .errors import ResultsError
from .study import Study, load


def markdown(frame: pd.DataFrame) -> str:
    """A data frame of text without its index."""
    return str(frame.to_markdown(index=False, tablefmt="github", disable_numparse=True))


def latex(frame: pd.DataFrame) -> str:
    """The same as a `tabular` with the rules of the package booktabs."""
    style = frame.style.hide(axis="index").format(escape="latex")
    style = style.format_index(escape="latex", axis="columns")
    return str(style.to_latex(hrules=True)).replace("\u00b1", r"$\pm$").rstrip("\n")


def main(
    module: str,
    description: Optional[str],
    part: str,
    make: Callable[[Study], pd.DataFrame],
    arguments: Optional[List[str]],
    account: Callable[[Study], str] = lambda study: "",
) -> None:
    """A command that makes a table of results and prints it, or puts it into a page's part.

    `account` gives the line that stands under the table in Markdown.
    """
    parser = command.parser(module, description)
    parser.add_argument("--latex", action="store_true", help="a LaTeX tabular, not Markdown")
    parser.add_argument(
        "--into", type=Path, metavar="FILE", help="write into this Markdown file, between marks"
    )
    options = parser.parse_args(arguments)
    if options.latex and options.into is not None:
        raise ResultsError("--latex and --into: only Markdown is written into a page")
    study = load(options.results)
    command.report_notes(study.notes)
    frame = make(study)
    if options.latex:
        print(latex(frame))
        return
    text = "\n\n".join(filter(None, [markdown(frame), account(study)]))
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
