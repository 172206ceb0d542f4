"""Bad answers over real sockets: the real source, its web client, and its worker processes."""

import asyncio
import gzip
import time
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cospaced.calendars.ical_source import IcalSource
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.calendar import Reading
from cospaced.errors import CalendarError
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.host.web import Web
from cospaced.settings import CalendarSettings, RoomSettings, SourceType
from support.certificates import make_certificate
from support.ical import calendar, event, window
from support.loopback import head_of, listening


ONE = calendar(
    event("DTSTART:20261124T100000Z", "DTEND:20261124T110000Z", "SUMMARY:Größe", uid="one"),
    event("DTSTART:20261125T100000Z", "DTEND:20261125T110000Z", uid="two"),
)
Poll = Callable[..., Awaitable[Reading]]
Writer = asyncio.StreamWriter


@pytest.fixture
async def poll() -> AsyncIterator[Poll]:
    """Poll a room at an address once, with everything that the daemon polls with."""
    offload = ThreadOffload("tests")
    workers = WorkerPool(size=1)
    made: dict[Path | None, Web] = {}

    async def once(url: str, *, timeout: float = 10, ca_file: Path | None = None) -> Reading:
        settings = CalendarSettings(
            name="hq", type=SourceType.ICAL, timeout=timedelta(seconds=timeout)
        )
        source = IcalSource(
            settings,
            time_zone="Europe/Berlin",
            web=made.setdefault(ca_file, Web(ca_file=ca_file)),
            expander=workers,
            offload=offload,
            clock=SystemClock(),
        )
        room = RoomSettings(name="aula", calendar="hq", url=f"{url}/secret.ics")
        return await source.poll(room, None, window())

    yield once
    for web in made.values():
        await web.close()
    await workers.close()
    offload.close()


async def refused(poll: Poll, url: str, **keys: object) -> CalendarError:
    with pytest.raises(CalendarError) as caught:
        await poll(url, **keys)
    assert "secret.ics" not in str(caught.value), "the address of a feed is a secret"
    return caught.value


def answering(head: str, body: bytes = b"") -> Callable[..., Awaitable[None]]:
    """Serve one answer and close the connection."""

    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        await head_of(reader)
        lines = [*head.split("\n"), "Connection: close", "", ""]
        writer.write("\r\n".join(lines).encode() + body)
        await writer.drain()

    return serve


def length(body: bytes) -> str:
    return f"HTTP/1.1 200 OK\nContent-Length: {len(body)}"


async def test_a_byte_now_and_then_is_no_answer_in_time(poll: Poll) -> None:
    dripped = 0
    gone = asyncio.Event()

    async def drip(reader: asyncio.StreamReader, writer: Writer) -> None:
        nonlocal dripped
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        try:
            for byte in ONE * 100:
                writer.write(bytes([byte]))
                await writer.drain()
                dripped += 1
                await asyncio.sleep(0.1)
        except ConnectionError:
            gone.set()

    async with listening(drip) as port:
        begun = time.monotonic()
        error = await refused(poll, f"http://127.0.0.1:{port}", timeout=1.5)
        took = time.monotonic() - begun
        async with asyncio.timeout(5):
            await gone.wait()
    assert error.kind == "timeout"
    assert 1.0 < took < 4
    assert dripped > 3


async def test_a_server_that_drips_takes_no_connection_from_another(poll: Poll) -> None:
    async def drip(reader: asyncio.StreamReader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n")
        while not writer.is_closing():
            writer.write(b"x")
            await asyncio.sleep(0.1)

    async with listening(drip) as slow, listening(answering(length(ONE), ONE)) as good:
        dripping = asyncio.gather(
            *(refused(poll, f"http://127.0.0.1:{slow}", timeout=25) for _ in range(16))
        )
        await asyncio.sleep(0.5)
        reading = await poll(f"http://127.0.0.1:{good}", timeout=15)
        assert len(reading.occurrences) == 2
        assert not dripping.done()
        dripping.cancel()
        with pytest.raises(asyncio.CancelledError):
            await dripping


@pytest.mark.parametrize("framed", ["length", "chunked", "neither"])
async def test_a_hundred_megabytes_are_read_to_the_limit_alone(poll: Poll, framed: str) -> None:
    sent = 0
    block = b"X-PADDING:" + b"x" * 65_000 + b"\r\n"
    heads = {
        "length": "Content-Length: 110000000",
        "chunked": "Transfer-Encoding: chunked",
        "neither": "Connection: close",
    }

    async def flood(reader: asyncio.StreamReader, writer: Writer) -> None:
        nonlocal sent
        await head_of(reader)
        writer.write(f"HTTP/1.1 200 OK\r\n{heads[framed]}\r\n\r\n".encode())
        while sent < 110_000_000:
            chunk = f"{len(block):x}\r\n".encode() + block + b"\r\n"
            writer.write(chunk if framed == "chunked" else block)
            await writer.drain()
            sent += len(block)

    async with listening(flood) as port:
        error = await refused(poll, f"http://127.0.0.1:{port}", timeout=25)
    assert error.kind == "too_large"
    assert sent < 70_000_000


async def test_a_bomb_costs_bounded_time(poll: Poll) -> None:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    bomb = b"".join([packer.compress(block) for _ in range(200)]) + packer.flush()
    assert len(bomb) < 500_000
    async with listening(answering(f"{length(bomb)}\nContent-Encoding: gzip", bomb)) as port:
        begun = time.process_time()
        error = await refused(poll, f"http://127.0.0.1:{port}", timeout=25)
        took = time.process_time() - begun
    assert error.kind == "too_large"
    assert took < 2


async def test_a_bomb_in_a_bomb_is_not_unpacked(poll: Poll) -> None:
    bomb = gzip.compress(gzip.compress(bytes(50_000_000)))
    head = f"{length(bomb)}\nContent-Encoding: gzip, gzip"
    async with listening(answering(head, bomb)) as port:
        error = await refused(poll, f"http://127.0.0.1:{port}")
    assert error.kind == "unreachable"
    assert "not asked for" in str(error)


CUT = ONE[: len(ONE) // 2]
TRUNCATED = {
    "short of its length": (length(ONE), CUT, "unreachable"),
    "without its last chunk": (
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
        b"%x\r\n%b\r\n" % (len(CUT), CUT),
        "unreachable",
    ),
    "in the middle of a chunk": (
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
        b"%x\r\n%b" % (len(ONE), CUT),
        "unreachable",
    ),
    "well framed by its length": (length(CUT), CUT, "truncated"),
    "well framed in chunks": (
        "HTTP/1.1 200 OK\nTransfer-Encoding: chunked",
        b"%x\r\n%b\r\n0\r\n\r\n" % (len(CUT), CUT),
        "truncated",
    ),
    "framed by the connection": ("HTTP/1.1 200 OK", CUT, "truncated"),
    "packed, framed by the connection": (
        "HTTP/1.1 200 OK\nContent-Encoding: gzip",
        gzip.compress(ONE)[:-20],
        "unreachable",
    ),
}


@pytest.mark.parametrize("how", TRUNCATED)
async def test_a_cut_answer_is_no_calendar_however_it_is_framed(poll: Poll, how: str) -> None:
    head, body, kind = TRUNCATED[how]
    async with listening(answering(head, body)) as port:
        assert (await refused(poll, f"http://127.0.0.1:{port}")).kind == kind


NO_HTTP = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "noise": bytes(range(256)),
    "a greeting of mail": b"220 mail.example.org ESMTP\r\n",
    "the calendar itself": ONE,
    "a line without end": b"HTTP/1.1 200 OK\r\nX-Long: " + b"x" * 200_000,
    "headers without end": b"HTTP/1.1 200 OK\r\n" + b"X-Many: x\r\n" * 100_000,
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 9\r\n\r\nhello",
    "a length below nothing": b"HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
    "a status of its own": b"HTTP/1.1 999 Request denied\r\nContent-Length: 0\r\n\r\n",
}


@pytest.mark.parametrize("what", NO_HTTP)
async def test_what_is_no_http_is_unreachable(poll: Poll, what: str) -> None:
    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        await head_of(reader)
        writer.write(NO_HTTP[what])
        await writer.drain()

    async with listening(serve) as port:
        error = await refused(poll, f"http://127.0.0.1:{port}", timeout=5)
    assert error.kind == "unreachable"
    assert "127.0.0.1" in str(error)


async def test_continue_for_ever_is_no_answer_in_time(poll: Poll) -> None:
    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        await head_of(reader)
        while True:
            writer.write(b"HTTP/1.1 100 Continue\r\n\r\n" * 10)
            await writer.drain()
            await asyncio.sleep(0.01)

    async with listening(serve) as port:
        error = await refused(poll, f"http://127.0.0.1:{port}", timeout=1)
    assert error.kind in ("timeout", "unreachable")


@pytest.mark.parametrize("target", ["data:text/calendar,BEGIN:VCALENDAR", "javascript:alert(1)"])
async def test_a_redirect_to_no_server_is_refused(poll: Poll, target: str) -> None:
    away = f"HTTP/1.1 302 Found\nLocation: {target}\nContent-Length: 0"
    async with listening(answering(away)) as port:
        assert (await refused(poll, f"http://127.0.0.1:{port}")).kind == "redirect"


READABLE = {
    "Latin-1, told as UTF-8": (
        "text/calendar; charset=utf-8",
        ONE.decode().encode("latin-1"),
    ),
    "UTF-8, told as Latin-1": ("text/calendar; charset=iso-8859-1", ONE),
    "UTF-16": ("text/calendar; charset=utf-16", ONE.decode().encode("utf-16")),
    "UTF-8 with a byte order mark": ("text/calendar", b"\xef\xbb\xbf" + ONE),
    "told as a web page": ("text/html", ONE),
    "with NUL bytes": ("text/calendar", ONE.replace(b"SUMMARY:", b"SUMMARY:\0") + bytes(3)),
}


@pytest.mark.parametrize("how", READABLE)
async def test_a_charset_that_is_told_wrongly_costs_nothing(poll: Poll, how: str) -> None:
    kind, body = READABLE[how]
    async with listening(answering(f"{length(body)}\nContent-Type: {kind}", body)) as port:
        reading = await poll(f"http://127.0.0.1:{port}")
    assert [(o.uid, o.title) for o in reading.occurrences] == [("one", "Größe"), ("two", "")]


async def test_an_expired_certificate_is_told_as_what_it_is(poll: Poll, tmp_path: Path) -> None:
    certificate = make_certificate(
        tmp_path, "localhost", until=datetime.now(UTC) - timedelta(hours=1)
    )
    serve = answering(length(ONE), ONE)
    async with listening(serve, context=certificate.server_context()) as port:
        error = await refused(poll, f"https://localhost:{port}", ca_file=certificate.file)
    assert error.kind == "certificate"
    assert "expired" in str(error)


async def test_the_certificate_of_another_host_is_refused(poll: Poll, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "calendars.example.org")
    serve = answering(length(ONE), ONE)
    async with listening(serve, context=certificate.server_context()) as port:
        error = await refused(poll, f"https://localhost:{port}", ca_file=certificate.file)
    assert error.kind == "certificate"


async def test_plain_http_on_a_tls_address_is_unreachable(poll: Poll) -> None:
    async def serve(reader: asyncio.StreamReader, writer: Writer) -> None:
        await reader.read(1)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        await writer.drain()

    async with listening(serve) as port:
        error = await refused(poll, f"https://localhost:{port}")
    assert error.kind == "unreachable"
    assert "HTTPS port" in str(error)
