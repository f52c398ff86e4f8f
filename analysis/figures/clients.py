"""What single clients hold and how they learn."""

from typing import Optional

import numpy as np
import pandas as pd

from ..errors import NothingToDraw
from ..statistics import label_skew
from ..study import Study
from . import style

#: Up to this many clients the cells of the label distribution carry their numbers.
_NUMBERED = 24
#: Up to this many clients there is a gap between their bars.
_SEPARATE = 60


@style.styled
def local_training(study: Study, run: Optional[str] = None) -> style.PrintedFigure:
    """The tracked clients over their local epochs, round after round, and what they became.

    A client starts each round from the global model, so its curve is broken there.
    """
    run, part = style.one_run(study, "local_epochs", run)
    table = part.local_epochs
    epochs = int(table["epoch"].max())
    table = table.assign(position=table["round"] - 1 + table["epoch"] / epochs)
    panels = [
        (column, title)
        for column, title in (
            ("test_accuracy", "Test accuracy"),
            ("train_loss", "Training loss (nats)"),
        )
        if style.has(table, column)
    ]
    if not panels:
        raise NothingToDraw(f"{run}: the local epochs hold no values")
    figure, axes_list = style.canvas(1.9, rows=len(panels), sharex=True)
    for axes, (column, measure) in zip(axes_list[:, 0], panels):
        for i, (client, rows) in enumerate(table.groupby("client")):
            broken = _break_between_rounds(rows, column)
            axes.plot(
                broken["position"],
                broken[column],
                color=style.CYCLE[i % len(style.CYCLE)],
                linewidth=1.0,
                marker="o",
                markersize=1.4 if epochs > 1 else 2.5,
                label=f"Client {client}",
            )
        if column == "test_accuracy" and style.has(part.rounds, column):
            axes.plot(
                part.rounds["round"],
                part.rounds[column],
                color=style.INK,
                linestyle="",
                marker="D",
                markersize=2.5,
                label="Global model",
            )
        axes.set_ylabel(measure)
        style.count_axis(axes.xaxis)
        axes.set_xlim(left=0)
    axes_list[-1, 0].set_xlabel(f"Rounds done, {epochs} local epochs in each")
    figure.handles = axes_list[0, 0].get_legend_handles_labels()[0]
    figure.headline = "Clients over their local epochs"
    figure.notes = ["training loss: on the client's own samples", run]
    return figure


@style.styled
def label_distribution(study: Study, run: Optional[str] = None) -> style.PrintedFigure:
    """How many samples of each class each client holds, and how many in all."""
    run, part = style.one_run(study, "label_counts", run)
    counts = part.label_counts.pivot(index="class", columns="client", values="samples")
    matrix = counts.to_numpy()
    if not matrix.any():
        raise NothingToDraw(f"{run}: the clients hold no samples")
    figure, ((totals,), (cells,)) = style.canvas(
        1.75, rows=2, sharex=True, gridspec_kw={"height_ratios": [1, 2.4]}
    )
    clients = counts.columns.to_numpy()
    gap = 0.2 if len(clients) <= _SEPARATE else 0.0
    totals.bar(clients, matrix.sum(axis=0), width=1 - gap, color=style.BLUE)
    totals.set_ylabel("Samples")
    totals.grid(False, axis="x")
    totals.tick_params(bottom=False)

    edges = clients[0] - 0.5, clients[-1] + 0.5, -0.5, len(matrix) - 0.5
    top = max(matrix.max(), 2 * matrix.mean())  # an even distribution has a middle tone
    image = cells.imshow(
        matrix,
        cmap="Blues",
        vmin=0,
        vmax=top,
        aspect="auto",
        origin="lower",
        interpolation="nearest",
        extent=edges,
    )
    skew = label_skew(matrix).mean()
    cells.set_xlabel("Client")
    cells.set_ylabel("Class")
    cells.set_yticks(range(len(matrix)))
    cells.set_yticklabels(counts.index)
    cells.grid(False)
    style.count_axis(cells.xaxis)
    if len(clients) <= _NUMBERED:
        style.number_cells(cells, matrix, image, clients)
    figure.colorbar(image, ax=cells, label="Samples of a class", pad=0.01)
    figure.headline = "Label distribution over the clients"
    figure.notes = [
        f"a client on average: {skew['effective_classes']:.1f} effective classes, "
        f"earth mover's distance {skew['emd']:.2f}",
        run,
    ]
    return figure


def _break_between_rounds(rows: pd.DataFrame, column: str) -> pd.DataFrame:
    """The rows in order, with a row of NaN after each round so that the line ends there."""
    ends = rows.drop_duplicates("round", keep="last").assign(**{column: np.nan, "epoch": np.inf})
    return pd.concat([rows, ends]).sort_values(["round", "epoch"], kind="stable")
