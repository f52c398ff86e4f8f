"""Execute the notebooks headless and keep their output in them.

FEDMPI_RESULTS (a glob pattern of results files) and FEDMPI_DATA (the folder with MNIST)
say what they look at; paths are relative to where this command runs. A cell that raises,
as every plot that stays empty does, makes the command fail and leaves its notebook as it
was. Needs nbconvert and ipykernel (Debian: jupyter-nbconvert python3-ipykernel).
"""

import argparse
import os
import subprocess
import sys
from pathlib import Path
from typing import Dict, List, Optional, Sequence

from . import command
from .errors import ResultsError

FOLDER = Path(__file__).with_name("notebooks")
_PATHS = ("FEDMPI_RESULTS", "FEDMPI_DATA")


def execute(notebooks: Sequence[Path], output: Optional[Path] = None, seconds: int = 600) -> None:
    """Execute notebooks in place, or into another folder.

    Raises ResultsError at the first that fails.
    """
    for notebook in notebooks:
        if not notebook.is_file():
            raise ResultsError(f"{notebook}: no such notebook")
        where = ["--inplace"] if output is None else ["--output-dir", str(output.absolute())]
        done = subprocess.run(
            [
                sys.executable,
                "-m",
                "nbconvert",
                "--to",
                "notebook",
                "--execute",
                *where,
                f"--ExecutePreprocessor.timeout={seconds}",
                f"--ExecutePreprocessor.startup_timeout={seconds}",
                "--ExecutePreprocessor.record_timing=False",  # nothing that differs every time
                str(notebook),
            ],
            env=_environment(),
            stderr=subprocess.PIPE,
            text=True,
        )
        if done.returncode != 0:
            sys.stderr.write(done.stderr)
            raise ResultsError(f"{notebook}: not executed")
        print(notebook if output is None else output / notebook.name)


def _environment() -> Dict[str, str]:
    """The environment with absolute paths, since a notebook runs in its own folder."""
    environment = dict(os.environ)
    environment.update(
        {name: os.path.abspath(environment[name]) for name in _PATHS if environment.get(name)}
    )
    return environment


def main(arguments: Optional[List[str]] = None) -> None:
    """Run the command `python3 -m analysis.execute`."""
    parser = argparse.ArgumentParser(
        prog=f"python3 -m {__package__}.execute",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "notebooks", nargs="*", type=Path, help="default: all that come with this package"
    )
    parser.add_argument(
        "-o", "--output", type=Path, help="write into this folder instead of in place"
    )
    options = parser.parse_args(arguments)
    execute(options.notebooks or sorted(FOLDER.glob("*.ipynb")), options.output)


if __name__ == "__main__":
    command.run(main)
