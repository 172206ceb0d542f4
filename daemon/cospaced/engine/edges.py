"""The edges of the engine's parts: a fault of the program in one thing must not end the others."""

from collections.abc import Iterator
from contextlib import contextmanager

import structlog


log = structlog.get_logger()


class Edges:
    """Contains faults and tells of each once while it goes on: much is tried again each second."""

    def __init__(self) -> None:
        self._told: dict[tuple[str, str], type[Exception]] = {}

    @contextmanager
    def of(self, event: str, **keys: object) -> Iterator[None]:
        """Run a block to its end or its fault; a fault is logged as `event` with `keys`."""
        edge = (event, repr(keys))
        try:
            yield
        except Exception as fault:
            if self._told.get(edge) is not type(fault):
                log.exception(event, **keys)
            self._told[edge] = type(fault)
        else:
            self._told.pop(edge, None)
