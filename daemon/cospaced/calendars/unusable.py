"""Why one event cannot be understood; it becomes an `EventProblem` and costs nothing else."""

from cospaced.errors import CospacedError


class Unusable(CospacedError):
    """An event, or a part of one, is left out; the text ends a sentence about it.

    Raised by whatever reads a property or a rule, caught once for each event in `expand`.
    """
