"""Draw the global model over rounds next to the centralized baseline over epochs."""

from pathlib import Path
from typing import List, Optional

from matplotlib.figure import Figure

from . import command, figures
from .atomic import replacing
from .errors import ResultsError
from .study import load


def save(figure: Figure, path: Path, dpi: int = 160) -> None:
    """Write a figure in the format of the path's suffix; it must have drawn something."""
    figures.assert_drawn(figure)
    formats = figure.canvas.get_supported_filetypes()
    if path.suffix[1:] not in formats:
        raise ResultsError(
            f"{path}: the name must end in one of "
            + ", ".join(f".{name}" for name in sorted(formats))
        )
    with replacing(path) as temporary:
        figure.savefig(temporary, dpi=dpi)


def main(arguments: Optional[List[str]] = None) -> None:
    """Run the command `python3 -m analysis.plot`."""
    parser = command.parser("plot", __doc__, "the picture: .png, .pdf, .svg")
    options = parser.parse_args(arguments)
    study = load(options.results)
    command.report_notes(study.notes)
    save(figures.federated_and_centralized(study), Path(options.output))
    print(options.output)


if __name__ == "__main__":
    command.run(main)
