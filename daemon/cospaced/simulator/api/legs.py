"""/callLegs and /calls/<id>/callLegs."""

from collections.abc import Iterable

from cospaced.simulator import markup
from cospaced.simulator.api.asking import Ask, Reply, created, matching, page, shown
from cospaced.simulator.api.calls import found_call
from cospaced.simulator.fields import MISSING, apply
from cospaced.simulator.records import Leg
from cospaced.simulator.refusals import Refusal
from cospaced.simulator.schemas import LEG_CHANGES, LEGS


def list_legs(ask: Ask) -> Reply:
    """GET /callLegs: those of this bridge."""
    return leg_page(ask, ask.bridge.legs.values())


def list_call_legs(ask: Ask) -> Reply:
    """GET /calls/<id>/callLegs."""
    return leg_page(ask, found_call(ask).legs.values())


def leg_page(ask: Ask, legs: Iterable[Leg]) -> Reply:
    """Return a page of legs, filtered as the query says."""
    found = matching(legs, ask.query.get("filter", ""), lambda leg: leg.remote_party)
    participant = ask.query.get("participantfilter", "")
    if participant:
        found = [leg for leg in found if leg.participant == participant]
    owned = ask.query.get("owneridset", "")
    if owned:
        found = [leg for leg in found if ("ownerId" in leg.fields) == (owned == "true")]
    return shown(
        page(ask, "callLegs", found, ask.state.knobs.call_page, lambda leg: _listed(ask, leg))
    )


def _identity(ask: Ask, leg: Leg) -> list[tuple[str, str]]:
    pairs = [("name", leg.fields.get("nameLabelOverride", "")), ("remoteParty", leg.remote_party)]
    if ask.state.knobs.version >= (2, 3):
        pairs.append(("originalRemoteParty", leg.remote_party))
    pairs.append(("call", leg.call.id))
    return pairs


def _listed(ask: Ask, leg: Leg) -> str:
    return markup.identified("callLeg", leg.id, markup.elements(_identity(ask, leg)))


def create_leg(ask: Ask) -> Reply:
    """POST /calls/<id>/callLegs: answers once the leg is made, on the bridge that was asked."""
    call = found_call(ask)
    fields = {name: value for name, value in ask.checked(LEGS, new=True).items() if value}
    leg = ask.switchboard.dial(call, fields)
    return created(f"callLegs/{leg.id}", f"created new call leg {leg.id}, call {call.id}")


def change_leg(ask: Ask) -> Reply:
    """PUT /callLegs/<id>: everything but remoteParty, bandwidth and confirmation."""
    leg = _found(ask)
    apply(leg.fields, ask.checked(LEG_CHANGES, new=False))
    return Reply(effect=f"modified call leg {leg.id}")


def remove_leg(ask: Ask) -> Reply:
    """DELETE /callLegs/<id>: hangs up."""
    leg = _found(ask)
    ask.switchboard.end_leg(leg, "apiInitiatedTeardown")
    return Reply(effect=f"deleted call leg {leg.id}")


def _found(ask: Ask) -> Leg:
    leg = ask.bridge.legs.get(ask.ids[0])
    if leg is None:
        raise Refusal(MISSING["callLegs"])
    return leg


_NO_CONFIGURATION = frozenset(("bandwidth", "confirmation", "dtmfSequence"))
_AUDIO = (
    "<codec>opus</codec><packetLossPercentage>0.0</packetLossPercentage>"
    "<jitter>0</jitter><bitRate>64000</bitRate>"
)
_VIDEO = (
    "<codec>h264</codec><width>1280</width><height>720</height><frameRate>30.0</frameRate>"
    "<bitRate>1500000</bitRate><packetLossPercentage>0.0</packetLossPercentage><jitter>0</jitter>"
)
_TRIP = "<roundTripTime>12</roundTripTime>"
_MEDIA = (
    f"<rxAudio>{_AUDIO}</rxAudio><txAudio>{_AUDIO}{_TRIP}</txAudio>"
    f'<rxVideo role="main">{_VIDEO}</rxVideo><txVideo role="main">{_VIDEO}{_TRIP}</txVideo>'
)


def get_leg(ask: Ask) -> Reply:
    """GET /callLegs/<id>: the only place that shows ownerId and state."""
    leg = _found(ask)
    pairs = [*_identity(ask, leg), ("type", "sip")]
    if leg.subtype:
        pairs.append(("subType", leg.subtype))
    direction = "incoming" if leg.incoming else "outgoing"
    pairs.append(("direction", direction))
    if ask.state.knobs.version >= (2, 6):
        pairs.append(("canMove", markup.boolean(not leg.subtype)))
    configuration = [pair for pair in leg.fields.items() if pair[0] not in _NO_CONFIGURATION]
    inside = (
        markup.elements(pairs)
        + f"<configuration>{markup.elements(configuration)}</configuration>"
        + f"<status>{_status(ask, leg, direction)}</status>"
    )
    return shown(markup.identified("callLeg", leg.id, inside))


def _status(ask: Ask, leg: Leg, direction: str) -> str:
    since = leg.created_at if leg.connected_at is None else leg.connected_at
    pairs = [
        ("state", leg.state),
        ("durationSeconds", str(int(ask.state.agenda.moment - since))),
        ("direction", direction),
        ("sipCallId", leg.id),
        ("groupId", leg.id),
    ]
    if leg.connected_at is None:
        return markup.elements(pairs)
    pairs += [("encryptedMedia", "true"), ("unencryptedMedia", "false")]
    pairs.append(("layout", leg.fields.get("chosenLayout", "allEqual")))
    return markup.elements(pairs) + _MEDIA
