"""The facts of a finished demo, as the simulated CMS has them; values only."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from cospaced.commands.demonstration.board import Conference
from cospaced.commands.demonstration.daemon_log import DaemonLog
from cospaced.commands.demonstration.site import endpoint_of
from cospaced.commands.demonstration.story import Notes
from cospaced.commands.demonstration.witness import Kind, Witness
from cospaced.simulator.cluster import Cluster


@dataclass(frozen=True, slots=True, kw_only=True)
class Stay:
    """One room in one conference."""

    room: str
    calls: int
    """How often it was called, busy or not."""
    rings: int
    joined: datetime | None
    left: datetime | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """One conference as it was held; `end` is the last one in its calendars."""

    title: str
    start: datetime
    end: datetime
    stays: tuple[Stay, ...]
    writes: dict[Kind, int]
    messages: tuple[str, ...]
    names: tuple[str, ...]
    """What it was called on CMS."""

    def stay(self, room: str) -> Stay:
        """Return a room's stay; KeyError where it was not invited."""
        for one in self.stays:
            if one.room == room:
                return one
        raise KeyError(room)


@dataclass(frozen=True, slots=True, kw_only=True)
class Facts:
    """Everything that promises are checked against; times in UTC, `late_ms` in milliseconds."""

    held: tuple[Held, ...]
    notes: Notes
    spaces: int
    spaces_open: int
    calls_left: int
    requests: int
    pool_writes: int
    late_ms: tuple[int, ...]
    """Of each space opened and each first call of a room."""
    errors: tuple[str, ...]
    """What the daemon logged as an error, and lines that were no log."""
    exit_status: int | None
    refused: tuple[str, ...]
    """Writes that CMS refused."""


def collect(
    *,
    cluster: Cluster,
    witness: Witness,
    conferences: Sequence[Conference],
    log: DaemonLog,
    notes: Notes,
    exit_status: int | None,
) -> Facts:
    """Take the facts from the cluster and from the daemon's log."""
    spaces = list(cluster.state.database.spaces.values())
    held = [one for one in conferences if one.number]
    errors = [r.get("message", r["event"]) for r in log.records if r.get("level") == "error"]
    # A DELETE of what ended by itself meanwhile is refused, and harmless.
    refused = [
        one.text
        for one in witness.writes
        if not 200 <= one.status < 300 and one.kind not in (Kind.DROP, Kind.END)  # noqa: PLR2004
    ]
    return Facts(
        held=tuple(_held(one, cluster, witness) for one in held),
        notes=notes,
        spaces=len(spaces),
        spaces_open=sum(space.open for space in spaces),
        calls_left=sum(len(cluster.scenarios.calls_of(space.id)) for space in spaces),
        requests=len(cluster.requests),
        pool_writes=sum(one.kind is Kind.POOL for one in witness.writes),
        late_ms=tuple(_late(log.records)),
        errors=(*errors, *log.noise),
        exit_status=exit_status,
        refused=tuple(refused),
    )


def _held(conference: Conference, cluster: Cluster, witness: Witness) -> Held:
    space, invitation = witness.space(conference.number), conference.sent
    messages = dict.fromkeys(m.text for m in cluster.messages if m.space == space)
    return Held(
        title=invitation.title,
        start=invitation.start,
        end=invitation.end,
        stays=tuple(_stay(room, space, witness) for room in invitation.rooms),
        writes={kind: witness.count(space, kind) for kind in Kind if kind is not Kind.POOL},
        messages=tuple(messages),
        names=witness.names(space),
    )


def _stay(room: str, space: str, witness: Witness) -> Stay:
    endpoint = witness.endpoint(endpoint_of(room))
    invites = [one for one in endpoint.invites if one.space == space]
    return Stay(
        room=room,
        calls=len(invites),
        rings=sum(one.rang for one in invites),
        joined=next((one.at for one in endpoint.connects if one.space == space), None),
        left=next((one.at for one in endpoint.hang_ups if one.space == space), None),
    )


def _late(records: Sequence[Any]) -> list[int]:
    return [
        int(record["late_ms"])
        for record in records
        if record["event"] == "booking.opened"
        or (record["event"] == "leg.dialled" and record.get("attempt") == 1)
    ]
