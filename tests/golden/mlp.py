"""mlp.h5: multilayer perceptrons trained by PyTorch for ten SGD steps.

Layout, for each model M (B = batch_size, C = classes, n = samples, S = 10 steps):

    /M                      attributes: sizes [layers+1], batch_size, classes
    /M/x                    float32 [n, in]; for `image` uint8 [n, 784], and the
                            network's input is x / 255
    /M/labels               int32 [n]
    /M/batch_indices        int32 [S, B]: the samples of each step, -1 after the last
    /M/batch_sizes          int32 [S]: each epoch's last batch is smaller
    /M/initial/fcK.weight   float32 [out, in]      (K = 1, 2, ...)
    /M/initial/fcK.bias     float32 [out]
    /M/first/logits         float32 [B, C], first batch, initial parameters
    /M/first/loss           float64: mean cross-entropy of that batch, nats
    /M/first/correct        int32: samples of that batch classified correctly
    /M/first/gradient/...   float32, d loss / d parameter, as in `initial`
    /M/O                    attributes: learning_rate, momentum, weight_decay, nesterov
    /M/O/batch_loss         float64 [S]: mean loss of the step's batch before its update
    /M/O/batch_correct      int32 [S]: the same for classified correctly
    /M/O/data_loss          float64 [S]: mean loss of all n samples after the update
    /M/O/data_correct       int32 [S]
    /M/O/saved_steps        int32 [s]: the steps (from 1) whose parameters are kept
    /M/O/after/...          float32 [s, ...]: parameters after each of saved_steps

for the models M = mlp, logistic, batch_of_one, image and the optimizers
O = plain, momentum, weight_decay, nesterov (`image`: the first two only).
Hidden layers are ReLU; the last layer's outputs are logits.

torch.optim.SGD: g += weight_decay * w;  v = momentum * v + g (v starts at 0);
w -= learning_rate * v, with Nesterov w -= learning_rate * (g + momentum * v).
The decay applies to biases too. Arithmetic is float64, the results are rounded.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import asdict, dataclass

import numpy as np
import torch
from torch import Tensor, nn

from golden import Golden
from optimizers import Adam

STEPS = 10


@dataclass(frozen=True)
class Sgd:
    """Settings of torch.optim.SGD."""

    learning_rate: float
    momentum: float = 0.0
    weight_decay: float = 0.0
    nesterov: bool = False

    def attributes(self) -> dict:
        return {**asdict(self), "nesterov": int(self.nesterov)}

    def create(self, parameters: Iterable[Tensor]) -> torch.optim.Optimizer:
        return torch.optim.SGD(parameters, self.learning_rate, momentum=self.momentum,
                               weight_decay=self.weight_decay, nesterov=self.nesterov)


OPTIMIZERS = {
    "plain": Sgd(0.2),
    "momentum": Sgd(0.1, momentum=0.9),
    "weight_decay": Sgd(0.1, momentum=0.9, weight_decay=0.01),
    "nesterov": Sgd(0.1, momentum=0.9, nesterov=True),
}


def initial_state(sizes: list[int], rng: np.random.RandomState, step: float = 0.0) -> OrderedDict:
    """PyTorch's default initialisation, U(-1/sqrt(fan_in), 1/sqrt(fan_in)).

    `step` > 0 rounds the values to its multiples, so that they compress well.
    """
    state = OrderedDict()
    for k, (fan_in, out) in enumerate(zip(sizes, sizes[1:]), start=1):
        bound = 1 / np.sqrt(fan_in)
        for name, shape in (("weight", (out, fan_in)), ("bias", (out,))):
            value = rng.uniform(-bound, bound, shape)
            value = np.round(value / step) * step if step else value
            state[f"fc{k}.{name}"] = value.astype(np.float32)
    return state


def network(sizes: list[int], state: OrderedDict, dtype: torch.dtype) -> nn.Sequential:
    """An MLP whose state_dict has the names fc1.weight, fc1.bias, fc2.weight, ..."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for k, (fan_in, out) in enumerate(zip(sizes, sizes[1:]), start=1):
        if k > 1:
            layers[f"relu{k - 1}"] = nn.ReLU()
        layers[f"fc{k}"] = nn.Linear(fan_in, out)
    model = nn.Sequential(layers).to(dtype)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return model


def batches(samples: int, batch_size: int, rng: np.random.RandomState) -> np.ndarray:
    """Sample numbers of STEPS batches, reshuffled each epoch: [STEPS, batch_size], -1 padded."""
    rows: list[np.ndarray] = []
    while len(rows) < STEPS:
        order = rng.permutation(samples)
        rows += [order[i:i + batch_size] for i in range(0, samples, batch_size)]
    table = np.full((STEPS, batch_size), -1, np.int32)
    for row, indices in zip(table, rows):
        row[:len(indices)] = indices
    return table


def evaluate(model: nn.Module, x: Tensor, y: Tensor) -> tuple[Tensor, Tensor, int]:
    """Logits [n, C], mean loss and number classified correctly."""
    logits = model(x)
    loss = nn.functional.cross_entropy(logits, y)
    return logits, loss, int((logits.argmax(1) == y).sum())


def float32(tensor: Tensor) -> np.ndarray:
    return tensor.detach().numpy().astype(np.float32)


def train(golden: Golden, group: str, model: nn.Module, x: Tensor, y: Tensor,
          table: np.ndarray, settings: Sgd | Adam, saved_steps: list[int]) -> None:
    """STEPS steps of one optimizer, recorded below `group`."""
    optimizer = settings.create(model.parameters())
    batch, data = [], []
    after: dict[str, list[np.ndarray]] = {name: [] for name, _ in model.named_parameters()}
    for step, row in enumerate(table, start=1):
        indices = torch.from_numpy(row[row >= 0]).long()
        optimizer.zero_grad()
        _, loss, correct = evaluate(model, x[indices], y[indices])
        loss.backward()
        optimizer.step()
        batch.append((float(loss), correct))
        with torch.no_grad():
            _, loss, correct = evaluate(model, x, y)
        data.append((float(loss), correct))
        if step in saved_steps:
            for name, value in model.named_parameters():
                after[name].append(float32(value))
    golden.describe(group, **settings.attributes())
    golden.put(group,
               batch_loss=[loss for loss, _ in batch],
               batch_correct=np.int32([correct for _, correct in batch]),
               data_loss=[loss for loss, _ in data],
               data_correct=np.int32([correct for _, correct in data]),
               saved_steps=np.int32(saved_steps))
    golden.put_all(f"{group}/after", {name: np.stack(values) for name, values in after.items()})


def add_model(golden: Golden, name: str, sizes: list[int], state: OrderedDict, x: np.ndarray,
              labels: np.ndarray, table: np.ndarray, optimizers: list[str],
              saved_steps: list[int], dtype: torch.dtype) -> None:
    """Everything about one model, below /name."""
    group = f"/{name}"
    inputs = torch.from_numpy(x).to(dtype) / (255 if x.dtype == np.uint8 else 1)
    y = torch.from_numpy(labels).long()
    golden.describe(group, sizes=np.int32(sizes), batch_size=np.int32(table.shape[1]),
                    classes=np.int32(sizes[-1]))
    golden.put(group, x=x, labels=labels, batch_indices=table,
               batch_sizes=(table >= 0).sum(1).astype(np.int32))
    golden.put_all(f"{group}/initial", state)

    model = network(sizes, state, dtype)
    first = torch.from_numpy(table[0]).long()
    logits, loss, correct = evaluate(model, inputs[first], y[first])
    loss.backward()
    golden.put(f"{group}/first", logits=float32(logits), loss=float(loss),
               correct=np.int32(correct))
    golden.put_all(f"{group}/first/gradient",
                   {key: float32(p.grad) for key, p in model.named_parameters()})
    for key in optimizers:
        train(golden, f"{group}/{key}", network(sizes, state, dtype), inputs, y, table,
              OPTIMIZERS[key], saved_steps)


def sparse_images(samples: int, rng: np.random.RandomState) -> np.ndarray:
    """uint8 [samples, 784]: a few bright strokes in the middle, about four fifths zero.

    As in MNIST, the border is zero in all of them; one image is empty.
    """
    images = np.zeros((samples, 28, 28), np.uint8)
    for image in images[1:]:
        for _ in range(3):
            row, column = rng.randint(5, 20, 2)
            height, width = rng.randint(2, 10, 2)
            stroke = image[row:min(row + height, 23), column:min(column + width, 23)]
            stroke[:] = rng.randint(1, 256, stroke.shape)
    return images.reshape(samples, 784)


def build(dtype: torch.dtype = torch.float64) -> Golden:
    """All models; `dtype` is what PyTorch computes in."""
    golden = Golden()
    golden.describe("/", title="MLPs trained for ten SGD steps by PyTorch", layout=__doc__)
    every_step = list(range(1, STEPS + 1))

    rng = np.random.RandomState(1)
    for name, sizes, samples, batch_size in (
            ("mlp", [12, 7, 5, 3], 29, 8), ("logistic", [9, 4], 19, 4),
            ("batch_of_one", [5, 3, 2], 7, 1)):
        centers = rng.normal(size=(sizes[-1], sizes[0]))
        labels = rng.randint(0, sizes[-1], samples).astype(np.int32)
        x = (centers[labels] + rng.normal(size=(samples, sizes[0]))).astype(np.float32)
        add_model(golden, name, sizes, initial_state(sizes, rng), x, labels,
                  batches(samples, batch_size, rng), list(OPTIMIZERS), every_step, dtype)

    sizes = [784, 20, 10, 10]
    images = sparse_images(40, rng)
    labels = rng.randint(0, 10, len(images)).astype(np.int32)
    add_model(golden, "image", sizes, initial_state(sizes, rng, step=2.0**-11), images, labels,
              batches(len(images), 12, rng), ["plain", "momentum"], [STEPS], dtype)
    return golden
