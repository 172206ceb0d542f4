"""What the demo promises, each judged from the facts alone."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta

from cospaced.commands.demonstration.evidence import Facts, Held
from cospaced.commands.demonstration.site import POOL_SIZE
from cospaced.commands.demonstration.story import AULA, BOARDROOM, CELLAR, LIBRARY
from cospaced.commands.demonstration.witness import Kind


IN_TIME_MS = 1000
CLOSED_WITHIN = timedelta(seconds=3)
"""After its end nobody sits in a conference any more."""
SEEN_WITHIN = timedelta(seconds=3)
_CONFERENCES = 2


@dataclass(frozen=True, slots=True, kw_only=True)
class Promise:
    """A promise, whether it was kept, and what was counted."""

    text: str
    kept: bool
    counted: str = ""


def judge(facts: Facts, broken: str = "") -> list[Promise]:
    """Return every promise; `broken` is what the story gave up for."""
    promises = []
    if broken:
        promises.append(Promise(text=f"Awaited in vain: {broken}", kept=False))
    if len(facts.held) == _CONFERENCES:
        first, second = facts.held
        promises += [check(facts, first, second) for check in _OF_CONFERENCES]
    elif not broken:
        promises.append(Promise(text="Two conferences were held", kept=False))
    return promises + [check(facts) for check in _OF_THE_WHOLE]


def _rang_once(_: Facts, first: Held, second: Held) -> Promise:
    rung = [stay for stay in (*first.stays, *second.stays) if stay.room != CELLAR]
    return Promise(
        text="Each room rang exactly once, and was in",
        kept=all(stay.rings == 1 and stay.joined is not None for stay in rung),
        counted=f"{sum(stay.rings for stay in rung)} rings, {len(rung)} rooms",
    )


def _early_not_rung(_: Facts, first: Held, __: Held) -> Promise:
    stay = first.stay(CELLAR)
    return Promise(
        text="Grace came early: her room was never called",
        kept=stay.joined is not None and stay.joined < first.start and stay.calls == 0,
        counted=f"{stay.calls} calls",
    )


def _busy_again(_: Facts, first: Held, __: Held) -> Promise:
    stay = first.stay(BOARDROOM)
    return Promise(
        text="The busy room was called again, and came",
        kept=stay.calls == 2 and stay.joined is not None,  # noqa: PLR2004 - busy, then free
        counted=f"{stay.calls} calls",
    )


def _kill_unnoticed(facts: Facts, _: Held, __: Held) -> Promise:
    notes = facts.notes
    again = notes.dials_after - notes.dials_at_kill
    stayed = len(notes.legs_at_kill & notes.legs_after)
    return Promise(
        text="kill -9: nobody lost, nobody rung again",
        kept=again == 0 and bool(notes.legs_at_kill) and stayed == len(notes.legs_at_kill),
        counted=f"{stayed} of {len(notes.legs_at_kill)} stayed, {again} rung again",
    )


def _changes_seen(facts: Facts, first: Held, _: Held) -> Promise:
    notes, joined = facts.notes, first.stay(LIBRARY).joined
    spans = [
        after - before if before is not None and after is not None else None
        for before, after in (
            (notes.edited_at, notes.end_seen_at),
            (notes.room_added_at, joined),
        )
    ]
    told = " and ".join("never" if s is None else f"{s.total_seconds():.1f} s" for s in spans)
    limits = (SEEN_WITHIN, 2 * SEEN_WITHIN)
    return Promise(
        text="The new end and the new room counted at once",
        kept=all(s is not None and s <= most for s, most in zip(spans, limits, strict=True)),
        counted=told,
    )


def _named(_: Facts, first: Held, second: Held) -> Promise:
    return Promise(
        text="Each bore the title that its organizer gave it",
        kept=all(held.names == (held.title,) for held in (first, second)),
        counted=f"{len(first.names) + len(second.names)} names",
    )


def _not_cut_off(_: Facts, first: Held, second: Held) -> Promise:
    """Nobody leaves before the (moved) end; a second's grace would hide a close at the old one."""
    stays = [(held, stay) for held in (first, second) for stay in held.stays]
    kept = all(
        stay.left is not None and held.end <= stay.left <= held.end + CLOSED_WITHIN
        for held, stay in stays
    )
    lefts = [stay.left - held.end for held, stay in stays if stay.left is not None]
    worst = max((left.total_seconds() for left in lefts), default=0.0)
    return Promise(
        text="Nobody was cut off, nobody was left behind",
        kept=kept,
        counted=f"all out {worst:.1f} s after the end",
    )


def _warned(_: Facts, first: Held, second: Held) -> Promise:
    count = len(first.messages) + len(second.messages)
    return Promise(
        text="People were told on screen before the end",
        kept=len(first.messages) == len(second.messages) == 1,
        counted=f"{count} messages",
    )


def _changed_rooms(_: Facts, first: Held, second: Held) -> Promise:
    left, joined = first.stay(AULA).left, second.stay(AULA).joined
    between = joined - left if left is not None and joined is not None else None
    counted = f"{between.total_seconds():.1f} s between" if between is not None else "it was not in"
    return Promise(
        text="Aula went from one conference into the next",
        kept=between is not None and between >= timedelta(0),
        counted=counted,
    )


def _no_write_too_many(facts: Facts, first: Held, second: Held) -> Promise:
    needed = _needed(first, extended=True) + _needed(second, extended=False)
    made = sum(sum(held.writes.values()) for held in facts.held)
    return Promise(
        text="CMS was told nothing twice",
        kept=made <= needed and not facts.refused,
        counted=f"{made} writes, {needed} needed",
    )


def _needed(held: Held, *, extended: bool) -> int:
    """Open, close and end; a call unless somebody dialled in first; one for each call of a room."""
    calls = sum(stay.calls for stay in held.stays)
    started = int(all(stay.calls for stay in held.stays))
    dropped = held.writes[Kind.DROP]
    return 3 + started + calls + int(extended) + len(held.messages) + dropped


def _closed(facts: Facts) -> Promise:
    closed = facts.spaces - facts.spaces_open
    return Promise(
        text="All spaces are closed, no call is left",
        kept=facts.spaces == POOL_SIZE and not facts.spaces_open and not facts.calls_left,
        counted=f"{closed} of {facts.spaces} spaces, {facts.calls_left} calls",
    )


def _in_time(facts: Facts) -> Promise:
    worst = max(facts.late_ms, default=0)
    return Promise(
        text="Spaces opened and rooms rang on the second",
        kept=bool(facts.late_ms) and worst <= IN_TIME_MS,
        counted=f"{worst} ms late at worst",
    )


def _no_fault(facts: Facts) -> Promise:
    status = facts.exit_status
    return Promise(
        text="The daemon met no fault, and stopped cleanly",
        kept=not facts.errors and status == 0,
        counted=f"{len(facts.errors)} lines, exit {status}" if facts.errors else f"exit {status}",
    )


_OF_CONFERENCES: tuple[Callable[[Facts, Held, Held], Promise], ...] = (
    _rang_once,
    _early_not_rung,
    _busy_again,
    _kill_unnoticed,
    _changes_seen,
    _named,
    _warned,
    _not_cut_off,
    _changed_rooms,
    _no_write_too_many,
)
_OF_THE_WHOLE: tuple[Callable[[Facts], Promise], ...] = (_closed, _in_time, _no_fault)
