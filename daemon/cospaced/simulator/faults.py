"""Faults: what goes wrong with a request, by chance (knobs) or because a test asked for it.

A rule names a method and a node (`calls/*/callLegs`, in any case, `*` for anything) and strikes the
next requests that match, each as often as it says.
"""

from dataclasses import dataclass
from enum import StrEnum
from fnmatch import fnmatchcase

from cospaced.ports import Entropy
from cospaced.simulator.knobs import Knobs


class Fault(StrEnum):
    """What happens to one request."""

    LOST_BEFORE = "lost before"
    """The connection is closed, nothing was done."""
    LOST_AFTER = "lost after"
    """It was done, then the connection is closed."""
    SILENT_BEFORE = "silent before"
    """Never answered, nothing was done."""
    SILENT_AFTER = "silent after"
    """It was done and is never answered."""
    BUSY = "busy"
    """503, nothing was done."""
    REFUSED = "refused"
    """A failure reason, nothing was done."""
    SLOW = "slow"
    """Done and answered, with more latency."""


@dataclass(slots=True, kw_only=True, eq=False)
class Rule:
    """A fault to come; `times` None: at every match until `cancel`."""

    method: str
    node: str
    fault: Fault
    bridge: str = ""
    times: int | None = 1
    reason: str = ""
    """The failure reason of `REFUSED`."""
    before: float = 0.0
    after: float = 0.0
    """More seconds of latency before and after the effect."""
    hits: int = 0
    """How often it struck."""

    def cancel(self) -> None:
        """Strike no more."""
        self.times = 0

    def strikes(self, bridge: str, method: str, node: str) -> bool:
        """Whether it concerns this request."""
        return (
            self.times != 0
            and self.method in ("*", method)
            and self.bridge in ("", bridge)
            and fnmatchcase(node.lower(), self.node.lower())
        )


class Faults:
    """The rules in force."""

    def __init__(self, entropy: Entropy) -> None:
        self._entropy = entropy
        self._rules: list[Rule] = []

    def next(  # noqa: PLR0913 - a test names just what it needs
        self,
        method: str,
        node: str,
        fault: Fault,
        *,
        bridge: str = "",
        times: int | None = 1,
        reason: str = "",
        before: float = 0.0,
        after: float = 0.0,
    ) -> Rule:
        """Let a fault strike the next matching requests; the rule returned counts its hits."""
        rule = Rule(
            method=method,
            node=node,
            fault=fault,
            bridge=bridge,
            times=times,
            reason=reason,
            before=before,
            after=after,
        )
        self._rules.append(rule)
        return rule

    def clear(self) -> None:
        """Forget every rule."""
        self._rules.clear()

    def draw(self, knobs: Knobs, bridge: str, method: str, node: str) -> Rule | None:
        """Return the fault of one request, or None."""
        for rule in self._rules:
            if rule.strikes(bridge, method, node):
                rule.hits += 1
                if rule.times is not None:
                    rule.times -= 1
                    if rule.times == 0:
                        self._rules.remove(rule)
                return rule
        return self._by_chance(knobs, method, node)

    def _by_chance(self, knobs: Knobs, method: str, node: str) -> Rule | None:
        rates = (
            (Fault.BUSY, knobs.busy_rate),
            (Fault.LOST_BEFORE, knobs.lost_before_rate),
            (Fault.LOST_AFTER, knobs.lost_after_rate),
            (Fault.SILENT_AFTER, knobs.silent_rate),
        )
        for fault, rate in rates:
            if rate > 0 and self._entropy.uniform(0, 1) < rate:
                return Rule(method=method, node=node, fault=fault)
        return None
