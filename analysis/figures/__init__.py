"""The figures, each a function that returns a matplotlib Figure.

A function raises NothingToDraw where its results hold nothing for it; it never returns
an empty plot. Figures over many runs draw means and spreads over seeds; those of one run
take its name and choose the first that fits if none is given.
"""

from .check import assert_drawn, drawn_values, empty_panels
from .clients import label_distribution, local_training
from .confusion import confusion_matrix
from .curves import centralized_training, federated_and_centralized, global_model
from .digits import sample_digits
from .studies import algorithms_under_skew, rounds_to_target
from .sweep import PUBLISHED, accuracy_over_epochs
from .timing import round_time_by_run, round_times, scaling, scaling_series

__all__ = [
    "PUBLISHED",
    "accuracy_over_epochs",
    "algorithms_under_skew",
    "assert_drawn",
    "centralized_training",
    "confusion_matrix",
    "drawn_values",
    "empty_panels",
    "federated_and_centralized",
    "global_model",
    "label_distribution",
    "local_training",
    "round_time_by_run",
    "round_times",
    "rounds_to_target",
    "sample_digits",
    "scaling",
    "scaling_series",
]
