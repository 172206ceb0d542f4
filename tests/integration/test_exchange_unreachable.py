"""An Exchange that cannot be reached is told by its cause, in our words, by whoever tells it."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.calendars.exchange.source import ExchangeSource
from cospaced.doctor.base import Finding, Severity
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from support.doctored_exchange import on_premises
from support.exchange_calendars import SharedWorker
from support.loopback import listening
from support.situations import NOW
from support.source_writers import SetClock


REMEDY = "see that this machine reaches the server: curl -I its address"


def closed_port() -> int:
    """Return a port on which nobody listens."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        return int(one.getsockname()[1])


@asynccontextmanager
async def hanging_up() -> AsyncIterator[int]:
    """Take connections, and close them without a word."""

    async def hang_up(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.close()

    async with listening(hang_up) as port:
        yield port


@asynccontextmanager
async def server(what: str) -> AsyncIterator[str]:
    """Yield the address of an Exchange that is not there in one way or another."""
    async with hanging_up() as port:
        yield {
            "closed": f"127.0.0.1:{closed_port()}",
            "unknown": "mail.example.invalid",
            "hangs up": f"127.0.0.1:{port}",
        }[what]


async def fault(server: str) -> CalendarError:
    """Return what is told of a room of this server."""
    settings = CalendarSettings(
        name="hq",
        type=SourceType.EXCHANGE,
        timeout=timedelta(seconds=6),
        server=server,
        auth="basic",
        username="svc",
        password=Secret("simulated"),
    )
    room = RoomSettings(name="aula", calendar="hq", mailbox="aula@example.invalid")
    source = ExchangeSource(
        settings, time_zone="Europe/Berlin", pool=SharedWorker(), clock=SetClock(NOW)
    )
    try:
        with pytest.raises(CalendarError) as caught:
            await source.poll(room, None, Timespan(NOW, NOW + timedelta(days=1)))
    finally:
        await source.close()
    return caught.value


async def found(folder: Path, server: str) -> Finding:
    """Return what the doctor finds of the same."""
    async with on_premises(folder) as (site, _):
        url = site.ini.partition("server = ")[2].splitlines()[0]
        site.change(f"server = {url}", f"server = {server}")
        return await site.the(Severity.ERROR, "reading")


@pytest.mark.parametrize(
    ("what", "scheme", "cause"),
    [
        ("closed", "https", "connection refused"),
        ("unknown", "https", "no such host"),
        ("hangs up", "http", "the other side hung up"),
        ("hangs up", "https", "the other side hung up"),
    ],
)
async def test_a_server_that_is_not_there_is_told_by_its_cause(
    tmp_path: Path, what: str, scheme: str, cause: str
) -> None:
    async with server(what) as host:
        url = f"{scheme}://{host}/EWS/Exchange.asmx"
        told = await fault(url)
        seen = await found(tmp_path, url)
    text = f"{host}: no connection, or it broke ({cause})"
    assert (told.kind, str(told)) == ("unreachable", text)
    assert (seen.seen, seen.remedy) == (text, REMEDY)


async def test_a_domain_without_a_server_is_told_with_what_to_write() -> None:
    told = await fault("autodiscover")
    assert told.seen.startswith("Autodiscover finds no server for example.invalid: ")
    assert told.remedy == "write server = https://.../EWS/Exchange.asmx"
    assert str(told) == f"{told.seen} ({told.remedy})"
