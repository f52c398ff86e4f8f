#!/usr/bin/env python3
"""Federated averaging against centralized training on MNIST, in plain PyTorch.

An independent implementation of the study that `fedmpi` is compared with; it
shares no code with it. Per seed:

- The first 50,000 training images, pixels / 255; test on all 10,000 test images.
- 150 clients hold 300 of them each, disjoint, 30 of every class.
- MLP 784-200-200-10, ReLU, softmax cross-entropy, PyTorch's default initialisation.
- Federated (McMahan et al. 2017, Algorithm 1, C = 1): in each round all clients
  train E epochs from the global parameters by SGD (batch 32, the last batch of an
  epoch has 12; learning rate 0.01, momentum 0.9, reshuffled each epoch), with zero
  momentum at the start of the round; the new global parameters are their mean.
- Centralized: the same initial parameters, E epochs on the 50,000 images. Its
  training loss and accuracy are means over the epoch, before each step's update.

Losses are means a sample in nats, accuracies fractions. The numbers in e10.json:

    for seed in 1 2 3; do
        python3 fedavg_torch.py --epochs 10 --seed $seed --json e10.json; done
"""

from __future__ import annotations

import argparse
import gzip
import json
import math
import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

SIZES = [784, 200, 200, 10]
CLIENTS, SAMPLES_PER_CLIENT, TRAIN_SAMPLES = 150, 300, 50_000
BATCH_SIZE, LEARNING_RATE, MOMENTUM = 32, 0.01, 0.9
SUMMARY_ROUNDS = (1, 2, 5, 11, 20)


class Samples(NamedTuple):
    x: Tensor  # float32 [n, 784], 0 to 1
    y: Tensor  # int64 [n]


class Metrics(NamedTuple):
    loss: float  # mean a sample, nats
    accuracy: float  # fraction


def read_idx(file: Path) -> np.ndarray:
    """An IDX file of bytes, plain or with `.gz` appended to its name."""
    zipped = file.with_name(file.name + ".gz")
    content = file.read_bytes() if file.exists() else gzip.decompress(zipped.read_bytes())
    shape = np.frombuffer(content, ">u4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def load(directory: Path, part: str) -> Samples:
    """`part` of MNIST: train or t10k."""
    images = read_idx(directory / f"{part}-images-idx3-ubyte")
    labels = read_idx(directory / f"{part}-labels-idx1-ubyte")
    return Samples(torch.from_numpy(images.reshape(len(images), -1).astype(np.float32) / 255),
                   torch.from_numpy(labels.astype(np.int64)))


def partition(labels: Tensor) -> list[Tensor]:
    """Disjoint random index lists, one a client, with equally many of every class."""
    classes = int(labels.max()) + 1
    per_class = SAMPLES_PER_CLIENT // classes
    shares = []
    for label in range(classes):
        members = (labels == label).nonzero().squeeze(1)
        members = members[torch.randperm(len(members))]
        shares.append(members[:CLIENTS * per_class].view(CLIENTS, per_class))
    return list(torch.cat(shares, dim=1))


def initial_parameters() -> Tensor:
    """The parameters of nn.Linear layers as PyTorch initialises them, as one vector."""
    layers = [torch.nn.Linear(i, o) for i, o in zip(SIZES, SIZES[1:])]
    return torch.cat([p.detach().flatten() for layer in layers for p in layer.parameters()])


def forward(w: Tensor, x: Tensor) -> Tensor:
    """Logits [n, 10] of the MLP with parameter vector `w`."""
    shapes = [shape for i, o in zip(SIZES, SIZES[1:]) for shape in ((o, i), (o,))]
    tensors = [t.view(s) for t, s in zip(w.split([math.prod(s) for s in shapes]), shapes)]
    for layer, (weight, bias) in enumerate(zip(tensors[::2], tensors[1::2])):
        x = F.linear(torch.relu(x) if layer else x, weight, bias)
    return x


def train_epoch(w: Tensor, v: Tensor, data: Samples) -> Metrics:
    """One epoch of SGD in random order; changes parameters `w` and momentum `v`."""
    order = torch.randperm(len(data.y))
    x, y = data.x[order], data.y[order]
    loss_sum, correct = torch.zeros(()), torch.zeros((), dtype=torch.int64)
    for xb, yb in zip(x.split(BATCH_SIZE), y.split(BATCH_SIZE)):
        leaf = w.detach().requires_grad_()
        logits = forward(leaf, xb)
        loss = F.cross_entropy(logits, yb)
        gradient, = torch.autograd.grad(loss, leaf)
        v.mul_(MOMENTUM).add_(gradient)
        w.sub_(v, alpha=LEARNING_RATE)
        loss_sum += loss.detach() * len(yb)
        correct += (logits.argmax(1) == yb).sum()
    return Metrics(loss_sum.item() / len(y), correct.item() / len(y))


@torch.no_grad()
def evaluate(w: Tensor, data: Samples) -> Metrics:
    logits = forward(w, data.x)
    return Metrics(F.cross_entropy(logits, data.y).item(),
                   (logits.argmax(1) == data.y).float().mean().item())


@dataclass
class Study:
    """One seed of the study: its data and its start."""

    train: Samples
    test: Samples
    clients: list[Samples]
    start: Tensor
    epochs: int

    def federated(self, rounds: int, persistent_momentum: bool) -> list[dict]:
        """FedAvg over all clients; a record a round."""
        w, records = self.start.clone(), []
        momenta = [torch.zeros_like(w) for _ in (self.clients if persistent_momentum else [0])]
        print("round  test loss  test accuracy  seconds")
        for number in range(1, rounds + 1):
            started, total = time.perf_counter(), torch.zeros_like(w)
            for k, data in enumerate(self.clients):
                local = w.clone()
                v = momenta[k] if persistent_momentum else momenta[0].zero_()
                for _ in range(self.epochs):
                    train_epoch(local, v, data)
                total += local
            w = total / len(self.clients)
            test, seconds = evaluate(w, self.test), time.perf_counter() - started
            print(f"{number:5}  {test.loss:9.4f}  {test.accuracy:13.4f}  {seconds:7.1f}",
                  flush=True)
            records.append({"round": number, "test_loss": test.loss,
                            "test_accuracy": test.accuracy})
        return records

    def centralized(self) -> list[dict]:
        """SGD on all of the training images; a record an epoch."""
        w, v, records = self.start.clone(), torch.zeros_like(self.start), []
        print("epoch  train loss  train accuracy  test loss  test accuracy")
        for number in range(1, self.epochs + 1):
            train, test = train_epoch(w, v, self.train), evaluate(w, self.test)
            print(f"{number:5}  {train.loss:10.4f}  {train.accuracy:14.4f}  "
                  f"{test.loss:9.4f}  {test.accuracy:13.4f}", flush=True)
            records.append({"epoch": number, "train_loss": train.loss,
                            "train_accuracy": train.accuracy, "test_loss": test.loss,
                            "test_accuracy": test.accuracy})
        return records


def spread(values: list[float]) -> dict:
    """Mean, sample standard deviation and range over the seeds."""
    return {"mean": float(np.mean(values)), "min": min(values), "max": max(values),
            "std": float(np.std(values, ddof=1)) if len(values) > 1 else None}


def summary(runs: dict[str, dict]) -> dict:
    """Mean and spread over the seeds, for some rounds and every centralized epoch."""
    def over_seeds(part: str, key: str, wanted) -> dict:
        return {str(first[key]): {
                    name: spread([run[part][i][name] for run in runs.values()])
                    for name in first if name != key}
                for i, first in enumerate(next(iter(runs.values()))[part]) if wanted(first[key])}

    last = max(record["round"] for run in runs.values() for record in run["federated"])
    return {"federated_rounds": over_seeds("federated", "round",
                                           lambda r: r in SUMMARY_ROUNDS or r == last),
            "centralized_epochs": over_seeds("centralized", "epoch", lambda _: True)}


def add_to_json(file: Path, settings: dict, seed: int, run: dict) -> None:
    """Add one seed's run to `file`, which holds runs of the same settings."""
    content = json.loads(file.read_text()) if file.exists() else {"runs": {}}
    if content.setdefault("settings", settings) != settings:
        raise SystemExit(f"{file}: has runs of other settings: {content['settings']}")
    runs = {**content["runs"], str(seed): run}
    runs = dict(sorted(runs.items(), key=lambda item: int(item[0])))
    kernels = os.environ.get("OPENBLAS_CORETYPE")  # another choice rounds differently
    command = (f"OPENBLAS_CORETYPE={kernels} " if kernels else "") + "python3 fedavg_torch.py "
    command += " ".join(
        f"--{name.replace('_', '-')}" + ("" if value is True else f" {value}")
        for name, value in settings.items() if value is not False)
    content = {"command": f"for seed in {' '.join(runs)}; do {command} "
                          f"--seed $seed --json {file.name}; done",
               "torch": torch.__version__, "settings": settings,
               "summary": summary(runs), "runs": runs}
    file.write_text(json.dumps(content, indent=1) + "\n")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, default=10, metavar="E", help="local epochs")
    parser.add_argument("--rounds", type=int, default=20)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--persistent-momentum", action="store_true",
                        help="keep each client's momentum from round to round")
    parser.add_argument("--data", type=Path, default=Path("data/mnist"),
                        help="directory of the four MNIST files, plain or .gz")
    parser.add_argument("--json", type=Path, metavar="FILE", help="add this run to FILE")
    options = parser.parse_args()

    torch.set_num_threads(1)
    torch.manual_seed(options.seed)
    everything, test = load(options.data, "train"), load(options.data, "t10k")
    train = Samples(*(part[:TRAIN_SAMPLES] for part in everything))
    clients = [Samples(train.x[i], train.y[i]) for i in partition(train.y)]
    study = Study(train, test, clients, initial_parameters(), options.epochs)
    run = {"federated": study.federated(options.rounds, options.persistent_momentum),
           "centralized": study.centralized()}
    if options.json:
        settings = {"epochs": options.epochs, "rounds": options.rounds,
                    "persistent_momentum": options.persistent_momentum}
        add_to_json(options.json, settings, options.seed, run)


if __name__ == "__main__":
    main()
