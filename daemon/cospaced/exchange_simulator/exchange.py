"""A simulated Exchange, whole: the one object that tests, the demo and the command build."""

from cospaced.exchange_simulator.access import Access
from cospaced.exchange_simulator.app import App
from cospaced.exchange_simulator.faults import Fault, Faults, Rule
from cospaced.exchange_simulator.graph.app import Graph
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.post import Post
from cospaced.exchange_simulator.request_log import RequestLog
from cospaced.exchange_simulator.rights import Account, Rights
from cospaced.exchange_simulator.scenarios import Scenarios
from cospaced.exchange_simulator.service import Service
from cospaced.exchange_simulator.state import State
from cospaced.exchange_simulator.tokens import Tokens
from cospaced.ports import Clock, Entropy


class Exchange:
    """Mailboxes, with EWS and Microsoft Graph over them; time and ids come from the ports."""

    def __init__(self, clock: Clock, entropy: Entropy, *, knobs: Knobs | None = None) -> None:
        self.state = State(clock, entropy, knobs or Knobs())
        self.faults = Faults(self.state)
        self.requests = RequestLog()
        self.rights = Rights(self.state)
        self.tokens = Tokens(self.state, self.rights)
        self.access = Access(self.state, self.rights, self.tokens)
        post = Post(self.state)
        self.scenarios = Scenarios(self.state, post)
        self.service = Service(self.state, self.rights, post)
        self.app = App(self.service, self.access, self.tokens, self.faults, self.requests)
        self.graph = Graph(self.state, self.rights, self.tokens)
        self.app.elsewhere = self.graph

    @property
    def knobs(self) -> Knobs:
        """The knobs in force; assign to change them."""
        return self.state.knobs

    @knobs.setter
    def knobs(self, knobs: Knobs) -> None:
        self.state.knobs = knobs

    def grant(self, account: Account) -> None:
        """Let somebody log in."""
        self.rights.grant(account)

    def strike(self, fault: Fault, operation: str = "*", **how: object) -> Rule:
        """Let a fault strike the next request to an operation (`how`: fields of Rule)."""
        return self.faults.add(Rule(fault=fault, operation=operation, **how))  # type: ignore[arg-type]
