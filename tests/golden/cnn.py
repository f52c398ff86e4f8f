"""cnn.h5: small convolutional networks trained by PyTorch for ten SGD steps.

Layout, for each model M (n samples, B = batch_size, C = classes), as in mlp.h5:

    /M                      attributes: channels, height, width of a sample, filters,
                            dense, norm_groups (0: none), batch_size, classes
    /M/x                    float32 [n, channels, height, width]
    /M/labels, batch_indices, batch_sizes, initial/..., first/..., O/...

for the models M = cnn (one channel), color (three channels), cifar (with group
normalisation), single (one filter, odd sizes), and the optimizers O of mlp.h5 and O = adam, adamw,
which have the attributes of optimizers.h5 in place of SGD's. Adam divides by the root of the mean
square: a larger epsilon keeps it from magnifying what rounding does to gradients near zero.
Tensors are those of the state_dict: conv1.weight [out, in, 5, 5], conv1.bias, norm1.weight
[out], norm1.bias, ..., fc1.weight [out, in], fc1.bias, ... A network is for each number of
`filters` a 5x5 convolution with padding 2, GroupNorm where there are groups, ReLU and
MaxPool2d(2), then Flatten and for each number of `dense` a Linear with ReLU, then a
Linear to the classes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from golden import Golden
from mlp import OPTIMIZERS, STEPS, batches, evaluate, float32, train
from optimizers import Adam

SAVED_STEPS = [1, 4, STEPS]
ADAMS = {
    "adam": Adam("adam", weight_decay=0.01, epsilon=1e-3, learning_rate=0.02),
    "adamw": Adam("adamw", weight_decay=0.1, beta1=0.8, beta2=0.99, epsilon=1e-3),
}


@dataclass(frozen=True)
class Shape:
    """What a network is built for."""

    channels: int
    height: int
    width: int
    filters: list[int]
    dense: list[int]
    norm_groups: int
    classes: int


def network(shape: Shape) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels, height, width = shape.channels, shape.height, shape.width
    for k, filters in enumerate(shape.filters, start=1):
        layers[f"conv{k}"] = nn.Conv2d(channels, filters, 5, padding=2)
        if shape.norm_groups:
            layers[f"norm{k}"] = nn.GroupNorm(shape.norm_groups, filters)
        layers[f"relu{k}"] = nn.ReLU()
        layers[f"pool{k}"] = nn.MaxPool2d(2)
        channels, height, width = filters, height // 2, width // 2
    layers["flatten"] = nn.Flatten()
    units = channels * height * width
    for k, outputs in enumerate(shape.dense, start=1):
        layers[f"fc{k}"] = nn.Linear(units, outputs)
        layers[f"dense_relu{k}"] = nn.ReLU()
        units = outputs
    layers[f"fc{len(shape.dense) + 1}"] = nn.Linear(units, shape.classes)
    return nn.Sequential(layers).double()


def initial_state(shape: Shape, rng: np.random.RandomState) -> OrderedDict:
    """PyTorch's default initialisation; of a normalisation, something less plain."""
    state, fan_in = OrderedDict(), 1
    for name, value in network(shape).state_dict().items():
        size = tuple(value.shape)
        if name.startswith("norm"):
            values = rng.uniform(0.5, 1.5, size) - (0.8 if name.endswith("bias") else 0)
        else:
            fan_in = int(np.prod(size[1:])) if name.endswith("weight") else fan_in
            values = rng.uniform(-1, 1, size) / np.sqrt(fan_in)
        state[name] = values.astype(np.float32)
    return state


def loaded(shape: Shape, state: OrderedDict) -> nn.Sequential:
    model = network(shape)
    model.load_state_dict({name: torch.from_numpy(value) for name, value in state.items()})
    return model


def add_model(golden: Golden, name: str, shape: Shape, samples: int, batch_size: int,
              rng: np.random.RandomState) -> None:
    group, state = f"/{name}", initial_state(shape, rng)
    labels = rng.randint(0, shape.classes, samples).astype(np.int32)
    size = (shape.channels, shape.height, shape.width)
    x = (rng.normal(size=(shape.classes, *size))[labels]
         + rng.normal(size=(samples, *size))).astype(np.float32)
    x[rng.uniform(size=x.shape) < 0.3] = 0
    table = batches(samples, batch_size, rng)
    inputs, y = torch.from_numpy(x).double(), torch.from_numpy(labels).long()
    golden.describe(group, channels=shape.channels, height=shape.height, width=shape.width,
                    filters=np.int32(shape.filters), dense=np.int32(shape.dense),
                    norm_groups=shape.norm_groups, batch_size=batch_size, classes=shape.classes)
    golden.put(group, x=x, labels=labels, batch_indices=table,
               batch_sizes=(table >= 0).sum(1).astype(np.int32))
    golden.put_all(f"{group}/initial", state)

    model, first = loaded(shape, state), torch.from_numpy(table[0]).long()
    logits, loss, correct = evaluate(model, inputs[first], y[first])
    loss.backward()
    golden.put(f"{group}/first", logits=float32(logits), loss=float(loss),
               correct=np.int32(correct))
    golden.put_all(f"{group}/first/gradient",
                   {key: float32(p.grad) for key, p in model.named_parameters()})
    for key, optimizer in {**OPTIMIZERS, **ADAMS}.items():
        train(golden, f"{group}/{key}", loaded(shape, state), inputs, y, table, optimizer,
              SAVED_STEPS)


def build() -> Golden:
    golden = Golden()
    golden.describe("/", title="convolutional networks trained for ten SGD steps by PyTorch",
                    layout=__doc__)
    rng = np.random.RandomState(400)
    add_model(golden, "cnn", Shape(1, 9, 6, [3, 4], [5], 0, 3), 11, 4, rng)
    add_model(golden, "color", Shape(3, 4, 7, [2, 3], [4, 3], 0, 3), 9, 4, rng)
    add_model(golden, "cifar", Shape(3, 8, 8, [4, 6], [5, 4], 2, 4), 10, 4, rng)
    add_model(golden, "single", Shape(1, 3, 2, [1], [2], 0, 2), 5, 1, rng)
    return golden
