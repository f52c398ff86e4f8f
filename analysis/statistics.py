"""Means over replicates and how far they can be trusted."""

import math
from typing import Sequence

import numpy as np
import pandas as pd
from scipy.stats import t as student

SPREAD = ("n", "mean", "std", "ci95")

#: Both sides of a 95 % interval leave out 2.5 %.
_QUANTILE = 0.975


def spread(frame: pd.DataFrame, by: Sequence[str], value: str) -> pd.DataFrame:
    """Mean and spread of a column in each group of rows.

    A row a group, in the groups' order of appearance, with the columns of `by` and
    n (values that are not NaN), mean, std (of the sample, n - 1) and ci95: the half
    width of the mean's 95 % confidence interval after Student. With one value, std and
    ci95 are NaN.
    """
    groups = frame.groupby(list(by), sort=False, dropna=False)[value]
    table = groups.agg(n="count", mean="mean", std="std").reset_index()
    table["ci95"] = [
        student.ppf(_QUANTILE, n - 1) * std / math.sqrt(n) if n > 1 else np.nan
        for n, std in zip(table["n"], table["std"])
    ]
    return table


def rounds_to_target(rounds: Sequence[float], accuracy: Sequence[float], target: float) -> float:
    """The round at which the best accuracy so far crosses a target; NaN if it never does.

    As McMahan et al. 2017 count: the curve is made monotonic by taking the best value of
    all rounds before, and is linear between the rounds. Rounds that were not evaluated (NaN)
    are no points of it.
    """
    x, y = np.asarray(rounds, dtype=float), np.asarray(accuracy, dtype=float)
    evaluated = np.isfinite(y)
    x, best = x[evaluated], np.maximum.accumulate(y[evaluated])
    reached = np.flatnonzero(best >= target)
    if not len(reached):
        return np.nan
    crossing = slice(max(reached[0] - 1, 0), reached[0] + 1)
    return float(np.interp(target, best[crossing], x[crossing]))


def label_skew(counts: np.ndarray) -> pd.DataFrame:
    """How far each client's labels are from what all hold together.

    Of counts [class, client]: a row a client with `emd`, the sum over classes of
    |its share - the share in all samples| (Zhao et al. 2018), and `effective_classes`,
    exp(entropy of its shares). NaN for a client without samples.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        shares = counts / counts.sum(axis=0)
    everybody = counts.sum(axis=1, keepdims=True) / counts.sum()
    entropy = -(shares * np.log(np.where(shares > 0, shares, 1))).sum(axis=0)
    return pd.DataFrame(
        {"emd": np.abs(shares - everybody).sum(axis=0), "effective_classes": np.exp(entropy)}
    )
