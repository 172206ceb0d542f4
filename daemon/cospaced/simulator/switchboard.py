"""Calls and call legs: how they come, ring, connect and end.

One call for a space on each bridge; the calls of one space share a correlator and are joined by
distribution links. An API-created call lives until somebody deletes it, any other ends with its
last leg.
"""

from collections.abc import Mapping

from cospaced.simulator.endpoints import Answer, Behaviour, Endpoint, Invite, Presence
from cospaced.simulator.records import (
    BridgeState,
    Call,
    Conference,
    EndedLeg,
    Leg,
    Participant,
    Space,
)
from cospaced.simulator.refusals import Refusal
from cospaced.simulator.state import State


LINK = "distributionLink"

_REASONS = {
    Answer.BUSY: "remoteBusy",
    Answer.REJECT: "remoteRejected",
    Answer.NO_ANSWER: "ringingTimeout",
    Answer.UNKNOWN: "unknownDestination",
}


class Switchboard:
    """Changes calls and legs; every time is the agenda's."""

    def __init__(self, state: State) -> None:
        self._state = state

    def conference(self, space: Space) -> Conference:
        """Return the conference of a space; one that has no call yet is known to nobody else."""
        return self._state.conferences.get(space.id) or Conference(correlator="", space=space.id)

    def start_call(self, bridge: BridgeState, conference: Conference, *, api_created: bool) -> Call:
        """Make the call of a conference on one bridge, linked with its sisters."""
        call = Call(
            id=self._state.entropy.uuid(),
            bridge=bridge,
            conference=conference,
            created_at=self._state.agenda.moment,
            api_created=api_created,
        )
        conference.correlator = conference.correlator or self._state.entropy.uuid()
        bridge.calls[call.id] = call
        for sister in conference.calls.values():
            if sister.bridge is not bridge:
                self._link(call, sister)
        conference.calls[call.id] = call
        if conference.space:
            self._state.conferences[conference.space] = conference
        self._watch_idle(call)
        return call

    def dial(self, call: Call, fields: Mapping[str, str]) -> Leg:
        """Call an endpoint from a call; returns the leg in state initial."""
        limit = self._state.call_setting(call.conference, "participantLimit")
        if limit and self._participants_of(call.conference) >= int(limit):
            raise Refusal("participantLimitReached")
        remote = fields["remoteParty"]
        leg = self._new_leg(call, remote)
        leg.fields = {name: value for name, value in fields.items() if name != "remoteParty"}
        self._join(leg)
        leg.endpoint = self._state.endpoints.named(remote)
        self._state.agenda.after(self._state.knobs.setup_seconds, lambda: self._ring(leg))
        return leg

    def dial_in(self, call: Call, endpoint: Endpoint) -> Leg:
        """Let an endpoint join a call by its own doing: connected at once."""
        leg = self._new_leg(call, endpoint.uri)
        leg.incoming = True
        leg.endpoint = endpoint
        endpoint.leg = leg.id
        self._join(leg)
        self._connect(leg, Behaviour())
        return leg

    def end_leg(self, leg: Leg, reason: str) -> None:
        """End a leg, and with it a call that was not created through the API, if it was the last.

        `reason` is a callLegEnd reason of the CDR guide.
        """
        if leg.ended:
            return
        self._remove(leg, reason)
        call = leg.call
        if call.ended or not _empty(call):
            return
        if call.api_created:
            self._watch_idle(call)
        else:
            self.end_call(call, "callEnded")

    def end_call(self, call: Call, reason: str) -> None:
        """End a call on its bridge and every leg in it; its sisters on other bridges go on."""
        if call.ended:
            return
        call.ended = True
        for leg in list(call.legs.values()):
            self._remove(leg, reason)
        del call.bridge.calls[call.id]
        conference = call.conference
        del conference.calls[call.id]
        if not conference.calls:
            self._state.conferences.pop(conference.space, None)

    def end_conference(self, space: Space, reason: str) -> None:
        """End the calls of a space on every bridge."""
        conference = self._state.conferences.get(space.id)
        if conference is not None:
            for call in list(conference.calls.values()):
                self.end_call(call, reason)

    def end_everything(self, bridge: BridgeState) -> None:
        """End all that a bridge holds, as when its power fails."""
        for call in list(bridge.calls.values()):
            self.end_call(call, "error")

    def _new_leg(self, call: Call, remote: str) -> Leg:
        leg = Leg(
            id=self._state.entropy.uuid(),
            call=call,
            remote_party=remote,
            created_at=self._state.agenda.moment,
        )
        call.legs[leg.id] = leg
        call.bridge.legs[leg.id] = leg
        call.legs_max = max(call.legs_max, len(call.legs))
        return leg

    def _join(self, leg: Leg) -> None:
        participant = Participant(id=self._state.entropy.uuid(), leg=leg)
        leg.participant = participant.id
        self._state.participants[participant.id] = participant
        bridge = leg.call.bridge
        bridge.legs_active += 1
        bridge.legs_max = max(bridge.legs_max, bridge.legs_active)

    def _participants_of(self, conference: Conference) -> int:
        calls = conference.calls.values()
        return sum(leg.subtype != LINK for call in calls for leg in call.legs.values())

    def _ring(self, leg: Leg) -> None:
        endpoint = leg.endpoint
        if leg.ended or endpoint is None:
            return
        behaviour = self._reached(leg, endpoint)
        if behaviour.answer in (Answer.BUSY, Answer.UNKNOWN):
            self._remember_invite(leg, endpoint, rang=False)
            self.end_leg(leg, _REASONS[behaviour.answer])
            return
        self._remember_invite(leg, endpoint, rang=True)
        endpoint.leg = leg.id
        leg.state = "ringing"
        agenda, timeout = self._state.agenda, self._state.knobs.ringing_timeout
        if behaviour.answer is Answer.NO_ANSWER or behaviour.rings > timeout:
            agenda.after(timeout, lambda: self.end_leg(leg, _REASONS[Answer.NO_ANSWER]))
        elif behaviour.answer is Answer.REJECT:
            agenda.after(behaviour.rings, lambda: self.end_leg(leg, _REASONS[Answer.REJECT]))
        else:
            agenda.after(behaviour.rings, lambda: self._connect(leg, behaviour))

    def _reached(self, leg: Leg, endpoint: Endpoint) -> Behaviour:
        if self._state.knobs.enforce_dial_plan and not self._routable(leg):
            return Behaviour(answer=Answer.UNKNOWN)
        if endpoint.busy:
            return Behaviour(answer=Answer.BUSY)
        return endpoint.next_behaviour()

    def _routable(self, leg: Leg) -> bool:
        domain = leg.remote_party.partition("@")[2].partition(";")[0].lower()
        bridge = leg.call.bridge
        for rule in self._state.database.tables["outboundDialPlanRules"].values():
            pattern = rule.fields.get("domain", "").lower()
            matches = domain.endswith(pattern[1:]) if pattern[:1] == "*" else domain == pattern
            only = rule.fields.get("callBridge", bridge.id)
            if matches and only == bridge.id:
                return True
        return False

    def _remember_invite(self, leg: Leg, endpoint: Endpoint, *, rang: bool) -> None:
        endpoint.invites.append(
            Invite(
                at=self._state.agenda.wall(),
                bridge=leg.call.bridge.name,
                call=leg.call.id,
                space=leg.call.conference.space,
                leg=leg.id,
                rang=rang,
            )
        )

    def _connect(self, leg: Leg, behaviour: Behaviour) -> None:
        if leg.ended:
            return
        agenda = self._state.agenda
        leg.state = "connected"
        leg.connected_at = agenda.moment
        leg.remote_party += self._state.knobs.party_suffix
        if leg.endpoint is not None:
            leg.endpoint.connects.append(self._presence(leg, ""))
        if behaviour.hangs_up is not None:
            agenda.after(behaviour.hangs_up, lambda: self.end_leg(leg, "remoteTeardown"))
        if behaviour.drops is not None:
            agenda.after(behaviour.drops, lambda: self.end_leg(leg, "error"))
        most = self._state.setting(leg, "maxCallDurationTime")
        if most and int(most):
            agenda.after(int(most), lambda: self.end_leg(leg, "timeout"))

    def _presence(self, leg: Leg, reason: str) -> Presence:
        space, call = leg.call.conference.space, leg.call.id
        at = self._state.agenda.wall()
        return Presence(at=at, call=call, space=space, leg=leg.id, reason=reason)

    def _remove(self, leg: Leg, reason: str) -> None:
        leg.ended = True
        call, bridge = leg.call, leg.call.bridge
        del call.legs[leg.id]
        del bridge.legs[leg.id]
        if leg.subtype == LINK:
            if leg.peer is not None and not leg.peer.ended:
                self._remove(leg.peer, reason)
            return
        bridge.legs_active -= 1
        bridge.legs_completed += 1
        self._state.participants.pop(leg.participant, None)
        if leg.endpoint is not None and leg.endpoint.leg == leg.id:
            leg.endpoint.leg = ""
            if leg.connected_at is not None:
                leg.endpoint.hang_ups.append(self._presence(leg, reason))
        since = leg.connected_at
        self._state.ended_legs.append(
            EndedLeg(
                at=self._state.agenda.wall(),
                bridge=bridge.name,
                leg=leg.id,
                call=call.id,
                space=call.conference.space,
                remote_party=leg.remote_party,
                reason=reason,
                connected_seconds=None if since is None else self._state.agenda.moment - since,
            )
        )

    def _link(self, call: Call, sister: Call) -> None:
        ends = (self._new_leg(call, sister.bridge.name), self._new_leg(sister, call.bridge.name))
        for leg, peer in (ends, ends[::-1]):
            leg.subtype = LINK
            leg.state = "connected"
            leg.connected_at = self._state.agenda.moment
            leg.peer = peer

    def _watch_idle(self, call: Call) -> None:
        timeout = self._state.knobs.idle_timeout
        if timeout is None or not call.api_created:
            return
        emptied = self._state.agenda.moment
        call.idle_since = emptied

        def end_if_still_empty() -> None:
            if _empty(call) and call.idle_since == emptied:
                self.end_call(call, "timeout")

        self._state.agenda.after(timeout, end_if_still_empty)


def _empty(call: Call) -> bool:
    return all(leg.subtype == LINK for leg in call.legs.values())
