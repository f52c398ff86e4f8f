"""What runs are called: by the configuration keys that set them apart."""

from dataclasses import dataclass
from typing import Any, Collection, Dict, Iterable, List, Sequence, Set, Tuple

import numpy as np
import pandas as pd

from . import schema
from .reader import Run


@dataclass(frozen=True)
class Label:
    """The columns by which every row says which run it belongs to."""

    run: str
    condition: str
    varying: Dict[str, Any]

    def values(self) -> Dict[str, Any]:
        """The columns and what stands in them."""
        return {"run": self.run, "condition": self.condition, **self.varying}

    def columns(self, others: Iterable[str]) -> List[str]:
        """The names of these columns and of others after them."""
        return [*self.values(), *others]

    def join(self, frame: pd.DataFrame) -> pd.DataFrame:
        """A frame with these columns before its own."""
        labels = pd.DataFrame(self.values(), index=frame.index)
        return pd.concat([labels, frame], axis=1)


def varying_keys(runs: Sequence[Run]) -> List[str]:
    """The keys that differ between runs on which they had an effect.

    The study's E comes first, and the seed last, so that replicates adjoin.
    """
    keys = dict.fromkeys(key for run in runs for key in run.config)

    def values(key: str) -> Set[str]:
        return {repr(run.config.get(key)) for run in runs if key not in run.unused}

    varying = [key for key in keys if key not in schema.BOOKKEEPING and len(values(key)) > 1]
    return sorted(varying, key=lambda key: (key != schema.EPOCHS) + 2 * (key == schema.SEED))


def effective(run: Run, key: str) -> Any:
    """The value of a key, None if the run does not have it or makes nothing of it."""
    return None if key in run.unused else run.config.get(key)


def order(value: Any) -> Tuple[int, Any]:
    """Numbers by size, then text by the alphabet, then what is not there."""
    if is_missing(value):
        return (2, "")
    return (1, value) if isinstance(value, str) else (0, value)


def label_runs(runs: Sequence[Run], keys: Sequence[str]) -> List[Label]:
    """Name each run and its condition after the values of the keys that differ."""
    experiments = [str(run.config.get("experiment.name") or run.name) for run in runs]
    one_experiment = len(set(experiments)) == 1
    labels: List[Label] = []
    taken: Set[str] = set()
    for run, experiment in zip(runs, experiments):
        varying = {key: effective(run, key) for key in keys}
        condition = describe({k: v for k, v in varying.items() if k != schema.SEED})
        name = " ".join(filter(None, [experiment, describe(varying)]))
        default = experiment if one_experiment else "all runs"
        labels.append(Label(unique(name, taken), condition or default, varying))
        taken.add(labels[-1].run)
    return labels


def unique(name: str, taken: Collection[str]) -> str:
    """The name, numbered where it is taken already: `a`, `a #2`, `a #3`."""
    candidate, count = name, 1
    while candidate in taken:
        count += 1
        candidate = f"{name} #{count}"
    return candidate


def describe(values: Dict[str, Any]) -> str:
    """Configuration values as a label: `E=10 alpha=0.5`. A value that is not there is left out."""
    return " ".join(
        f"{schema.symbol(key)}={show(schema.word(key, value))}"
        for key, value in values.items()
        if not is_missing(value)
    )


def describe_rows(frame: pd.DataFrame, keys: Sequence[str]) -> List[str]:
    """The label of each row's values of some keys."""
    return [describe({key: row[key] for key in keys}) for _, row in frame.iterrows()]


def is_missing(value: Any) -> bool:
    """Whether there is no value: None, or NaN as pandas has it in its place."""
    return value is None or (isinstance(value, float) and np.isnan(value))


def show(value: Any) -> str:
    """A configuration value as text, as the INI file writes it."""
    if is_missing(value):
        return "-"
    if isinstance(value, (bool, np.bool_)):
        return str(value).lower()
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def show_spread(mean: float, std: float) -> str:
    """A mean over seeds and its standard deviation, where there is one, as text."""
    if np.isnan(mean):
        return "-"
    return f"{mean:.4f}" if np.isnan(std) else f"{mean:.4f} \u00b1 {std:.4f}"
