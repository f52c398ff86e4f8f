"""layers.h5: forward and backward passes of single layers by PyTorch.

Layout, for each case (N samples, channels first, as PyTorch's NCHW). Everywhere
`x` is the input, `y` the output, `dy` a given d loss / d y and `dx`, `dweight`,
`dbias` what follows from it; float32, computed in float64 and rounded.

    /conv2d/CASE            attributes: kernel, stride, padding (zeros)
        x [N, C, H, W], weight [O, C, kernel, kernel], bias [O], y [N, O, H', W'],
        dy, dx, dweight, dbias; cross-correlation, as torch.nn.Conv2d
    /maxpool2d/CASE         attributes: kernel, stride
        x [N, C, H, W], y [N, C, H/2, W/2] (rounded down: an odd last row or column
        is dropped), argmax int32 as y (row * W + column in the plane), dy, dx; of
        equal values the first one in row order wins (CASE `ties`)
    /group_norm/CASE        attributes: groups, eps
        x [N, C, H, W], weight [C], bias [C], y, dy, dx, dweight, dbias; mean and
        variance (divided by the count) over C/groups channels, H and W of a sample.
        Wu and He 2018, equations 1 to 3
    /dropout/CASE           attribute: p, the probability of dropping
        x [N, n], mask uint8 (1: kept), y = x * mask / (1 - p), dy, dx
    /softmax_cross_entropy/CASE
        logits [N, C], labels int32 [N], losses float64 [N] (nats), loss float64
        (their mean), probabilities, dlogits (of the mean), correct int32; of equal
        logits the first is the prediction
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from golden import Golden


def normal(rng: np.random.RandomState, *shape: int) -> np.ndarray:
    return rng.normal(size=shape).astype(np.float32)


def leaf(value: np.ndarray) -> Tensor:
    return torch.from_numpy(value).double().requires_grad_()


def rounded(value: Tensor) -> np.ndarray:
    return value.detach().numpy().astype(np.float32)


def add_case(golden: Golden, group: str, rng: np.random.RandomState, layer,
             inputs: dict[str, np.ndarray]) -> None:
    """Run y = layer(inputs...) forward and, from a random dy, backward; record all."""
    leaves = {name: leaf(value) for name, value in inputs.items()}
    y = layer(*leaves.values())
    dy = normal(rng, *y.shape)
    gradients = torch.autograd.grad(y, list(leaves.values()), torch.from_numpy(dy).double())
    golden.put(group, **inputs, y=rounded(y), dy=dy,
               **{f"d{name}": rounded(g) for name, g in zip(leaves, gradients)})


def conv2d(golden: Golden, rng: np.random.RandomState) -> None:
    # name: samples, channels, height, width, outputs, kernel, stride, padding
    cases = {"same": (3, 4, 7, 6, 5, 5, 1, 2), "one_channel": (2, 1, 9, 9, 3, 5, 1, 2),
             "one_sample": (1, 3, 5, 8, 2, 5, 1, 2), "small_image": (2, 2, 2, 3, 3, 5, 1, 2),
             "valid": (2, 3, 6, 5, 4, 3, 1, 0), "strided": (2, 2, 7, 8, 3, 3, 2, 1)}
    for name, (n, c, h, w, o, kernel, stride, padding) in cases.items():
        group = f"/conv2d/{name}"
        golden.describe(group, kernel=kernel, stride=stride, padding=padding)
        add_case(golden, group, rng,
                 lambda x, weight, bias, s=stride, p=padding:
                     F.conv2d(x, weight, bias, stride=s, padding=p),
                 {"x": normal(rng, n, c, h, w), "weight": normal(rng, o, c, kernel, kernel),
                  "bias": normal(rng, o)})


def maxpool2d(golden: Golden, rng: np.random.RandomState) -> None:
    cases = {"even": normal(rng, 2, 3, 6, 4), "odd": normal(rng, 2, 2, 5, 7),
             "negative": -np.abs(normal(rng, 1, 2, 4, 4)) - 1,
             "ties": rng.randint(0, 2, (2, 3, 6, 6)).astype(np.float32)}
    for name, x in cases.items():
        group = f"/maxpool2d/{name}"
        golden.describe(group, kernel=2, stride=2)
        add_case(golden, group, rng, lambda x: F.max_pool2d(x, 2), {"x": x})
        _, argmax = F.max_pool2d(torch.from_numpy(x), 2, return_indices=True)
        golden.put(group, argmax=argmax.numpy().astype(np.int32))


def group_norm(golden: Golden, rng: np.random.RandomState) -> None:
    # name: samples, channels, height, width, groups, mean of x
    cases = {"two_groups": (3, 6, 4, 3, 2, 0), "one_group": (2, 4, 3, 3, 1, 0),
             "group_a_channel": (2, 3, 4, 5, 3, 0), "offset": (2, 4, 3, 3, 2, 100)}
    for name, (n, c, h, w, groups, mean) in cases.items():
        group, eps = f"/group_norm/{name}", 1e-5
        golden.describe(group, groups=groups, eps=eps)
        add_case(golden, group, rng,
                 lambda x, weight, bias, g=groups: F.group_norm(x, g, weight, bias, eps),
                 {"x": normal(rng, n, c, h, w) + np.float32(mean), "weight": normal(rng, c),
                  "bias": normal(rng, c)})


def dropout(golden: Golden, rng: np.random.RandomState) -> None:
    for name, p in (("half", 0.5), ("quarter", 0.25), ("none", 0.0)):
        mask = (rng.uniform(size=(5, 13)) >= p).astype(np.uint8)
        golden.describe(f"/dropout/{name}", p=p)
        golden.put(f"/dropout/{name}", mask=mask)
        add_case(golden, f"/dropout/{name}", rng,
                 lambda x, m=torch.from_numpy(mask), p=p: x * m / (1 - p),
                 {"x": normal(rng, 5, 13)})


def softmax_cross_entropy(golden: Golden, rng: np.random.RandomState) -> None:
    extreme = np.float32([[1e4, -1e4, 0], [1e4, -1e4, 0], [1e30, 1e30, -1e30], [88.8, -104, 0],
                          [-1e4, -1e4, -1e4], [0, 0, 0], [1e-30, 0, -1e-30], [200, 199, 198]])
    cases = {"plain": (3 * normal(rng, 9, 10), rng.randint(0, 10, 9)),
             "one_sample": (normal(rng, 1, 4), np.array([2])),
             "two_classes": (normal(rng, 6, 2), rng.randint(0, 2, 6)),
             "extreme": (extreme, np.array([0, 1, 1, 1, 2, 0, 2, 2]))}
    for name, (logits, labels) in cases.items():
        z, y = leaf(logits), torch.from_numpy(labels).long()
        losses = F.cross_entropy(z, y, reduction="none")
        gradient, = torch.autograd.grad(losses.mean(), z)
        golden.put(f"/softmax_cross_entropy/{name}", logits=logits, labels=labels.astype(np.int32),
                   losses=losses.detach().numpy(), loss=losses.mean().item(),
                   probabilities=rounded(z.softmax(1)), dlogits=rounded(gradient),
                   correct=np.int32((logits.argmax(1) == labels).sum()))


def build() -> Golden:
    golden = Golden()
    golden.describe("/", title="forward and backward passes of single layers", layout=__doc__)
    for seed, part in enumerate((conv2d, maxpool2d, group_norm, dropout, softmax_cross_entropy)):
        part(golden, np.random.RandomState(100 + seed))
    return golden
