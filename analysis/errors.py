"""What can go wrong that the user can do something about."""


class ResultsError(Exception):
    """The results, or what was asked of them, cannot be used; the message says why."""


class NothingToDraw(ResultsError):
    """A figure was asked of results that hold nothing for it."""
