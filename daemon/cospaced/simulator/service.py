"""The service: one request to one bridge, its effect, its reply; no waiting and no faults here."""

from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus

from cospaced.simulator.api import routes
from cospaced.simulator.api.asking import Ask, Reply, read_form
from cospaced.simulator.records import BridgeState
from cospaced.simulator.refusals import Busy, Refusal, UnknownPath
from cospaced.simulator.state import State
from cospaced.simulator.switchboard import Switchboard


_PREFIX = ("api", "v1")
_CHALLENGE = Reply(401, challenge=True)


@dataclass(frozen=True, slots=True)
class Request:
    """A request as it came; `path` without the query, `authorization` the header's value."""

    method: str
    path: str
    query: str = ""
    body: bytes = b""
    authorization: str = ""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a request goes; `node` None: nowhere."""

    node: routes.Node | None
    ids: tuple[str, ...] = ()
    invalid_version: bool = False

    @property
    def label(self) -> str:
        """The node's canonical name with `*` for ids; empty where there is none."""
        return self.node.label if self.node is not None else ""


def locate(path: str) -> Target:
    """Return where a path leads: any case, with or without a slash at its end."""
    parts = path.strip("/").split("/")
    if len(parts) <= len(_PREFIX) or parts[0].lower() != _PREFIX[0]:
        return Target(None)
    if parts[1].lower() != _PREFIX[1]:
        return Target(None, invalid_version=True)
    found = routes.find(parts[2:])
    return Target(None) if found is None else Target(*found)


class Service:
    """Carries requests out on the state."""

    def __init__(self, state: State, switchboard: Switchboard) -> None:
        self.state = state
        self.switchboard = switchboard

    def handle(self, bridge: BridgeState, request: Request, target: Target) -> Reply:
        """Carry out one request now and return the reply."""
        knobs = self.state.knobs
        if not self._known_user(bridge, request.authorization):
            return _CHALLENGE
        try:
            return self._carry_out(bridge, request, target)
        except Refusal as refusal:
            missing = refusal.reason.endswith("DoesNotExist")
            status = refusal.status or (knobs.missing_status if missing else 400)
            return Reply(status, refusal.body())
        except UnknownPath:
            return Reply(knobs.unknown_path_status, Refusal(knobs.unrecognised).body())
        except Busy:
            return Reply(503)

    def _carry_out(self, bridge: BridgeState, request: Request, target: Target) -> Reply:
        if target.invalid_version:
            raise Refusal("invalidVersion")
        if target.node is None or target.label in self.state.knobs.lacking:
            raise UnknownPath
        handler = target.node.handlers.get(request.method)
        if handler is None:
            raise Refusal("invalidOperation")
        self._need_database(bridge, target.node, request.method)
        query = _lowered(read_form(request.query)) if request.query else {}
        ask = Ask(
            self.state,
            self.switchboard,
            bridge,
            request.method,
            target.ids,
            query,
            read_form(request.body),
        )
        return handler(ask)

    def _known_user(self, bridge: BridgeState, authorization: str) -> bool:
        if authorization[:6].lower() == "basic ":
            given = authorization[6:].strip()
        elif authorization[:5].lower() == "basic" and self.state.knobs.basic_without_space:
            given = authorization[5:].strip()
        else:
            return False
        return given == bridge.authorization

    def _need_database(self, bridge: BridgeState, node: routes.Node, method: str) -> None:
        if bridge.database == "ok":
            return
        starts_call = node.label == "calls" and method == "POST"
        lost = bridge.database == "unreachable" and (node.shared or starts_call)
        if lost or (node.shared and method != "GET"):
            status = self.state.knobs.database_down_status
            if status == HTTPStatus.SERVICE_UNAVAILABLE:
                raise Busy
            raise Refusal("databaseNotReady", status=status)


def _lowered(query: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in query.items()}
