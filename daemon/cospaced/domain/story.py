"""A booking's story in words: what its lines say, and how long it may grow.

Lines hold no title, organizer, passcode or secret, so that a story may be pasted into a ticket.
Moments in them are `2026-11-23T09:00:00Z`; whoever shows them puts them into local time.
"""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TypeVar

from cospaced.domain.booking import Dial, DialState
from cospaced.domain.calendar import Copy
from cospaced.domain.draft import Mark
from cospaced.domain.writes import Outcome, Result


Line = tuple[str, str]
"""`seen`, `decided`, `asked`, `answered` or `looked`, and the text."""

T = TypeVar("T")

LONGEST = 400
"""Lines at which a story is shortened, so that nothing that flaps fills the disk."""
FIRST = 100
LAST = 200
CUT = "lines are left out here: a story keeps its first and its last ones"


def shortened(lines: Sequence[T], cut: T) -> list[T]:
    """Return a story without its middle, where it has grown too long; `cut` says so."""
    if len(lines) <= LONGEST:
        return list(lines)
    return [*lines[:FIRST], cut, *lines[-LAST:]]


def moment_text(at: datetime) -> str:
    """Return a moment as it stands in a line."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def copy_text(copy: Copy, left_out: str = "") -> str:
    """Say what one room's copy of the occurrence says, and why it is left out if it is."""
    event = copy.occurrence
    stamp = f" of {moment_text(event.stamp)}" if event.stamp else ""
    says = (
        f"{copy.room} (calendar {copy.source}): {moment_text(event.start)} to "
        f"{moment_text(event.end)}, revision {event.sequence}{stamp}"
    )
    if copy.held:
        says = f"{says}; goes on as last read, for it cannot be understood now: {copy.held}"
    return f"{says}; left out: {left_out}" if left_out else says


_WHAT = {
    "open": "set up the space",
    "close": "lock the space",
    "call": "start the call",
    "dial": "dial",
    "end": "end the call",
    "drop": "hang up on",
    "free": "take out of the other call",
    "warn": "show a message",
}


def purpose(mark: Mark) -> str:
    """Say what a request is for."""
    whom = mark[1] if mark[0] in ("dial", "drop", "free") else ""
    return f"{_WHAT[mark[0]]} {whom}".rstrip()


def answer_text(outcome: Outcome, bridge: str) -> str:
    """Say how a request ended: status, id and reason as CMS gave them."""
    whom = f" from {bridge}" if bridge else ""
    status = str(outcome.status) if outcome.status else "done"
    match outcome.result:
        case Result.DONE if not outcome.sent:
            return f"not sent, {outcome.reason}"
        case Result.DONE:
            made = f", Location id {outcome.id}" if outcome.id else ""
            why = f" ({outcome.reason})" if outcome.reason else ""
            return f"{status}{whom}{made}{why}"
        case Result.REFUSED:
            what = f"refused, {outcome.status}" if outcome.status else "refused"
            return f"{what}{whom}: {outcome.reason}"
        case Result.UNKNOWN if not outcome.sent:
            return f"not sent: {outcome.reason}"
        case Result.UNKNOWN:
            what = f"{outcome.status}" if outcome.status else "no answer"
            return f"{what}{whom}: {outcome.reason}"


def dial_text(dial: Dial, now: datetime, *, over: bool = False, obstacle: str = "") -> str:
    """Say where the dialling of one endpoint is, or was when the booking was `over`.

    `obstacle`: what keeps, or kept, the booking's endpoints from being dialled.
    """
    tries = dial.attempt - dial.base
    times = f"{tries} attempt" if tries == 1 else f"{tries} attempts"
    if over and (told := _at_the_end(dial, times if tries else "", obstacle)):
        return told
    match dial.state:
        case DialState.DUE:
            return _due_text(dial, now, times if tries else "", obstacle)
        case DialState.INTENDED:
            return f"being dialled, attempt {tries}"
        case DialState.DOUBT:
            return f"dialled without an answer from CMS, being looked for ({dial.reason})"
        case DialState.PLACED:
            return f"ringing, attempt {tries}" if tries else "ringing"
        case DialState.CONNECTED:
            how = f"connected at attempt {tries}" if tries else "connected, came by itself"
            return f"{how}, stayed to the end" if over else how
        case DialState.LEFT:
            return f"left: {dial.reason or 'hung up'}"
        case DialState.GAVE_UP:
            after = f"gave up after {times}" if tries else "never dialled"
            return f"{after}: {dial.reason}"
        case DialState.DROPPED:
            return f"dropped: {dial.reason}"


def _at_the_end(dial: Dial, times: str, obstacle: str) -> str:
    """Say how far dialling had come that the end cut short; empty where it had ended before."""
    match dial.state:
        case DialState.DUE:
            reason = dial.reason or obstacle or "no reason known"
            return f"not in after {times}: {reason}" if times else f"never dialled: {reason}"
        case DialState.INTENDED:
            return f"was being dialled at the end, after {times}"
        case DialState.DOUBT:
            return f"dialled without an answer from CMS ({dial.reason})"
        case DialState.PLACED:
            return f"was ringing at the end, after {times}" if times else "was ringing at the end"
        case _:
            return ""


def _due_text(dial: Dial, now: datetime, times: str, obstacle: str) -> str:
    again = moment_text(dial.not_before) if dial.not_before and times else ""
    if again:
        return f"not in yet after {times}: {dial.reason or 'no reason known'}; next at {again}"
    if reason := dial.reason or obstacle:
        return f"not dialled: {reason}"
    at = max(dial.due, dial.not_before or dial.due)
    told = "to be dialled" if now <= at else "not dialled yet, due"
    return f"{told} at {moment_text(at)}"
