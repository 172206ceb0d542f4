"""Every node the simulator knows: path -> what each method does.

Paths are compared in lower case; the label is the canonical spelling with `*` for ids, as tests
and fault rules name a node.
"""

from dataclasses import dataclass
from typing import TypeAlias

from cospaced.simulator.api import calls, legs, participants, plain, spaces, system
from cospaced.simulator.api.plain import Handler
from cospaced.simulator.schemas import PLAIN


Handlers: TypeAlias = dict[str, Handler]


@dataclass(frozen=True, slots=True)
class Node:
    """A node: its label, what its methods do, whether it lives in the shared database."""

    label: str
    handlers: Handlers
    shared: bool


def _nodes() -> list[Node]:
    found: list[Node] = []
    for schema in PLAIN:
        many, single = plain.handlers(schema)
        found.append(Node(schema.collection, many, True))
        found.append(Node(f"{schema.collection}/*", single, True))
    found += [Node(label, handlers, True) for label, handlers in _SHARED.items()]
    found += [Node(label, handlers, False) for label, handlers in _LOCAL.items()]
    return found


_SHARED: dict[str, Handlers] = {
    "coSpaces": {"GET": spaces.list_spaces, "POST": spaces.create_space},
    "coSpaces/*": {
        "GET": spaces.get_space,
        "PUT": spaces.change_space,
        "DELETE": spaces.remove_space,
    },
    "coSpaces/*/meetingEntryDetail": {"GET": spaces.get_entry_detail},
    "coSpaces/*/accessMethods": {
        "GET": spaces.list_access_methods,
        "POST": spaces.create_access_method,
    },
    "coSpaces/*/accessMethods/*": {
        "GET": spaces.get_access_method,
        "PUT": spaces.change_access_method,
        "DELETE": spaces.remove_access_method,
    },
    "coSpaces/*/coSpaceUsers": {"GET": spaces.list_users, "POST": spaces.create_user},
    "coSpaces/*/coSpaceUsers/*": {
        "GET": spaces.get_user,
        "PUT": spaces.change_user,
        "DELETE": spaces.remove_user,
    },
    "cospaceBulkSyncs": {"GET": plain.list_syncs, "POST": plain.create_sync},
    "cospaceBulkSyncs/*": {"GET": plain.get_sync, "DELETE": plain.remove_sync},
    "system/profiles": {
        "GET": system.get_profiles,
        "PUT": system.change_profiles,
        "POST": system.change_profiles,
    },
}

_LOCAL: dict[str, Handlers] = {
    "calls": {"GET": calls.list_calls, "POST": calls.create_call},
    "calls/*": {"GET": calls.get_call, "PUT": calls.change_call, "DELETE": calls.remove_call},
    "calls/*/callLegs": {"GET": legs.list_call_legs, "POST": legs.create_leg},
    "calls/*/participants": {
        "GET": participants.list_call_participants,
        "POST": participants.create_participant,
    },
    "calls/*/participants/*": {"PUT": participants.change_call_participants},
    "callLegs": {"GET": legs.list_legs},
    "callLegs/*": {"GET": legs.get_leg, "PUT": legs.change_leg, "DELETE": legs.remove_leg},
    "participants": {"GET": participants.list_participants},
    "participants/*": {
        "GET": participants.get_participant,
        "PUT": participants.change_participant,
        "DELETE": participants.remove_participant,
    },
    "participants/*/callLegs": {"GET": participants.list_participant_legs},
    "system/status": {"GET": system.get_status},
    "system/alarms": {"GET": system.list_alarms},
    "system/load": {"GET": system.get_load},
    "system/database": {"GET": system.get_database},
    "system/licensing": {"GET": system.get_licensing},
    "system/configuration/cluster": {
        "GET": system.get_cluster,
        "PUT": system.change_cluster,
        "POST": system.change_cluster,
    },
}

_BY_PATH = {node.label.lower(): node for node in _nodes()}


def find(parts: list[str]) -> tuple[Node, tuple[str, ...]] | None:
    """Return the node that a path's parts (after `/api/v1`) lead to, and the ids in it."""
    if parts[0].lower() == "system":
        node = _BY_PATH.get("/".join(parts).lower())
        return None if node is None else (node, ())
    template = "/".join("*" if place % 2 else part.lower() for place, part in enumerate(parts))
    node = _BY_PATH.get(template)
    return None if node is None else (node, tuple(part.lower() for part in parts[1::2]))
