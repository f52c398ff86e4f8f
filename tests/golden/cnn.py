"""cnn.h5: small convolutional networks trained by PyTorch for ten SGD steps.

Layout, for each model M (n samples, B = batch_size, C = classes), as in mlp.h5:

    /M                      attributes: channels, height, width of a sample, filters,
                            dense, norm_groups (0: none), kernel, blocks, shared, batch_size,
                            classes
    /M/x                    float32 [n, channels, height, width]
    /M/labels, batch_indices, batch_sizes, initial/..., first/..., O/...
    /M/first/sample_norms   float64 [B]: L2 norm of the gradient of each sample's own loss

for the models M = cnn (one channel), color (three channels), cifar (with group normalisation),
single (one filter, odd sizes), resnet and resnet_plain (residual blocks, with and without
normalisation), shared (blocks with the same parameters). The optimizers are O of mlp.h5, and
O = adam, adamw, which have the attributes of optimizers.h5 in place of SGD's; the last three
models have momentum and adam alone. Adam divides by the root of the mean square: a larger
epsilon keeps it from magnifying what rounding does to gradients near zero.

Tensors are those of the state_dict: conv1.weight [out, in, 5, 5], conv1.bias, norm1.weight
[out], norm1.bias, ..., fc1.weight [out, in], fc1.bias, ... A network is for each number of
`filters` a convolution that keeps the size, GroupNorm where there are groups, ReLU,
MaxPool2d(2) and `blocks` residual blocks, resK.0, resK.1, ...: if `shared`, resK.0 so many
times; then Flatten and for each number of `dense` a Linear with ReLU, then a
Linear to the classes.
"""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from golden import Golden
from mlp import OPTIMIZERS, STEPS, Sgd, batches, evaluate, float32, train
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
    kernel: int = 5
    blocks: int = 0
    shared: bool = False

    def convolution(self, inputs: int, outputs: int) -> nn.Conv2d:
        return nn.Conv2d(inputs, outputs, self.kernel, padding=self.kernel // 2)

    def norm(self, channels: int) -> nn.Module:
        return nn.GroupNorm(self.norm_groups, channels) if self.norm_groups else nn.Identity()


class Residual(nn.Module):
    """He et al. 2016, figure 2, with group normalisation."""

    def __init__(self, shape: Shape, channels: int) -> None:
        super().__init__()
        self.conv1, self.norm1 = shape.convolution(channels, channels), shape.norm(channels)
        self.conv2, self.norm2 = shape.convolution(channels, channels), shape.norm(channels)

    def forward(self, x: Tensor) -> Tensor:
        inner = torch.relu(self.norm1(self.conv1(x)))
        return torch.relu(x + self.norm2(self.conv2(inner)))


def residual_blocks(shape: Shape, channels: int) -> nn.Sequential:
    if shape.shared:
        return nn.Sequential(*[Residual(shape, channels)] * shape.blocks)
    return nn.Sequential(*(Residual(shape, channels) for _ in range(shape.blocks)))


def network(shape: Shape) -> nn.Sequential:
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels, height, width = shape.channels, shape.height, shape.width
    for k, filters in enumerate(shape.filters, start=1):
        layers[f"conv{k}"] = shape.convolution(channels, filters)
        layers[f"norm{k}"] = shape.norm(filters)
        layers[f"relu{k}"] = nn.ReLU()
        layers[f"pool{k}"] = nn.MaxPool2d(2)
        layers[f"res{k}"] = residual_blocks(shape, filters)
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
    for name, value in network(shape).named_parameters():
        size = tuple(value.shape)
        if "norm" in name:
            values = rng.uniform(0.5, 1.5, size) - (0.8 if name.endswith("bias") else 0)
        else:
            fan_in = int(np.prod(size[1:])) if name.endswith("weight") else fan_in
            values = rng.uniform(-1, 1, size) / np.sqrt(fan_in)
        state[name] = values.astype(np.float32)
    return state


def loaded(shape: Shape, state: OrderedDict) -> nn.Sequential:
    model = network(shape)
    with torch.no_grad():
        for name, parameter in model.named_parameters():
            parameter.copy_(torch.from_numpy(state[name]))
    return model


def sample_norms(model: nn.Module, x: Tensor, y: Tensor) -> list[float]:
    """The L2 norm of each sample's gradient by all parameters: one backward pass a sample."""
    norms = []
    for sample, label in zip(x, y):
        model.zero_grad()
        _, loss, _ = evaluate(model, sample[None], label[None])
        loss.backward()
        norms.append(float(torch.sqrt(sum((p.grad**2).sum() for p in model.parameters()))))
    return norms


def add_model(golden: Golden, name: str, shape: Shape, samples: int, batch_size: int,
              rng: np.random.RandomState, optimizers: dict[str, Sgd | Adam]) -> None:
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
                    norm_groups=shape.norm_groups, kernel=shape.kernel, blocks=shape.blocks,
                    shared=int(shape.shared), batch_size=batch_size, classes=shape.classes)
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
    golden.put(f"{group}/first", sample_norms=sample_norms(model, inputs[first], y[first]))
    for key, optimizer in optimizers.items():
        train(golden, f"{group}/{key}", loaded(shape, state), inputs, y, table, optimizer,
              SAVED_STEPS)


def build() -> Golden:
    golden = Golden()
    golden.describe("/", title="convolutional networks trained for ten SGD steps by PyTorch",
                    layout=__doc__)
    everything = {**OPTIMIZERS, **ADAMS}
    rng = np.random.RandomState(400)
    add_model(golden, "cnn", Shape(1, 9, 6, [3, 4], [5], 0, 3), 11, 4, rng, everything)
    add_model(golden, "color", Shape(3, 4, 7, [2, 3], [4, 3], 0, 3), 9, 4, rng, everything)
    add_model(golden, "cifar", Shape(3, 8, 8, [4, 6], [5, 4], 2, 4), 10, 4, rng, everything)
    add_model(golden, "single", Shape(1, 3, 2, [1], [2], 0, 2), 5, 1, rng, everything)
    rng = np.random.RandomState(401)
    two = {name: everything[name] for name in ("momentum", "adam")}
    add_model(golden, "resnet", Shape(3, 8, 9, [4, 6], [5], 2, 4, kernel=3, blocks=2), 10, 4, rng,
              two)
    add_model(golden, "resnet_plain", Shape(1, 5, 6, [3], [], 0, 3, kernel=3, blocks=1), 9, 4, rng,
              two)
    add_model(golden, "shared", Shape(1, 12, 12, [2, 4], [], 2, 3, kernel=3, blocks=3, shared=True),
              9, 4, rng, two)
    return golden
