"""A simulated cluster, whole: the one object that tests, the demo and the command build."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from cospaced.loopback.asgi import App
from cospaced.ports import Clock, Entropy
from cospaced.simulator.agenda import Agenda
from cospaced.simulator.app import asgi
from cospaced.simulator.endpoints import Endpoint
from cospaced.simulator.faults import Faults
from cospaced.simulator.knobs import Knobs
from cospaced.simulator.records import BridgeState, EndedLeg, Record, ShownMessage
from cospaced.simulator.request_log import RequestLog
from cospaced.simulator.scenarios import Scenarios
from cospaced.simulator.service import Service
from cospaced.simulator.state import State
from cospaced.simulator.switchboard import Switchboard
from cospaced.simulator.wire import Wire


if TYPE_CHECKING:
    from cospaced.simulator.transport import SimulatorTransport


@dataclass(frozen=True, slots=True, kw_only=True)
class BridgeSpec:
    """What one Call Bridge is told at its making; empty: drawn, or the cluster's."""

    name: str
    address: str = ""
    """`https://host[:port]`; default `https://NAME.example.com` in lower case."""
    id: str = ""
    username: str = ""
    password: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Bridge:
    """One Call Bridge of a cluster: its state and its ASGI application."""

    state: BridgeState
    entry: Record
    """Its entry in /callBridges."""
    app: App
    wire: Wire

    @property
    def name(self) -> str:
        """Its unique name."""
        return self.state.name

    @property
    def id(self) -> str:
        """Its id in /callBridges."""
        return self.state.id

    @property
    def address(self) -> str:
        """Its `https://host[:port]` as /callBridges tells it."""
        return self.entry.fields["address"]


class Cluster:
    """Call Bridges with one database.

    Time and ids come from `clock` and `entropy` alone; build it where the clock can be read (a
    SystemClock: inside the running loop). `bridges` are names or specs.
    """

    def __init__(
        self,
        clock: Clock,
        entropy: Entropy,
        *,
        bridges: Sequence[str | BridgeSpec] = ("CallBridge-Core1",),
        username: str = "admin",
        password: str = "simulated",  # noqa: S107 - guards nothing but a simulator
        knobs: Knobs | None = None,
    ) -> None:
        self.username = username
        self.password = password
        self.state = State(agenda=Agenda(clock), entropy=entropy, knobs=knobs or Knobs())
        self.faults = Faults(entropy)
        self.requests = RequestLog()
        switchboard = Switchboard(self.state)
        self.scenarios = Scenarios(self.state, switchboard)
        self._service = Service(self.state, switchboard)
        self._bridges: dict[str, Bridge] = {}
        for one in bridges:
            self._add(one if isinstance(one, BridgeSpec) else BridgeSpec(name=one))

    def _add(self, spec: BridgeSpec) -> None:
        entropy = self.state.entropy
        username = spec.username or self.username
        login = f"{username}:{spec.password or self.password}"
        bridge = BridgeState(
            name=spec.name,
            id=spec.id or entropy.uuid(),
            host_id=entropy.uuid(),
            authorization=base64.b64encode(login.encode()).decode(),
            username=username,
            started_at=self.state.agenda.moment,
        )
        address = spec.address or f"https://{spec.name.lower()}.example.com"
        entry = Record(id=bridge.id, fields={"name": spec.name, "address": address})
        self.state.bridges[spec.name] = bridge
        self.state.database.tables["callBridges"][bridge.id] = entry
        wire = Wire(self._service, bridge, self.faults, self.requests)
        app = asgi(wire, lambda: self.knobs.keep_alive)
        self._bridges[spec.name] = Bridge(state=bridge, entry=entry, app=app, wire=wire)

    @property
    def bridges(self) -> tuple[Bridge, ...]:
        """Every bridge in the order of their making."""
        return tuple(self._bridges.values())

    def bridge(self, name: str) -> Bridge:
        """Return a bridge by name; KeyError where there is none."""
        return self._bridges[name]

    @property
    def knobs(self) -> Knobs:
        """The knobs in force; assign to change them."""
        return self.state.knobs

    @knobs.setter
    def knobs(self, knobs: Knobs) -> None:
        self.state.knobs = knobs

    def settle(self) -> None:
        """Let everything happen that is due by now; requests and scenarios do so by themselves."""
        self.state.agenda.settle()

    def endpoint(self, uri: str) -> Endpoint:
        """Return an endpoint as it is now."""
        self.settle()
        return self.state.endpoints.named(uri)

    @property
    def messages(self) -> list[ShownMessage]:
        """The on-screen messages that calls were told to show, oldest first."""
        return list(self.state.messages)

    @property
    def ended_legs(self) -> list[EndedLeg]:
        """How call legs ended, oldest first."""
        self.settle()
        return list(self.state.ended_legs)

    def transport(self) -> "SimulatorTransport":
        """Return an httpx transport that reaches every bridge under its address (needs httpx)."""
        from cospaced.simulator.transport import SimulatorTransport  # noqa: PLC0415 - httpx is optional

        wires = {name: bridge.wire for name, bridge in self._bridges.items()}
        return SimulatorTransport(self.state, wires)
