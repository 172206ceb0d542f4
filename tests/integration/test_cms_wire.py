"""CmsBridge over real sockets and TLS: what leaves, and which faults become which kinds."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from cospaced.cms.bridge import CmsBridge
from cospaced.domain.writes import DialEndpoint, EndCall, Result
from cospaced.errors import Unreachable
from cospaced.host.clock import SystemClock
from cospaced.host.web import Web
from cospaced.settings import Secret
from support.certificates import make_certificate
from support.loopback import head_of, listening


STATUS = b"<status><uptimeSeconds>5</uptimeSeconds></status>"
DIAL = DialEndpoint(call="c/1", endpoint="room@x", owner_id="o1")


@asynccontextmanager
async def a_bridge(address: str, **options: Path | bool) -> AsyncIterator[CmsBridge]:
    bridge = CmsBridge(
        "core1",
        address,
        "admin",
        Secret("s"),
        web=Web(**options),  # type: ignore[arg-type] # handed through
        clock=SystemClock(),
        timeout=5,
    )
    try:
        yield bridge
    finally:
        await bridge.close()


async def test_a_self_signed_bridge_is_refused_until_its_certificate_is_named(
    tmp_path: Path,
) -> None:
    certificate = make_certificate(tmp_path, "localhost")
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            heads.append(await head_of(reader))
            writer.write(
                b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b"
                % (len(STATUS), STATUS)
            )

    async with listening(serve, context=certificate.server_context()) as port:
        address = f"https://localhost:{port}"
        async with a_bridge(address) as bridge:
            with pytest.raises(Unreachable, match="ca_file") as caught:
                await bridge.status()
            assert caught.value.kind == "certificate"
            outcome = await bridge.write(DIAL)
            assert (outcome.result, outcome.sent) == (Result.UNKNOWN, False)
        assert heads == []
        async with a_bridge(address, ca_file=certificate.file) as bridge:
            assert (await bridge.status()).uptime == 5
    assert b"authorization: basic" in heads[0].lower()


async def test_the_path_and_form_leave_as_they_were_written() -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            asked.append(await head_of(reader))
            writer.write(
                b"HTTP/1.1 200 OK\r\nLocation: /api/v1/callLegs/l1\r\nContent-Length: 0\r\n\r\n"
            )

    async with listening(serve) as port, a_bridge(f"http://127.0.0.1:{port}/") as bridge:
        assert (await bridge.write(DIAL)).id == "l1"
        assert (await bridge.write(EndCall(call="x.y"))).result is Result.DONE
    assert asked[0].startswith(b"POST /api/v1/calls/c%2F1/callLegs HTTP/1.1\r\n")
    assert b"content-type: application/x-www-form-urlencoded\r\n" in asked[0].lower()
    assert asked[0].endswith(b"\r\n\r\nremoteParty=room@x&confirmation=false&ownerId=o1")
    assert asked[1].startswith(b"DELETE /api/v1/calls/x.y HTTP/1.1\r\n")


async def test_a_bridge_that_is_not_there_was_certainly_not_asked() -> None:
    async with listening(lambda *_: asyncio.sleep(0)) as port:
        pass
    async with a_bridge(f"http://127.0.0.1:{port}") as bridge:
        outcome = await bridge.write(DIAL)
    assert (outcome.result, outcome.sent) == (Result.UNKNOWN, False)


async def test_a_bridge_that_dies_over_a_post_leaves_it_in_doubt_and_asks_once() -> None:
    asked: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        asked.append(await head_of(reader))

    async with listening(serve) as port, a_bridge(f"http://127.0.0.1:{port}") as bridge:
        outcome = await bridge.write(DIAL)
    assert (outcome.result, outcome.sent) == (Result.UNKNOWN, True)
    assert len(asked) == 1
