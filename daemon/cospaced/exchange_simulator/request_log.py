"""Every request that reached the simulator, counted and (the latest of them) kept."""

from collections import Counter, deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True, kw_only=True)
class Logged:
    """One request; of a stream, one for each envelope that went out.

    `operation` is that of EWS; `login` for a login that was refused, `token` for a request to the
    token endpoint. `status` 0: it was never answered. `body` is the answer as it was before a fault
    tore it.
    """

    at: datetime
    account: str
    operation: str
    mailbox: str
    request: bytes
    status: int
    body: str
    fault: str = ""


class RequestLog:
    """Keeps the latest requests and counts them all."""

    def __init__(self, most: int = 1_000) -> None:
        self._latest: deque[Logged] = deque(maxlen=most)
        self._counts: Counter[str] = Counter()
        self.listeners: list[Callable[[Logged], None]] = []

    def add(self, logged: Logged) -> None:
        """Take one request."""
        self._latest.append(logged)
        self._counts[logged.operation] += 1
        for listener in self.listeners:
            listener(logged)

    def __iter__(self) -> Iterator[Logged]:
        return iter(self._latest)

    def count(self, operation: str = "") -> int:
        """Return how many requests there were, of one operation or of all."""
        return self._counts[operation] if operation else self._counts.total()

    def clear(self) -> None:
        """Forget all, and count from zero."""
        self._latest.clear()
        self._counts.clear()
