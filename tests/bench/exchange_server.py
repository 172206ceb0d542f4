"""A simulated Exchange of many rooms, in a process of its own so that its CPU is not the client's.

Started by bench_exchange.py with a folder, in which ca.pem is left; the first line that it writes
is JSON: where it listens. Each line that it reads is answered by one, how many requests there were
so far; after `change` a booking of the first room has got another end.
"""

import asyncio
import json
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

from report import tell

from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.records import Item
from cospaced.exchange_simulator.rights import EVERYBODY, Account
from cospaced.exchange_simulator.scenarios import Wording
from cospaced.exchange_simulator.serve import Identity, serve
from cospaced.host.clock import SystemClock
from cospaced.host.entropy import SystemEntropy
from cospaced.simulator.certificates import certificates_for


ROOMS = 200
BOOKINGS = 10
"""Of each room, on the days to come."""
USER, PASSWORD = "cospaced", "simulated"
BODY = "What was agreed last time; what is to be settled now. " * 12


def address(n: int) -> str:
    """Return a room's mailbox."""
    return f"room{n}@example.org"


def furnish(exchange: Exchange) -> Item:
    """Open the mailboxes and fill them; return a booking of the first."""
    everybody = frozenset([EVERYBODY])
    exchange.grant(Account(name=USER, password=PASSWORD, impersonates=everybody))
    tomorrow = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) + timedelta(days=1)
    for n in range(ROOMS):
        exchange.scenarios.add_room(address(n))
        for m in range(BOOKINGS):
            item = exchange.scenarios.invite(
                "ada@example.org",
                [address(n)],
                tomorrow + timedelta(days=m),
                wording=Wording(subject=f"Planning {m}", body=BODY, time_zone="UTC"),
            )
            if (n, m) == (0, 0):
                first = item
    return first


async def main(folder: Path) -> None:
    """Serve until there is nothing more to read."""
    clock = SystemClock()
    exchange = Exchange(clock, SystemEntropy())
    first = furnish(exchange)
    counted = 0

    async def count(scope: dict[str, object], receive: object, send: object) -> None:
        nonlocal counted
        counted += scope["type"] == "http"
        await app(scope, receive, send)  # type: ignore[arg-type] # as ASGI has it

    app, exchange.app = exchange.app, count  # type: ignore[assignment] # likewise
    made = await certificates_for(folder, "localhost", clock.now())
    identity = Identity(certificate=made.file, key=made.key)
    lines = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(lines), sys.stdin
    )
    async with serve(exchange, folder=folder, identity=identity) as served:
        tell(
            json.dumps({"root": served.root, "ews": served.url, "tenant": exchange.graph.tenant_id})
        )
        while line := (await lines.readline()).decode().strip():
            if line == "change":
                end = first.content.end + timedelta(minutes=1)
                exchange.scenarios.update(first, end=end)
            tell(json.dumps(counted))


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1])))
