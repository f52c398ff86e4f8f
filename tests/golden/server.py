"""server.h5: trajectories of the server's optimizers, given the aggregated updates.

Layout (T = 12 rounds, n = 16 parameters):

    /initial                float32 [n]: parameters before the first round
    /updates                float32 [T, n]: aggregated update of each round, i.e. the
                            mean of (w_k - w); one column is always zero, one is zero
                            at first, one tiny, one large, one of alternating sign
    /O                      attributes: learning_rate, and beta, or beta1, beta2, tau
    /O/parameters           float64 [T, n]: after each round
    /O/first_moment         float64 [T, n]: m (`sgd` has none)
    /O/second_moment        float64 [T, n]: v (adaptive optimizers only)

for the optimizers O, in NumPy's float64, with D the update:

    sgd, sgd_half     w += lr D; lr 1 is averaging       McMahan et al. 2017
    momentum          m = beta m + D;  w += lr m         Hsu et al. 2019, FedAvgM
    adagrad           v = v + D^2                        Reddi et al. 2021, Algorithm 2
    adam              v = beta2 v + (1 - beta2) D^2
    yogi              v = v - (1 - beta2) D^2 sign(v - D^2)

where the last three first have m = beta1 m + (1 - beta1) D and end with
w += lr m / (sqrt(v) + tau); no bias correction; before the first round m = 0 and
v = tau^2. `adagrad` has beta1 = 0 (no momentum, as AdaGrad has none),
`adagrad_momentum` has 0.9 as the others.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from golden import Golden

ROUNDS, PARAMETERS = 12, 16
BETA1, BETA2, TAU = 0.9, 0.99, 1e-3

Accumulate = Callable[[np.ndarray, np.ndarray], np.ndarray]
SECOND_MOMENT: dict[str, Accumulate] = {
    "adagrad": lambda v, square: v + square,
    "adam": lambda v, square: BETA2 * v + (1 - BETA2) * square,
    "yogi": lambda v, square: v - (1 - BETA2) * square * np.sign(v - square),
}


def aggregated_updates(rng: np.random.RandomState) -> np.ndarray:
    """Updates that shrink as training goes on: float32 [ROUNDS, PARAMETERS]."""
    updates = 0.1 * rng.normal(size=(ROUNDS, PARAMETERS)) / np.sqrt(1 + np.arange(ROUNDS))[:, None]
    updates[:, 0] = 0
    updates[:6, 1] = 0
    updates[:, 2] *= 1e-6
    updates[:, 3] *= 100
    updates[:, 4] = 0.05 * (-1.0) ** np.arange(ROUNDS)
    return updates.astype(np.float32)


def momentum(golden: Golden, name: str, w: np.ndarray, updates: np.ndarray,
             learning_rate: float, beta: float | None) -> None:
    m, path, first = np.zeros_like(w), [], []
    for d in updates:
        m = (beta or 0) * m + d
        w = w + learning_rate * m
        path.append(w)
        first.append(m)
    golden.put(f"/{name}", parameters=path)
    golden.describe(f"/{name}", learning_rate=learning_rate)
    if beta is not None:
        golden.put(f"/{name}", first_moment=first)
        golden.describe(f"/{name}", beta=beta)


def adaptive(golden: Golden, name: str, w: np.ndarray, updates: np.ndarray, learning_rate: float,
             beta1: float, accumulate: Accumulate) -> None:
    m, v = np.zeros_like(w), np.full_like(w, TAU**2)
    path, first, second = [], [], []
    for d in updates:
        m = beta1 * m + (1 - beta1) * d
        v = accumulate(v, d * d)
        w = w + learning_rate * m / (np.sqrt(v) + TAU)
        path.append(w)
        first.append(m)
        second.append(v)
    golden.put(f"/{name}", parameters=path, first_moment=first, second_moment=second)
    golden.describe(f"/{name}", learning_rate=learning_rate, beta1=beta1, beta2=BETA2, tau=TAU)


def build() -> Golden:
    golden = Golden()
    golden.describe("/", title="server optimizers", layout=__doc__)
    rng = np.random.RandomState(200)
    initial, updates = rng.normal(size=PARAMETERS).astype(np.float32), aggregated_updates(rng)
    golden.put("", initial=initial, updates=updates)
    w, d = initial.astype(np.float64), updates.astype(np.float64)
    momentum(golden, "sgd", w, d, 1.0, None)
    momentum(golden, "sgd_half", w, d, 0.5, None)
    momentum(golden, "momentum", w, d, 0.7, BETA1)
    adaptive(golden, "adagrad", w, d, 0.1, 0.0, SECOND_MOMENT["adagrad"])
    adaptive(golden, "adagrad_momentum", w, d, 0.1, BETA1, SECOND_MOMENT["adagrad"])
    adaptive(golden, "adam", w, d, 0.03, BETA1, SECOND_MOMENT["adam"])
    adaptive(golden, "yogi", w, d, 0.03, BETA1, SECOND_MOMENT["yogi"])
    return golden
