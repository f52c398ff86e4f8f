"""What the final models take for what."""

from typing import Optional

import numpy as np
from matplotlib.colors import PowerNorm

from ..study import Study
from . import style


@style.styled
def confusion_matrix(study: Study, run: Optional[str] = None) -> style.PrintedFigure:
    """The confusion matrices of one run's final models on the test set.

    Cells show counts; the colour is the share of the class, on a scale that brings out
    the few that are wrong.
    """
    run, part = style.one_run(study, "confusion", run)
    table = part.confusion
    models = list(dict.fromkeys(table["model"]))
    figure, panels = style.canvas(3.7, columns=len(models), low=3.5)
    for axes, model in zip(panels[0], models):
        counts = (
            table[table["model"] == model]
            .pivot(index="class", columns="predicted", values="samples")
            .to_numpy()
        )
        totals = counts.sum(axis=1, keepdims=True)
        shares = np.divide(counts, totals, out=np.zeros(counts.shape), where=totals > 0)
        image = axes.imshow(shares, cmap="Blues", norm=PowerNorm(0.35, 0, 1))
        style.number_cells(axes, counts, image)
        accuracy = np.trace(counts) / max(counts.sum(), 1)
        axes.set_title(f"{model.capitalize()}: accuracy {accuracy:.4f}")
        axes.set_xlabel("Predicted class")
        axes.set_ylabel("True class")
        axes.set_xticks(range(counts.shape[1]))
        axes.set_yticks(range(counts.shape[0]))
        axes.tick_params(length=0)
        axes.grid(False)
        for spine in axes.spines.values():
            spine.set_visible(False)
    figure.headline = "Confusion on the test set"
    figure.notes = [run]
    return figure
