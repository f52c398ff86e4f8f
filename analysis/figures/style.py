"""How figures look, and the pieces that they are drawn with.

A figure is drawn in the size in which it is printed, so that its type is as large as that of
the caption under it: as wide as a page's text, or as one of two columns. Titles, legend and
small print are measured and given their room, whatever they hold.
"""

import textwrap
from functools import wraps
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple, Union

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.artist import Artist
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D
from matplotlib.text import Text

from .. import schema
from ..errors import NothingToDraw, ResultsError
from ..labels import describe_rows
from ..statistics import spread
from ..study import Study

#: The palette of Okabe and Ito, which colour-blind readers can tell apart.
BLUE, VERMILLION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
SKY, ORANGE, GREY, INK = "#56B4E9", "#E69F00", "#999999", "#222222"
CYCLE = (BLUE, VERMILLION, GREEN, PURPLE, ORANGE, SKY, INK, GREY)

MODEL_COLOUR = {"federated": BLUE, "centralized": VERMILLION}
LINE_STYLES = ("-", (0, (4, 1.6)), (0, (1, 1.4)), (0, (5, 1.5, 1, 1.5)))

#: Marks what is drawn for orientation and is not data.
GUIDE = "guide"

#: What a figure says about its bands.
BAND = "lines: mean, bands: \u00b1 standard deviation over seeds"

#: Widths in inches: the text of a page with margins of an inch or so, and one of two columns.
WIDTHS = {"page": 7.0, "column": 3.4}

#: Figures narrower than this have their panels one below the other.
_NARROW = 5.0
#: And such panels are no higher than this, unless they have to be.
_LOW = 1.75

#: Text is not broken into lines of fewer letters than this.
_SHORTEST = 12

#: Room around what stands outside the panels, in inches.
_PAD = 0.06

_RC = {
    "font.family": "sans-serif",
    "font.sans-serif": ["DejaVu Sans", "Arial", "Helvetica"],
    "font.size": 8,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.7,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 8.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 6,
    "axes.labelsize": 8,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e8e8e8",
    "grid.linewidth": 0.7,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.labelsize": 7.5,
    "ytick.labelsize": 7.5,
    "xtick.major.size": 2.5,
    "ytick.major.size": 2.5,
    "lines.linewidth": 1.4,
    "lines.markersize": 3.5,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 7.5,
    "legend.borderpad": 0.2,
    "legend.columnspacing": 1.6,
    "legend.handlelength": 2.2,
    "figure.titlesize": 10,
    "figure.titleweight": "bold",
    "figure.dpi": 100,
    "figure.constrained_layout.h_pad": _PAD,
    "figure.constrained_layout.w_pad": _PAD,
    "figure.constrained_layout.wspace": 0.03,
    "figure.constrained_layout.hspace": 0.03,
}

#: Text stays text: TrueType, which publishers take and editors can change, and no outlines.
_SAVE_RC = {"pdf.fonttype": 42, "ps.fonttype": 42, "svg.fonttype": "none"}

_SMALL = {"fontsize": 7, "color": "#666666"}


class PrintedFigure(Figure):
    """A figure with what stands outside its panels; saved, its text stays text."""

    headline = ""  # over all panels; left out where a caption says what the figure shows
    handles: Sequence[Artist] = ()  # of the legend, under the panels, where it covers nothing
    notes: Sequence[str] = ()  # small print under the figure

    def savefig(self, *arguments: Any, **options: Any) -> None:
        """As matplotlib's."""
        with matplotlib.rc_context(_SAVE_RC):
            super().savefig(*arguments, **options)


def styled(function: Callable[..., PrintedFigure]) -> Callable[..., PrintedFigure]:
    """Draw a figure with this package's style and leave the caller's settings alone.

    Gives the function two more parameters: `width`, which is "page", "column" or inches, and
    `title`, false where a caption says what the figure shows.
    """

    @wraps(function)
    def draw(
        *arguments: Any, width: Union[str, float] = "page", title: bool = True, **options: Any
    ) -> PrintedFigure:
        inches = WIDTHS.get(width, width) if isinstance(width, str) else float(width)
        if isinstance(inches, str) or not 2 <= inches <= 40:
            raise ResultsError(f"width {width!r}: {', '.join(WIDTHS)} or 2 to 40 inches are accepted")
        # The width travels as matplotlib's own default size.
        with matplotlib.rc_context({**_RC, "figure.figsize": (inches, 4.0)}):
            figure = function(*arguments, **options)
            _finish(figure, title)
        return figure

    return draw


def is_narrow() -> bool:
    """Whether the figure that is being drawn has room for one panel beside another."""
    return bool(matplotlib.rcParams["figure.figsize"][0] < _NARROW)


def canvas(
    height: float, rows: int = 1, columns: int = 1, low: float = _LOW, **options: Any
) -> Tuple[PrintedFigure, Any]:
    """A figure with a grid of panels, each of this height in inches, and its axes [row, column].

    In a narrow figure panels that should stand side by side stand one below the other, the
    rows of the grid follow each other, and no panel is higher than `low`.
    """
    width = matplotlib.rcParams["figure.figsize"][0]
    shape = (rows * columns, 1) if is_narrow() else (rows, columns)
    if is_narrow():
        height = min(height, low)
    figure = PrintedFigure(figsize=(width, height * shape[0] + 0.1), layout="constrained")
    panels = figure.subplots(*shape, squeeze=False, **options)
    return figure, panels.reshape(rows, columns)


def picture_grid(rows: int, columns: int) -> Tuple[PrintedFigure, Any]:
    """A figure with a square for each small picture, whatever its width, and its axes."""
    width = matplotlib.rcParams["figure.figsize"][0]
    figure = PrintedFigure(figsize=(width, width / columns * rows + 0.3), layout="constrained")
    figure.get_layout_engine().set(w_pad=0.02, h_pad=0.02, wspace=0, hspace=0)
    return figure, figure.subplots(rows, columns, squeeze=False)


def same_scale(panels: Sequence[Axes]) -> None:
    """Let panels have one vertical scale."""
    for axes in panels[1:]:
        axes.sharey(panels[0])


def _finish(figure: PrintedFigure, title: bool) -> None:
    """Put what stands outside the panels there, and make the figure as much higher."""
    below = [*_small_print(figure), *_place_legend(figure)]
    above = _place_headline(figure) if title else []
    panels = figure.get_figheight()
    height = panels + sum(_height(figure, artist) + _PAD for artist in (*below, *above))
    figure.set_figheight(height)
    bottom = 0.0
    for artist in below:
        _stand_at(artist, (bottom + _PAD / 2) / height)
        bottom += _height(figure, artist) + _PAD
    for artist in above:
        _stand_at(artist, (bottom + panels + _PAD / 2) / height)
    figure.get_layout_engine().set(rect=(0, bottom / height, 1, panels / height))


def _stand_at(artist: Artist, bottom: float) -> None:
    if isinstance(artist, matplotlib.legend.Legend):
        artist.set_bbox_to_anchor((0.5, bottom), transform=artist.figure.transFigure)
    else:
        artist.set_y(bottom)


def _place_headline(figure: PrintedFigure) -> List[Artist]:
    if not figure.headline:
        return []
    size = matplotlib.rcParams["figure.titlesize"]
    look = {"ha": "left", "va": "bottom", "fontsize": size, "fontweight": "bold"}
    return [_wrap(figure, figure.text(_PAD / figure.get_figwidth(), 0, figure.headline, **look))]


def _small_print(figure: PrintedFigure) -> List[Artist]:
    text = "; ".join(filter(None, figure.notes))
    if not text:
        return []
    x = 1 - _PAD / figure.get_figwidth()
    return [_wrap(figure, figure.text(x, 0, text, ha="right", va="bottom", **_SMALL))]


def _wrap(figure: Figure, text: Text) -> Text:
    """Break a text into lines that the figure is wide enough for."""
    _break_until(text, lambda: _extent(figure, text).width <= _inner_width(figure))
    return text


def _break_until(text: Text, fits: Callable[[], bool]) -> None:
    whole = text.get_text()
    letters = len(whole)
    while not fits() and letters > _SHORTEST:
        letters = letters * 7 // 8
        text.set_text(textwrap.fill(whole, letters))


def _inner_width(figure: Figure) -> float:
    return float(figure.get_figwidth()) - 2 * _PAD


def _place_legend(figure: PrintedFigure) -> List[Artist]:
    """The legend with as many columns as fit; lines are broken where one is too much."""
    if not figure.handles:
        return []
    for columns in range(min(len(figure.handles), 6), 0, -1):
        placed = figure.legend(
            handles=figure.handles, loc="lower center", ncol=columns, borderaxespad=0
        )
        if _extent(figure, placed).width <= _inner_width(figure):
            return [placed]
        if columns > 1:
            placed.remove()
    room = _inner_width(figure) - 0.45  # beside the line that the text names
    for text in placed.get_texts():
        _break_until(text, lambda text=text: _extent(figure, text).width <= room)
    return [placed]


def _extent(figure: Figure, artist: Artist) -> matplotlib.transforms.Bbox:
    """The box of an artist in inches."""
    canvas = figure.canvas if isinstance(figure.canvas, FigureCanvasAgg) else FigureCanvasAgg(figure)
    renderer = canvas.get_renderer()
    return artist.get_window_extent(renderer).transformed(figure.dpi_scale_trans.inverted())


def _height(figure: Figure, artist: Artist) -> float:
    return float(_extent(figure, artist).height)


def series_styles(study: Study) -> Dict[str, Dict[str, Any]]:
    """A colour and a line style for each condition.

    A condition that is set by one key takes its colour from that key's value: from an
    ordered scale for numbers, from the palette for names. With more keys the first one
    (E, where it differs) sets the colour and the others set the line style.
    """
    keys = study.condition_keys
    conditions = study.runs.drop_duplicates("condition")
    if not keys:
        return {name: {"color": BLUE, "linestyle": "-"} for name in conditions["condition"]}
    rest = describe_rows(conditions, keys[1:])
    kinds = list(dict.fromkeys(rest))
    if len(kinds) > len(LINE_STYLES):
        return {
            name: {
                "color": CYCLE[i % len(CYCLE)],
                "linestyle": LINE_STYLES[i // len(CYCLE) % len(LINE_STYLES)],
            }
            for i, name in enumerate(conditions["condition"])
        }
    colours = colours_of(conditions[keys[0]])
    return {
        name: {"color": colours[value], "linestyle": LINE_STYLES[kinds.index(kind)]}
        for name, value, kind in zip(conditions["condition"], conditions[keys[0]], rest)
    }


def colours_of(values: pd.Series) -> Dict[Any, Any]:
    """A colour for each distinct value: of an ordered scale for numbers, else of the palette."""
    distinct = list(dict.fromkeys(values))
    if (
        pd.api.types.is_numeric_dtype(values)
        and not pd.api.types.is_bool_dtype(values)
        and len(distinct) > 1
    ):
        scale = matplotlib.colormaps["viridis"](np.linspace(0.0, 0.86, len(distinct)))
        return dict(zip(distinct, map(tuple, scale)))
    return {value: CYCLE[i % len(CYCLE)] for i, value in enumerate(distinct)}


def draw_mean(axes: Axes, frame: pd.DataFrame, x: str, y: str, **style: Any) -> pd.DataFrame:
    """Draw the mean of y over x with a band of its standard deviation; return what was drawn.

    Rows without a value, such as rounds that were not evaluated, are passed over.
    """
    table = spread(frame, [x], y).dropna(subset=["mean"]).sort_values(x).astype(float)
    if table.empty:
        return table
    marker = "o" if len(table) <= 30 else None
    axes.plot(table[x], table["mean"], **{"marker": marker, "markersize": 2.5, **style})
    several = table.dropna(subset=["std"])
    if len(several):
        low, high = several["mean"] - several["std"], several["mean"] + several["std"]
        axes.fill_between(several[x], low, high, color=style.get("color"), alpha=0.15, linewidth=0)
    return table


def condition_handles(study: Study, conditions: Sequence[str]) -> List[Line2D]:
    """What the legend shows of the conditions; a single one needs no name."""
    if not study.condition_keys:
        return []
    looks = series_styles(study)
    return [Line2D([], [], label=name, **looks[name]) for name in conditions]


def has(frame: pd.DataFrame, column: str) -> bool:
    """Whether a column is there and holds a value."""
    return column in frame and bool(frame[column].notna().any())


def with_values(study: Study, frame: str, column: str) -> List[str]:
    """The conditions for which a column of a frame holds a value, in order."""
    table = getattr(study, frame)
    if column not in table:
        return []
    present = set(table.loc[table[column].notna(), "condition"])
    return [condition for condition in study.conditions if condition in present]


def one_run(study: Study, frame: str, run: Optional[str]) -> Tuple[str, Study]:
    """The run of this name, or the first with rows in a frame, and its part of the study."""
    if run is None:
        present = set(getattr(study, frame)["run"])
        run = next((name for name in study.runs["run"] if name in present), None)
        if run is None:
            raise NothingToDraw(f"no run holds {frame}")
    part = study.select([run])
    if getattr(part, frame).empty:
        raise NothingToDraw(f"{run} holds no {frame}")
    return run, part


def number_cells(
    axes: Axes, matrix: np.ndarray, image: AxesImage, columns: Optional[Sequence[float]] = None
) -> None:
    """Write a matrix's numbers into its cells, light on dark and dark on light, if they fit."""
    columns = range(matrix.shape[1]) if columns is None else columns
    shown = image.cmap(image.norm(image.get_array()))
    brightness = shown[..., :3] @ np.array([0.299, 0.587, 0.114])
    box = axes.get_position()
    cell = np.array([box.width, box.height]) * axes.figure.get_size_inches() * 72 / matrix.shape[::-1]
    letters = len(f"{matrix.max():g}")
    size = min(7.0, 0.9 * cell[0] / (0.64 * letters), 0.8 * cell[1])  # a digit is 0.64 wide
    if size < 3.5:
        return
    for i, j in np.argwhere(matrix != 0):
        colour = "white" if brightness[i, j] < 0.55 else INK
        axes.text(
            columns[j],
            i,
            f"{matrix[i, j]:g}",
            ha="center",
            va="center",
            fontsize=size,
            color=colour,
        )


def has_replicates(study: Study) -> bool:
    """Whether any condition was run with more than one seed."""
    return bool(study.runs.groupby("condition").size().max() > 1)


def count_axis(axis: Any) -> None:
    """Ticks at whole numbers only, for rounds, epochs, clients."""
    axis.set_major_locator(ticker.MaxNLocator(integer=True, min_n_ticks=1, steps=[1, 2, 5, 10]))


def set_name(study: Study) -> str:
    """What the runs are called together: their experiment's name where they share one."""
    key = "experiment.name"
    names = study.runs[key].astype(str).unique() if key in study.runs else []
    return names[0] if len(names) == 1 else f"{len(study.runs)} runs"


def seed_note(study: Study) -> str:
    """The line that explains bands, where there are any."""
    return BAND if has_replicates(study) else ""


def unfinished_note(study: Study) -> str:
    """Names the part of the runs that did not get to their end."""
    unfinished = int((study.runs["status"] != schema.COMPLETE).sum())
    return f"{unfinished} of {len(study.runs)} runs unfinished" if unfinished else ""
