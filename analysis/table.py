"""Print a sweep over E as a table in Markdown: final accuracies beside the published ones.

With --into FILE the table replaces what stands in FILE between the lines
`<!-- begin sweep ... -->` and `<!-- end sweep -->`.
"""

import re
from pathlib import Path
from typing import Iterable, List, Optional

import pandas as pd

from . import command, schema
from .atomic import replacing
from .errors import ResultsError
from .figures import PUBLISHED, style
from .labels import show, show_spread
from .study import Study, load

#: What a row says in any case; other keys only where they differ.
_KEYS = (schema.EPOCHS, schema.MOMENTUM)

_PART = re.compile(r"(<!-- begin sweep[^>]*-->\n).*?(<!-- end sweep -->)", re.DOTALL)


def markdown(study: Study) -> str:
    """The table, a row a condition, and under it what was run and how long it took."""
    metrics = [f"{model}_test_accuracy" for model in PUBLISHED]
    summary = study.summary([*metrics, "run_seconds"])
    keys = [key for key in _KEYS if key in study.runs]
    keys += [key for key in study.condition_keys if key not in keys]
    conditions = study.runs.drop_duplicates("condition").set_index("condition")[keys]

    heads = [*map(schema.symbol, keys), "seeds", *PUBLISHED, "seconds a run"]
    lines = [_row(heads), "|---" * len(heads) + "|"]
    for _, row in summary.iterrows():
        values = conditions.loc[row["condition"]]
        lines.append(
            _row(
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
        lines.append(_row(["published", *[" "] * len(keys), *ranges, " "]))
    return "\n".join([*lines, "", _account(study)])


def insert(table: str, path: Path) -> None:
    """Put a table into a Markdown file, in the place of the one that is there."""
    try:
        text = path.read_text(encoding="utf-8")
    except OSError as error:
        raise ResultsError(f"{path}: {error.strerror}") from error
    text, count = _PART.subn(lambda part: f"{part[1]}{table}\n{part[2]}", text)
    if count != 1:
        raise ResultsError(f"{path}: has {count} parts between begin and end of 'sweep', not one")
    with replacing(path) as temporary:
        temporary.write_text(text, encoding="utf-8")


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


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
    parser = command.parser("table", __doc__)
    parser.add_argument("--into", type=Path, metavar="FILE", help="write into this Markdown file")
    options = parser.parse_args(arguments)
    study = load(options.results)
    command.report_notes(study.notes)
    table = markdown(study)
    if options.into is None:
        print(table)
    else:
        insert(table, options.into)
        print(options.into)


if __name__ == "__main__":
    command.run(main)
