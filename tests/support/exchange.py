"""A simulated Exchange on a real port, and exchangelib's accounts on it."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from exchangelib import (
    BASIC,
    DELEGATE,
    IMPERSONATION,
    NTLM,
    Account,
    Build,
    Configuration,
    Credentials,
    FailFast,
    Version,
)
from exchangelib.folders import Calendar, Root
from exchangelib.properties import DistinguishedFolderId, Mailbox
from exchangelib.protocol import CachingProtocol

from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.rights import EVERYBODY
from cospaced.exchange_simulator.rights import Account as SimulatedAccount
from cospaced.exchange_simulator.serve import Served, serve
from cospaced.host.clock import SystemClock
from support import ews_schema
from support.virtual import SeededEntropy


T = TypeVar("T")

SERVICE = SimulatedAccount(name="svc", password="pass:word%", impersonates=frozenset([EVERYBODY]))
ROOM = "room1@example.test"
OTHER_ROOM = "room2@example.test"
ANNA = "anna@example.test"
VERSION = Version(Build(15, 2, 1544, 4))


def noon(days: int = 1, hour: int = 12) -> datetime:
    """A time of day, some days from now; the simulator runs on the machine's clock."""
    day = datetime.now(UTC) + timedelta(days=days)
    return day.replace(hour=hour, minute=0, second=0, microsecond=0)


class Desk:
    """What a test has in hands: the simulator, where it listens, and clients for it."""

    def __init__(self, exchange: Exchange, served: Served) -> None:
        self.exchange = exchange
        self.served = served
        self.scenarios = exchange.scenarios
        self._clients = 0

    async def ask(self, work: Callable[[], T]) -> T:
        """Run a blocking client beside the simulator's loop."""
        return await asyncio.to_thread(work)

    def configuration(
        self,
        credentials: Any = None,
        *,
        auth: str | None = BASIC,
        version: Version | None = VERSION,
        connections: int = 1,
        retry_policy: Any = None,
    ) -> Configuration:
        CachingProtocol.clear_cache()
        return Configuration(
            service_endpoint=self.served.url,
            credentials=credentials or Credentials(SERVICE.name, SERVICE.password),
            auth_type=auth,
            version=version,
            max_connections=connections,
            retry_policy=retry_policy or FailFast(),
        )

    def account(
        self, address: str = ROOM, *, access: str = IMPERSONATION, **configuration: Any
    ) -> Account:
        return Account(
            primary_smtp_address=address,
            config=self.configuration(**configuration),
            access_type=access,
            autodiscover=False,
        )


def lite_calendar(account: Account) -> Calendar:
    """A calendar that asks for no folder first."""
    mailbox = Mailbox(email_address=account.primary_smtp_address)
    named = DistinguishedFolderId(id="calendar", mailbox=mailbox)
    return Calendar(root=Root(account=account), _distinguished_id=named)


@asynccontextmanager
async def an_exchange(folder: Path, knobs: Knobs | None = None) -> AsyncIterator[Desk]:
    """Serve two rooms and a person; every answer is judged by Microsoft's schemas, if present."""
    exchange = Exchange(SystemClock(), SeededEntropy(1), knobs=knobs)
    exchange.grant(SERVICE)
    exchange.scenarios.add_room(ROOM, "Room One")
    exchange.scenarios.add_room(OTHER_ROOM, "Room Two")
    exchange.scenarios.add_person(ANNA, "Anna Example")
    with ews_schema.judged(exchange):
        async with serve(exchange, folder=folder) as served:
            try:
                yield Desk(exchange, served)
            finally:
                CachingProtocol.clear_cache()


__all__ = ["BASIC", "DELEGATE", "IMPERSONATION", "NTLM"]
