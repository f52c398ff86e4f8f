"""What the commands of this package share: their arguments, messages and exit codes."""

import argparse
import sys
from typing import Callable, Iterable, List, Optional

from .errors import ResultsError


def parser(
    module: str, description: Optional[str], output: Optional[str] = None
) -> argparse.ArgumentParser:
    """A parser with the results files that every command takes, and the output of those that write.

    `output` says what is written; a command without it prints.
    """
    arguments = argparse.ArgumentParser(
        prog=f"python3 -m {__package__}.{module}",
        description=description,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    arguments.add_argument(
        "results", nargs="+", help="results files, merged files, or glob patterns of them"
    )
    if output is not None:
        arguments.add_argument("-o", "--output", required=True, help=output)
    return arguments


def report_notes(notes: Iterable[str]) -> None:
    """Tell the user on stderr what is remarkable about the results."""
    for note in notes:
        print(f"note: {note}", file=sys.stderr)


def run(main: Callable[[Optional[List[str]]], None]) -> None:
    """Run a command: exit code 0, or 2 with one line on stderr if the input is wrong."""
    try:
        main(None)
    except ResultsError as error:
        print(f"error: {error}", file=sys.stderr)
        sys.exit(2)
