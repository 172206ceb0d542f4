"""Records that could not be written at once: a bounded queue that keeps the important ones.

Pure bookkeeping for the log's sinks (`host.journal`, `host.log_stream`); it writes nothing. Full,
it gives up the oldest minor record (info, debug) first; with none left, a new record is given up:
of warnings and errors the first ones tell the cause.
"""

from collections import deque


CAPACITY = 1_000
"""Records held."""
CAPACITY_BYTES = 4 << 20
"""Bytes held, so that a few giant records cannot eat the memory either."""


class Backlog:
    """First in, first out; `lost` counts what was given up since the daemon started."""

    def __init__(self, *, records: int = CAPACITY, size: int = CAPACITY_BYTES) -> None:
        self._records = records
        self._bytes = size
        self._minor: deque[tuple[int, bytes]] = deque()
        self._major: deque[tuple[int, bytes]] = deque()
        self._next = 0
        self._held = 0
        self.lost = 0

    def __len__(self) -> int:
        return len(self._minor) + len(self._major)

    def push(self, payload: bytes, *, minor: bool) -> None:
        """Hold a record, or give one up."""
        while self._full(payload) and self._minor:
            self._held -= len(self._minor.popleft()[1])
            self.lost += 1
        if self._full(payload):
            self.lost += 1
            return
        (self._minor if minor else self._major).append((self._next, payload))
        self._next += 1
        self._held += len(payload)

    def first(self) -> bytes | None:
        """Return the oldest record, still held, or None."""
        queue = self._oldest()
        return queue[0][1] if queue else None

    def drop_first(self) -> None:
        """Forget the oldest record: it was written."""
        self._held -= len(self._oldest().popleft()[1])

    def _oldest(self) -> deque[tuple[int, bytes]]:
        if not self._minor or (self._major and self._major[0][0] < self._minor[0][0]):
            return self._major
        return self._minor

    def _full(self, payload: bytes) -> bool:
        return len(self) >= self._records or self._held + len(payload) > self._bytes
