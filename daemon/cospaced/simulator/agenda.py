"""What will happen by itself, and when: the simulator's only notion of passing time.

Nothing runs in the background. Whoever looks at the cluster calls `settle` first, and everything
that fell due meanwhile happens then, in order, each at its own moment. So the same cluster runs
in virtual time and for real.
"""

import heapq
from collections.abc import Callable
from datetime import datetime, timedelta
from itertools import count

from cospaced.ports import Clock


class Agenda:
    """Timed actions on a clock."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._heap: list[tuple[float, int, Callable[[], object]]] = []
        self._order = count()
        self._moment: float | None = None

    @property
    def moment(self) -> float:
        """Return the monotonic time: of the action that happens now, else of the clock."""
        return self.clock.monotonic() if self._moment is None else self._moment

    def wall(self) -> datetime:
        """Return the wall clock's time at `moment`."""
        now = self.clock.now()
        if self._moment is None:
            return now
        return now - timedelta(seconds=self.clock.monotonic() - self._moment)

    def after(self, seconds: float, action: Callable[[], object]) -> None:
        """Let something happen later; zero seconds is at the next settling."""
        heapq.heappush(self._heap, (self.moment + seconds, next(self._order), action))

    def settle(self) -> None:
        """Let everything happen that is due by now."""
        if self._moment is not None or not self._heap:
            return
        now = self.clock.monotonic()
        try:
            while self._heap and self._heap[0][0] <= now:
                self._moment, _, action = heapq.heappop(self._heap)
                action()
        finally:
            self._moment = None
