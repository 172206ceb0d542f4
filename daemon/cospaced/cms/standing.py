"""How one Call Bridge stands: whether it is worth asking now.

After a connection error or a timeout it is tried again once a second, and whoever else asks is told
at once; the first answer of any kind ends that. After a refused log-in it is left alone for a
minute, so that a wrong password in the file does not lock the account. New credentials come with
a new bridge object, which begins with a clean slate.
"""

from dataclasses import dataclass, replace

from cospaced.errors import CospacedError
from cospaced.ports import Clock


TRY_AGAIN = 1.0
LOG_IN_AGAIN = 60.0


class HeldBack(CospacedError):
    """The bridge was not asked at all; `kind` as in Unreachable."""

    def __init__(self, kind: str, text: str) -> None:
        super().__init__(text)
        self.kind = kind


@dataclass(frozen=True, slots=True, kw_only=True)
class _Fault:
    kind: str
    text: str
    until: float


class Standing:
    """Remembers one bridge's last fault."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answered_at = float("-inf")
        self._broken: _Fault | None = None
        self._locked: _Fault | None = None

    @property
    def sound(self) -> bool:
        """Whether nothing is known against asking."""
        return self._broken is None and self._locked is None

    def admit(self) -> None:
        """Let one request pass, or raise HeldBack; while broken, one a second is let pass."""
        if self._broken is None and self._locked is None:
            return
        now = self._clock.monotonic()
        for fault in (self._locked, self._broken):
            if fault is not None and now < fault.until:
                raise HeldBack(fault.kind, fault.text)
        # The others wait for what this one finds; if it hangs, the next goes in a second.
        if self._broken is not None:
            self._broken = replace(self._broken, until=now + TRY_AGAIN)
        if self._locked is not None:
            self._locked = replace(self._locked, until=now + TRY_AGAIN)

    def answered(self, *, welcome: bool) -> None:
        """Note that the bridge answered something; `welcome`: not that the log-in is wrong."""
        self._answered_at = self._clock.monotonic()
        self._broken = None
        if welcome:
            self._locked = None

    def broke(self, kind: str, text: str, began: float) -> None:
        """Note that a request begun at `began` got no answer.

        Where the bridge answered another one meanwhile, it is that request that was unlucky.
        """
        if self._answered_at < began or self._broken is not None:
            until = self._clock.monotonic() + TRY_AGAIN
            self._broken = _Fault(kind=kind, text=text, until=until)

    def refused_login(self, text: str) -> None:
        """Note that name or password are wrong."""
        until = self._clock.monotonic() + LOG_IN_AGAIN
        self._locked = _Fault(kind="login", text=text, until=until)
