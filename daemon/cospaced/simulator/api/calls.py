"""/calls and what lies under a call."""

from cospaced.simulator import markup
from cospaced.simulator.api.asking import Ask, Reply, created, matching, page, shown
from cospaced.simulator.fields import MISSING, apply
from cospaced.simulator.knobs import ActiveSpace
from cospaced.simulator.records import Call, Conference, ShownMessage
from cospaced.simulator.refusals import Refusal, invalid
from cospaced.simulator.schemas import CALL_CHANGES, CALLS
from cospaced.simulator.state import State
from cospaced.simulator.switchboard import LINK


def name_of(state: State, conference: Conference) -> str:
    """Return the name of a call: its space's name now, or its own."""
    space = state.database.spaces.get(conference.space)
    return space.name if space is not None else conference.name


def found_call(ask: Ask) -> Call:
    """Return the call that the path names; raises Refusal where this bridge has none."""
    call = ask.bridge.calls.get(ask.ids[0])
    if call is None:
        raise Refusal(MISSING["calls"])
    return call


def list_calls(ask: Ask) -> Reply:
    """GET /calls: the one answer without a prolog."""
    wanted = ask.query.get("cospacefilter", "")
    if wanted:
        conference = ask.state.conferences.get(wanted)
        every = conference.calls.values() if conference else ()
        calls = [call for call in every if call.bridge is ask.bridge]
    else:
        calls = list(ask.bridge.calls.values())
    tenant = ask.query.get("tenantfilter", "")
    if tenant:
        calls = [call for call in calls if _tenant(ask, call) == tenant]
    calls = matching(
        calls, ask.query.get("filter", ""), lambda call: name_of(ask.state, call.conference)
    )
    inside = page(ask, "calls", calls, ask.state.knobs.call_page, lambda call: _listed(ask, call))
    return Reply(200, inside.encode())


def _tenant(ask: Ask, call: Call) -> str:
    space = ask.state.database.spaces.get(call.conference.space)
    return space.fields.get("tenant", "") if space is not None else ""


def _listed(ask: Ask, call: Call) -> str:
    pairs = [("name", name_of(ask.state, call.conference))]
    if call.conference.space:
        pairs.append(("coSpace", call.conference.space))
    pairs.append(("callCorrelator", call.conference.correlator))
    tenant = _tenant(ask, call)
    if tenant:
        pairs.append(("tenant", tenant))
    return markup.identified("call", call.id, markup.elements(pairs))


def create_call(ask: Ask) -> Reply:
    """POST /calls, for a space or (ad hoc) by name."""
    fields = ask.checked(CALLS, new=True)
    space_id, name = fields.pop("coSpace", ""), fields.pop("name", "")
    if space_id:
        conference = ask.switchboard.conference(ask.state.database.space(space_id))
    elif name:
        conference = Conference(correlator="", name=name)
    else:
        raise invalid("coSpace")
    present = conference.on(ask.bridge)
    if present is not None and ask.state.knobs.active_space is ActiveSpace.REFUSE:
        raise Refusal("invalidOperation")
    if present is not None and ask.state.knobs.active_space is ActiveSpace.EXISTING:
        return created(f"calls/{present.id}", f"found call {present.id}")
    call = ask.switchboard.start_call(ask.bridge, conference, api_created=True)
    _set(ask, call, fields)
    return created(f"calls/{call.id}", f"created new call {call.id}")


def change_call(ask: Ask) -> Reply:
    """PUT /calls/<id>: lock, record, stream, show a message."""
    call = found_call(ask)
    _set(ask, call, ask.checked(CALL_CHANGES, new=False))
    return Reply(effect=f"modified call {call.id}")


def _set(ask: Ask, call: Call, changes: dict[str, str]) -> None:
    for name, mode, reason in (
        ("recording", "recordingMode", "callRecordingCannotBeModified"),
        ("streaming", "streamingMode", "callStreamingCannotBeModified"),
    ):
        allowed = ask.state.call_setting(call.conference, mode) in ("", "manual")
        if changes.get(name) and not allowed:
            raise Refusal(reason)
    apply(call.fields, changes)
    if changes.get("messageText"):
        ask.state.messages.append(
            ShownMessage(
                at=ask.state.agenda.wall(),
                bridge=call.bridge.name,
                call=call.id,
                space=call.conference.space,
                text=changes["messageText"],
                duration=call.fields.get("messageDuration", "0"),
            )
        )


def remove_call(ask: Ask) -> Reply:
    """DELETE /calls/<id>: drops its legs on this bridge."""
    call = found_call(ask)
    ask.switchboard.end_call(call, "apiInitiatedTeardown")
    return Reply(effect=f"deleted call {call.id}")


def get_call(ask: Ask) -> Reply:
    """GET /calls/<id>."""
    call = found_call(ask)
    conference, version = call.conference, ask.state.knobs.version
    pairs: list[tuple[str, str]] = []
    if version >= (2, 3):
        pairs.append(("name", name_of(ask.state, conference)))
        pairs.append(("callType", "coSpace" if conference.space else "adHoc"))
    if conference.space:
        pairs.append(("coSpace", conference.space))
        space = ask.state.database.spaces.get(conference.space)
        if version >= (2, 2) and space is not None and "meetingScheduler" in space.fields:
            pairs.append(("ownerName", space.fields["meetingScheduler"]))
    pairs.append(("callCorrelator", conference.correlator))
    pairs.append(("durationSeconds", str(int(ask.state.agenda.moment - call.created_at))))
    pairs.append(("numCallLegs", str(len(call.legs))))
    pairs.append(("maxCallLegs", str(call.legs_max)))
    pairs += _participants(call)
    for name, default in _SHOWN.items():
        value = call.fields.get(name, default)
        if value:
            pairs.append((name, value))
            if name in ("recording", "streaming") and version >= (2, 4):
                pairs.append((f"{name}Status", "active" if value == "true" else "inactive"))
    return shown(markup.identified("call", call.id, markup.elements(pairs)))


_SHOWN = {
    "locked": "false",
    "recording": "false",
    "streaming": "false",
    "allowAllMuteSelf": "false",
    "allowAllPresentationContribution": "false",
    "joinAudioMuteOverride": "",
    "messageText": "",
    "messagePosition": "middle",
    "messageDuration": "0",
    "activeWhenEmpty": "true",
}


def _participants(call: Call) -> list[tuple[str, str]]:
    local, remote, others = 0, 0, 0
    for sister in call.conference.calls.values():
        count = sum(leg.subtype != LINK for leg in sister.legs.values())
        if sister.bridge is call.bridge:
            local += count
        else:
            remote += count
            others += 1
    pairs = [("numParticipantsLocal", str(local))]
    if others:
        pairs.append(("numParticipantsRemote", str(remote)))
        pairs.append(("numDistributedInstances", str(others)))
    return pairs
