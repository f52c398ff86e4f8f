"""Print a sweep over E as a table in Markdown: final accuracies beside the published ones.

With --into FILE the table replaces what stands in FILE between the lines
`<!-- begin sweep ... -->` and `<!-- end sweep -->`.
"""

from typing import List, Optional

import pandas as pd

from . import command, markdown, schema
from .figures import PUBLISHED, style
from .labels import show, show_spread
from .study import Study

#: What a row says in any case; other keys only where they differ.
_KEYS = (schema.EPOCHS, schema.MOMENTUM)


def table(study: Study) -> str:
    """The table, a row a condition, and under it what was run and how long it took."""
    metrics = [f"{model}_test_accuracy" for model in PUBLISHED]
    summary = study.summary([*metrics, "run_seconds"])
    keys = [key for key in _KEYS if key in study.runs]
    keys += [key for key in study.condition_keys if key not in keys]
    conditions = study.runs.drop_duplicates("condition").set_index("condition")[keys]

    heads = [*map(schema.symbol, keys), "seeds", *PUBLISHED, "seconds a run"]
    lines = markdown.head(heads)
    for _, row in summary.iterrows():
        values = conditions.loc[row["condition"]]
        lines.append(
            markdown.row(
                [
                    *(show(schema.word(key, values[key])) for key in keys),
                    str(row["runs"]),
                    *(show_spread(row[f"{name}_mean"], row[f"{name}_std"]) for name in metrics),
                    _seconds(row["run_seconds_mean"]),
                ]
            )
        )
    if style.dataset_is(study, "mnist"):
        ranges = [f"{low:.2f} to {high:.2f}" for low, high in PUBLISHED.values()]
        lines.append(markdown.row(["published", *[" "] * len(keys), *ranges, " "]))
    return "\n".join([*lines, "", _account(study)])


def _seconds(value: float) -> str:
    return "-" if pd.isna(value) else f"{value:,.0f}"


def _account(study: Study) -> str:
    """What the numbers are, and the machine and time behind them."""
    runs = study.runs
    timed = runs["run_seconds"].dropna()
    some = f" for the {len(timed)} that went through at once" if len(timed) < len(runs) else ""
    facts = [
        "Final test accuracy: mean \u00b1 standard deviation over seeds",
        f"runs: {len(runs)}",
        f"ranks: {_listed(runs['ranks'])}",
        f"CPU: {_listed(runs['cpu'])}" if "cpu" in runs else "",
        f"seconds in all: {_seconds(timed.sum())}{some}",
        style.unfinished_note(study),
    ]
    return "; ".join(filter(None, facts)) + "."


def _listed(values: pd.Series) -> str:
    return ", ".join(map(show, sorted(values.dropna().unique())))


def main(arguments: Optional[List[str]] = None) -> None:
    """Run the command `python3 -m analysis.table`."""
    markdown.main("table", __doc__, "sweep", table, arguments)


if __name__ == "__main__":
    command.run(main)
