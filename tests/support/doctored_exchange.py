"""A well set-up site whose rooms are in an Exchange, for tests to spoil."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.records import Person
from cospaced.exchange_simulator.scenarios import Wording
from cospaced.host.clock import SystemClock
from support.doctored import ROOMS, Doctored, doctored
from support.exchange import noon
from support.exchange_calendars import SERVICE, server
from support.graph_calendars import CLIENT_ID, tenant
from support.icalendar_writer import address_of


EWS = """\
[calendar:feeds]
type = exchange
server = {url}
auth = basic
username = svc
password = {password}
"""
GRAPH = """\
[calendar:feeds]
type = graph
tenant_id = {tenant}
client_id = {client}
client_secret = simulated
authority = {url}
graph_url = {url}
ca_file = {ca_file}
"""
ADA = Person(address="ada@example.org", name="Ada Lovelace")


def invited(
    exchange: Exchange, *days: int, wording: Wording | None = None, rooms: tuple[str, ...] = ROOMS
) -> None:
    """Invite rooms for an hour on each of these days."""
    for number in days:
        exchange.scenarios.invite(
            ADA,
            [address_of(room) for room in rooms],
            noon(number),
            timedelta(hours=1),
            wording=wording or Wording(subject=f"Planning {number}", body="See you"),
        )


def _in_exchange(site: Doctored, section: str, rooms: tuple[str, ...]) -> None:
    head = site.ini.partition("[calendar:feeds]")[0]
    told = [
        f"[room:{room}]\ncalendar = feeds\nmailbox = {address_of(room)}\n"
        f"endpoints = {room}@sip.example.org\n"
        for room in rooms
    ]
    site.ini = head + section + "".join(told)


def _open(exchange: Exchange, rooms: tuple[str, ...]) -> None:
    for room in rooms:
        exchange.scenarios.add_room(address_of(room), room)
        exchange.scenarios.set_processing(
            address_of(room),
            add_organizer_to_subject=False,
            delete_subject=False,
            delete_comments=False,
            remove_private_property=False,
        )


@asynccontextmanager
async def on_premises(
    folder: Path, rooms: tuple[str, ...] = ROOMS
) -> AsyncIterator[tuple[Doctored, Exchange]]:
    """Serve a site whose rooms are in an Exchange Server."""
    async with doctored(folder, bridges=1) as site, server(folder, SystemClock()) as running:
        _open(running.exchange, rooms)
        section = EWS.format(url=running.settings.server, password=SERVICE.password)
        _in_exchange(site, section, rooms)
        yield site, running.exchange


@asynccontextmanager
async def in_the_cloud(
    folder: Path, rooms: tuple[str, ...] = ROOMS
) -> AsyncIterator[tuple[Doctored, Exchange]]:
    """Serve a site whose rooms are in a tenant of Exchange Online."""
    async with doctored(folder, bridges=1) as site, tenant(SystemClock()) as running:
        _open(running.exchange, rooms)
        settings = running.settings
        section = GRAPH.format(
            tenant=settings.tenant_id,
            client=CLIENT_ID,
            url=settings.graph_url,
            ca_file=settings.ca_file,
        )
        _in_exchange(site, section, rooms)
        yield site, running.exchange
