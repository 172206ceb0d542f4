"""An Exchange that cannot be reached is told by its cause, in our words, by whoever tells it."""

import asyncio
import re
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
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
async def answering(status: str, *headers: str) -> AsyncIterator[tuple[str, list[int]]]:
    """Answer every request so; yields the server's address, and a list with how many there were."""
    head = "\r\n".join((f"HTTP/1.1 {status}", *headers, "Content-Length: 0", "", ""))
    asked = [0]

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(asyncio.IncompleteReadError):
            while request := await reader.readuntil(b"\r\n\r\n"):
                length = re.search(rb"content-length: (\d+)", request, re.IGNORECASE)
                await reader.readexactly(int(length[1]) if length else 0)
                asked[0] += 1
                writer.write(head.encode())
                await writer.drain()
        writer.close()

    async with listening(answer) as port:
        yield f"http://127.0.0.1:{port}/EWS/Exchange.asmx", asked


@asynccontextmanager
async def server(what: str) -> AsyncIterator[str]:
    """Yield the address of an Exchange that is not there in one way or another."""
    async with hanging_up() as port:
        yield {
            "closed": f"127.0.0.1:{closed_port()}",
            "unknown": "mail.example.invalid",
            "hangs up": f"127.0.0.1:{port}",
        }[what]


async def fault(server: str, auth: str = "basic") -> CalendarError:
    """Return what is told of a room of this server."""
    settings = CalendarSettings(
        name="hq",
        type=SourceType.EXCHANGE,
        timeout=timedelta(seconds=6),
        server=server,
        auth=auth,
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


@pytest.mark.parametrize(
    ("status", "headers", "kind", "text"),
    [
        ("502 Bad Gateway", (), "unreachable", "answered with status 502"),
        ("500 Internal Server Error", (), "unreachable", "answered with status 500"),
        ("404 Not Found", (), "not_a_calendar", "answered with status 404 (check server)"),
        (
            "307 Temporary Redirect",
            ("Location: https://mail.example.invalid/EWS/Exchange.asmx",),
            "redirect",
            "redirects to https://mail.example.invalid/EWS/Exchange.asmx (write that as server",
        ),
        ("308 Permanent Redirect", ("Location: /owa",), "redirect", "/owa (write that as server"),
    ],
)
async def test_a_status_is_told_as_what_it_is(
    status: str, headers: tuple[str, ...], kind: str, text: str
) -> None:
    async with answering(status, *headers) as (url, asked):
        told = await fault(url)
    assert (told.kind, told.shared, asked) == (kind, False, [1])
    assert text in str(told)
    assert "header" not in str(told)


@pytest.mark.parametrize("offered", ["NTLM", "Negotiate"])
async def test_a_server_that_takes_no_ntlm_refuses_the_login(offered: str) -> None:
    async with answering("401 Unauthorized", f"WWW-Authenticate: {offered}") as (url, asked):
        told = await fault(url, "ntlm")
    assert (told.kind, told.shared) == ("login", True)
    assert "does not go on with the login by NTLM" in str(told)
    assert "auth = basic" in str(told)
    assert asked == [2]


async def test_a_domain_without_a_server_is_told_with_what_to_write() -> None:
    told = await fault("autodiscover")
    assert told.seen.startswith("Autodiscover finds no server for example.invalid: ")
    assert told.remedy == "write server = https://.../EWS/Exchange.asmx"
    assert str(told) == f"{told.seen} ({told.remedy})"
