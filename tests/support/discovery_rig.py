"""Autodiscover on a network of its own: `unshare -mn python -m support.discovery_rig DIR`.

Autodiscover is always at port 443 of hosts that a domain names, so this wants a network where those
are ours: /etc/hosts, a DNS server for SRV records, and loopback. What the polls of each
scenario came to is written to DIR/told.json. Root only.
"""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import dns.message
import dns.rrset

from cospaced.calendars.exchange.source import MODULE, ExchangeSource
from cospaced.calendars.workers import WorkerPool
from cospaced.errors import CalendarError
from cospaced.exchange_simulator.app import send_whole
from cospaced.exchange_simulator.autodiscover import PATH
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.serve import Identity, Served, serve
from cospaced.settings import CalendarSettings, Secret, SourceType
from cospaced.simulator.certificates import Certificates, make_certificates
from support import exchange_items
from support.doctored_exchange import on_premises
from support.exchange_calendars import SERVICE, Server
from support.icalendar_writer import address_of
from support.situations import NOW, PLAIN, WINDOW
from support.source_writers import SetClock


DOMAIN = address_of("aula").rpartition("@")[2]
HOSTS = {
    DOMAIN: "127.0.0.11",
    f"autodiscover.{DOMAIN}": "127.0.0.12",
    f"mail.{DOMAIN}": "127.0.0.13",
    "mail.elsewhere.test": "127.0.0.14",
}
APEX, USUAL, MAIL, ELSEWHERE = HOSTS


class Dns(asyncio.DatagramProtocol):
    """Knows the hosts, and one SRV record, if any."""

    target = ""

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def datagram_received(self, data: bytes, addr: Any) -> None:
        query = dns.message.from_wire(data)
        answer = dns.message.make_response(query)
        asked = query.question[0]
        if self.target and asked.rdtype == dns.rdatatype.SRV:
            record = f"0 0 443 {self.target}."
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "SRV", record))
        if asked.rdtype == dns.rdatatype.A and (
            address := HOSTS.get(asked.name.to_text(omit_final_dot=True))
        ):
            answer.answer.append(dns.rrset.from_text(asked.name, 60, "IN", "A", address))
        self._transport.sendto(answer.to_wire(), addr)


class Rig:
    """Hosts that a scenario opens, and the daemon's source."""

    def __init__(self, folder: Path, names: Dns) -> None:
        self.folder = folder
        self.names = names
        self.trust = make_certificates(folder / "trusted", list(HOSTS), datetime.now(UTC))
        self.logins: dict[str, list[str]] = {}
        """The schemes of the logins that came to each host, and empty ones for none."""
        self.room = Server(SetClock(NOW)).room("aula")

    @asynccontextmanager
    async def host(
        self, name: str, *, trust: Certificates | None = None, **knobs: Any
    ) -> AsyncIterator[tuple[Exchange, Served]]:
        """Serve an Exchange with one event at a host's port 443."""
        server = Server(SetClock(NOW))
        exchange = server.exchange
        exchange.knobs = replace(exchange.knobs, **knobs)
        if not exchange.knobs.autodiscover:
            exchange.app.elsewhere = website
        server.add_room("aula")
        exchange_items.put(exchange.state, exchange.state.mailbox(address_of("aula")), PLAIN)
        seen = self.logins.setdefault(name, [])
        login = exchange.access.login

        def noted(authorization: str, connection: Any) -> Any:
            seen.append(authorization.partition(" ")[0])
            return login(authorization, connection)

        exchange.access.login = noted  # type: ignore[method-assign] # looks on
        shown = trust or self.trust
        identity = Identity(certificate=shown.file, key=shown.key)
        folder = self.folder / name
        folder.mkdir()
        async with serve(
            exchange, folder=folder, host=HOSTS[name], port=443, identity=identity
        ) as served:
            yield exchange, served

    @asynccontextmanager
    async def source(self, **changes: Any) -> AsyncIterator[ExchangeSource]:
        """Make the daemon's source for an Exchange that is to be found."""
        settings = CalendarSettings(
            **{
                "name": "hq",
                "type": SourceType.EXCHANGE,
                "timeout": timedelta(seconds=12),
                "server": "autodiscover",
                "auth": "basic",
                "username": SERVICE.name,
                "password": Secret(SERVICE.password),
                "ca_file": self.trust.ca_file,
                **changes,
            }
        )
        pool = WorkerPool(size=1, module=MODULE)
        source = ExchangeSource(settings, time_zone="UTC", pool=pool, clock=SetClock(NOW))
        try:
            yield source
        finally:
            await source.close()

    async def poll(self, source: ExchangeSource, mailbox: str = "") -> Any:
        """Poll the room; how many events it has, or why not."""
        room = replace(self.room, mailbox=mailbox or self.room.mailbox)
        try:
            return len((await source.poll(room, None, WINDOW)).occurrences)
        except CalendarError as error:
            return {"kind": error.kind, "text": str(error), "shared": error.shared}

    async def polled(self, *, times: int = 1, mailbox: str = "", **changes: Any) -> Any:
        """Poll with a source of its own."""
        async with self.source(**changes) as source:
            return [await self.poll(source, mailbox) for _ in range(times)]


async def website(_: Any, __: Any, send: Any, ___: bytes) -> None:
    """Be no Exchange."""
    await send_whole(send, 404, b"<html>Not here</html>")


async def found(rig: Rig, **changes: Any) -> Any:
    async with rig.host(APEX, autodiscover=False), rig.host(USUAL):
        return await rig.polled(times=3, **changes)


async def found_by_ntlm(rig: Rig) -> Any:
    return await found(rig, auth="ntlm")


async def found_by_oauth(rig: Rig) -> Any:
    application = replace(SERVICE, name="66666666-7777-8888-9999-000000000000")
    async with rig.host(APEX, autodiscover=False), rig.host(USUAL) as (exchange, _):
        exchange.grant(application)
        return await rig.polled(
            times=2,
            auth="oauth",
            tenant_id="tenant",
            client_id=application.name,
            client_secret=Secret(application.password),
            authority=f"https://{USUAL}",
        )


async def wrong_password(rig: Rig) -> Any:
    async with rig.host(USUAL), rig.host(MAIL):
        rig.names.target = MAIL
        return await rig.polled(times=3, password=Secret("wrong"))


async def another_login(rig: Rig) -> Any:
    async with rig.host(USUAL, schemes=("NTLM",)):
        return await rig.polled()


async def nowhere(rig: Rig) -> Any:
    async with rig.host(APEX, autodiscover=False), rig.host(USUAL, autodiscover=False):
        return await rig.polled()


async def nobody(rig: Rig) -> Any:
    return await rig.polled()


async def silent(rig: Rig) -> Any:
    async def hold(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read()
        writer.close()

    servers = [await asyncio.start_server(hold, HOSTS[name], 443) for name in (APEX, USUAL)]
    try:
        return await rig.polled()
    finally:
        for server in servers:
            server.close()


async def untrusted(rig: Rig) -> Any:
    other = make_certificates(rig.folder / "other", list(HOSTS), datetime.now(UTC))
    async with rig.host(APEX, autodiscover=False), rig.host(USUAL, trust=other):
        return await rig.polled()


async def no_mailbox(rig: Rig) -> Any:
    async with rig.host(USUAL):
        return await rig.polled(mailbox=f"nobody@{DOMAIN}")


async def by_srv(rig: Rig) -> Any:
    rig.names.target = MAIL
    async with rig.host(MAIL):
        return await rig.polled()


async def by_srv_elsewhere(rig: Rig) -> Any:
    rig.names.target = ELSEWHERE
    async with rig.host(ELSEWHERE):
        return await rig.polled()


async def _redirected(rig: Rig, scheme: str) -> Any:
    async def there(_: Any, __: Any, send: Any, ___: bytes) -> None:
        location = f"{scheme}://{MAIL}{PATH}".encode()
        await send_whole(send, 302, b"", [(b"location", location)])

    async with rig.host(APEX, autodiscover=False) as (exchange, _), rig.host(MAIL):
        exchange.app.elsewhere = there
        return await rig.polled()


async def redirected(rig: Rig) -> Any:
    return await _redirected(rig, "https")


async def redirected_to_plain_http(rig: Rig) -> Any:
    return await _redirected(rig, "http")


async def plain_http(rig: Rig) -> Any:
    """Somebody in between answers on port 80 and leads to a server of theirs."""

    async def lead_away(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        rig.logins["port 80"] = [(await reader.readline()).decode()]
        writer.write(f"HTTP/1.1 302 Found\r\nLocation: https://{ELSEWHERE}{PATH}\r\n\r\n".encode())
        writer.close()

    rig.logins["port 80"] = []
    async with rig.host(ELSEWHERE), await asyncio.start_server(lead_away, HOSTS[USUAL], 80):
        rig.names.target = MAIL
        return await rig.polled()


async def moved(rig: Rig) -> Any:
    async with rig.source() as source, rig.host(APEX) as (_, served):
        told = [await rig.poll(source)]
        served.refuse()
        async with rig.host(USUAL):
            return [*told, await rig.poll(source), await rig.poll(source)]


async def found_beside_an_untrusted_website(rig: Rig) -> Any:
    other = make_certificates(rig.folder / "other", [ELSEWHERE], datetime.now(UTC))
    async with rig.host(APEX, trust=other, autodiscover=False), rig.host(USUAL):
        return await rig.polled()


async def heard(rig: Rig) -> Any:
    """Listen, and put an event in; the rooms of which a change was told."""
    told: asyncio.Queue[Any] = asyncio.Queue()
    async with rig.host(USUAL) as (exchange, _), rig.source() as source:
        first = await rig.poll(source)
        watching = asyncio.create_task(source.watch([rig.room], told.put_nowait))
        while not exchange.service.streams[SERVICE.name]:
            await asyncio.sleep(0.05)
        box = exchange.state.mailbox(address_of("aula"))
        exchange_items.put(exchange.state, box, replace(PLAIN, id="two@example.org"))
        rooms = await asyncio.wait_for(told.get(), 10)
        watching.cancel()
        return [first, list(rooms)]


async def doctor(rig: Rig) -> Any:
    """What the doctor says of rooms whose domain has no Autodiscover."""
    async with on_premises(rig.folder) as (site, _), rig.host(APEX, autodiscover=False):
        url = site.ini.partition("server = ")[2].splitlines()[0]
        ours = f"server = autodiscover\nca_file = {rig.trust.ca_file}"
        site.change(f"server = {url}", ours)
        found = await site.look("reading")
    return [[one.severity.name, one.subject, one.seen, one.remedy] for one in found]


SCENARIOS: tuple[Callable[[Rig], Awaitable[Any]], ...] = (
    found,
    found_by_ntlm,
    found_by_oauth,
    wrong_password,
    another_login,
    nowhere,
    nobody,
    silent,
    untrusted,
    no_mailbox,
    by_srv,
    by_srv_elsewhere,
    redirected,
    redirected_to_plain_http,
    plain_http,
    moved,
    found_beside_an_untrusted_website,
    heard,
    doctor,
)


async def main(folder: Path) -> None:
    """Play every scenario, and write what each came to."""
    for file, text in (
        ("hosts", "".join(f"{address} {name}\n" for name, address in HOSTS.items())),
        ("resolv.conf", "nameserver 127.0.0.1\n"),
    ):
        (folder / file).write_text(text)
        _run("mount", "--bind", str(folder / file), f"/etc/{file}")
    _run("ip", "link", "set", "lo", "up")
    loop = asyncio.get_running_loop()
    transport, names = await loop.create_datagram_endpoint(Dns, local_addr=("127.0.0.1", 53))
    told = {}
    for play in SCENARIOS:
        names.target = ""
        rig = Rig(folder / play.__name__, names)
        told[play.__name__] = {"polls": await play(rig), "logins": rig.logins}
    transport.close()
    (folder / "told.json").write_text(json.dumps(told))


def _run(*argv: str) -> None:
    subprocess.run(argv, check=True)


if __name__ == "__main__":
    os.umask(0o077)
    asyncio.run(main(Path(sys.argv[1])))
