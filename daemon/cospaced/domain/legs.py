"""What looks at call legs make of dials: ringing, connected, gone, and what follows from that."""

from dataclasses import replace
from datetime import datetime, timedelta

from cospaced.domain.booking import Dial, DialState
from cospaced.domain.draft import RETRY, Draft
from cospaced.domain.seen import LegState
from cospaced.domain.view import TALKING


FREED = timedelta(seconds=10)
"""How long after we hung up on an endpoint elsewhere a busy is put down to that."""

ANSWERS = timedelta(seconds=15)
"""A leg that is gone sooner was turned away; one that lasted longer rang in vain."""


def watch(draft: Draft, asked_at: datetime, before: datetime | None) -> None:
    """Fold a look at the legs into the dials; `asked_at` is when the look began.

    A leg that is not there is gone only if its bridge answered and the leg was placed before the
    look began. `before` is when the look before this one began.
    """
    for one in draft.booking.dials:
        leg = draft.view.leg_of(one.target.endpoint)
        if leg is not None and one.state is not DialState.DROPPED:
            present(draft, one, leg.id, leg.bridge, leg.call, leg.state)
        elif _gone(draft, one, asked_at):
            _absent(draft, one, before)


def present(
    draft: Draft, one: Dial, leg: str, bridge: str, call: str, state: LegState | None
) -> None:
    """Note that the endpoint has a leg in the call, whoever made it."""
    connected = state in TALKING
    after = DialState.CONNECTED if connected else DialState.PLACED
    if (one.state, one.leg) == (after, leg):
        return
    draft.change_dial(
        one.target.endpoint, state=after, leg=leg, bridge=bridge, call=call, reason=""
    )
    if connected:
        reason = None if one.attempt else "it came by itself"
        draft.tell(
            "leg.connected", **keys(one), attempt=one.attempt or None, leg=leg, reason=reason
        )


def _gone(draft: Draft, one: Dial, asked_at: datetime) -> bool:
    if one.state not in (DialState.PLACED, DialState.CONNECTED):
        return False
    blind = one.bridge in draft.view.blind_legs
    return not blind and one.since is not None and one.since < asked_at


def _absent(draft: Draft, one: Dial, before: datetime | None) -> None:
    endpoint = one.target.endpoint
    if one.target.room not in draft.booking.rooms:
        draft.change_dial(endpoint, state=DialState.DROPPED, reason="room removed")
    elif one.state is DialState.CONNECTED and _came_early(one, before):
        # It looked in early and left again; at the start it is dialled like any other.
        draft.change_dial(endpoint, state=DialState.DUE, leg="")
    elif one.state is DialState.CONNECTED:
        draft.change_dial(endpoint, state=DialState.LEFT, reason="hung up")
        draft.tell("leg.left", **keys(one))
    else:
        failed(draft, one, _unanswered(draft, one))


def _unanswered(draft: Draft, one: Dial) -> str:
    """Say what kept an endpoint out: CMS tells no reason, only how long its leg was there."""
    lasted = draft.now - (one.since or draft.now)
    return "busy or declined" if lasted < ANSWERS else "no answer"


def _came_early(one: Dial, before: datetime | None) -> bool:
    """Whether it came by itself and was not seen in the call since its dialling was due."""
    return one.attempt == 0 and (before is None or before < one.due)


def failed(draft: Draft, one: Dial, reason: str) -> None:
    """Note that an attempt came to nothing: again after the interval, or give up."""
    terms = draft.booking.terms
    again = draft.now + terms.dial_interval
    endpoint = one.target.endpoint
    if one.freed_at is not None and draft.now - one.freed_at < FREED:
        soon = draft.now + RETRY
        draft.change_dial(
            endpoint, state=DialState.DUE, not_before=soon, freed_at=None, base=one.base + 1, leg=""
        )
        draft.wake_at(soon)
        return
    if one.attempt - one.base >= terms.dial_attempts:
        draft.change_dial(endpoint, state=DialState.GAVE_UP, reason=reason)
        tell_given_up(draft, one, reason)
        return
    draft.change_dial(endpoint, state=DialState.DUE, not_before=again, reason=reason, leg="")
    wait = terms.dial_interval.total_seconds()
    draft.tell(
        "leg.gone", "warning", **keys(one), attempt=one.attempt, reason=reason, seconds=round(wait)
    )
    draft.wake_at(again)


def remade(draft: Draft) -> None:
    """Dial everybody again who was in, or being called into, a call that its bridge lost."""
    dials = tuple(
        replace(
            d,
            state=DialState.DUE,
            due=max(draft.now, d.due),
            since=draft.now,
            not_before=None,
            leg="",
            base=d.attempt,
        )
        if d.live
        else d
        for d in draft.booking.dials
    )
    draft.change(dials=dials)


def tell_given_up(draft: Draft, one: Dial, reason: str) -> None:
    """Say that an endpoint is called no more."""
    draft.tell("leg.gave_up", "error", **keys(one), attempt=one.attempt, reason=reason)


def keys(one: Dial) -> dict[str, str]:
    """Return what names a dial in the log."""
    return {"room": one.target.room, "endpoint": one.target.endpoint}
