"""What looks make of a booking: (row, view, what was seen, now) -> (row, view, told).

The counterpart of `domain.answers`. A Call Bridge that gave no answer is *blind*: what it held
stays believed, and nothing is concluded from not seeing it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from cospaced.domain import legs
from cospaced.domain.answers import Folded
from cospaced.domain.booking import Booking, DialState
from cospaced.domain.draft import Draft, Surroundings
from cospaced.domain.seen import SeenCall, SeenLeg, SeenSpace
from cospaced.domain.view import View


@dataclass(frozen=True, slots=True, kw_only=True)
class CallsSeen:
    """Answer to a look at a space's calls on every Call Bridge; `asked_at` is when it began."""

    asked_at: datetime
    calls: tuple[SeenCall, ...]
    blind: tuple[str, ...] = ()
    age: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class LegsSeen:
    """Answer to a look at the legs of the calls in view."""

    asked_at: datetime
    legs: tuple[SeenLeg, ...]
    blind: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class SpaceSeen:
    """Answer to a look at the space itself; None: it is gone."""

    asked_at: datetime
    space: SeenSpace | None
    blind: tuple[str, ...] = ()


Seen = CallsSeen | LegsSeen | SpaceSeen


def observe(
    booking: Booking, view: View, around: Surroundings, seen: Seen, now: datetime
) -> Folded:
    """Fold a look."""
    draft = Draft(booking, view, around, now, frozenset())
    match seen:
        case CallsSeen():
            _calls(draft, seen)
        case LegsSeen():
            held = tuple(leg for leg in view.legs if leg.bridge in seen.blind)
            draft.view = replace(
                view,
                legs=(*seen.legs, *held),
                legs_at=seen.asked_at,
                legs_came=now,
                blind_legs=_all(seen.blind),
            )
            legs.watch(draft, seen.asked_at, view.legs_at)
        case SpaceSeen():
            draft.view = replace(view, space=seen.space, space_at=seen.asked_at)
            _edited(draft, seen.space)
    return Folded(booking=draft.booking, view=draft.view, told=draft.done().told)


def _all(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _calls(draft: Draft, seen: CallsSeen) -> None:
    before = draft.view
    known = draft.booking.call_seen_at
    if known is not None and seen.asked_at <= known and not seen.calls:
        # The call was made while this look was under way.
        return
    held = tuple(c for c in before.calls if c.bridge in seen.blind)
    held_legs = tuple(leg for leg in before.legs if leg.bridge in seen.blind)
    calls = (*seen.calls, *held)
    same = {c.id for c in calls} == {c.id for c in before.calls}
    draft.view = replace(
        before,
        calls=calls,
        calls_at=seen.asked_at,
        calls_came=draft.now,
        call_age=seen.age,
        blind_calls=_all(seen.blind),
        blind_legs=before.blind_legs if same else (),
        legs=before.legs if same else held_legs,
        legs_at=before.legs_at if same else None,
    )
    booking = draft.booking
    if seen.calls:
        bridge = seen.calls[0].bridge
        latest = max(seen.asked_at, booking.call_seen_at or seen.asked_at)
        if booking.call_seen_at is None:
            draft.tell("call.found", "debug", call=seen.calls[0].id, bridge=bridge)
            if booking.form is not None and not booking.closing:
                # People have started it where CMS refused to: that is over.
                draft.change(reason="")
        draft.change(call_asked_at=None, call_seen_at=latest, call_bridge=bridge)
    elif booking.call_seen_at is not None and not held and booking.call_bridge not in seen.blind:
        _vanished(draft, seen.asked_at)


def _vanished(draft: Draft, asked_at: datetime) -> None:
    """Fold a call that is not there any more: lost by its bridge, or ended by people."""
    booking = draft.booking
    seen = booking.call_seen_at
    if seen is None or booking.closing or asked_at <= seen:
        return
    booted = draft.around.booted.get(booking.call_bridge)
    dialled = any(d.attempt > 0 for d in booking.dials)
    draft.change(call_seen_at=None, call_bridge="")
    if booted is not None and booted > seen:
        draft.tell("call.lost", "error", bridge=booking.call_bridge)
        legs.remade(draft)
    elif dialled:
        draft.change(ended_by_people=True)
        for one in draft.booking.dials:
            if one.live:
                draft.change_dial(one.target.endpoint, state=DialState.LEFT, reason="call ended")
        draft.tell("call.ended_by_people")


def _edited(draft: Draft, space: SeenSpace | None) -> None:
    """Tell once of an edit of the open space that is not ours; it stands until close."""
    booking = draft.booking
    form = booking.form
    if form is None or booking.closing or booking.edited:
        return
    if space is None:
        draft.change(form=None, edited=True)
        draft.tell("space.gone", "error", number=booking.number)
        return
    differing = [
        name
        for name, seen, told in (
            ("name", space.name, form.name),
            ("passcode", space.passcode, form.passcode),
            ("secret", space.secret, form.secret),
            ("access", space.non_member_access, True),
        )
        if seen != told
    ]
    if differing:
        draft.change(edited=True)
        draft.tell("space.edited", "warning", reason=f"{', '.join(differing)} changed on CMS")
