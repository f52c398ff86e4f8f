"""Samples of the data set."""

import os
from pathlib import Path
from typing import Union

import numpy as np

from ..errors import NothingToDraw
from ..idx import read_training_set
from . import style


@style.styled
def sample_digits(folder: Union[str, "os.PathLike[str]"], each: int = 5) -> style.PrintedFigure:
    """The first images of each class of the training set in a folder of IDX files."""
    images, labels = read_training_set(Path(folder))
    classes = np.unique(labels)
    if not len(classes) or each < 1:
        raise NothingToDraw(f"{folder}: no images")
    figure, panels = style.picture_grid(each, len(classes))
    for label, column in zip(classes, panels.T):
        chosen = images[labels == label][:each]
        column[0].set_title(str(label), loc="center")
        for i, axes in enumerate(column):
            axes.set_axis_off()
            axes.set_visible(i < len(chosen))
            if i < len(chosen):
                axes.imshow(chosen[i], cmap="gray_r", vmin=0, vmax=255, interpolation="nearest")
    return figure
