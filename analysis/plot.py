"""Draw a figure of results: the global model over rounds beside the centralized baseline.

With --figure another one. Figures have the size in which they are printed, in a page's text or a
column of two; PDF and SVG hold text as text.
"""

from pathlib import Path
from typing import List, Optional, Union

from matplotlib.figure import Figure

from . import command, figures
from .atomic import replacing
from .errors import ResultsError
from .study import load


def save(figure: Figure, path: Path, dpi: int = 200) -> None:
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
    parser.add_argument(
        "--figure",
        choices=figures.OF_A_STUDY,
        default=figures.federated_and_centralized.__name__,
        metavar="NAME",
        help="one of " + ", ".join(figures.OF_A_STUDY),
    )
    parser.add_argument(
        "--width", default="page", help="page (7 in), column (3.4 in), or inches; type is 8 pt"
    )
    parser.add_argument("--no-title", action="store_true", help="leave that to the caption")
    options = parser.parse_args(arguments)
    study = load(options.results)
    command.report_notes(study.notes)
    draw = getattr(figures, options.figure)
    figure = draw(study, width=_width(options.width), title=not options.no_title)
    save(figure, Path(options.output))
    print(options.output)


def _width(text: str) -> Union[str, float]:
    try:
        return float(text)
    except ValueError:
        return text


if __name__ == "__main__":
    command.run(main)
