"""What answers make of a booking: (row, view, write, outcome, now) -> (row, view, told).

The counterpart of `domain.plan`: pure folds, applied by the engine as answers arrive. A write
without an answer never changes what is believed of CMS, only when it is asked again.
`domain.sightings` does the same for looks.
"""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from cospaced.domain import legs
from cospaced.domain.booking import Booking, DialState
from cospaced.domain.decoration import doubtful
from cospaced.domain.display import space_form
from cospaced.domain.draft import RETRY, SETTLING, Draft, Send, Surroundings, Told
from cospaced.domain.seen import SeenCall
from cospaced.domain.view import View
from cospaced.domain.writes import DropLeg, OpenSpace, Outcome, Result


@dataclass(frozen=True, slots=True, kw_only=True)
class Folded:
    """A booking and its view after an answer, and what is worth telling."""

    booking: Booking
    view: View
    told: tuple[Told, ...] = ()


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


def _back_off(draft: Draft, outcome: Outcome, event: str) -> None:
    """Try again soon; say so once for each reason."""
    wait = REFUSED_RETRY if outcome.result is Result.REFUSED else RETRY
    if draft.booking.reason != outcome.reason:
        level = "error" if outcome.result is Result.REFUSED else "warning"
        draft.tell(event, level, reason=outcome.reason)
    draft.change(not_before=draft.now + wait, reason=outcome.reason)


def _opened(draft: Draft, write: object, outcome: Outcome) -> None:
    if outcome.result is not Result.DONE or not isinstance(write, OpenSpace):
        if not _undecorated(draft, write, outcome):
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
        draft.tell("booking.opened", number=draft.booking.number, late_ms=_late(draft, due))
    else:
        draft.tell("booking.told", number=draft.booking.number)


def _late(draft: Draft, due: datetime) -> int:
    """Return the milliseconds since it was due; who books at the last minute makes nobody late."""
    known = max(due, draft.booking.created_at)
    return max(0, round((draft.now - known).total_seconds() * 1000))


def _undecorated(draft: Draft, write: object, outcome: Outcome) -> bool:
    """Let the space open without what CMS may have refused it for; False where that is needed."""
    if outcome.result is not Result.REFUSED or not isinstance(write, OpenSpace):
        return False
    texts = doubtful(write.form, outcome.reason, draft.around.closed_name)
    if not texts:
        return False
    form = space_form(draft.booking)
    still = (text for text in draft.booking.refused_texts if text in (form.name, form.scheduler))
    draft.change(refused_texts=tuple(dict.fromkeys((*still, *texts.values()))), not_before=None)
    reason = f"CMS refuses its {' and '.join(texts)} ({outcome.reason})"
    draft.tell("space.undecorated", "warning", number=draft.booking.number, reason=reason)
    return True


def _locked(draft: Draft, outcome: Outcome) -> None:
    gone = outcome.result is Result.REFUSED and outcome.reason == "coSpaceDoesNotExist"
    if outcome.result is Result.DONE or gone:
        draft.change(locked_at=draft.now, not_before=None)
    else:
        _back_off(draft, outcome, "booking.not_closed")


def _called(draft: Draft, sent: Send, outcome: Outcome) -> None:
    if outcome.result is Result.DONE and outcome.id:
        call = SeenCall(bridge=sent.bridge, id=outcome.id, space="")
        # The look just before it was asked for showed no call: nobody was in it then, and it need
        # not be looked into before the rooms are called, however long it waited for its turn. In a
        # storm of starts that look would cost them seconds.
        asked = draft.booking.call_asked_at
        draft.view = replace(
            draft.view,
            calls=(call,),
            calls_at=draft.now,
            calls_came=draft.now,
            legs=(),
            legs_at=asked,
            legs_came=draft.now,
        )
        draft.change(
            call_asked_at=None,
            call_seen_at=draft.now,
            call_bridge=sent.bridge,
            not_before=None,
            reason="",
        )
        draft.tell("call.started", call=outcome.id, bridge=sent.bridge)
    elif outcome.result is not Result.REFUSED and outcome.sent:
        # Without an answer, or without an id in it: only a look tells.
        draft.change(call_asked_at=_sent_at(draft, draft.booking.call_asked_at))
        draft.tell("call.in_doubt", "warning", reason=outcome.reason)
    else:
        draft.change(call_asked_at=None)
        _back_off(draft, outcome, "call.not_started")


def _sent_at(draft: Draft, intended: datetime | None) -> datetime:
    """Return when a request without an answer may have been sent at the earliest.

    It may have waited long for its turn: what counts is that its timeout ended just now.
    """
    earliest = draft.now - draft.around.timeout
    return earliest if intended is None else max(intended, earliest)


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
        # A later attempt is late by the interval, which tells nobody anything.
        first = one.attempt == one.base + 1
        late = _late(draft, one.due) if first else None
        draft.tell("leg.dialled", **keys, leg=outcome.id, bridge=one.bridge, late_ms=late)
    elif outcome.result is Result.UNKNOWN and outcome.sent:
        at = _sent_at(draft, one.at)
        settles = at + draft.around.timeout + SETTLING
        draft.change_dial(
            endpoint, state=DialState.DOUBT, at=at, not_before=settles, reason=outcome.reason
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
        legs.failed(draft, one, outcome.reason)


def _ended(draft: Draft, call: str, outcome: Outcome) -> None:
    if outcome.result is Result.DONE:
        rest = tuple(c for c in draft.view.calls if c.id != call)
        draft.view = replace(draft.view, calls=rest, calls_at=None, legs=(), legs_at=None)
    else:
        # Only a look tells whether it is still there; the plan wants one.
        draft.view = replace(draft.view, calls=(), calls_at=None)
        _back_off(draft, outcome, "call.not_ended")


def _dropped(draft: Draft, endpoint: str, write: object) -> None:
    one = next(d for d in draft.booking.dials if d.target.endpoint == endpoint)
    if not isinstance(write, DropLeg) or one.leg != write.leg:
        # A look has shown it gone, and it has been called anew.
        return
    draft.change_dial(endpoint, state=DialState.DROPPED, leg="", reason="room removed")
    draft.tell("leg.dropped", **legs.keys(one), reason="room removed")
    if one.target.room in draft.booking.rooms:
        # It came back while we hung up on it: it is called like one that is added.
        due = max(draft.now, draft.booking.start)
        draft.change_dial(
            endpoint, state=DialState.DUE, due=due, base=one.attempt, not_before=None, reason=""
        )


def _plain(draft: Draft, sent: Send, outcome: Outcome) -> None:
    """Fold a leg that was dropped, here or elsewhere, and a warning that was shown."""
    what, whom = sent.mark[0], sent.mark[1]
    done = outcome.result is Result.DONE
    if what == "free" and done:
        draft.change_dial(whom, freed_at=draft.now)
    if what == "drop" and done:
        _dropped(draft, whom, sent.write)
    if done:
        return
    text = f"{what}: {outcome.reason}"
    if text not in [dial.reason for dial in draft.booking.dials]:
        draft.tell("request.failed", "warning", reason=text)
    if what in ("free", "drop"):
        draft.change_dial(whom, reason=text)
    elif outcome.result is Result.UNKNOWN and draft.now < draft.booking.ends_at:
        # Nobody may have read it: it is shown again. Twice on screen does no harm.
        shown = tuple(w for w in draft.booking.warned if w != int(whom))
        draft.change(warned=shown)
