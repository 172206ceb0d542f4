"""Whether a calendar holds still, or turns good and bad by turns.

It may for hours: one of two servers behind one address is broken, a disk is full every other
minute. A line for each turn would bury the journal, so the third within an hour is told as what it
is and then no more, until the calendar has been good for a while. Moments are seconds on a clock
that never steps.
"""

from dataclasses import dataclass, replace


TURNS = 3
WITHIN = 3600.0
REST = 900.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Steadiness:
    """`turns` are the last ones to bad, `bad_at` is when it last was so.

    `count` turns were seen since `flapping_since`, which is None where it holds still.
    """

    turns: tuple[float, ...] = ()
    bad_at: float = 0.0
    flapping_since: float | None = None
    count: int = 0

    @property
    def flapping(self) -> bool:
        """Whether it is known to turn by turns."""
        return self.flapping_since is not None

    def bad(self, now: float, *, turned: bool) -> "Steadiness":
        """Return it after a bad answer; `turned`: the answer before was a good one."""
        if not turned:
            return replace(self, bad_at=now)
        turns = (*(turn for turn in self.turns if now - turn < WITHIN), now)[-TURNS:]
        since = self.flapping_since
        if since is None and len(turns) == TURNS:
            since = turns[0]
        count = len(turns) if not self.flapping else self.count + 1
        return Steadiness(turns=turns, bad_at=now, flapping_since=since, count=count)

    def rested(self, now: float) -> bool:
        """Whether it was known to turn by turns and has been good for long enough."""
        return self.flapping and now - self.bad_at >= REST
