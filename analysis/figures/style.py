"""How figures look, and the pieces that they are drawn with."""

from functools import wraps
from typing import Any, Callable, Dict, List, Optional, Sequence, Tuple

import matplotlib
import numpy as np
import pandas as pd
from matplotlib import ticker
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.image import AxesImage
from matplotlib.lines import Line2D

from ..errors import NothingToDraw
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

#: Where a legend stands that has no room in its panel.
BESIDE = {"loc": "upper left", "bbox_to_anchor": (1.01, 1.0), "borderaxespad": 0.2}

_RC = {
    "font.family": "DejaVu Sans",
    "font.size": 9.5,
    "text.color": INK,
    "axes.labelcolor": INK,
    "axes.edgecolor": "#666666",
    "axes.linewidth": 0.8,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.titlesize": 10.5,
    "axes.titleweight": "bold",
    "axes.titlelocation": "left",
    "axes.titlepad": 9,
    "axes.axisbelow": True,
    "axes.grid": True,
    "grid.color": "#e8e8e8",
    "grid.linewidth": 0.8,
    "xtick.color": "#444444",
    "ytick.color": "#444444",
    "xtick.major.size": 3,
    "ytick.major.size": 3,
    "lines.linewidth": 1.8,
    "lines.markersize": 4.5,
    "lines.solid_capstyle": "round",
    "legend.frameon": False,
    "legend.fontsize": 9,
    "figure.titlesize": 12,
    "figure.titleweight": "bold",
    "figure.dpi": 100,
    "figure.constrained_layout.h_pad": 0.07,
    "figure.constrained_layout.w_pad": 0.07,
}


def styled(function: Callable[..., Figure]) -> Callable[..., Figure]:
    """Draw a figure with this package's style and leave the caller's settings alone."""

    @wraps(function)
    def draw(*arguments: Any, **options: Any) -> Figure:
        with matplotlib.rc_context(_RC):
            return function(*arguments, **options)

    return draw


def canvas(
    width: float, height: float, rows: int = 1, columns: int = 1, **options: Any
) -> Tuple[Figure, Any]:
    """A figure of this size in inches and its axes, outside pyplot's global state."""
    figure = Figure(figsize=(width, height), layout="constrained")
    return figure, figure.subplots(rows, columns, **options)


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
    axes.plot(table[x], table["mean"], **{"marker": marker, "markersize": 3.5, **style})
    several = table.dropna(subset=["std"])
    if len(several):
        low, high = several["mean"] - several["std"], several["mean"] + several["std"]
        axes.fill_between(several[x], low, high, color=style.get("color"), alpha=0.15, linewidth=0)
    return table


def condition_legend(axes: Axes, study: Study, conditions: Sequence[str]) -> None:
    """Name the conditions to the right of a panel; a single one needs no name."""
    if not study.condition_keys:
        return
    looks = series_styles(study)
    handles = [Line2D([], [], label=name, **looks[name]) for name in conditions]
    axes.legend(handles=handles, **BESIDE)


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
    """Write a matrix's numbers into its cells, light on dark and dark on light."""
    columns = range(matrix.shape[1]) if columns is None else columns
    shown = image.cmap(image.norm(image.get_array()))
    brightness = shown[..., :3] @ np.array([0.299, 0.587, 0.114])
    size = min(8.0, 160 / max(matrix.shape))
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


def headline(figure: Figure, text: str) -> None:
    """The title over all panels."""
    figure.suptitle(text, x=0.008, ha="left")


def caption(figure: Figure, parts: Sequence[str]) -> None:
    """A small line under the figure."""
    text = "; ".join(filter(None, parts))
    if text:
        figure.supxlabel(text, fontsize=8, color="#666666", x=0.995, ha="right")


def set_name(study: Study) -> str:
    """What the runs are called together: their experiment's name where they share one."""
    key = "experiment.name"
    names = study.runs[key].astype(str).unique() if key in study.runs else []
    return names[0] if len(names) == 1 else f"{len(study.runs)} runs"


def dataset_is(study: Study, name: str) -> bool:
    """Whether all runs used this data set."""
    key = "data.dataset"
    return key in study.runs and bool((study.runs[key] == name).all())


def seed_note(study: Study) -> str:
    """The line that explains bands, where there are any."""
    return BAND if has_replicates(study) else ""


def unfinished_note(study: Study) -> str:
    """Names the part of the runs that did not get to their end."""
    unfinished = int((study.runs["status"] != "complete").sum())
    return f"{unfinished} of {len(study.runs)} runs unfinished" if unfinished else ""
