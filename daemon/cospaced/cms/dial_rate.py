"""How many call legs may be started in a second, over all Call Bridges together."""

from cospaced.ports import Clock


class DialRate:
    """Spaces dials evenly: one each 1/`rate` seconds; None sets no limit.

    Evenly and not in bursts: what a limit protects (the call control behind CMS, a trunk) sees
    each dial at once. Shared by all bridges of a cluster.
    """

    def __init__(self, rate: float | None, clock: Clock) -> None:
        self._spacing = 1 / rate if rate else 0.0
        self._clock = clock
        self._free_at = 0.0

    async def turn(self) -> None:
        """Wait until the next dial may go."""
        if not self._spacing:
            return
        now = self._clock.monotonic()
        at = max(now, self._free_at)
        self._free_at = at + self._spacing
        if at > now:
            await self._clock.sleep(at - now)
