#!/usr/bin/env python3
"""The convolutional networks' training step in PyTorch on one core: bench_cnn's peer.

The same networks, batches and SGD (learning rate 0.01, momentum 0.9), in both of
PyTorch's memory formats, of which the faster counts. As in bench_cnn, times are the
processor's and medians; the first steps warm up, so that activations have the zeros of
training. One line of JSON a case on stdout. Exit code 77: no PyTorch.
"""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"  # read when PyTorch is loaded

import argparse
import gzip
import json
import statistics
import sys
import time
from pathlib import Path

EXIT_SKIP = 77
SAMPLES, WARM_UP, TURNS, STEPS = 6000, 60, 9, 6

try:
    import numpy as np
    import torch
    from torch import Tensor, nn
except ImportError as missing:
    print(f"torch_cnn.py: skipped, {missing}; Debian: apt install python3-torch", file=sys.stderr)
    sys.exit(EXIT_SKIP)


def block(inputs: int, outputs: int, groups: int) -> list[nn.Module]:
    norm = [nn.GroupNorm(groups, outputs)] if groups else []
    return [nn.Conv2d(inputs, outputs, 5, padding=2), *norm, nn.ReLU(), nn.MaxPool2d(2)]


def cnn() -> nn.Module:
    return nn.Sequential(*block(1, 32, 0), *block(32, 64, 0), nn.Flatten(),
                         nn.Linear(3136, 512), nn.ReLU(), nn.Linear(512, 10))


def cifar_cnn() -> nn.Module:
    return nn.Sequential(*block(3, 64, 32), *block(64, 64, 32), nn.Flatten(), nn.Linear(4096, 384),
                         nn.ReLU(), nn.Linear(384, 192), nn.ReLU(), nn.Linear(192, 10))


def mnist(folder: Path) -> tuple[Tensor, Tensor]:
    def values(name: str, skip: int, count: int) -> np.ndarray:
        with gzip.open(folder / f"train-{name}-ubyte.gz") as file:
            file.read(skip)
            return np.frombuffer(file.read(count), np.uint8)
    images = values("images-idx3", 16, SAMPLES * 784).reshape(SAMPLES, 1, 28, 28)
    labels = values("labels-idx1", 8, SAMPLES)
    return torch.from_numpy(images / np.float32(255)), torch.from_numpy(labels.astype(np.int64))


def photographs() -> tuple[Tensor, Tensor]:
    generator = torch.Generator().manual_seed(1)
    return torch.rand(640, 3, 32, 32, generator=generator) * 4 - 2, torch.arange(640) % 10


class Training:
    """One network in one memory format."""

    def __init__(self, build, data: tuple[Tensor, Tensor], batch_size: int,
                 memory_format: torch.memory_format) -> None:
        torch.manual_seed(1)
        self.model = build().to(memory_format=memory_format)
        self.optimizer = torch.optim.SGD(self.model.parameters(), 0.01, momentum=0.9)
        self.loss = nn.CrossEntropyLoss()
        self.x, self.labels = data[0].contiguous(memory_format=memory_format), data[1]
        self.batch_size = batch_size
        self.batches = iter(())
        self.microseconds: list[float] = []

    def step(self) -> float:
        """Processor seconds of the next step."""
        batch = next(self.batches, None)
        if batch is None:
            whole = len(self.x) // self.batch_size * self.batch_size
            self.batches = iter(torch.randperm(len(self.x))[:whole].split(self.batch_size))
            batch = next(self.batches)
        started = time.process_time()
        self.optimizer.zero_grad(set_to_none=True)
        self.loss(self.model(self.x[batch]), self.labels[batch]).backward()
        self.optimizer.step()
        return time.process_time() - started

    def turn(self) -> None:
        self.microseconds.append(1e6 * sum(self.step() for _ in range(STEPS)) / STEPS)


def measure(name: str, build, data: tuple[Tensor, Tensor], batch_size: int) -> None:
    formats = (torch.contiguous_format, torch.channels_last)
    trainings = [Training(build, data, batch_size, memory_format) for memory_format in formats]
    for training in trainings:
        for _ in range(WARM_UP):
            training.step()
    for _ in range(TURNS):
        for training in trainings:
            training.turn()
    times = [statistics.median(training.microseconds) for training in trainings]
    print(json.dumps({"benchmark": "torch_cnn", "torch": torch.__version__, "model": name,
                      "batch_size": batch_size, "microseconds_per_step": round(min(times), 1),
                      "contiguous_microseconds": round(times[0], 1),
                      "channels_last_microseconds": round(times[1], 1)}), flush=True)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, default=Path("data/mnist"), metavar="DIRECTORY")
    options = parser.parse_args()
    torch.set_num_threads(1)
    digits = mnist(options.data)
    measure("cnn", cnn, digits, 10)
    measure("cnn", cnn, digits, 32)
    measure("cifar-cnn", cifar_cnn, photographs(), 32)
    return 0


if __name__ == "__main__":
    sys.exit(main())
