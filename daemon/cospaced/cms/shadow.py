"""What CMS would hold, had it been told what was withheld; in memory, for one run.

Spaces, profiles and bulk sets are a cluster's and shared by its bridges; calls and call legs are
each bridge's own. Nothing here is ever sent.
"""

import uuid
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import assert_never

from cospaced.cms.requests import INDEX
from cospaced.domain.seen import (
    LegState,
    ParameterSet,
    Profile,
    SeenCall,
    SeenLeg,
    SeenSpace,
    SpaceSummary,
)
from cospaced.domain.writes import (
    CloseSpace,
    CreateCallLegProfile,
    CreateCallProfile,
    CreateParameterSet,
    CreateSpace,
    DialEndpoint,
    DropLeg,
    EndCall,
    OpenSpace,
    ShowMessage,
    StartCall,
    StartSync,
    Write,
)
from cospaced.ports import Clock


_NAMESPACE = uuid.UUID("5b0e3d52-3f0c-5f0e-8f1c-6a7f8e0f9d11")


@dataclass(frozen=True, slots=True, kw_only=True)
class _Edit:
    """What a space was told last."""

    name: str
    access: bool
    passcode: str = ""
    secret: str = ""
    cdr_tag: str = ""
    scheduler: str = ""


@dataclass(slots=True, kw_only=True)
class _Local:
    """One bridge's calls and legs: those that only the shadow knows, and real ones it ended."""

    calls: dict[str, SeenCall] = field(default_factory=dict)
    began: dict[str, datetime] = field(default_factory=dict)
    legs: dict[str, SeenLeg] = field(default_factory=dict)
    ended: set[str] = field(default_factory=set)


class Shadow:
    """One for a cluster; give it to the ObservingBridge of each of its Call Bridges."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._made = 0
        self._edits: dict[str, _Edit] = {}
        self._spaces: dict[str, SeenSpace] = {}
        self._local: dict[str, _Local] = {}
        self._sets: dict[str, ParameterSet] = {}
        self._syncs: set[str] = set()
        self.call_profiles: list[Profile] = []
        self.call_leg_profiles: list[Profile] = []

    def apply(self, bridge: str, write: Write) -> str:  # noqa: C901 - a table: one line a write
        """Take a write as done; return the id of what it made, empty where it makes nothing."""
        local = self._at(bridge)
        match write:
            case OpenSpace() | CloseSpace():
                self._edits[write.space] = self._edit(write)
            case StartCall():
                return self._start(bridge, local, write.space)
            case DialEndpoint():
                return self._dial(bridge, local, write)
            case DropLeg():
                local.ended.add(write.leg)
            case EndCall():
                local.ended.add(write.call)
            case CreateSpace():
                return self._make_space(write)
            case CreateParameterSet():
                return self._make_set(write)
            case StartSync():
                return self._sync(write.parameter_set)
            case CreateCallProfile():
                self.call_profiles.append(Profile(id=self._new_id()))
                return self.call_profiles[-1].id
            case CreateCallLegProfile():
                self.call_leg_profiles.append(Profile(id=self._new_id(), name=write.name))
                return self.call_leg_profiles[-1].id
            case ShowMessage():
                pass
            case _:
                assert_never(write)
        return ""

    def space(self, space: str, real: SeenSpace | None) -> SeenSpace | None:
        """Return a space as it would be."""
        seen = self._spaces.get(space, real)
        edit = self._edits.get(space)
        if seen is None or edit is None:
            return seen
        return replace(
            seen,
            name=edit.name,
            non_member_access=edit.access,
            passcode=edit.passcode,
            secret=edit.secret,
            cdr_tag=edit.cdr_tag,
            scheduler=edit.scheduler,
        )

    def spaces(self, real: Iterable[SpaceSummary], wanted: str) -> tuple[SpaceSummary, ...]:
        """Return the list of spaces as it would be; `wanted` is the filter it was asked with."""
        listed = [
            replace(one, name=edit.name) if (edit := self._edits.get(one.id)) else one
            for one in real
        ]
        for made in self._spaces:
            one = self.space(made, None)
            if one is not None and wanted.lower() in f"{one.name}\0{one.uri}".lower():
                listed.append(
                    SpaceSummary(id=one.id, name=one.name, uri=one.uri, call_id=one.call_id)
                )
        return tuple(listed)

    def knows_space(self, space: str) -> bool:
        """Whether the space stands here alone."""
        return space in self._spaces

    def calls(self, bridge: str, real: Iterable[SeenCall], space: str) -> tuple[SeenCall, ...]:
        """Return a bridge's calls as they would be, of one space where one is named."""
        local = self._at(bridge)
        made = (call for call in local.calls.values() if space in ("", call.space))
        return tuple(call for call in (*real, *made) if call.id not in local.ended)

    def knows_call(self, bridge: str, call: str) -> bool:
        """Whether the call stands here alone, or was ended here."""
        local = self._at(bridge)
        return call in local.calls or call in local.ended

    def call_age(self, bridge: str, call: str) -> int | None:
        """Return the seconds since a call was started here; None where it is ended."""
        local = self._at(bridge)
        if call in local.ended or call not in local.began:
            return None
        return int((self._clock.now() - local.began[call]).total_seconds())

    def legs(self, bridge: str, call: str) -> tuple[SeenLeg, ...]:
        """Return the legs dialled here into a call."""
        local = self._at(bridge)
        if call in local.ended:
            return ()
        return tuple(
            leg for leg in local.legs.values() if leg.call == call and leg.id not in local.ended
        )

    def leg(self, bridge: str, leg: str) -> SeenLeg | None:
        """Return one leg dialled here, None where there is none (any more)."""
        local = self._at(bridge)
        found = local.legs.get(leg)
        gone = leg in local.ended or (found is not None and found.call in local.ended)
        return None if gone else found

    def ended(self, bridge: str, identity: str) -> bool:
        """Whether a call or leg was ended here."""
        return identity in self._at(bridge).ended

    def knows_leg(self, bridge: str, leg: str) -> bool:
        """Whether the leg was dialled here, or dropped here."""
        local = self._at(bridge)
        return leg in local.legs or leg in local.ended

    def sets(self) -> tuple[ParameterSet, ...]:
        """Return the bulk parameter sets made here."""
        return tuple(self._sets.values())

    def synced(self, sync: str) -> bool:
        """Whether a sync was started here; it was complete at once."""
        return sync in self._syncs

    def _at(self, bridge: str) -> _Local:
        return self._local.setdefault(bridge, _Local())

    def _new_id(self) -> str:
        self._made += 1
        return str(uuid.uuid5(_NAMESPACE, str(self._made)))

    def _edit(self, write: OpenSpace | CloseSpace) -> _Edit:
        if isinstance(write, CloseSpace):
            return _Edit(name=write.name, access=False, secret=self._new_id())
        form = write.form
        return _Edit(
            name=form.name,
            access=True,
            passcode=form.passcode,
            secret=form.secret,
            cdr_tag=form.cdr_tag,
            scheduler=form.scheduler,
        )

    def _start(self, bridge: str, local: _Local, space: str) -> str:
        for call in self.calls(bridge, (), space):
            return call.id
        identity = self._new_id()
        edit = self._edits.get(space)
        local.began[identity] = self._clock.now()
        local.calls[identity] = SeenCall(
            bridge=bridge,
            id=identity,
            space=space,
            correlator=identity,
            name=edit.name if edit else "",
        )
        return identity

    def _dial(self, bridge: str, local: _Local, write: DialEndpoint) -> str:
        identity = self._new_id()
        local.legs[identity] = SeenLeg(
            bridge=bridge,
            id=identity,
            call=write.call,
            remote_party=write.endpoint,
            state=LegState.CONNECTED,
            owner_id=write.owner_id,
        )
        return identity

    def _make_space(self, write: CreateSpace) -> str:
        identity = self._new_id()
        self._spaces[identity] = SeenSpace(
            id=identity,
            name=write.name,
            uri=str(write.number),
            call_id=str(write.number),
            non_member_access=False,
            secret=self._new_id(),
            call_profile=write.call_profile,
            call_leg_profile=write.call_leg_profile,
        )
        return identity

    def _make_set(self, write: CreateParameterSet) -> str:
        identity = self._new_id()
        self._sets[identity] = ParameterSet(
            id=identity,
            start=write.start,
            end=write.end,
            uri_mapping=INDEX,
            name_mapping=f"{write.name_prefix}{INDEX}",
            call_id_mapping=INDEX,
            call_profile=write.call_profile,
            call_leg_profile=write.call_leg_profile,
        )
        return identity

    def _sync(self, parameter_set: str) -> str:
        """Make the spaces of a set made here; a real one's stand on CMS already, or never will."""
        made = self._sets.get(parameter_set)
        for number in range(made.start, made.end + 1) if made else ():
            self._make_space(
                CreateSpace(
                    number=number,
                    name=made.name_mapping.replace(INDEX, str(number)) if made else "",
                    call_profile=made.call_profile if made else "",
                    call_leg_profile=made.call_leg_profile if made else "",
                )
            )
        identity = self._new_id()
        self._syncs.add(identity)
        return identity
