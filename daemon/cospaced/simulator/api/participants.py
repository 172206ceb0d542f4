"""/participants: known to every bridge, hosted by one; their legs are load-balanced."""

from cospaced.simulator import markup
from cospaced.simulator.api.asking import Ask, Reply, created, matching, page, shown
from cospaced.simulator.api.calls import found_call
from cospaced.simulator.api.legs import leg_page
from cospaced.simulator.fields import MISSING, apply
from cospaced.simulator.records import BridgeState, Leg, Participant
from cospaced.simulator.refusals import Refusal
from cospaced.simulator.schemas import LEG_CHANGES, PARTICIPANTS


def list_participants(ask: Ask) -> Reply:
    """GET /participants: the whole cluster's."""
    return _page(ask, list(ask.state.participants.values()))


def list_call_participants(ask: Ask) -> Reply:
    """GET /calls/<id>/participants: also those whom other bridges host."""
    conference = found_call(ask).conference
    legs = [leg for call in conference.calls.values() for leg in call.legs.values()]
    return _page(ask, [ask.state.participants[leg.participant] for leg in legs if leg.participant])


def _page(ask: Ask, participants: list[Participant]) -> Reply:
    bridge = ask.query.get("callbridgefilter", "")
    if bridge:
        participants = [one for one in participants if one.leg.call.bridge.id == bridge]
    text = ask.query.get("filter", "")
    participants = matching(participants, text, lambda one: one.leg.remote_party)
    most = ask.state.knobs.space_page
    return shown(page(ask, "participants", participants, most, lambda one: _listed(ask, one)))


def _listed(ask: Ask, participant: Participant) -> str:
    pairs = [("name", _label(participant.leg)), *_whereabouts(ask, participant)]
    return markup.identified("participant", participant.id, markup.elements(pairs))


def _whereabouts(ask: Ask, participant: Participant) -> list[tuple[str, str]]:
    leg = participant.leg
    here = leg.call.conference.on(ask.bridge) or leg.call
    pairs = [("call", here.id)]
    if leg.call.bridge is not ask.bridge:
        pairs.append(("callBridge", leg.call.bridge.id))
    return pairs


def _label(leg: Leg) -> str:
    return leg.fields.get("nameLabelOverride") or leg.remote_party


def create_participant(ask: Ask) -> Reply:
    """POST /calls/<id>/participants: the leg may arise on another bridge."""
    conference = found_call(ask).conference
    checked = ask.checked(PARTICIPANTS, new=True)
    fields = {name: value for name, value in checked.items() if value}
    bridge = _chosen_bridge(ask, fields.pop("callBridge", ""), fields.pop("callBridgeGroup", ""))
    call = conference.on(bridge)
    if call is None:
        call = ask.switchboard.start_call(bridge, conference, api_created=False)
    leg = ask.switchboard.dial(call, fields)
    path = f"participants/{leg.participant}"
    return created(path, f"created new participant {leg.participant}, call {call.id}")


def _chosen_bridge(ask: Ask, bridge_id: str, group: str) -> BridgeState:
    if bridge_id:
        for bridge in ask.state.bridges.values():
            if bridge.id == bridge_id and bridge.alive:
                return bridge
        raise Refusal("callBridgeUnavailable")
    if group:
        if not _balances(ask, group):
            raise Refusal("loadBalancingDisabled")
        return _least_loaded(ask, group)
    own = ask.state.database.tables["callBridges"].get(ask.bridge.id)
    own_group = own.fields.get("callBridgeGroup", "") if own is not None else ""
    if own_group and _balances(ask, own_group):
        return _least_loaded(ask, own_group)
    return ask.bridge


def _balances(ask: Ask, group: str) -> bool:
    fields = ask.state.database.tables["callBridgeGroups"][group].fields
    return fields.get("loadBalanceOutgoingCalls") == "true"


def _least_loaded(ask: Ask, group: str) -> BridgeState:
    entries = ask.state.database.tables["callBridges"]
    members = [
        bridge
        for bridge in ask.state.bridges.values()
        if bridge.alive
        and bridge.id in entries
        and entries[bridge.id].fields.get("callBridgeGroup") == group
    ]
    if not members:
        raise Refusal("callBridgeGroupUnavailable")
    return min(members, key=ask.state.load)


def _found(ask: Ask) -> Participant:
    participant = ask.state.participants.get(ask.ids[0])
    if participant is None:
        raise Refusal(MISSING["participants"])
    return participant


def get_participant(ask: Ask) -> Reply:
    """GET /participants/<id>."""
    participant = _found(ask)
    leg = participant.leg
    pairs = _whereabouts(ask, participant)
    if leg.call.bridge is ask.bridge:
        pairs.append(("numCallLegs", "1"))
    pairs += [("name", _label(leg)), ("uri", leg.remote_party)]
    if ask.state.knobs.version >= (2, 3):
        pairs.append(("originalUri", leg.remote_party))
    pairs.append(("isActivator", "true"))
    configuration = [pair for pair in leg.fields.items() if pair[0] in _CONFIGURATION]
    inside = (
        markup.elements(pairs)
        + f"<configuration>{markup.elements(configuration)}</configuration>"
        + f"<status>{markup.element('state', leg.state)}</status>"
    )
    return shown(markup.identified("participant", participant.id, inside))


_CONFIGURATION = frozenset(("importance", "nameLabelOverride", "defaultLayout", "layoutTemplate"))


def change_participant(ask: Ask) -> Reply:
    """PUT /participants/<id>: only where its bridge is asked."""
    participant = _found(ask)
    if participant.leg.call.bridge is not ask.bridge:
        raise Refusal("participantCannotBeModified")
    apply(participant.leg.fields, ask.checked(LEG_CHANGES, new=False))
    return Reply(effect=f"modified participant {participant.id}")


def change_call_participants(ask: Ask) -> Reply:
    """PUT /calls/<id>/participants/*: those named by filterIds are left out, or alone meant."""
    call = found_call(ask)
    if ask.ids[1] != "*":
        raise Refusal(ask.state.knobs.unrecognised)
    changes = ask.checked(LEG_CHANGES, new=False)
    named = ask.form.get("filterIds", "").split(",")
    selected = ask.form.get("mode", "exclude") == "selected"
    for leg in call.legs.values():
        if leg.participant and (leg.participant in named) == selected:
            apply(leg.fields, changes)
    return Reply(effect=f"modified participants of call {call.id}")


def remove_participant(ask: Ask) -> Reply:
    """DELETE /participants/<id>: only where its bridge is asked."""
    participant = _found(ask)
    if participant.leg.call.bridge is not ask.bridge:
        raise Refusal("participantCannotBeDeleted")
    ask.switchboard.end_leg(participant.leg, "apiInitiatedTeardown")
    return Reply(effect=f"deleted participant {participant.id}")


def list_participant_legs(ask: Ask) -> Reply:
    """GET /participants/<id>/callLegs: for one who is elsewhere, that bridge's id instead."""
    participant = _found(ask)
    bridge = participant.leg.call.bridge
    if bridge is ask.bridge:
        return leg_page(ask, [participant.leg])
    inside = markup.element("callBridge", bridge.id)
    return shown(f'<callLegs total="0">{inside}</callLegs>')
