"""/system: what one bridge says of itself."""

from datetime import timedelta

from cospaced.simulator import markup
from cospaced.simulator.api.asking import Ask, Reply, page, shown
from cospaced.simulator.api.plain import visible
from cospaced.simulator.fields import Schema, apply
from cospaced.simulator.parameters import BASIS_POINTS, NUMBER, TEXT
from cospaced.simulator.records import BridgeState, Record
from cospaced.simulator.schemas import SYSTEM_PROFILES
from cospaced.simulator.state import State


CLUSTER = Schema(
    collection="system/configuration/cluster",
    element="cluster",
    fields={
        "uniqueName": TEXT,
        "peerLinkBitRate": NUMBER,
        "participantLimit": NUMBER,
        "loadLimit": NUMBER,
        "newConferenceLoadLimitBasisPoints": BASIS_POINTS,
        "existingConferenceLoadLimitBasisPoints": BASIS_POINTS,
        "maxPeerVideoStreams": NUMBER,
    },
    defaults={
        "newConferenceLoadLimitBasisPoints": "5000",
        "existingConferenceLoadLimitBasisPoints": "8000",
    },
    empty=("uniqueName", "maxPeerVideoStreams", "participantLimit", "loadLimit", "peerLinkBitRate"),
)


def get_status(ask: Ask) -> Reply:
    """GET /system/status."""
    knobs, bridge = ask.state.knobs, ask.bridge
    cdr_time = ask.state.agenda.wall() - timedelta(seconds=knobs.cdr_time_behind)
    version = knobs.version
    pairs = [("hostId", bridge.host_id)] if version >= (2, 6) else []
    pairs += [
        ("softwareVersion", knobs.software_version),
        ("uptimeSeconds", str(int(ask.state.agenda.moment - bridge.started_at))),
        ("cdrTime", cdr_time.strftime("%Y-%m-%dT%H:%M:%SZ")),
        ("activated", "true"),
        ("clusterEnabled", markup.boolean(knobs.clustered)),
    ]
    if version >= (2, 2):
        pairs.append(("cdrCorrelatorIndex", "0"))
    pairs += [
        ("callLegsActive", str(bridge.legs_active)),
        ("callLegsMaxActive", str(bridge.legs_max)),
        ("callLegsCompleted", str(bridge.legs_completed)),
        ("audioBitRateOutgoing", "0"),
        ("audioBitRateIncoming", "0"),
        ("videoBitRateOutgoing", "0"),
        ("videoBitRateIncoming", "0"),
    ]
    return shown(f"<status>{markup.elements(pairs)}</status>")


def list_alarms(ask: Ask) -> Reply:
    """GET /system/alarms: dead peers, a lost database, and what was raised by hand."""
    found = (_dead_peers, _database, _raised)
    alarms = [alarm for find in found for alarm in find(ask.state, ask.bridge)]
    return shown(page(ask, "alarms", alarms, ask.state.knobs.space_page, str))


def _dead_peers(state: State, bridge: BridgeState) -> list[str]:
    found: list[str] = []
    for peer in state.bridges.values():
        if peer is bridge or peer.dead_since is None or not state.knobs.clustered:
            continue
        active = state.agenda.moment - peer.dead_since
        if active < state.knobs.alarm_after:
            continue
        pairs = [
            ("type", "callBridgeConnectionFailure"),
            ("activeTimeSeconds", str(int(active))),
            ("failureReason", "connectFailure"),
            ("callBridge", peer.id),
            ("callBridgeName", peer.name),
        ]
        found.append(markup.identified("alarm", peer.alarm_id, markup.elements(pairs)))
    return found


def _database(state: State, bridge: BridgeState) -> list[str]:
    if bridge.database == "ok":
        return []
    reason = "destinationReadOnly" if bridge.database == "read_only" else "connectFailure"
    active = int(state.agenda.moment - bridge.database_since)
    pairs = [("type", "databaseConnectionError"), ("activeTimeSeconds", str(active))]
    pairs.append(("failureReason", reason))
    return [markup.identified("alarm", bridge.id, markup.elements(pairs))]


def _raised(state: State, bridge: BridgeState) -> list[str]:
    found = []
    for identity, alarm in bridge.alarms.items():
        active = int(state.agenda.moment - alarm.since)
        pairs = [("type", alarm.type), ("activeTimeSeconds", str(active)), *alarm.details.items()]
        found.append(markup.identified("alarm", identity, markup.elements(pairs)))
    return found


def get_load(ask: Ask) -> Reply:
    """GET /system/load."""
    load = markup.element("mediaProcessingLoad", ask.state.load(ask.bridge))
    return shown(f"<load>{load}</load>")


def get_database(ask: Ask) -> Reply:
    """GET /system/database."""
    if not ask.state.knobs.clustered:
        return shown('<database clustered="disabled"></database>')
    nodes: list[str] = []
    for number, bridge in enumerate(ask.state.bridges.values()):
        up, master = markup.boolean(bridge.alive), markup.boolean(number == 0)
        nodes.append(
            f'<node hostname="{markup.escaped(bridge.name)}" up="{up}" '
            f'syncBehind="{bridge.sync_behind}" master="{master}"></node>'
        )
    head = markup.element("totalNodes", len(nodes)) + markup.element("nodeInUse", ask.bridge.name)
    inside = f"<cluster>{head}{''.join(nodes)}</cluster>"
    return shown(f'<database clustered="enabled">{inside}</database>')


_FEATURES = {
    "callBridge": "",
    "callBridgeNoEncryption": "",
    "webBridge": "",
    "turn": "",
    "branding": "level",
    "recording": "limit",
    "streaming": "limit",
    "personal": "limit",
    "shared": "limit",
    "capacityUnits": "limit",
}
"""Feature -> what is counted, in the order of the document."""
_LICENSED = {"callBridgeNoEncryption": ("noLicense", "")}
"""Nobody has both of the Call Bridge's licences."""


def get_licensing(ask: Ask) -> Reply:
    """GET /system/licensing: everything is activated, unless a scenario says otherwise."""
    told = {**_LICENSED, **ask.bridge.licences}
    inside = ""
    for name, counted in _FEATURES.items():
        status, expiry = told.get(name, ("activated", "2099-Dec-31"))
        pairs = [("status", status)]
        pairs += [("expiry", expiry)] if expiry else []
        pairs += [(counted, "100")] if counted and status != "noLicense" else []
        inside += f"<{name}>{markup.elements(pairs)}</{name}>"
    return shown(f"<licensing><features>{inside}</features></licensing>")


def get_cluster(ask: Ask) -> Reply:
    """GET /system/configuration/cluster: uniqueName says which bridge this is."""
    record = Record(id="", fields=_cluster_fields(ask))
    return shown(f"<cluster>{markup.elements(visible(CLUSTER, record, listed=False))}</cluster>")


def _cluster_fields(ask: Ask) -> dict[str, str]:
    fields = {"uniqueName": ask.bridge.name} if ask.state.knobs.clustered else {}
    if ask.state.knobs.load_limit is not None:
        fields["loadLimit"] = str(ask.state.knobs.load_limit)
    return {**fields, **ask.bridge.cluster_settings}


def change_cluster(ask: Ask) -> Reply:
    """PUT or POST /system/configuration/cluster."""
    apply(ask.bridge.cluster_settings, ask.checked(CLUSTER, new=False))
    return Reply(effect="modified cluster configuration")


def get_profiles(ask: Ask) -> Reply:
    """GET /system/profiles."""
    record = Record(id="", fields=ask.state.database.system_profiles)
    inside = markup.elements(visible(SYSTEM_PROFILES, record, listed=False))
    return shown(f"<profiles>{inside}</profiles>")


def change_profiles(ask: Ask) -> Reply:
    """PUT or POST /system/profiles."""
    apply(ask.state.database.system_profiles, ask.checked(SYSTEM_PROFILES, new=False))
    return Reply(effect="modified system profiles")
