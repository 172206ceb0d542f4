"""A front of a CalDAV server: passes requests on and counts them, speaks TLS, asks for Digest."""

import asyncio
import base64
import hashlib
import re
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.loopback import head_of


Head = Callable[[bytes], bytes | None]
"""Changes a request on its way; None drops the connection."""


@dataclass
class Front:
    """Passes requests on to a server and counts them; one connection there for each one here."""

    port_behind: int
    behind: ssl.SSLContext | None = None
    """TLS of the server behind."""
    port: int = 0
    seen: list[str] = field(default_factory=list)
    """`METHOD path` of each request."""
    change: Head = field(default=lambda request: request)
    """What becomes of each request."""

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Serve one connection."""
        request = await head_of(reader)
        there, back = await asyncio.open_connection("127.0.0.1", self.port_behind, ssl=self.behind)
        answers = asyncio.create_task(_pump(there, writer))
        try:
            while True:
                self.seen.append(b" ".join(request.split(b" ", 2)[:2]).decode())
                passed = self.change(request)
                if passed is None:
                    break
                (writer if passed.startswith(b"HTTP/") else back).write(passed)
                request = await head_of(reader)
        finally:
            answers.cancel()
            await asyncio.gather(answers, return_exceptions=True)
            back.close()
            back.transport.abort()


async def _pump(there: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while data := await there.read(65536):
        writer.write(data)
    writer.close()


@asynccontextmanager
async def front(
    port_behind: int,
    *,
    behind: ssl.SSLContext | None = None,
    context: ssl.SSLContext | None = None,
) -> AsyncIterator[Front]:
    """Listen until the block ends; `context` makes it TLS."""
    made = Front(port_behind, behind)
    connections: dict[asyncio.Task[None], asyncio.StreamWriter] = {}

    async def safely(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.current_task()
        assert task is not None
        connections[task] = writer
        try:
            await made.serve(reader, writer)
        except (asyncio.IncompleteReadError, OSError):
            pass  # either side went away, as tests do
        finally:
            del connections[task]
            writer.close()

    listening = await asyncio.start_server(safely, "127.0.0.1", 0, ssl=context)
    made.port = listening.sockets[0].getsockname()[1]
    try:
        yield made
    finally:
        listening.close()
        under_way = list(connections)
        for writer in connections.values():
            writer.transport.abort()
        await asyncio.gather(*under_way)
        await asyncio.sleep(0.01)  # transports close when the loop comes round


def asking_for_digest(user: str, password: str) -> Head:
    """Return what lets in whom Digest (RFC 7616, MD5, qop=auth) proves, and passes Basic on."""
    nonce = "7ypf/xlj9XXwfDPEoM4URrv/xwf94BcCAzFZH4GiTo0v"
    refused = (
        b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
        b'WWW-Authenticate: Digest realm="rooms", qop="auth", nonce="%s"\r\n\r\n' % nonce.encode()
    )
    basic = base64.b64encode(f"{user}:{password}".encode())

    def change(request: bytes) -> bytes:
        found = re.search(rb"\r\nauthorization: Digest ([^\r]*)", request, re.IGNORECASE)
        if found is None:
            return refused
        said = dict(re.findall(r'(\w+)="?([^",]*)"?', found[1].decode()))
        method = request.split(b" ", 1)[0].decode()
        first = _md5(f"{user}:rooms:{password}")
        second = _md5(f"{method}:{said['uri']}")
        wanted = _md5(f"{first}:{nonce}:{said['nc']}:{said['cnonce']}:auth:{second}")
        if said["response"] != wanted:
            return refused
        return request.replace(found[0], b"\r\nAuthorization: Basic " + basic)

    return change


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()
