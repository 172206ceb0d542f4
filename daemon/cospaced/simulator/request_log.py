"""Every request that reached a bridge, counted and (the latest of them) kept."""

from collections import Counter, deque
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from fnmatch import fnmatchcase
from typing import Protocol

from cospaced.simulator.api.asking import read_form


@dataclass(frozen=True, slots=True)
class Logged:
    """One request; `node` is its label (`calls/*/callLegs`), empty for a path nobody knows.

    `status` 0 and `size` 0: it was never answered. `effect` is the audit log's phrase.
    """

    at: datetime
    bridge: str
    client: str
    user: str
    method: str
    path: str
    query: str
    node: str
    body: bytes
    status: int
    size: int
    location: str
    effect: str

    @property
    def form(self) -> dict[str, str]:
        """Return the form that came with it."""
        return read_form(self.body)


class Listener(Protocol):
    """Told of each request as it is answered (or lost)."""

    def __call__(self, logged: Logged, /) -> None:
        """Take one request."""


class RequestLog:
    """Keeps the latest requests and counts them all."""

    def __init__(self, most: int = 100_000) -> None:
        self._latest: deque[Logged] = deque(maxlen=most)
        self._counts: Counter[tuple[str, str, str]] = Counter()
        self.listeners: list[Listener] = []

    def add(self, logged: Logged) -> None:
        """Take one request."""
        self._latest.append(logged)
        self._counts[logged.bridge, logged.method, logged.node] += 1
        for listener in self.listeners:
            listener(logged)

    def __iter__(self) -> Iterator[Logged]:
        return iter(self._latest)

    def __len__(self) -> int:
        return self._counts.total()

    def count(self, method: str = "*", node: str = "*", *, bridge: str = "") -> int:
        """Return how many requests there were; `node` as in fault rules (`*` for anything)."""
        wanted = node.lower()
        return sum(
            number
            for (where, how, what), number in self._counts.items()
            if bridge in ("", where)
            and method in ("*", how)
            and (node == "*" or fnmatchcase(what.lower(), wanted))
        )

    @property
    def writes(self) -> int:
        """How many requests were not GET."""
        return len(self) - self.count("GET")

    def matching(self, method: str = "*", node: str = "*") -> list[Logged]:
        """Return the latest requests that match, oldest first."""
        wanted = node.lower()
        return [
            one
            for one in self._latest
            if method in ("*", one.method)
            and (node == "*" or fnmatchcase(one.node.lower(), wanted))
        ]

    def clear(self) -> None:
        """Forget all, and count from zero."""
        self._latest.clear()
        self._counts.clear()
