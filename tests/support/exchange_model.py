"""A simulated Exchange without its wire, at a standing clock."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.records import Item
from cospaced.exchange_simulator.scenarios import Scenarios
from support.virtual import SeededEntropy


ROOM = "room@example.test"
OTHER = "other@example.test"
ANNA = "anna@example.test"


class StandingClock:
    """A clock that a test moves by hand."""

    def __init__(self, moment: datetime) -> None:
        self._began = moment
        self.moment = moment

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return (self.moment - self._began).total_seconds()

    async def sleep(self, seconds: float) -> None:
        self.moment += timedelta(seconds=seconds)


@dataclass(kw_only=True)
class Model:
    exchange: Exchange
    clock: StandingClock
    start: datetime = field(default=datetime(2026, 12, 1, 9, tzinfo=UTC))

    @property
    def scenarios(self) -> Scenarios:
        return self.exchange.scenarios

    def items(self, address: str = ROOM) -> list[Item]:
        return list(self.exchange.state.mailbox(address).items.values())


def a_model(knobs: Knobs | None = None) -> Model:
    """Two rooms and the person who invites them."""
    clock = StandingClock(datetime(2026, 11, 26, 12, tzinfo=UTC))
    exchange = Exchange(clock, SeededEntropy(1), knobs=knobs)
    exchange.scenarios.add_room(ROOM, "Room")
    exchange.scenarios.add_room(OTHER, "Other Room")
    exchange.scenarios.add_person(ANNA, "Anna Example")
    return Model(exchange=exchange, clock=clock)
