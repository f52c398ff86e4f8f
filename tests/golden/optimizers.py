"""optimizers.h5: PyTorch's Adam and AdamW on given gradients.

Layout (n = 37 parameters, S = 12 steps):

    /initial    float32 [n]
    /gradients  float32 [S, n]: of step 1, 2, ...; some numbers are zero in all steps
    /rates      float32 [S]: the learning rate of each step
    /O          attributes: optimizer, weight_decay, beta1, beta2, epsilon, learning_rate (of which
                `rates` takes the place)
    /O/after    float32 [S, n]: parameters after each step

for the cases O = adam, adam_decay, adam_betas, adamw, adamw_decay. torch.optim.Adam adds
weight_decay * w to the gradient, torch.optim.AdamW takes learning_rate * weight_decay * w off
the parameters. Arithmetic is float64, the results are rounded.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor

from golden import Golden

PARAMETERS, STEPS = 37, 12


@dataclass(frozen=True)
class Adam:
    """Settings of torch.optim.Adam, or of AdamW."""

    optimizer: str
    weight_decay: float = 0.0
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    learning_rate: float = 0.01

    def attributes(self) -> dict:
        return asdict(self)

    def create(self, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[self.optimizer]
        return kind(parameters, self.learning_rate, betas=(self.beta1, self.beta2),
                    eps=self.epsilon, weight_decay=self.weight_decay)


CASES = {
    "adam": Adam("adam"),
    "adam_decay": Adam("adam", weight_decay=0.05),
    "adam_betas": Adam("adam", beta1=0.5, beta2=0.9, epsilon=1e-3),
    "adamw": Adam("adamw"),
    "adamw_decay": Adam("adamw", weight_decay=0.3),
}


def run(settings: Adam, initial: np.ndarray, gradients: np.ndarray,
        rates: np.ndarray) -> np.ndarray:
    """Parameters after each step: [S, n]."""
    w = torch.nn.Parameter(torch.from_numpy(initial).double())
    optimizer = settings.create([w])
    after = []
    for gradient, rate in zip(gradients, rates):
        optimizer.param_groups[0]["lr"] = float(rate)
        w.grad = torch.from_numpy(gradient).double()
        optimizer.step()
        after.append(w.detach().numpy().astype(np.float32))
    return np.stack(after)


def build() -> Golden:
    golden = Golden()
    golden.describe("/", title="Adam and AdamW by PyTorch", layout=__doc__)
    rng = np.random.RandomState(5)
    initial = rng.normal(size=PARAMETERS).astype(np.float32)
    gradients = (rng.normal(size=(STEPS, PARAMETERS))
                 * 10.0 ** rng.uniform(-3, 1, PARAMETERS)).astype(np.float32)
    gradients[:, ::9] = 0
    rates = np.float32([0.01, 0.01, 0.01, 0.01, 0.1, 0.1, 0.1, 0.05, 0.05, 0.02, 0.02, 0.001])
    golden.put("", initial=initial, gradients=gradients, rates=rates)
    for name, settings in CASES.items():
        golden.describe(f"/{name}", **settings.attributes())
        golden.put(f"/{name}", after=run(settings, initial, gradients, rates))
    return golden
