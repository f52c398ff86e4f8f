#!/usr/bin/env python3
"""The study's workload in PyTorch as fast as PyTorch can be: the benchmark's peer.

Federated averaging on MNIST: by default 150 clients of 300 samples (30 of each
class, out of the first 50,000 training images), MLP 784-200-200-10, batch 32,
learning rate 0.01, momentum 0.9 (zero at the start of each round), 5 epochs,
5 rounds, training loss and accuracy of every epoch, test loss and accuracy after
every round.

What makes it fast:
- No autograd: the backward pass is written out, and every operation writes into
  memory that was allocated before (`out=`), under inference_mode.
- One flat vector of parameters and one of momentum with views into it: the
  update of a step is a single operation.
- v = momentum * v + gradient is the gradient's GEMM itself, with beta = momentum,
  accumulating into v; the batch's mean is its alpha. No gradient is ever stored.
- Biases are a last row of each weight matrix, and inputs and activations have a
  last column of ones, so that biases cost no operation of their own.
- A pixel that is zero in all of a client's images gets no gradient, and its
  momentum is zero, so its weights are left out while that client trains: the
  first layer has about 560 inputs instead of 784 and gives the same result.
  `--dense` switches this off.
- An epoch's samples are put in order by one gather; batches are views.
- Processes share only the sums of their clients' updates, by shared memory; there
  is one barrier a round, and the test set is evaluated in parts.

Prints progress on stderr and one line of JSON on stdout. Seconds a round include
everything from one round's start to the next; microseconds a step and core are
seconds a round * processes / SGD steps in a round; both are medians over the
rounds. The environment variable OPENBLAS_CORETYPE (Haswell, SkylakeX) chooses the
kernels of an OpenBLAS that PyTorch is linked with. Exit code 77: no PyTorch.
"""

from __future__ import annotations

import os

for _variable in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[_variable] = "1"  # one core a process; read when PyTorch is loaded

import argparse
import gzip
import json
import math
import multiprocessing
import statistics
import sys
import time
from multiprocessing.synchronize import Barrier
from pathlib import Path
from typing import NamedTuple

EXIT_USAGE, EXIT_SKIP = 2, 77

try:
    import numpy as np
    import torch
    from torch import Tensor
except ImportError as missing:
    print(f"torch_peer.py: skipped, {missing}; Debian: apt install python3-torch", file=sys.stderr)
    sys.exit(EXIT_SKIP)

INPUTS, HIDDEN, CLASSES = 784, 200, 10
TRAIN_SAMPLES, SAMPLES_PER_CLIENT = 50_000, 300
BATCH, LEARNING_RATE, MOMENTUM = 32, 0.01, 0.9
EVALUATION_BATCH = 500
BARRIER_TIMEOUT_SECONDS = 600  # a process that was killed must not hang the others
ALIGN_FLOATS = 16  # rows start at cache lines

threshold_backward = torch.ops.aten.threshold_backward.grad_input
softmax = torch.ops.aten._softmax.out


# --- data ---------------------------------------------------------------------

def read_idx(file: Path) -> np.ndarray:
    """An IDX file of bytes, plain or with `.gz` appended to its name."""
    zipped = file.with_name(file.name + ".gz")
    content = file.read_bytes() if file.exists() else gzip.decompress(zipped.read_bytes())
    shape = np.frombuffer(content, ">u4", count=content[3], offset=4)
    return np.frombuffer(content, np.uint8, offset=4 + 4 * len(shape)).reshape(shape)


def load(directory: Path, part: str) -> tuple[np.ndarray, np.ndarray]:
    """Images uint8 [n, 784] and labels int64 [n] of `part`: train or t10k."""
    images = read_idx(directory / f"{part}-images-idx3-ubyte").reshape(-1, INPUTS)
    return images, read_idx(directory / f"{part}-labels-idx1-ubyte").astype(np.int64)


def partition(labels: np.ndarray, clients: int, rng: np.random.Generator) -> np.ndarray:
    """Disjoint samples of each client, equally many of every class: [clients, 300]."""
    per_class = SAMPLES_PER_CLIENT // CLASSES
    shares = []
    for label in range(CLASSES):
        members = rng.permutation(np.flatnonzero(labels == label))
        if len(members) < clients * per_class:
            raise ValueError(f"--clients {clients}: the data suffices for "
                             f"{len(members) // per_class}")
        shares.append(members[:clients * per_class].reshape(clients, per_class))
    return np.concatenate(shares, axis=1)


def padded(rows: int, columns: int) -> Tensor:
    """Zeros [rows, columns] whose rows are aligned."""
    stride = -(-columns // ALIGN_FLOATS) * ALIGN_FLOATS
    return torch.zeros(rows, stride)[:, :columns]


def with_ones(x: np.ndarray) -> Tensor:
    """Pixels / 255 and a last column of ones: float32 [n, inputs + 1]."""
    result = padded(len(x), x.shape[1] + 1)
    result[:, :-1] = torch.from_numpy(x.astype(np.float32)) / 255
    result[:, -1] = 1
    return result


# --- model --------------------------------------------------------------------

class Layers(NamedTuple):
    """Views [inputs + 1, outputs] into a flat vector; the last row is the bias."""

    first: Tensor
    second: Tensor
    third: Tensor


def size(inputs: int) -> int:
    return (inputs + 1) * HIDDEN + (HIDDEN + 1) * (HIDDEN + CLASSES)


def layers(flat: Tensor, inputs: int) -> Layers:
    """The layers of a network with `inputs` inputs in its parameter vector."""
    shapes = ((inputs + 1, HIDDEN), (HIDDEN + 1, HIDDEN), (HIDDEN + 1, CLASSES))
    parts = flat[:size(inputs)].split([math.prod(shape) for shape in shapes])
    return Layers(*(part.view(shape) for part, shape in zip(parts, shapes)))


def initial_parameters(generator: torch.Generator) -> Tensor:
    """PyTorch's default, U(-1/sqrt(fan_in), 1/sqrt(fan_in)), biases too."""
    flat = torch.empty(size(INPUTS))
    for weight in layers(flat, INPUTS):
        bound = 1 / math.sqrt(weight.shape[0] - 1)
        weight.uniform_(-bound, bound, generator=generator)
    return flat


class Activations:
    """Memory for the passes of up to `rows` samples, and views of its first rows."""

    def __init__(self, rows: int) -> None:
        self.h1, self.h2 = padded(rows, HIDDEN + 1), padded(rows, HIDDEN + 1)
        self.h1[:, -1] = self.h2[:, -1] = 1
        self.relu1, self.relu2 = self.h1[:, :HIDDEN], self.h2[:, :HIDDEN]
        self.logits, self.dz3 = torch.empty(rows, CLASSES), torch.empty(rows, CLASSES)
        self.dz1, self.dz2 = torch.empty(rows, HIDDEN), torch.empty(rows, HIDDEN)
        self.h1t, self.h2t = self.h1.t(), self.h2.t()

    def forward(self, x: Tensor, w: Layers, probabilities: Tensor) -> None:
        """Class probabilities of `x` [rows, inputs + 1]."""
        torch.mm(x, w.first, out=self.relu1)
        self.relu1.relu_()
        torch.mm(self.h1, w.second, out=self.relu2)
        self.relu2.relu_()
        torch.mm(self.h2, w.third, out=self.logits)
        softmax(self.logits, 1, False, out=probabilities)


# --- a client -----------------------------------------------------------------

class Client:
    """A client's samples: its active pixels only, and where they are in the image."""

    def __init__(self, images: np.ndarray, labels: np.ndarray, dense: bool) -> None:
        active = np.flatnonzero(images.any(axis=0) | dense)
        self.inputs = len(active)
        self.x = with_ones(images[:, active])
        self.labels = torch.from_numpy(labels)
        self.one_hot = torch.nn.functional.one_hot(self.labels, CLASSES).float()
        # Rows of the first layer that it trains, and for each row of the full layer
        # which of these it is; one past the last for a row that it leaves alone.
        self.rows = torch.from_numpy(np.append(active, INPUTS))
        self.place = torch.full((INPUTS + 1,), self.inputs + 1)
        self.place[self.rows] = torch.arange(self.inputs + 1)


class Trainer:
    """Trains clients one after another in the same memory."""

    def __init__(self, epochs: int, generator: torch.Generator) -> None:
        n = SAMPLES_PER_CLIENT
        self.epochs, self.generator = epochs, generator
        self.w, self.v = torch.empty(size(INPUTS)), torch.empty(size(INPUTS))
        self.x, self.one_hot = padded(n, INPUTS + 1), torch.empty(n, CLASSES)
        self.probabilities = torch.empty(n, CLASSES)
        self.first_delta = torch.zeros(INPUTS + 2, HIDDEN)
        self.scattered = torch.empty(INPUTS + 1, HIDDEN)
        self.memory = {rows: Activations(rows) for rows in {BATCH, n % BATCH or BATCH}}
        self.loss = self.correct = self.seen = 0

    def train(self, client: Client, start: Tensor, total: Tensor) -> None:
        """Train from the parameters `start` and add the update to `total`."""
        used = size(client.inputs)
        flat_w, flat_v = self.w[:used], self.v[:used]
        w, v = layers(flat_w, client.inputs), layers(flat_v, client.inputs)
        whole, rest = layers(start, INPUTS), (INPUTS + 1) * HIDDEN
        torch.index_select(whole.first, 0, client.rows, out=w.first)
        flat_w[w.first.numel():] = start[rest:]
        flat_v.zero_()
        self.run_epochs(client, flat_w, flat_v, w, v)

        added = client.inputs + 1
        torch.index_select(whole.first, 0, client.rows, out=self.first_delta[:added])
        torch.sub(w.first, self.first_delta[:added], out=self.first_delta[:added])
        self.first_delta[added].zero_()
        torch.index_select(self.first_delta, 0, client.place, out=self.scattered)
        layers(total, INPUTS).first.add_(self.scattered)
        total[rest:].add_(flat_w[w.first.numel():]).sub_(start[rest:])

    def run_epochs(self, client: Client, flat_w: Tensor, flat_v: Tensor, w: Layers,
                   v: Layers) -> None:
        x = self.x[:, :client.inputs + 1]
        batches = [(xb, xb.t(), yb, pb, self.memory[len(yb)], 1 / len(yb)) for xb, yb, pb in
                   zip(*(t.split(BATCH) for t in (x, self.one_hot, self.probabilities)))]
        w2t, w3t = w.second[:HIDDEN].t(), w.third[:HIDDEN].t()
        mm, sub = torch.mm, torch.sub
        for _ in range(self.epochs):
            order = torch.randperm(SAMPLES_PER_CLIENT, generator=self.generator)
            torch.index_select(client.x, 0, order, out=x)
            torch.index_select(client.one_hot, 0, order, out=self.one_hot)
            for xb, xbt, yb, pb, a, mean in batches:
                a.forward(xb, w, pb)
                sub(pb, yb, out=a.dz3)
                v.third.addmm_(a.h2t, a.dz3, beta=MOMENTUM, alpha=mean)
                mm(a.dz3, w3t, out=a.dz2)
                threshold_backward(a.dz2, a.relu2, 0, grad_input=a.dz2)
                v.second.addmm_(a.h1t, a.dz2, beta=MOMENTUM, alpha=mean)
                mm(a.dz2, w2t, out=a.dz1)
                threshold_backward(a.dz1, a.relu1, 0, grad_input=a.dz1)
                v.first.addmm_(xbt, a.dz1, beta=MOMENTUM, alpha=mean)
                flat_w.add_(flat_v, alpha=-LEARNING_RATE)
            self.loss -= (self.probabilities * self.one_hot).sum(1).log().sum().item()
            self.correct += (self.probabilities.argmax(1) == client.labels[order]).sum().item()
            self.seen += SAMPLES_PER_CLIENT


# --- a process ----------------------------------------------------------------

class Shared(NamedTuple):
    """What processes exchange, in shared memory, and where they wait for each other."""

    updates: Tensor  # [2, processes, parameters]: sums of updates, of even and odd rounds
    metrics: Tensor  # float64 [2, processes, 5]: train loss, correct, samples; test loss, correct
    barrier: Barrier


class Round(NamedTuple):
    seconds: float
    train_seconds: float
    train_loss: float
    train_accuracy: float
    test_loss: float
    test_accuracy: float


class Evaluator:
    """This process's part of the test set."""

    def __init__(self, images: np.ndarray, labels: np.ndarray) -> None:
        self.batches = list(zip(with_ones(images).split(EVALUATION_BATCH),
                                torch.from_numpy(labels).split(EVALUATION_BATCH)))
        self.memory = {len(y): Activations(len(y)) for _, y in self.batches}
        self.probabilities = {rows: torch.empty(rows, CLASSES) for rows in self.memory}

    def run(self, parameters: Tensor) -> tuple[float, float]:
        """Sum of losses and number correct."""
        w, loss, correct = layers(parameters, INPUTS), 0.0, 0.0
        for x, y in self.batches:
            p = self.probabilities[len(y)]
            self.memory[len(y)].forward(x, w, p)
            loss -= p.gather(1, y[:, None]).log_().sum().item()
            correct += (p.argmax(1) == y).sum().item()
        return loss, correct


@torch.inference_mode()
def work(rank: int, options: argparse.Namespace, shared: Shared, train: tuple, test: tuple,
         shares: np.ndarray) -> list[Round]:
    """All rounds of process `rank`; its clients are rank, rank + processes, ..."""
    torch.set_num_threads(1)
    processes, clients = options.processes, options.clients
    mine = [Client(train[0][s], train[1][s], options.dense) for s in shares[rank::processes]]
    evaluator = Evaluator(*(part[rank::processes] for part in test))
    w = initial_parameters(torch.Generator().manual_seed(options.seed))
    trainer = Trainer(options.epochs, torch.Generator().manual_seed(options.seed * 1000 + rank))
    results = []
    shared.barrier.wait()
    started = time.perf_counter()
    for number in range(options.rounds):
        updates, metrics = shared.updates[number % 2], shared.metrics[number % 2]
        total = updates[rank].zero_()
        trainer.loss = trainer.correct = trainer.seen = 0
        train_started = time.perf_counter()
        for client in mine:
            trainer.train(client, w, total)
        train_seconds = time.perf_counter() - train_started
        shared.barrier.wait()
        for other in updates:
            w.add_(other, alpha=1 / clients)
        metrics[rank] = torch.tensor([trainer.loss, trainer.correct, trainer.seen,
                                      *evaluator.run(w)], dtype=torch.float64)
        shared.barrier.wait()
        loss, correct, seen, test_loss, test_correct = metrics.sum(0).tolist()
        now = time.perf_counter()
        results.append(Round(now - started, train_seconds, loss / seen, correct / seen,
                             test_loss / len(test[1]), test_correct / len(test[1])))
        started = now
        if rank == 0:
            r = results[-1]
            print(f"round {number + 1}: {r.seconds:.3f} s, train loss {r.train_loss:.4f}, accuracy "
                  f"{r.train_accuracy:.4f}; test loss {r.test_loss:.4f}, accuracy "
                  f"{r.test_accuracy:.4f}", file=sys.stderr, flush=True)
    return results


def work_or_abort(rank: int, options: argparse.Namespace, shared: Shared, *data) -> list[Round]:
    """`work`, and on an error the other processes do not wait for this one."""
    try:
        return work(rank, options, shared, *data)
    except BaseException:
        shared.barrier.abort()
        raise


def run(options: argparse.Namespace) -> list[Round]:
    """Start the processes (this one is the first) and run all rounds."""
    train, test = load(options.data, "train"), load(options.data, "t10k")
    train = tuple(part[:TRAIN_SAMPLES] for part in train)
    shares = partition(train[1], options.clients, np.random.default_rng(options.seed))
    context = multiprocessing.get_context("fork")
    shared = Shared(torch.zeros(2, options.processes, size(INPUTS)).share_memory_(),
                    torch.zeros(2, options.processes, 5, dtype=torch.float64).share_memory_(),
                    context.Barrier(options.processes, timeout=BARRIER_TIMEOUT_SECONDS))
    arguments = (options, shared, train, test, shares)
    others = [context.Process(target=work_or_abort, args=(rank, *arguments))
              for rank in range(1, options.processes)]
    for process in others:
        process.start()
    results = work_or_abort(0, *arguments)
    for process in others:
        process.join()
    return results


def report(options: argparse.Namespace, results: list[Round]) -> None:
    steps = options.clients * options.epochs * math.ceil(SAMPLES_PER_CLIENT / BATCH)
    seconds = statistics.median(r.seconds for r in results)
    train_seconds = statistics.median(r.train_seconds for r in results)
    per_step = 1e6 * options.processes / steps
    print(f"{seconds:.3f} s a round (median of {len(results)}), {seconds * per_step:.0f} us a step "
          f"and core, {train_seconds * per_step:.0f} of them training", file=sys.stderr)
    print(json.dumps({
        "benchmark": "torch_peer", "torch": torch.__version__, "processes": options.processes,
        "clients": options.clients, "samples_per_client": SAMPLES_PER_CLIENT,
        "epochs": options.epochs, "rounds": options.rounds, "dense": options.dense,
        "steps_per_round": steps, "seconds_per_round": round(seconds, 4),
        "seconds_of_each_round": [round(r.seconds, 4) for r in results],
        "microseconds_per_step_and_core": round(seconds * per_step, 1),
        "train_microseconds_per_step_and_core": round(train_seconds * per_step, 1),
        "test_loss": round(results[-1].test_loss, 5),
        "test_accuracy": round(results[-1].test_accuracy, 4)}), flush=True)


def positive(text: str) -> int:
    if not text.isdigit() or int(text) == 0:
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive integer")
    return int(text)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--processes", type=positive, default=2, metavar="N")
    parser.add_argument("--clients", type=positive, default=150, metavar="N")
    parser.add_argument("--epochs", type=positive, default=5, metavar="N")
    parser.add_argument("--rounds", type=positive, default=5, metavar="N")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--dense", action="store_true", help="train all 784 inputs everywhere")
    parser.add_argument("--data", type=Path, default=Path("data/mnist"), metavar="DIRECTORY",
                        help="the four MNIST files, plain or .gz (default: data/mnist)")
    options = parser.parse_args()
    try:
        results = run(options)
    except (OSError, ValueError) as error:
        print(f"torch_peer.py: {error}", file=sys.stderr)
        return EXIT_USAGE
    report(options, results)
    return 0


if __name__ == "__main__":
    sys.exit(main())
