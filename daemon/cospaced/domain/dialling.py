"""Dialling the rooms of an open booking: who, when, and when again.

An endpoint that has any leg in the call is never dialled. A request without an answer is a doubt:
the same attempt is made again only after a look that began when the lost request could no longer
take effect. Attempts are numbered over the booking's life and count calls made, not tries to make.
"""

from datetime import datetime, timedelta

from cospaced.domain.booking import Dial, DialState
from cospaced.domain.draft import FOLLOW, RETRY, SETTLING, Draft, Elsewhere, Look
from cospaced.domain.identity import owner_id
from cospaced.domain.legs import keys, present, tell_given_up
from cospaced.domain.seen import SeenCall
from cospaced.domain.writes import DialEndpoint, DropLeg, StartCall


ELSEWHERE_RETRY = timedelta(seconds=5)
"""How often an endpoint that sits in another conference is asked after."""
RINGING = timedelta(seconds=30)
"""How long an endpoint may ring, as Call Bridges let it."""
PATIENCE = timedelta(seconds=5)
"""How long dialling may be held up by a bridge without an answer before that is told."""


def dial(draft: Draft) -> None:
    """Bring the call up and every due endpoint into it."""
    _drop_leavers(draft)
    _forgo(draft)
    _expire(draft)
    due = _due(draft)
    if due and not draft.booking.ended_by_people:
        since = max(_moment(one) for one in due) - draft.prefetch
        call = _call(draft, since)
        if call is not None and _legs_known(draft, call.bridge, since):
            for one in due:
                _dial_one(draft, one, call)
        else:
            _tell_blind(draft, due)
    _follow(draft)


def _drop_leavers(draft: Draft) -> None:
    """Hang up on endpoints whose room left the booking."""
    rooms = draft.booking.rooms
    for one in draft.booking.dials:
        if one.target.room in rooms or one.state is DialState.DROPPED:
            continue
        if one.leg and one.state in (DialState.PLACED, DialState.CONNECTED):
            mark = ("drop", one.target.endpoint)
            if not draft.under_way(mark):
                draft.send(mark, DropLeg(leg=one.leg), one.bridge)
        elif not one.live:
            draft.change_dial(one.target.endpoint, state=DialState.DROPPED, reason="room removed")


def _forgo(draft: Draft) -> None:
    """With the state lost, ring nobody who may have been rung already.

    Who is not in the call is dialled only while the dialling could still be going on: measured by
    the age of the call, or by the start where people dialled in before it.
    """
    booking = draft.booking
    age = draft.view.call_age
    if booking.adopted_at is None or age is None:
        return
    running = min(timedelta(seconds=age), draft.now - booking.start)
    terms = booking.terms
    if running <= terms.dial_attempts * (terms.dial_interval + RINGING):
        return
    if not _legs_known(draft, booking.call_bridge, booking.adopted_at):
        return
    for one in booking.dials:
        if one.state is DialState.DUE and one.attempt == 0 and one.due <= booking.start:
            reason = "not in the call, but may have been rung before the state was lost"
            draft.change_dial(one.target.endpoint, state=DialState.GAVE_UP, reason=reason)
            tell_given_up(draft, one, reason)


def _expire(draft: Draft) -> None:
    """Give up what is too late to ring."""
    terms = draft.booking.terms
    if draft.around.hold_closes:
        # A clock that leapt must not make everybody too late.
        return
    for one in draft.booking.dials:
        if one.state is not DialState.DUE:
            continue
        if draft.now > one.due + terms.dial_late:
            reason = one.reason or "too late to ring"
            draft.change_dial(one.target.endpoint, state=DialState.GAVE_UP, reason=reason)
            tell_given_up(draft, one, reason)


def _due(draft: Draft) -> list[Dial]:
    """Return the dials whose moment has come; set the alarm for the others."""
    found = []
    for one in draft.booking.dials:
        if one.state is not DialState.DUE:
            continue
        moment = _moment(one)
        if one.target.room in draft.around.mute_rooms:
            if draft.now >= moment:
                _hold(draft, one, "its calendar has been unreadable for too long")
            continue
        if draft.now >= moment:
            found.append(one)
            continue
        draft.wake_at(moment)
        _prefetch(draft, moment - draft.prefetch)
    return found


def _moment(one: Dial) -> datetime:
    """Return from when on an endpoint may be dialled."""
    return max(one.due, one.not_before or one.due)


def _prefetch(draft: Draft, since: datetime) -> None:
    """Look for the call and who is in it just before that counts, so that no dial waits for it."""
    view = draft.view
    if draft.now < since:
        draft.wake_at(since)
    elif not _seen(view.calls_at, since):
        draft.look(Look.CALLS)
    elif view.calls and not _seen(view.legs_at, since):
        draft.look(Look.LEGS)


def _seen(looked_at: datetime | None, since: datetime) -> bool:
    return looked_at is not None and looked_at >= since


def _hold(draft: Draft, one: Dial, reason: str) -> None:
    """Tell once why an endpoint that is due is not dialled."""
    if one.reason != reason:
        draft.change_dial(one.target.endpoint, reason=reason)
        draft.tell("leg.held", "warning", **keys(one), reason=reason)


def _tell_blind(draft: Draft, due: list[Dial]) -> None:
    """Tell that nobody is dialled while the bridge that holds the call cannot be asked."""
    bridge = draft.booking.call_bridge
    if not bridge or bridge not in (*draft.view.blind_calls, *draft.view.blind_legs):
        return
    for one in due:
        if draft.now >= one.due + PATIENCE:
            reason = f"{bridge}, which holds the call, cannot be asked who is in it"
            _hold(draft, one, reason)


def _call(draft: Draft, since: datetime) -> SeenCall | None:
    """Return the call to dial from; want a look, or the call itself, where there is none.

    A look that began before `since` does not count: people dial in by hand just before the start.
    """
    view, booking = draft.view, draft.booking
    if draft.under_way(("call",)):
        return None
    if not _calls_known(draft, since):
        draft.look(Look.CALLS)
        draft.wake_at(draft.now + RETRY)
        return None
    if booking.call_bridge in view.blind_calls:
        # The bridge that holds the call cannot be asked: who is in it is unknown.
        draft.look(Look.CALLS)
        draft.wake_at(draft.now + RETRY)
        return None
    if view.calls:
        serving = draft.around.reachable[:1]
        return next((c for c in view.calls if c.bridge in serving), view.calls[0])
    if not draft.around.space or booking.form is None:
        return None
    if booking.not_before is not None and draft.now < booking.not_before:
        draft.wake_at(booking.not_before)
        return None
    if booking.call_asked_at is not None and not _settled(draft, booking.call_asked_at):
        draft.wake_at(draft.now + RETRY)
        return None
    draft.change(call_asked_at=draft.now)
    draft.send(("call",), StartCall(space=draft.around.space))
    return None


def _calls_known(draft: Draft, since: datetime) -> bool:
    """Whether a look that began since then shows the calls, or lately who is in them.

    Lately is since it ended: in a storm of starts looks wait for their turn for long, and who found
    them too old when they come would look for ever.
    """
    view = draft.view
    if view.calls_at is None or view.calls_at < since:
        return False
    if draft.fresh(view.calls_came or view.calls_at):
        return True
    looked_into = bool(view.calls) and _seen(view.legs_at, view.calls_at)
    return looked_into and draft.fresh(view.legs_came)


def _settled(draft: Draft, asked: datetime) -> bool:
    """Whether a look began after a request without an answer could last have taken effect."""
    seen = draft.view.calls_at
    if seen is not None and seen >= asked + draft.around.timeout + SETTLING:
        return True
    if draft.now >= asked + draft.around.timeout + SETTLING:
        draft.look(Look.CALLS)
    return False


def _legs_known(draft: Draft, bridge: str, since: datetime) -> bool:
    """Whether a fresh look shows who is in the call on a bridge; wants that look."""
    view = draft.view
    known = _seen(view.legs_at, since) and draft.fresh(view.legs_came or view.legs_at)
    if known and bridge not in view.blind_legs:
        return True
    draft.look(Look.LEGS)
    draft.wake_at(draft.now + RETRY)
    return False


def _dial_one(draft: Draft, one: Dial, call: SeenCall) -> None:
    endpoint = one.target.endpoint
    leg = draft.view.leg_of(endpoint)
    if leg is not None:
        present(draft, one, leg.id, leg.bridge, leg.call, leg.state)
        return
    if draft.under_way(("dial", endpoint)):
        return
    elsewhere = draft.around.elsewhere.get(endpoint)
    if elsewhere is not None and not _free_up(draft, one, elsewhere):
        return
    attempt = one.attempt + 1
    placed = draft.change_dial(
        endpoint,
        state=DialState.INTENDED,
        attempt=attempt,
        owner_id=owner_id(draft.booking.id, endpoint, attempt),
        at=draft.now,
        not_before=None,
        bridge=call.bridge,
        call=call.id,
        leg="",
        reason="",
    )
    target = placed.target
    draft.send(
        ("dial", endpoint),
        DialEndpoint(
            call=call.id,
            endpoint=endpoint,
            owner_id=placed.owner_id,
            dtmf=target.dtmf,
            bandwidth=target.bandwidth,
            call_bridge_group=target.call_bridge_group,
        ),
        call.bridge,
    )


def _free_up(draft: Draft, one: Dial, elsewhere: Elsewhere) -> bool:
    """Take the endpoint out of an earlier call of ours that ends, or where it sits alone."""
    endpoint = one.target.endpoint
    if elsewhere.leg and (elsewhere.ending or elsewhere.alone):
        mark = ("free", endpoint)
        if not draft.under_way(mark):
            draft.send(mark, DropLeg(leg=elsewhere.leg), elsewhere.bridge)
        return False
    reason = f"its endpoint is in booking {elsewhere.booking}"
    if one.reason != reason:
        draft.tell("endpoint.clash", "warning", **keys(one), reason=reason)
    draft.change_dial(endpoint, reason=reason, not_before=draft.now + ELSEWHERE_RETRY)
    draft.wake_at(draft.now + ELSEWHERE_RETRY)
    return False


def _follow(draft: Draft) -> None:
    """Look each second at what rings or is in doubt; settle doubts that a look has cleared."""
    for one in draft.booking.dials:
        endpoint = one.target.endpoint
        if draft.under_way(("dial", endpoint)):
            continue
        if one.state in (DialState.INTENDED, DialState.DOUBT):
            _in_doubt(draft, one)
        if one.state in (DialState.INTENDED, DialState.DOUBT, DialState.PLACED):
            _look_on(draft)
        elif one.state is DialState.CONNECTED and one.attempt == 0:
            _look_in(draft, one)


def _look_in(draft: Draft, one: Dial) -> None:
    """See at the start whether who came early by itself is still there."""
    seen = draft.view.legs_at
    if draft.now < one.due:
        draft.wake_at(one.due)
    elif not _seen(seen, one.due):
        # Who was seen in it since then is left in peace once it hangs up (`legs`).
        _look_on(draft)


def _in_doubt(draft: Draft, one: Dial) -> None:
    """Make the same attempt again once a look shows that the lost request had no effect.

    An intention that is not under way is one that a crash interrupted.
    """
    settles = (one.at or draft.now) + draft.around.timeout + SETTLING
    seen = draft.view.legs_at
    if seen is None or seen < settles or one.bridge in draft.view.blind_legs:
        draft.wake_at(draft.now + FOLLOW)
        return
    draft.change_dial(
        one.target.endpoint,
        state=DialState.DUE,
        attempt=one.attempt - 1,
        not_before=None,
        reason="its request had no effect",
    )
    draft.tell("leg.no_effect", "debug", **keys(one), attempt=one.attempt)
    draft.wake_at(draft.now)


def _look_on(draft: Draft) -> None:
    if draft.view.calls_at is None:
        # Legs are looked for in calls; without them there are none to be missed.
        draft.look(Look.CALLS)
        draft.wake_at(draft.now + FOLLOW)
        return
    seen = draft.view.legs_at
    if seen is None or draft.now - seen >= FOLLOW:
        draft.look(Look.LEGS)
        seen = draft.now
    draft.wake_at(seen + FOLLOW)
