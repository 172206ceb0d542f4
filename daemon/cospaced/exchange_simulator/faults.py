"""Faults: what goes wrong with a request, by chance (knobs) or because a test asked for it.

A rule names an operation (`FindItem`, `*` for any) and strikes the next requests that match, each
as often as it says. It strikes after the login, so that a handshake is never torn in two.
"""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from cospaced.exchange_simulator.state import State


class Fault(StrEnum):
    """What happens to one request."""

    SOAP_FAULT = "SOAP fault"
    """A SOAP fault with `code`, HTTP 500, nothing was done; `back_off` as BackOffMilliseconds."""
    MESSAGE = "error message"
    """`code` in a response message, HTTP 200, nothing was done; `back_off` as above."""
    UNAVAILABLE = "unavailable"
    """503, with `retry_after`."""
    THROTTLED = "throttled"
    """429, with `retry_after`."""
    UNAUTHORIZED = "unauthorized"
    """401, whatever the password."""
    FORBIDDEN = "forbidden"
    """403."""
    REDIRECTED = "redirected"
    """302 to `target`."""
    HTML = "HTML"
    """200 with a web page, as a proxy or a log-in form gives."""
    HTML_ERROR = "HTML error"
    """500 with a web page."""
    EMPTY = "empty"
    """200 without a body."""
    RESET = "reset"
    """The connection is reset, nothing was done."""
    RESET_AFTER = "reset after"
    """It was done, then the connection is reset."""
    HANG = "hang"
    """Never answered, nothing was done."""
    SLOW = "slow"
    """Done and answered, `seconds` late."""
    TRUNCATED = "truncated"
    """A part of the body, framed as if it were the whole."""
    TRUNCATED_UNTIL_CLOSE = "truncated until close"
    """A part of the body without a length, ended by closing the connection."""
    TRUNCATED_LENGTH = "truncated length"
    """A part of the body under the length of the whole, then the connection is closed."""
    TRUNCATED_CHUNKED = "truncated chunked"
    """A part of a chunked body, then the connection is closed."""
    DRIP = "drip"
    """The body in pieces, `seconds` between one and the next."""
    STREAM_DIES = "stream dies"
    """A stream's connection is reset after `envelopes`."""


@dataclass(slots=True, kw_only=True, eq=False)
class Rule:
    """A fault to come; `times` None: at every match until `cancel`."""

    fault: Fault
    operation: str = "*"
    mailbox: str = "*"
    """The address that a request is about, as far as it says."""
    times: int | None = 1
    code: str = "ErrorServerBusy"
    back_off: int | None = None
    """Milliseconds."""
    retry_after: int | None = None
    """Seconds."""
    seconds: float = 0.0
    keep: float = 0.6
    """The part of a body that a truncation leaves."""
    pieces: int = 20
    """Of a body that drips."""
    envelopes: int = 1
    target: str = "/owa/auth/logon.aspx"
    hits: int = 0
    """How often it struck."""

    def cancel(self) -> None:
        """Strike no more."""
        self.times = 0

    def strikes(self, operation: str, mailbox: str) -> bool:
        """Whether it concerns this request."""
        return (
            self.times != 0
            and fnmatchcase(operation, self.operation)
            and fnmatchcase(mailbox.lower(), self.mailbox.lower())
        )


class Faults:
    """The rules in force; the oldest that matches strikes."""

    def __init__(self, state: State) -> None:
        self._state = state
        self._rules: list[Rule] = []

    def add(self, rule: Rule) -> Rule:
        """Let a fault strike the next matching requests; the rule counts its hits."""
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()

    def draw(self, operation: str, mailbox: str) -> Rule | None:
        """Return the fault of one request, or None."""
        for rule in self._rules:
            if rule.strikes(operation, mailbox):
                rule.hits += 1
                if rule.times is not None:
                    rule.times -= 1
                return rule
        return self._by_chance()

    def latency(self) -> float:
        """Return how many seconds a request waits before its effect."""
        low, high = self._state.knobs.latency
        return low if low == high else self._state.entropy.uniform(low, high)

    def _by_chance(self) -> Rule | None:
        knobs = self._state.knobs
        rates = ((Fault.SOAP_FAULT, knobs.busy_rate), (Fault.RESET_AFTER, knobs.reset_rate))
        for fault, rate in rates:
            if rate > 0 and self._state.entropy.uniform(0, 1) < rate:
                return Rule(fault=fault)
        return None
