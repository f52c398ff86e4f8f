"""Read, plot and report the results of fedmpi.

    import analysis  # in a checkout; installed: import fedmpi_analysis as analysis
    study = analysis.load("results/*.h5")
    study.runs        # a run a row: configuration, provenance, final accuracies, totals
    study.rounds      # the global model round by round
    study.summary()   # mean, standard deviation and 95 % confidence over seeds
    analysis.figures.global_model(study).savefig("rounds.pdf")

Commands: `python3 -m analysis.plot`, `analysis.report`, `analysis.table`, `analysis.merge`,
and `analysis.execute` for the notebooks; each has --help.
"""

from . import needs

needs.check()  # before anything imports what is missing

from importlib import import_module
from types import ModuleType

from .errors import NothingToDraw, ResultsError
from .study import Study, load

__all__ = ["NothingToDraw", "ResultsError", "Study", "figures", "load", "mcmahan", "skew"]


def __getattr__(name: str) -> ModuleType:
    """The modules that a user asks for by `analysis.NAME`, imported when that happens."""
    if name in ("figures", "mcmahan", "skew"):
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
