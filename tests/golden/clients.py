"""clients.h5: three rounds of federated algorithms with three clients, step by step.

Everything that is random is in the file, so that a program can replay it. Layout,
for the models M = logistic (6-3) and mlp (6-5-3, ReLU); R = 3 rounds, N = 3 clients,
S = all local steps in the order of round, client, epoch, batch:

    /M                      attributes: sizes, clients, rounds, epochs, batch_size,
                            parameters (their count)
    /M/x float32 [n, 6], /M/labels int32 [n]
    /M/client_offsets       int32 [N + 1]: client k holds samples offsets[k] to offsets[k+1] - 1
    /M/participants         int32 [R, N], 1: takes part in the round
    /M/step_round, step_client, step_epoch    int32 [S], from 0
    /M/step_indices         int32 [S, batch_size]: samples (rows of x), -1 after the last
    /M/initial/fcK.weight   float32 [out, in], and fcK.bias [out]
    /M/A                    attributes: algorithm, learning_rate, momentum (fresh each
                            round, unless persistent_momentum), weighting (samples or
                            uniform), mu, alpha, option
    /M/A/global/...         float32 [R, ...]: global parameters after each round
    /M/A/local/...          float32 [R, N, ...]: parameters at the end of local training
                            (zeros for a client that takes no part in the round)
    /M/A/train_loss         float64 [R, N]: mean cross-entropy a sample over all local
                            steps, before each step's update, without any penalty
    /M/A/train_correct      int32 [R, N]: the same for classified correctly
    /M/A/server_state/...   float32 [R, ...]: SCAFFOLD's c, FedDyn's h, after each round
    /M/A/client_state/...   float32 [R, N, ...]: SCAFFOLD's c_k, FedDyn's gradient g_k
    /M/A/normalised/...     float32 [R, N, ...]: FedNova's (w_k - w) / |a_k|_1
    /M/A/tau, a_norm        FedNova: int32 and float64 [R, N], local steps and |a_k|_1
    /M/A/tau_eff            FedNova: float64 [R]

The algorithms, with w the global parameters, y a client's, g the gradient of the
batch's mean loss at y, P the participants, p_k = n_k / sum of n over P (samples) or
1 / |P| (uniform), and SGD y -= learning_rate * g, by momentum v = momentum * v + g:

    fedavg      w = sum p_k y_k                         McMahan et al. 2017, Algorithm 1
    fedprox     g += mu (y - w)                         Li et al. 2020, equation 2
    scaffold    g += c - c_k                            Karimireddy et al. 2020, Algorithm 1
                option 1: c_k' = gradient at w of all samples of the client
                option 2: c_k' = c_k - c + (w - y_k) / (learning_rate * steps)
                w += mean over P of (y_k - w);  c += (1/N) sum over P of (c_k' - c_k)
    fednova     w += tau_eff sum p_k (y_k - w) / |a_k|_1    Wang et al. 2020, section 4
                tau_eff = sum p_k |a_k|_1;  |a|_1 = tau, and with momentum m
                |a|_1 = (tau - m (1 - m^tau) / (1 - m)) / (1 - m)
    feddyn      g += alpha (y - w) - g_k                Acar et al. 2021, Algorithm 1
                g_k -= alpha (y_k - w);  h -= (alpha/N) sum over P of (y_k - w)
                w = mean over P of y_k - h / alpha

Controls, gradients and h start at zero. Arithmetic is float64, rounded to float32.
"""

from __future__ import annotations

import math
from collections import OrderedDict
from dataclasses import asdict, dataclass, field

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from golden import Golden
from mlp import initial_state

ROUNDS, CLIENTS, EPOCHS, BATCH_SIZE = 3, 3, 2, 4
CLIENT_SAMPLES = [10, 5, 13]
PARTICIPANTS = np.int32([[1, 1, 1], [1, 0, 1], [0, 1, 1]])


@dataclass(frozen=True)
class Settings:
    """One algorithm and its numbers; see the module's docstring."""

    algorithm: str
    learning_rate: float = 0.1
    momentum: float = 0.0
    persistent_momentum: int = 0
    weighting: str = "samples"
    mu: float = 0.0
    alpha: float = 0.0
    option: int = 0


CASES = {
    "fedavg": Settings("fedavg"),
    "fedavg_uniform": Settings("fedavg", weighting="uniform"),
    "fedavg_momentum": Settings("fedavg", momentum=0.9),
    "fedavg_persistent_momentum": Settings("fedavg", momentum=0.9, persistent_momentum=1),
    "fedprox": Settings("fedprox", mu=0.1),
    "fedprox_momentum": Settings("fedprox", momentum=0.9, mu=0.1),
    "scaffold_1": Settings("scaffold", weighting="uniform", option=1),
    "scaffold_2": Settings("scaffold", weighting="uniform", option=2),
    "fednova": Settings("fednova"),
    "fednova_momentum": Settings("fednova", momentum=0.9),
    "feddyn": Settings("feddyn", weighting="uniform", alpha=0.1),
}


@dataclass
class Problem:
    """A model's shapes, its data and its schedule of batches."""

    sizes: list[int]
    x: Tensor
    labels: Tensor
    offsets: np.ndarray
    steps: list[tuple[int, int, int, np.ndarray]]  # round, client, epoch, samples
    initial: OrderedDict

    def tensors(self, w: Tensor) -> OrderedDict:
        """The parameter vectors [..., n] as named tensors [..., out, in] and [..., out]."""
        parts = w.split([value.size for value in self.initial.values()], dim=-1)
        return OrderedDict((name, part.reshape(*w.shape[:-1], *value.shape))
                           for (name, value), part in zip(self.initial.items(), parts))

    def vector(self) -> Tensor:
        return torch.cat([torch.from_numpy(v).double().flatten() for v in self.initial.values()])

    def gradient(self, w: Tensor, samples: np.ndarray) -> tuple[Tensor, float, int]:
        """Gradient of the mean loss of `samples` at `w`, the loss, and the number correct."""
        leaf = w.detach().requires_grad_()
        parameters, h = list(self.tensors(leaf).values()), self.x[samples]
        for layer, (weight, bias) in enumerate(zip(parameters[::2], parameters[1::2])):
            h = F.linear(torch.relu(h) if layer else h, weight, bias)
        loss = F.cross_entropy(h, self.labels[samples])
        gradient, = torch.autograd.grad(loss, leaf)
        return gradient, loss.item(), int((h.argmax(1) == self.labels[samples]).sum())

    def client_samples(self, k: int) -> np.ndarray:
        return np.arange(self.offsets[k], self.offsets[k + 1])


@dataclass
class Run:
    """State of one run: server's and clients' vectors, and what is recorded."""

    problem: Problem
    settings: Settings
    w: Tensor
    server: Tensor  # [n]
    clients: Tensor  # [N, n]
    momenta: Tensor  # [N, n]
    records: dict[str, list] = field(default_factory=dict)

    def record(self, **values) -> None:
        for name, value in values.items():
            self.records.setdefault(name, []).append(
                value.clone() if isinstance(value, Tensor) else value)


def correction(run: Run, y: Tensor, k: int) -> Tensor | float:
    """What the algorithm adds to the gradient of a step at `y`."""
    s = run.settings
    return {"fedavg": 0.0, "fednova": 0.0, "fedprox": s.mu * (y - run.w),
            "scaffold": run.server - run.clients[k],
            "feddyn": s.alpha * (y - run.w) - run.clients[k]}[s.algorithm]


def local_training(run: Run, number: int, k: int) -> tuple[Tensor, int, float, int]:
    """Client k's parameters after its steps of round `number`, steps, mean loss, correct."""
    s, y, seen, loss_sum, correct, steps = run.settings, run.w.clone(), 0, 0.0, 0, 0
    if not s.persistent_momentum:
        run.momenta[k] = 0
    for step_round, client, _, samples in run.problem.steps:
        if (step_round, client) != (number, k):
            continue
        g, loss, right = run.problem.gradient(y, samples)
        run.momenta[k] = s.momentum * run.momenta[k] + g + correction(run, y, k)
        y = y - s.learning_rate * run.momenta[k]
        seen, steps = seen + len(samples), steps + 1
        loss_sum, correct = loss_sum + loss * len(samples), correct + right
    return y, steps, loss_sum / seen, correct


def new_control(run: Run, y: Tensor, k: int, steps: int) -> Tensor:
    """SCAFFOLD's c_k' after local training that ended at `y`."""
    if run.settings.option == 1:
        return run.problem.gradient(run.w, run.problem.client_samples(k))[0]
    return (run.clients[k] - run.server
            + (run.w - y) / (run.settings.learning_rate * steps))


def a_norm(steps: int, momentum: float) -> float:
    """|a|_1 of FedNova for SGD with momentum; Wang et al. 2020, section 4."""
    return sum((1 - momentum**(j + 1)) / (1 - momentum) for j in range(steps))


def one_round(run: Run, number: int) -> None:
    """Local training of the participants, then the server's step."""
    s, local = run.settings, torch.zeros_like(run.clients)
    taking_part = np.flatnonzero(PARTICIPANTS[number])
    n_k = np.diff(run.problem.offsets) if s.weighting == "samples" else np.ones(CLIENTS)
    p = PARTICIPANTS[number] * n_k / (PARTICIPANTS[number] * n_k).sum()
    tau, correct = np.zeros(CLIENTS, np.int32), np.zeros(CLIENTS, np.int32)
    losses = np.zeros(CLIENTS)
    for k in taking_part:
        local[k], tau[k], losses[k], correct[k] = local_training(run, number, k)
    deltas = {k: local[k] - run.w for k in taking_part}
    mean_delta = sum(p[k] * deltas[k] for k in taking_part)

    w = run.w + mean_delta
    if s.algorithm == "scaffold":
        controls = {k: new_control(run, local[k], k, tau[k]) for k in taking_part}
        run.server = run.server + sum(controls[k] - run.clients[k] for k in taking_part) / CLIENTS
        for k in taking_part:
            run.clients[k] = controls[k]
    elif s.algorithm == "fednova":
        norms = np.array([a_norm(t, s.momentum) for t in tau])
        normalised = torch.zeros_like(local)
        for k in taking_part:
            normalised[k] = deltas[k] / norms[k]
        tau_eff = float(p @ norms)
        w = run.w + tau_eff * sum(p[k] * normalised[k] for k in taking_part)
        run.record(normalised=normalised, tau=tau, a_norm=norms, tau_eff=tau_eff)
    elif s.algorithm == "feddyn":
        run.server = run.server - s.alpha / CLIENTS * sum(deltas.values())
        for k in taking_part:
            run.clients[k] -= s.alpha * deltas[k]
        w = w - run.server / s.alpha
    run.w = w
    run.record(**{"global": run.w}, local=local, train_loss=losses, train_correct=correct)
    if s.algorithm in ("scaffold", "feddyn"):
        run.record(server_state=run.server, client_state=run.clients)


def run_case(problem: Problem, settings: Settings) -> Run:
    w = problem.vector()
    zeros = torch.zeros(CLIENTS, len(w), dtype=torch.float64)
    run = Run(problem, settings, w, torch.zeros_like(w), zeros.clone(), zeros.clone())
    for number in range(ROUNDS):
        one_round(run, number)
    return run


def make_problem(sizes: list[int], rng: np.random.RandomState) -> Problem:
    """Clients of different sizes whose classes differ, and their batches."""
    offsets = np.cumsum([0] + CLIENT_SAMPLES).astype(np.int32)
    labels = np.concatenate([rng.choice(sizes[-1], n, p=np.roll([0.6, 0.3, 0.1], k))
                             for k, n in enumerate(CLIENT_SAMPLES)])
    centers = rng.normal(size=(sizes[-1], sizes[0]))
    x = (centers[labels] + rng.normal(size=(len(labels), sizes[0]))).astype(np.float32)
    steps = []
    for number, k in zip(*np.nonzero(PARTICIPANTS)):
        for epoch in range(EPOCHS):
            order = offsets[k] + rng.permutation(CLIENT_SAMPLES[k])
            steps += [(number, k, epoch, order[i:i + BATCH_SIZE])
                      for i in range(0, len(order), BATCH_SIZE)]
    return Problem(sizes, torch.from_numpy(x).double(), torch.from_numpy(labels).long(), offsets,
                   steps, initial_state(sizes, rng))


def put_problem(golden: Golden, group: str, problem: Problem) -> None:
    indices = np.full((len(problem.steps), BATCH_SIZE), -1, np.int32)
    for row, (*_, samples) in zip(indices, problem.steps):
        row[:len(samples)] = samples
    numbers = np.int32([step[:3] for step in problem.steps])
    golden.describe(group, sizes=np.int32(problem.sizes), clients=CLIENTS, rounds=ROUNDS,
                    epochs=EPOCHS, batch_size=BATCH_SIZE,
                    parameters=sum(math.prod(v.shape) for v in problem.initial.values()))
    golden.put(group, x=problem.x.numpy().astype(np.float32),
               labels=problem.labels.numpy().astype(np.int32), client_offsets=problem.offsets,
               participants=PARTICIPANTS, step_round=numbers[:, 0], step_client=numbers[:, 1],
               step_epoch=numbers[:, 2], step_indices=indices)
    golden.put_all(f"{group}/initial", problem.initial)


def put_run(golden: Golden, group: str, run: Run) -> None:
    golden.describe(group, **asdict(run.settings))
    for name, values in run.records.items():
        if isinstance(values[0], Tensor):
            golden.put_all(f"{group}/{name}", {
                key: value.numpy().astype(np.float32)
                for key, value in run.problem.tensors(torch.stack(values)).items()})
        else:
            golden.put(group, **{name: np.stack(values)})


def check_identities(problem: Problem, runs: dict[str, Run]) -> None:
    """What must hold between the algorithms, whatever the data."""
    def same(a: Tensor, b: Tensor) -> None:
        torch.testing.assert_close(a, b, rtol=0, atol=1e-12)

    prox = run_case(problem, Settings("fedprox", mu=0.0))
    same(prox.w, runs["fedavg"].w)
    same(runs["scaffold_1"].records["global"][0], runs["fedavg_uniform"].records["global"][0])
    same(runs["scaffold_1"].server, runs["scaffold_1"].clients.mean(0))
    same(runs["scaffold_2"].server, runs["scaffold_2"].clients.mean(0))
    same(runs["feddyn"].server, runs["feddyn"].clients.mean(0))
    closed = (7 - 0.9 * (1 - 0.9**7) / (1 - 0.9)) / (1 - 0.9)
    assert math.isclose(a_norm(7, 0.9), closed) and a_norm(7, 0.0) == 7


def build() -> Golden:
    golden = Golden()
    golden.describe("/", title="federated algorithms, step by step", layout=__doc__)
    rng = np.random.RandomState(300)
    for name, sizes in (("logistic", [6, 3]), ("mlp", [6, 5, 3])):
        problem = make_problem(sizes, rng)
        runs: dict[str, Run] = {case: run_case(problem, s) for case, s in CASES.items()}
        check_identities(problem, runs)
        put_problem(golden, f"/{name}", problem)
        for case, run in runs.items():
            put_run(golden, f"/{name}/{case}", run)
    return golden
