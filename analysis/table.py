"""Print a sweep over E as a table: final accuracies, for the study's own runs beside its own.

In Markdown, or with --latex for a paper. With --into FILE the table replaces what stands in FILE
between the lines `<!-- begin sweep ... -->` and `<!-- end sweep -->`.
"""

from typing import Dict, List, Optional

import pandas as pd

from . import command, schema, tables
from .figures import style
from .labels import show, show_spread
from .paper import PUBLISHED, is_repeated_by
from .study import Study

#: What a row says in any case; other keys only where they differ.
_KEYS = (schema.EPOCHS, schema.MOMENTUM)


def table(study: Study) -> pd.DataFrame:
    """The table as text, a row a condition."""
    metrics = {model: f"{model}_test_accuracy" for model in PUBLISHED}
    summary = study.summary([*metrics.values(), "run_seconds"])
    keys = [key for key in _KEYS if key in study.runs]
    keys += [key for key in study.condition_keys if key not in keys]
    heads = _heads(keys)
    conditions = study.runs.drop_duplicates("condition").set_index("condition")[keys]
    rows: List[Dict[str, str]] = []
    for _, row in summary.iterrows():
        values = conditions.loc[row["condition"]]
        rows.append(
            {
                **{heads[key]: show(schema.word(key, values[key])) for key in keys},
                "seeds": str(row["runs"]),
                **{
                    model: show_spread(row[f"{name}_mean"], row[f"{name}_std"])
                    for model, name in metrics.items()
                },
                "seconds a run": _seconds(row["run_seconds_mean"]),
            }
        )
    if is_repeated_by(study):
        ranges = {model: f"{low:.2f} to {high:.2f}" for model, (low, high) in PUBLISHED.items()}
        rows.append({heads[keys[0]]: "published", **ranges})
    return pd.DataFrame(rows).fillna("")


def _heads(keys: List[str]) -> Dict[str, str]:
    """What the columns of keys are called: by their symbols, in full where two share one."""
    symbols = [schema.symbol(key) for key in keys]
    return {
        key: symbol if symbols.count(symbol) == 1 else key for key, symbol in zip(keys, symbols)
    }


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
    tables.main("table", __doc__, "sweep", table, arguments, _account)


if __name__ == "__main__":
    command.run(main)
