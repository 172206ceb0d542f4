"""The end of an open booking: extension, warnings, the close and its proof.

A close is done when a look at every Call Bridge, begun after the space was locked and its calls
were ended, shows no call. People are never cut off unwarned: an end that passed while nobody
could warn them is moved by the shortest warning.
"""

from datetime import datetime, timedelta

from cospaced.domain.booking import DialState
from cospaced.domain.draft import AUDIT, CANCELLED, FOLLOW, RETRY, Draft, Look
from cospaced.domain.lifecycle import Step, step
from cospaced.domain.writes import CloseSpace, EndCall, ShowMessage
from cospaced.settings import ExtendMode


CANCEL_NOTICE = timedelta(seconds=60)
"""How long people of a cancelled conference are warned."""
IN_USE = 2
"""Connected participants that make a conference worth extending."""
MINUTE = timedelta(minutes=1)


def close(draft: Draft) -> bool:
    """Close the space if its time has come; True where closing is all that is left to do."""
    if not draft.booking.closing:
        reason = _over(draft)
        if not reason:
            return False
        if draft.around.hold_closes:
            draft.wake_at(draft.now + FOLLOW)
            return False
        if _unwarned_people(draft):
            return False
        draft.change(closing=reason)
        draft.tell("booking.closing", reason=reason)
    _lock(draft)
    if draft.booking.locked_at is not None:
        _end_calls(draft)
    return True


def _over(draft: Draft) -> str:
    """Say why it is to be closed now; empty while it is not."""
    booking, now = draft.booking, draft.now
    end = booking.ends_at + booking.terms.close_after
    if now >= end:
        return "its end has come"
    draft.wake_at(end)
    if booking.cancelled_at is not None:
        if now >= booking.cancelled_at + CANCEL_NOTICE or _empty(draft):
            return "cancelled"
        draft.wake_at(booking.cancelled_at + CANCEL_NOTICE)
    if booking.detached and _empty(draft):
        return "its event is gone and nobody is in it"
    return ""


def _empty(draft: Draft) -> bool:
    """Whether a fresh look shows nobody; wants that look."""
    view = draft.view
    since = draft.booking.cancelled_at
    if not draft.fresh(view.calls_at) or (since is not None and _before(view.calls_at, since)):
        draft.look(Look.CALLS)
        return False
    if view.blind_calls:
        return False
    if not view.calls:
        return True
    if not draft.fresh(view.legs_at):
        draft.look(Look.LEGS)
        return False
    return (
        not view.blind_legs
        and not view.people
        and not any(d.state in _COMING for d in draft.booking.dials)
    )


_COMING = (DialState.INTENDED, DialState.DOUBT, DialState.PLACED)


def _before(moment: datetime | None, other: datetime) -> bool:
    return moment is None or moment < other


def _unwarned_people(draft: Draft) -> bool:
    """Move the end by the shortest warning where people are in it and nobody warned them.

    So it is after an outage, and where an end was moved to before now.
    """
    booking = draft.booking
    warnings = booking.terms.end_warnings
    if not warnings or booking.cancelled_at is not None or _warned_lately(draft):
        return False
    view = draft.view
    if not draft.fresh(view.calls_at):
        draft.look(Look.CALLS)
        draft.wake_at(draft.now + RETRY)
        return True
    if view.calls and not draft.fresh(view.legs_at):
        draft.look(Look.LEGS)
        draft.wake_at(draft.now + RETRY)
        return True
    if not view.people:
        return False
    grace = draft.now + min(warnings)
    draft.change(extended_to=grace, warned=())
    draft.tell("booking.overdue", "warning", seconds=int((grace - draft.now).total_seconds()))
    return True


def _warned_lately(draft: Draft) -> bool:
    """Whether every warning of the end in force was shown, and the end is not long past."""
    booking = draft.booking
    shown = all(int(w.total_seconds()) in booking.warned for w in booking.terms.end_warnings)
    return shown and draft.now < booking.ends_at + booking.terms.close_after + MINUTE


def _lock(draft: Draft) -> None:
    booking = draft.booking
    if booking.locked_at is not None or draft.under_way(("close",)):
        return
    if booking.not_before is not None and draft.now < booking.not_before:
        draft.wake_at(booking.not_before)
        return
    if not draft.around.space:
        draft.wake_at(draft.now + RETRY)
        return
    draft.send(("close",), CloseSpace(space=draft.around.space, name=draft.around.closed_name))


def _end_calls(draft: Draft) -> None:
    """End every call there is, then look until no bridge shows one."""
    view, locked = draft.view, draft.booking.locked_at
    again = draft.booking.not_before
    if again is not None and draft.now < again:
        draft.wake_at(again)
        return
    for call in view.calls:
        mark = ("end", call.id)
        if not draft.under_way(mark):
            draft.send(mark, EndCall(call=call.id), call.bridge)
    if view.calls:
        return
    if locked is not None and view.calls_at is not None and view.calls_at >= locked:
        if not view.blind_calls:
            draft.booking = step(draft.booking, Step.CLOSE, draft.booking.closing)
            draft.tell("booking.closed", reason=draft.booking.reason)
            return
        # A bridge that is known to be down is not worth asking; its return wakes every booking.
        down = set(view.blind_calls) - set(draft.around.reachable)
        again = view.calls_at + (AUDIT if down else FOLLOW)
        draft.wake_at(again)
        if draft.now < again:
            return
    draft.look(Look.CALLS)


def warn_or_extend(draft: Draft) -> None:
    """Near the end: extend where that is wanted and possible, else show the warnings due."""
    _warn_cancelled(draft)
    booking, now = draft.booking, draft.now
    terms, end = booking.terms, booking.ends_at
    if booking.cancelled_at is not None or now >= end or draft.around.hold_closes:
        return
    warnings = terms.end_warnings or ((MINUTE,) if _extends(draft) else ())
    pending = [w for w in warnings if int(w.total_seconds()) not in booking.warned]
    due = [w for w in pending if now >= end - w]
    for later in pending:
        if later not in due:
            draft.wake_at(end - later)
    if not due or not _calls_known(draft):
        return
    first = not booking.warned and terms.extend_mode is ExtendMode.AUTOMATIC
    if first and _extends(draft) and _extended(draft):
        return
    nearest = int(min(due).total_seconds())
    if _show(draft, f"This conference ends in {_spoken(end - now)}.", nearest):
        if first:
            draft.tell("booking.not_extended", reason=_why_not_extended(draft))
        draft.change(warned=(*booking.warned, *(int(w.total_seconds()) for w in due)))


def _warn_cancelled(draft: Draft) -> None:
    booking = draft.booking
    if booking.cancelled_at is None or CANCELLED in booking.warned or not _calls_known(draft):
        return
    left = booking.cancelled_at + CANCEL_NOTICE - draft.now
    text = f"This conference was cancelled. It ends in {_spoken(left)}."
    if _show(draft, text, CANCELLED):
        draft.change(warned=(*booking.warned, CANCELLED))


def _calls_known(draft: Draft) -> bool:
    if draft.fresh(draft.view.calls_at):
        return True
    draft.look(Look.CALLS)
    draft.wake_at(draft.now + RETRY)
    return False


def _show(draft: Draft, text: str, seconds: int) -> bool:
    """Show a message in every sister call; `seconds` is what names the warning in the row.

    False where that must wait: for an answer, or for a bridge that cannot be reached.
    """
    calls = draft.view.calls
    marks = [("warn", str(seconds), call.id) for call in calls]
    if any(draft.under_way(mark) for mark in marks):
        return False
    if any(call.bridge not in draft.around.reachable for call in calls):
        return False
    for call, mark in zip(calls, marks, strict=True):
        draft.send(mark, ShowMessage(call=call.id, text=text), call.bridge)
    if calls:
        draft.tell("booking.warned", reason=text)
    return True


def _spoken(left: timedelta) -> str:
    seconds = max(1, round(left.total_seconds()))
    if seconds < 90:  # noqa: PLR2004 - "one minute" is said up to a minute and a half
        return "1 minute" if seconds >= 45 else f"{seconds} seconds"  # noqa: PLR2004 - likewise
    return f"{round(seconds / 60)} minutes"


def _extends(draft: Draft) -> bool:
    booking = draft.booking
    terms = booking.terms
    automatic = terms.extend_mode is ExtendMode.AUTOMATIC
    return automatic and booking.extensions < terms.extend_times and not booking.detached


def _extended(draft: Draft) -> bool:
    """Extend a conference that is in use as far as rooms and slot are free.

    True also while a look is awaited that must decide it.
    """
    booking, view = draft.booking, draft.view
    if view.calls and not draft.fresh(view.legs_at):
        draft.look(Look.LEGS)
        draft.wake_at(draft.now + RETRY)
        return True
    if len(view.people) < IN_USE:
        return False
    end = min([booking.ends_at + booking.terms.extend_step, *_bounds(draft)])
    if end < booking.ends_at + MINUTE:
        return False
    draft.change(extended_to=end, extensions=booking.extensions + 1, warned=(), form=None)
    draft.tell("booking.extended", end=end.isoformat(), count=booking.extensions + 1)
    return True


def _why_not_extended(draft: Draft) -> str:
    booking, people = draft.booking, len(draft.view.people)
    if booking.detached:
        return "its event is gone"
    if booking.extensions >= booking.terms.extend_times:
        return f"extended {booking.extensions} times already"
    if people < IN_USE:
        return f"{people} connected, at least {IN_USE} make it worth while"
    return "its rooms or its number are needed by others"


def _bounds(draft: Draft) -> list[datetime]:
    """Return the moments at which a connected room, or the slot, is needed by others."""
    booking, around = draft.booking, draft.around
    connected = {d.target.room for d in booking.dials if d.state is DialState.CONNECTED}
    bounds = [around.rooms_busy_from[r] for r in sorted(connected) if r in around.rooms_busy_from]
    if around.slot_busy_from is not None:
        bounds.append(around.slot_busy_from - booking.terms.close_after)
    return bounds
