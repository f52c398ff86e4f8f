"""The figures, each a function that returns a matplotlib Figure.

A function raises NothingToDraw where its results hold nothing for it; it never returns
an empty plot. Figures over many runs draw means and spreads over seeds; those of one run
take its name and choose the first that fits if none is given. All take `width` ("page",
"column" or inches; type has the size of a caption's at each) and `title` (false where a
caption says what is shown).
"""

from .check import assert_drawn, drawn_values, empty_panels
from .clients import label_distribution, local_training
from .confusion import confusion_matrix
from .curves import centralized_training, federated_and_centralized, global_model
from .digits import sample_digits
from .privacy import accuracy_over_epsilon
from .studies import algorithms_under_skew, rounds_to_target
from .sweep import accuracy_over_epochs
from .timing import round_time_by_run, round_times, scaling, scaling_series

#: The figures that a study is all they need for.
OF_A_STUDY = tuple(
    draw.__name__
    for draw in (
        federated_and_centralized,
        global_model,
        centralized_training,
        accuracy_over_epochs,
        accuracy_over_epsilon,
        rounds_to_target,
        algorithms_under_skew,
        local_training,
        label_distribution,
        confusion_matrix,
        round_times,
        round_time_by_run,
        scaling,
    )
)

__all__ = [
    "OF_A_STUDY",
    "accuracy_over_epochs",
    "accuracy_over_epsilon",
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
