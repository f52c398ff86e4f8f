"""Means over replicates and how far they can be trusted."""

import math
from typing import Sequence

import numpy as np
import pandas as pd

SPREAD = ("n", "mean", "std", "ci95")


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
        student_quantile(n - 1) * std / math.sqrt(n) if n > 1 else np.nan
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


def student_quantile(freedom: int, confidence: float = 0.95) -> float:
    """The t with P(|T| < t) = confidence for Student's distribution.

    The distribution function has a closed form for whole degrees of freedom
    (Abramowitz and Stegun, 26.7.3 and 26.7.4) in theta = atan(t / sqrt(freedom)),
    and is inverted by bisection.
    """
    if freedom < 1:
        raise ValueError("a confidence interval needs at least one degree of freedom")
    low, high = 0.0, math.pi / 2
    while high - low > 1e-14:
        middle = (low + high) / 2
        if _student_probability(middle, freedom) < confidence:
            low = middle
        else:
            high = middle
    return math.sqrt(freedom) * math.tan(low)


def _student_probability(theta: float, freedom: int) -> float:
    """P(|T| < sqrt(freedom) tan(theta))."""
    odd = freedom % 2
    cosine = math.cos(theta)
    term = cosine if odd else 1.0
    total = 0.0
    for power in range(odd, freedom - 1, 2):
        total += term
        term *= cosine * cosine * (power + 1) / (power + 2)
    if odd:
        return (theta + math.sin(theta) * total) * 2 / math.pi
    return math.sin(theta) * total
