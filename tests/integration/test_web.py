"""host/web.py against a server of its own on loopback, plain and over TLS."""

import asyncio
import gzip
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest

from cospaced.host.web import Web, WebError
from cospaced.settings import Secret
from support.certificates import make_certificate
from support.loopback import head_of, listening


OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"


@asynccontextmanager
async def a_web(**options: object) -> AsyncIterator[Web]:
    web = Web(**options)  # type: ignore[arg-type] # tests hand options through
    try:
        yield web
    finally:
        await web.close()


async def fault(
    web: Web, url: str, *, method: str = "GET", total: float = 5, limit: int = 9999
) -> WebError:
    with pytest.raises(WebError) as caught:
        await web.request(method, url, total=total, limit=limit, body=b"a=b")
    return caught.value


async def test_an_answer_has_status_lower_case_headers_and_the_decoded_body() -> None:
    packed = gzip.compress("äöü".encode())

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(
            b"HTTP/1.1 404 No\r\nX-Thing: One\r\nContent-Encoding: gzip\r\n"
            b"Content-Length: %d\r\n\r\n%b" % (len(packed), packed)
        )
        await writer.drain()

    async with listening(serve) as port, a_web() as web:
        answer = await web.request("GET", f"http://127.0.0.1:{port}/", total=5, limit=100)
    assert answer.status == 404
    assert answer.headers["x-thing"] == "One"
    assert answer.body.decode() == "äöü"


async def test_credentials_go_with_the_first_request_in_utf_8() -> None:
    seen: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        seen.append(await head_of(reader))
        writer.write(OK)

    async with listening(serve) as port, a_web() as web:
        url = f"http://127.0.0.1:{port}/x"
        await web.request("GET", url, total=5, limit=9, username="jö", password=Secret("p:ß"))
    assert b"authorization: basic aso2ona6w58=\r\n" in seen[0].lower()


async def test_connections_are_kept_and_cookies_are_not() -> None:
    connections = 0
    heads: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        while True:
            heads.append(await head_of(reader))
            writer.write(OK.replace(b"\r\n\r\n", b"\r\nSet-Cookie: a=b\r\n\r\n"))

    async with listening(serve) as port, a_web() as web:
        for _ in range(3):
            await web.request("GET", f"http://127.0.0.1:{port}/", total=5, limit=9)
    assert connections == 1
    assert not any(b"ookie" in head for head in heads)


async def test_a_redirect_is_an_answer_and_is_not_followed() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while True:
            await head_of(reader)
            writer.write(b"HTTP/1.1 302 Found\r\nLocation: /y\r\nContent-Length: 0\r\n\r\n")

    async with listening(serve) as port, a_web() as web:
        answer = await web.request("GET", f"http://127.0.0.1:{port}/", total=5, limit=9)
    assert answer.status == 302
    assert answer.headers["location"] == "/y"


async def test_a_slow_drip_ends_at_the_total_deadline() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 9000\r\n\r\n")
        while True:
            writer.write(b"x")
            await writer.drain()
            await asyncio.sleep(0.02)

    async with listening(serve) as port, a_web() as web:
        error = await fault(web, f"http://127.0.0.1:{port}/", total=0.2)
    assert (error.kind, error.sent) == ("timeout", True)
    assert f"127.0.0.1:{port}" in str(error)


async def test_a_connection_whose_request_timed_out_is_never_used_again() -> None:
    connections = 0

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal connections
        connections += 1
        await head_of(reader)
        if connections > 1:
            writer.write(OK)
        await reader.read()

    async with listening(serve) as port, a_web() as web:
        url = f"http://127.0.0.1:{port}/"
        assert (await fault(web, url, total=0.1)).kind == "timeout"
        answer = await web.request("GET", url, total=5, limit=9)
    assert answer.body == b"ok"
    assert connections == 2


async def test_reading_stops_early_at_the_limit_even_of_what_unpacks_to_more() -> None:
    bomb = gzip.compress(bytes(3_000_000))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(
            b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b"
            % (len(bomb), bomb)
        )

    async with listening(serve) as port, a_web() as web:
        error = await fault(web, f"http://127.0.0.1:{port}/", limit=10_000)
    assert (error.kind, error.sent) == ("too_large", True)


async def test_a_refused_connection_says_that_nothing_was_sent() -> None:
    async with listening(lambda *_: asyncio.sleep(0)) as port:
        pass
    async with a_web() as web:
        error = await fault(web, f"http://127.0.0.1:{port}/", method="POST")
    assert (error.kind, error.sent) == ("connection", False)
    assert str(error) == f"127.0.0.1:{port}: no connection (connection refused)"


async def test_a_connection_that_breaks_after_the_request_says_that_it_was_sent() -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await head_of(reader)

    async with listening(serve) as port, a_web() as web:
        error = await fault(web, f"http://127.0.0.1:{port}/", method="POST")
    assert (error.kind, error.sent) == ("connection", True)


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE", "POST"])
async def test_a_read_survives_the_loss_of_a_kept_connection_and_a_write_goes_out_once(
    method: str,
) -> None:
    came: list[bytes] = []

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(OK)
        came.append(await head_of(reader))

    async with listening(serve) as port, a_web() as web:
        url = f"http://127.0.0.1:{port}/"
        if method == "GET":
            for _ in range(2):
                await web.request("GET", url, total=5, limit=9)
        else:
            await web.request("GET", url, total=5, limit=9)
            error = await fault(web, url, method=method)
            assert (error.kind, error.sent) == ("connection", True)
        assert len(came) == 1


async def test_a_truncated_answer_is_an_error_and_never_a_shorter_body() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 90\r\n\r\nhalf")

    async with listening(serve) as port, a_web() as web:
        error = await fault(web, f"http://127.0.0.1:{port}/", method="POST")
    assert (error.kind, error.sent) == ("connection", True)


@pytest.mark.parametrize(
    "reply",
    [b"SSH-2.0-OpenSSH\r\n\r\n", b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\n\r\nno gzip"],
)
async def test_what_is_no_http_is_a_protocol_error(reply: bytes) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(reply)

    async with listening(serve) as port, a_web() as web:
        error = await fault(web, f"http://127.0.0.1:{port}/")
    assert (error.kind, error.sent) == ("protocol", True)


@pytest.mark.parametrize("url", ["ftp://x/", "https://", "nonsense", "http://[::1/", "http://a:b/"])
async def test_a_url_that_cannot_be_asked_is_told_and_never_sent(url: str) -> None:
    async with a_web() as web:
        error = await fault(web, url)
    assert (error.kind, error.sent) == ("protocol", False)


async def test_a_post_does_not_meet_a_connection_that_the_server_closed_while_idle() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(OK)
        await writer.drain()

    async with listening(serve) as port, a_web() as web:
        url = f"http://127.0.0.1:{port}/"
        for _ in range(5):
            answer = await web.request("POST", url, body=b"a=b", total=5, limit=9)
            assert answer.status == 200
            await asyncio.sleep(0.01)


async def test_a_close_that_a_busy_loop_did_not_notice_yet_costs_a_post_no_doubt() -> None:
    code = (
        "import socket, sys\n"
        "s = socket.create_server(('127.0.0.1', 0)); print(s.getsockname()[1], flush=True)\n"
        "for _ in range(4):\n"
        "    c, _ = s.accept(); c.recv(9999)\n"
        "    c.sendall(b'HTTP/1.1 200 OK\\r\\nContent-Length: 2\\r\\n\\r\\nok'); c.close()\n"
    )
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", code, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdout is not None
    port = int(await process.stdout.readline())
    async with a_web() as web:
        for _ in range(4):
            url = f"http://127.0.0.1:{port}/"
            answer = await web.request("POST", url, body=b"a=b", total=5, limit=9)
            assert answer.body == b"ok"
            time.sleep(0.05)  # the loop is to be too busy to see the close
    await process.wait()


async def test_a_certificate_nobody_vouches_for_is_refused_with_the_remedy(tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "localhost")

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await head_of(reader)
        writer.write(OK)

    async with listening(serve, context=certificate.server_context()) as port:
        url = f"https://localhost:{port}/"
        async with a_web() as web:
            error = await fault(web, url, method="POST")
            assert (error.kind, error.sent) == ("certificate", False)
            assert "ca_file" in str(error)
            assert "verify = no" in str(error)
        async with a_web(ca_file=certificate.file) as web:
            assert (await web.request("GET", url, total=5, limit=9)).body == b"ok"
            other = await fault(web, f"https://127.0.0.1:{port}/", method="POST")
            assert (other.kind, other.sent) == ("certificate", False)
            assert "address" in str(other)
        async with a_web(verify=False) as web:
            assert (await web.request("GET", url, total=5, limit=9)).body == b"ok"


async def test_https_to_a_plain_port_says_so_and_was_not_sent() -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(10)
        writer.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")

    async with listening(serve) as port, a_web() as web:
        error = await fault(web, f"https://127.0.0.1:{port}/", method="POST")
    assert (error.kind, error.sent) == ("connection", False)
    assert "TLS" in str(error)


def test_a_ca_file_that_holds_no_certificate_is_told_with_its_name(tmp_path: Path) -> None:
    bad = tmp_path / "ca.pem"
    bad.write_text("nothing")
    for file in (bad, tmp_path / "missing.pem"):
        with pytest.raises(WebError, match=file.name) as caught:
            Web(ca_file=file)
        assert caught.value.kind == "certificate"


async def test_the_deadline_holds_for_an_in_process_transport_too() -> None:
    async def app(_scope: object, _receive: object, _send: object) -> None:
        await asyncio.sleep(60)

    async with a_web(transport=httpx.ASGITransport(app)) as web:
        error = await fault(web, "http://cms/", total=0.05)
    assert (error.kind, error.sent) == ("timeout", True)


async def test_no_free_connection_in_time_means_that_nothing_was_sent() -> None:
    async def serve(reader: asyncio.StreamReader, _writer: asyncio.StreamWriter) -> None:
        await reader.read()

    async with listening(serve) as port, a_web(connections=1) as web:
        url = f"http://127.0.0.1:{port}/"
        first, second = await asyncio.gather(
            fault(web, url, method="POST", total=0.3), fault(web, url, method="POST", total=0.1)
        )
    assert (first.kind, first.sent) == ("timeout", True)
    assert (second.kind, second.sent) == ("timeout", False)
