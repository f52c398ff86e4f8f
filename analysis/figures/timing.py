"""Where the time of a round goes, and how it shrinks with the number of ranks."""

import textwrap
from typing import Callable, Dict, List, Optional, Tuple

import numpy as np
import pandas as pd
from matplotlib.axes import Axes
from matplotlib.lines import Line2D
from matplotlib.patches import Patch
from matplotlib.ticker import FixedLocator, FuncFormatter, LogLocator, NullLocator

from ..errors import NothingToDraw
from ..labels import describe_rows
from ..statistics import spread
from ..study import Study
from . import style

PART_COLOUR: Dict[str, str] = {
    "train": style.BLUE,
    "bcast": style.SKY,
    "gather": style.GREEN,
    "aggregate": style.ORANGE,
    "evaluate": style.PURPLE,
    "other": style.GREY,
}

_PANEL_TITLES = ("Everything", "Without training")

_SUFFIX = "_seconds"

#: Letters of a condition in a line beside its bar; half of it where the figure is narrow.
_LABEL = 44

#: Seconds that are no part of a round of their own: all of it, and what lies within training.
_NO_PARTS = frozenset({"wall", "finish_spread"})

#: Configuration that grows with the ranks in a weak-scaling study.
_SIZE_KEYS = frozenset(
    {"partition.clients", "federated.clients_per_round", "federated.tracked_clients"}
)


def round_parts(rounds: pd.DataFrame) -> pd.DataFrame:
    """The seconds that each part of a round took; `other` is what no part accounts for."""
    timed = [column[: -len(_SUFFIX)] for column in rounds if column.endswith(_SUFFIX)]
    named = [part for part in PART_COLOUR if part in timed]
    more = [part for part in timed if part not in named and part not in _NO_PARTS]
    parts = pd.DataFrame({part: rounds[f"{part}{_SUFFIX}"].astype(float) for part in named + more})
    parts["other"] = (rounds["wall_seconds"].astype(float) - parts.sum(axis=1)).clip(lower=0)
    return parts


@style.styled
def round_times(study: Study, run: Optional[str] = None) -> style.PrintedFigure:
    """What the time of one run's rounds went into: all of it, and what was not training."""
    run, part = style.one_run(study, "rounds", run)
    parts = round_parts(part.rounds)
    shares = _shares(parts, run)
    figure, (panels,) = style.canvas(2.4, columns=2)
    for axes, names, title in zip(panels, _all_and_overhead(shares), _PANEL_TITLES):
        _stack_bars(
            axes.bar, part.rounds["round"].to_numpy(dtype=float), parts[names], 0.82, "bottom"
        )
        axes.set_title(title)
        axes.set_xlabel("Communication round")
        axes.set_ylabel("Seconds")
        axes.grid(False, axis="x")
        style.count_axis(axes.xaxis)
    figure.handles = _part_handles(shares)
    figure.headline = "Time of a round"
    figure.notes = ["percent: share of all time", run]
    return figure


@style.styled
def round_time_by_run(study: Study) -> style.PrintedFigure:
    """A mean round of each condition and rank count: all of it, and what was not training."""
    rows = study.rounds.merge(study.runs[["run", "ranks"]], on="run")
    if rows.empty:
        raise NothingToDraw("no run holds a finished round")
    parts = round_parts(rows)
    shares = _shares(parts, "the runs")
    means = parts.groupby([rows["condition"], rows["ranks"]], sort=False, dropna=False).mean()
    one_rank_count = study.runs["ranks"].nunique() <= 1
    labels = [
        condition if one_rank_count else f"{condition}, {ranks:g} ranks"
        for condition, ranks in means.index
    ]
    letters = _LABEL // 2 if style.is_narrow() else _LABEL
    labels = [textwrap.fill(label, letters) for label in labels]
    lines = sum(label.count("\n") + 1 for label in labels)
    positions = np.arange(len(means))
    figure, (panels,) = style.canvas(0.6 + 0.17 * lines, columns=2, low=10, sharey=True)
    for axes, names, title in zip(panels, _all_and_overhead(shares), _PANEL_TITLES):
        _stack_bars(axes.barh, positions, means[names], 0.7, "left")
        axes.set_title(title)
        axes.set_xlabel("Seconds")
        axes.grid(False, axis="y")
    panels[0].set_yticks(positions)
    panels[0].set_yticklabels(labels)
    panels[0].invert_yaxis()
    figure.handles = _part_handles(shares)
    figure.headline = "Mean time of a round"
    figure.notes = ["percent: share of all time"]
    return figure


def _workers(runs: pd.DataFrame) -> pd.Series:
    """The ranks that train; files without the attribute have all but the server."""
    others = (runs["ranks"] - 1).clip(lower=1)
    return runs["workers"].fillna(others) if "workers" in runs else others


def scaling_series(study: Study) -> pd.DataFrame:
    """The strong- and weak-scaling series among the runs.

    A row a series and rank count: kind (strong, weak), series (a name), ranks, workers,
    load (samples a round and worker), the spread of the median seconds a round over the
    runs (n, mean, std, ci95), ideal, and efficiency (ideal over mean).

    Strong: the same configuration on different rank counts. Weak: the same samples for
    each worker and a configuration that differs in the number of clients. Rank 0 is the
    server, and of the others no more train than there are cores for.
    """
    runs = study.runs.dropna(subset=["ranks", "round_seconds"])
    workers = _workers(runs)
    runs = runs.assign(workers=workers, load=runs["samples_per_round"] / workers)
    sizes = [key for key in study.condition_keys if key in _SIZE_KEYS]
    rest = [key for key in study.condition_keys if key not in _SIZE_KEYS]
    series: List[pd.DataFrame] = []
    for condition, part in runs.groupby("condition", sort=False):
        if part["ranks"].nunique() > 1:
            series.append(_series("strong", condition, part))
    if sizes:
        clients = runs["participants_per_round"] / runs["workers"]
        names = [f"{count:g} clients a worker" for count in clients]
        names = [" ".join(filter(None, parts)) for parts in zip(names, describe_rows(runs, rest))]
        loads = runs["load"].map("{:.3g}".format)
        for (name, _), part in runs.groupby([pd.Series(names, runs.index), loads], sort=False):
            if part["workers"].nunique() > 1:
                series.append(_series("weak", name, part))
    columns = [
        "kind",
        "series",
        "ranks",
        "workers",
        "load",
        "n",
        "mean",
        "std",
        "ci95",
        "ideal",
        "efficiency",
    ]
    return (
        pd.concat(series, ignore_index=True)[columns] if series else pd.DataFrame(columns=columns)
    )


@style.styled
def scaling(study: Study) -> style.PrintedFigure:
    """Strong and weak scaling: seconds a round against ranks, with the ideal lines."""
    table = scaling_series(study)
    if table.empty:
        raise NothingToDraw(
            "no two runs make a scaling series (the same configuration or load, different ranks)"
        )
    kinds = [kind for kind in ("strong", "weak") if (table["kind"] == kind).any()]
    figure, (panels,) = style.canvas(2.6, columns=len(kinds))
    colours = style.colours_of(table["series"])
    for axes, kind in zip(panels, kinds):
        _draw_scaling(axes, table[table["kind"] == kind], colours)
        axes.set_title(f"{kind.capitalize()} scaling")
        axes.set_ylabel("Seconds a round")
    figure.handles = [
        Line2D([], [], label=name, color=colour, marker="o") for name, colour in colours.items()
    ]
    figure.headline = "Time of a round over ranks"
    figure.notes = ["percent: parallel efficiency against the smallest run; dashed: ideal"]
    return figure


def _series(kind: str, name: str, runs: pd.DataFrame) -> pd.DataFrame:
    table = spread(runs, ["ranks", "workers"], "round_seconds").sort_values("ranks")
    first = table.iloc[0]
    ideal = first["mean"] * (first["workers"] / table["workers"] if kind == "strong" else 1.0)
    loads = runs.groupby("ranks")["load"].first()
    return table.assign(
        kind=kind,
        series=name,
        load=table["ranks"].map(loads),
        ideal=ideal,
        efficiency=ideal / table["mean"],
    )


def _draw_scaling(axes: Axes, table: pd.DataFrame, colours: Dict[str, str]) -> None:
    strong = (table["kind"] == "strong").all()
    plain = FuncFormatter(lambda value, _: f"{value:g}")
    for name, part in table.groupby("series", sort=False):
        colour = colours[name]
        axes.plot(
            part["ranks"],
            part["ideal"],
            color=colour,
            linestyle=style.LINE_STYLES[1],
            linewidth=1.1,
            alpha=0.65,
            gid=style.GUIDE,
        )
        errors = np.nan_to_num(part["std"].to_numpy(dtype=float))
        axes.errorbar(
            part["ranks"],
            part["mean"],
            yerr=errors if errors.any() else None,
            marker="o",
            capsize=3,
            color=colour,
        )
        for ranks, mean, efficiency in part[["ranks", "mean", "efficiency"]].itertuples(
            index=False
        ):
            axes.annotate(
                f"{efficiency:.0%}",
                (ranks, mean),
                xytext=(5, 6),
                textcoords="offset points",
                fontsize=7,
                color=colour,
            )
    axes.set_xscale("log", base=2)
    ranks = sorted(table["ranks"].unique())
    axes.xaxis.set_major_locator(FixedLocator(ranks))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(plain)
    axes.set_xlabel("Ranks")
    if strong:
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(plain)
        axes.yaxis.set_minor_locator(NullLocator())
    else:
        axes.set_ylim(0, 1.25 * max(table["mean"].max(), table["ideal"].max()))
    axes.margins(x=0.1, y=0.12)


def _shares(parts: pd.DataFrame, name: str) -> pd.Series:
    """Each part's share of all the time; parts that took none are left out."""
    totals = parts.sum()
    if not totals.sum() > 0:
        raise NothingToDraw(f"{name}: no time was recorded")
    return (totals / totals.sum())[totals > 0]


def _all_and_overhead(shares: pd.Series) -> Tuple[List[str], List[str]]:
    parts = list(shares.index)
    return parts, [part for part in parts if part != "train"] or parts


def _stack_bars(
    draw: Callable[..., object],
    positions: np.ndarray,
    parts: pd.DataFrame,
    thickness: float,
    start: str,
) -> None:
    """Stack the columns of `parts`, a bar a row; draw is bar or barh and start where they begin."""
    ends = np.zeros(len(parts))
    for name in parts:
        values = parts[name].to_numpy()
        draw(positions, values, thickness, **{start: ends}, color=_colour(name), linewidth=0)
        ends = ends + values


def _part_handles(shares: pd.Series) -> List[Patch]:
    return [
        Patch(color=_colour(name), label=f"{name}, {_percent(share)}")
        for name, share in shares.items()
    ]


def _percent(share: float) -> str:
    return f"{share:.1%}" if share >= 0.001 else "< 0.1%"


def _colour(part: str) -> str:
    return PART_COLOUR.get(part, style.INK)
