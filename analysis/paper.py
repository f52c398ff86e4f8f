"""The study that fedmpi grew from: Peng et al. 2022 (doi 10.3837/tiis.2022.02.020)."""

from typing import Any, Dict, Tuple

from .study import Study

#: The final test accuracies that it reports.
PUBLISHED: Dict[str, Tuple[float, float]] = {
    "federated": (0.93, 0.94),
    "centralized": (0.97, 0.98),
}

#: What it reports them for; it varies the local epochs E.
_CONDITIONS: Dict[str, Any] = {
    "data.dataset": "mnist",
    "partition.scheme": "iid",
    "partition.clients": 150,
    "partition.samples_per_client": 300,
    "model.type": "mlp",
    "model.hidden": "200,200",
    "training.batch_size": 32,
    "training.learning_rate": 0.01,
    "training.momentum": 0.9,
    "federated.algorithm": "fedavg",
    "federated.rounds": 20,
}


def is_repeated_by(study: Study) -> bool:
    """Whether all runs have the study's configuration, so that its numbers may stand beside."""
    runs = study.runs
    return all(key in runs and (runs[key] == value).all() for key, value in _CONDITIONS.items())
