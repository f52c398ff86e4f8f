"""Whether a figure shows anything."""

from typing import List

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Rectangle

from ..errors import NothingToDraw
from .style import GUIDE


def drawn_values(axes: Axes) -> int:
    """How many finite values an axes shows: points of lines, marks, bars and cells.

    What is marked as a guide (bands, ideal lines) does not count.
    """
    lines = sum(
        int(np.isfinite(np.column_stack(line.get_data(orig=False))).all(axis=1).sum())
        for line in axes.lines
        if line.get_gid() != GUIDE
    )
    bars = sum(
        np.isfinite([bar.get_width(), bar.get_height()]).all()
        and bar.get_width() * bar.get_height() != 0
        for bar in axes.patches
        if isinstance(bar, Rectangle) and bar.get_gid() != GUIDE
    )
    cells = sum(
        int(np.isfinite(np.ma.filled(artist.get_array().astype(float), np.nan)).sum())
        for artist in (*axes.images, *axes.collections)
        if artist.get_array() is not None and artist.get_gid() != GUIDE
    )
    return lines + int(bars) + cells


def empty_panels(figure: Figure) -> List[Axes]:
    """The panels of a figure that show no value."""
    return [axes for axes in figure.axes if axes.get_visible() and not drawn_values(axes)]


def assert_drawn(figure: Figure) -> None:
    """Raise NothingToDraw if the figure has no panels or an empty one."""
    empty = empty_panels(figure)
    if empty or not figure.axes:
        titles = ", ".join(repr(axes.get_title("left") or axes.get_ylabel()) for axes in empty)
        raise NothingToDraw(
            f"the figure has an empty panel: {titles}" if empty else "the figure has no panels"
        )
