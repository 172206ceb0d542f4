"""What answers and looks make of a booking: (row, view, answer, now) -> (row, view, told).

The counterpart of `domain.plan`: pure folds, applied by the engine as answers arrive. A write
without an answer never changes what is believed of CMS, only when it is asked again.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cospaced.domain import dialling
from cospaced.domain.booking import Booking, DialState
from cospaced.domain.draft import RETRY, SETTLING, Draft, Send, Surroundings, Told
from cospaced.domain.seen import SeenCall, SeenLeg, SeenSpace
from cospaced.domain.view import View
from cospaced.domain.writes import OpenSpace, Outcome, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A booking and its view after an answer, and what is worth telling."""

    booking: Booking
    view: View
    told: tuple[Told, ...] = ()


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


Answered = CallsSeen | LegsSeen | SpaceSeen

REFUSED_RETRY = 5 * RETRY
"""How soon a refused opening or closing is tried again."""


def settle(
    booking: Booking,
    view: View,
    around: Surroundings,
    sent: Send,
    outcome: Outcome,
    now: datetime,
) -> Folded:
    """Fold the outcome of a write."""
    draft = Draft(booking, view, around, now, frozenset())
    match sent.mark[0]:
        case "open":
            _opened(draft, sent.write, outcome)
        case "close":
            _locked(draft, outcome)
        case "call":
            _called(draft, sent, outcome)
        case "dial":
            _dialled(draft, sent.mark[1], outcome)
        case "end":
            _ended(draft, sent.mark[1], outcome)
        case "drop" | "free" | "warn":
            _plain(draft, sent, outcome)
        case other:
            raise ValueError(f"no answer is expected to {other!r}")
    return Folded(booking=draft.booking, view=draft.view, told=draft.done().told)


def observe(
    booking: Booking, view: View, around: Surroundings, seen: Answered, now: datetime
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
                blind=_all(seen.blind),
            )
            dialling.watch(draft, seen.asked_at)
        case SpaceSeen():
            draft.view = replace(view, space=seen.space, space_at=seen.asked_at)
            _edited(draft, seen.space)
    return Folded(booking=draft.booking, view=draft.view, told=draft.done().told)


def _all(names: Sequence[str]) -> tuple[str, ...]:
    return tuple(sorted(set(names)))


def _back_off(draft: Draft, outcome: Outcome, event: str) -> None:
    """Try again soon; say so once for each reason."""
    wait = REFUSED_RETRY if outcome.result is Result.REFUSED else RETRY
    if draft.booking.reason != outcome.reason:
        level = "error" if outcome.result is Result.REFUSED else "warning"
        draft.tell(event, level, reason=outcome.reason)
    draft.change(not_before=draft.now + wait, reason=outcome.reason)


def _opened(draft: Draft, write: object, outcome: Outcome) -> None:
    if outcome.result is not Result.DONE or not isinstance(write, OpenSpace):
        _back_off(draft, outcome, "booking.not_opened")
        return
    first = draft.booking.opened_at is None
    draft.change(
        form=write.form,
        opened_at=draft.booking.opened_at or draft.now,
        not_before=None,
        reason="",
    )
    if first:
        due = draft.booking.start
        if draft.booking.early:
            due -= draft.booking.terms.early_join
        late = max(0, round((draft.now - due).total_seconds() * 1000))
        draft.tell("booking.opened", number=draft.booking.number, late_ms=late)
    else:
        draft.tell("booking.told", number=draft.booking.number)


def _locked(draft: Draft, outcome: Outcome) -> None:
    gone = outcome.result is Result.REFUSED and outcome.reason == "coSpaceDoesNotExist"
    if outcome.result is Result.DONE or gone:
        draft.change(locked_at=draft.now, not_before=None)
    else:
        _back_off(draft, outcome, "booking.not_closed")


def _called(draft: Draft, sent: Send, outcome: Outcome) -> None:
    if outcome.result is Result.DONE and outcome.id:
        call = SeenCall(bridge=sent.bridge, id=outcome.id, space="")
        # The look just before showed no call; the new one is empty as of that look.
        draft.view = replace(
            draft.view,
            calls=(call,),
            legs=(),
            legs_at=draft.view.calls_at,
        )
        draft.change(
            call_asked_at=None,
            call_seen_at=draft.now,
            call_bridge=sent.bridge,
            not_before=None,
            reason="",
        )
        draft.tell("call.started", call=outcome.id, bridge=sent.bridge)
    elif outcome.result is Result.UNKNOWN and outcome.sent:
        draft.tell("call.in_doubt", "warning", reason=outcome.reason)
    else:
        draft.change(call_asked_at=None)
        _back_off(draft, outcome, "call.not_started")


def _dialled(draft: Draft, endpoint: str, outcome: Outcome) -> None:
    one = next(d for d in draft.booking.dials if d.target.endpoint == endpoint)
    keys: dict[str, Any] = {
        "room": one.target.room,
        "endpoint": endpoint,
        "attempt": one.attempt,
    }
    if one.state is not DialState.INTENDED:
        # A look has shown the leg before the answer came.
        return
    if outcome.result is Result.DONE:
        draft.change_dial(endpoint, state=DialState.PLACED, leg=outcome.id)
        late = max(0, round((draft.now - one.due).total_seconds() * 1000))
        draft.tell("leg.dialled", **keys, leg=outcome.id, bridge=one.bridge, late_ms=late)
    elif outcome.result is Result.UNKNOWN and outcome.sent:
        settles = (one.at or draft.now) + draft.around.timeout + SETTLING
        draft.change_dial(
            endpoint, state=DialState.DOUBT, not_before=settles, reason=outcome.reason
        )
        draft.tell("leg.in_doubt", "warning", **keys, reason=outcome.reason)
    elif outcome.result is Result.UNKNOWN:
        draft.change_dial(
            endpoint, state=DialState.DUE, attempt=one.attempt - 1, not_before=draft.now + RETRY
        )
    elif outcome.reason == "callDoesNotExist":
        draft.view = replace(draft.view, calls=(), calls_at=None, legs=(), legs_at=None)
        draft.change_dial(
            endpoint, state=DialState.DUE, attempt=one.attempt - 1, not_before=draft.now + RETRY
        )
    else:
        dialling.failed(draft, one, outcome.reason)


def _ended(draft: Draft, call: str, outcome: Outcome) -> None:
    if outcome.result is Result.DONE:
        rest = tuple(c for c in draft.view.calls if c.id != call)
        draft.view = replace(draft.view, calls=rest, calls_at=None, legs=(), legs_at=None)
    else:
        # Only a look tells whether it is still there; the plan wants one.
        draft.view = replace(draft.view, calls=(), calls_at=None)
        _back_off(draft, outcome, "call.not_ended")


def _plain(draft: Draft, sent: Send, outcome: Outcome) -> None:
    if outcome.result is not Result.DONE:
        draft.tell("request.failed", "warning", reason=f"{sent.mark[0]}: {outcome.reason}")
    if sent.mark[0] == "free":
        draft.change_dial(sent.mark[1], freed_at=draft.now)
    if sent.mark[0] == "drop":
        draft.view = replace(draft.view, legs_at=None)


def _calls(draft: Draft, seen: CallsSeen) -> None:
    before = draft.view
    known = draft.booking.call_seen_at
    if known is not None and seen.asked_at <= known and not seen.calls:
        # The call was made while this look was under way.
        return
    held = tuple(c for c in before.calls if c.bridge in seen.blind)
    calls = (*seen.calls, *held)
    same = {c.id for c in calls} == {c.id for c in before.calls}
    draft.view = replace(
        before,
        calls=calls,
        calls_at=seen.asked_at,
        call_age=seen.age,
        blind=_all(seen.blind),
        legs=before.legs if same else (),
        legs_at=before.legs_at if same else None,
    )
    booking = draft.booking
    if seen.calls:
        bridge = seen.calls[0].bridge
        latest = max(seen.asked_at, booking.call_seen_at or seen.asked_at)
        draft.change(call_asked_at=None, call_seen_at=latest, call_bridge=bridge)
    elif booking.call_seen_at is not None and booking.call_bridge not in seen.blind:
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
        dialling.remade(draft)
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
