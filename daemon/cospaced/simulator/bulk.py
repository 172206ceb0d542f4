"""Bulk synchronisation: spaces made from a parameter set's mappings.

A synchronisation first deletes what its set made before and then makes everything anew, with new
ids. Its failures stand in its status; HTTP stays 200.
"""

import re

from cospaced.simulator.records import Record, Space, Sync
from cospaced.simulator.refusals import invalid
from cospaced.simulator.state import State
from cospaced.simulator.switchboard import Switchboard


_INDEX = "$index$"
# Any text but bare $ and \, with their escapes, around at most one $index$.
_PART = r"(?:[^$\\]|\\\\|\\\$)*"
_MAPPING = re.compile(rf"{_PART}(?:\$index\${_PART})?")
_ESCAPED = re.compile(r"\\([\\$])|\$index\$")

_COPIED = ("tenant", "callProfile", "callLegProfile", "callBrandingProfile", "nonMemberAccess")


def check_mappings(fields: dict[str, str]) -> None:
    """Raise Refusal where a mapping breaks the grammar, or would give every space one value."""
    for name in ("coSpaceUriMapping", "coSpaceNameMapping", "coSpaceCallIdMapping"):
        mapping = fields.get(name, "")
        if not mapping:
            continue
        if _MAPPING.fullmatch(mapping) is None:
            raise invalid(name)
        if name != "coSpaceNameMapping" and _INDEX not in mapping:
            raise invalid(name)
        if name == "coSpaceUriMapping" and "@" in mapping:
            raise invalid(name)


def mapped(mapping: str, index: int) -> str:
    """Return what a mapping gives for one index; the mapping is checked."""
    return _ESCAPED.sub(lambda found: found[1] or str(index), mapping)


def queue(state: State, switchboard: Switchboard, parameter_set: str, *, remove_all: bool) -> Sync:
    """Queue a synchronisation: pending, then running, then its outcome."""
    sync = Sync(id=state.entropy.uuid(), parameter_set=parameter_set, remove_all=remove_all)
    state.database.syncs[sync.id] = sync
    knobs = state.knobs

    def run() -> None:
        sync.status = "running"
        state.agenda.after(knobs.bulk_running_seconds, finish)

    def finish() -> None:
        sync.status = _carry_out(state, switchboard, sync)

    state.agenda.after(knobs.bulk_pending_seconds, run)
    return sync


def _carry_out(state: State, switchboard: Switchboard, sync: Sync) -> str:
    parameters = state.database.tables["cospaceBulkParameterSets"].get(sync.parameter_set)
    if parameters is None:
        return "failedNoSuchParameterSet"
    wanted: list[Space] = []
    if not sync.remove_all:
        failure = _failure(state, parameters)
        if failure:
            return failure
        wanted = [_space(state, parameters, index) for index in _indexes(parameters)]
    for space in list(state.database.made_by(parameters.id)):
        switchboard.end_conference(space, "callEnded")
        state.database.remove_space(space)
    for space in wanted:
        state.database.add_space(space)
    return "complete"


def _indexes(parameters: Record) -> range:
    fields = parameters.fields
    return range(int(fields["startIndex"]), int(fields["endIndex"]) + 1)


def _failure(state: State, parameters: Record) -> str:
    first, last = int(parameters.fields["startIndex"]), int(parameters.fields["endIndex"])
    if first > last:
        return "failedIndexRangeInvalid"
    if last - first + 1 > state.knobs.bulk_range_max:
        return "failedIndexRangeTooGreat"
    for index in _indexes(parameters):
        uri = mapped(parameters.fields.get("coSpaceUriMapping", ""), index)
        call_id = mapped(parameters.fields.get("coSpaceCallIdMapping", ""), index)
        uri_taken, call_id_taken = state.database.taken(uri, call_id, except_made_by=parameters.id)
        if uri_taken:
            return "failedCoSpaceUriConflict"
        if call_id_taken:
            return "failedCallIdConflict"
    return ""


def _space(state: State, parameters: Record, index: int) -> Space:
    fields = {name: parameters.fields[name] for name in _COPIED if name in parameters.fields}
    for name, mapping in (
        ("name", "coSpaceNameMapping"),
        ("uri", "coSpaceUriMapping"),
        ("callId", "coSpaceCallIdMapping"),
    ):
        value = mapped(parameters.fields.get(mapping, ""), index)
        if value:
            fields[name] = value
    space = Space(id=state.entropy.uuid(), fields=fields, made_by=parameters.id)
    if "callId" in fields:
        fields["secret"] = state.secret()
    return space
