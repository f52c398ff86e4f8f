"""Read, plot and report the results of fedmpi.

    import analysis
    study = analysis.load("results/*.h5")
    study.runs        # a run a row: configuration, provenance, final accuracies, totals
    study.rounds      # the global model round by round
    study.summary()   # mean, standard deviation and 95 % confidence over seeds

    from analysis import figures
    figures.global_model(study).savefig("rounds.png")

Commands: `python3 -m analysis.plot`, `analysis.report`, `analysis.table`, `analysis.merge`,
and `analysis.execute` for the notebooks; each has --help.
"""

from .errors import NothingToDraw, ResultsError
from .study import Study, load

__all__ = ["NothingToDraw", "ResultsError", "Study", "load"]
