"""A small HTTP server on loopback that answers what a test says, with or without TLS."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from support.certificates import Certificate


@dataclass(frozen=True)
class Seen:
    """A request as it came; header names in lower case."""

    method: str
    path: str
    headers: dict[str, str]
    body: bytes = b""


@dataclass
class Reply:
    """What is answered. `delay` seconds pass before it, `cut` bytes of the body are withheld."""

    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""
    delay: float = 0.0
    cut: int = 0


@dataclass
class WebServer:
    """`answer` says what each request gets; `seen` keeps them."""

    answer: Callable[[Seen], Reply]
    port: int = 0
    scheme: str = "http"
    seen: list[Seen] = field(default_factory=list)

    def url(self, path: str = "/room.ics", host: str = "localhost") -> str:
        return f"{self.scheme}://{host}:{self.port}{path}"

    async def handle(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                first, *rest = head.decode().split("\r\n")
                method, path, _ = first.split(" ")
                headers = {
                    name.lower(): value.strip()
                    for name, _, value in (line.partition(":") for line in rest if line)
                }
                body = await reader.readexactly(int(headers.get("content-length", 0)))
                self.seen.append(Seen(method, path, headers, body))
                reply = self.answer(self.seen[-1])
                await asyncio.sleep(reply.delay)
                await self._send(writer, reply)
                if reply.cut:
                    break
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            writer.close()

    async def _send(self, writer: asyncio.StreamWriter, reply: Reply) -> None:
        headers = {"Content-Length": str(len(reply.body)), **reply.headers}
        if reply.status == 304:
            headers.pop("Content-Length")
        head = [f"HTTP/1.1 {reply.status} Told", *(f"{k}: {v}" for k, v in headers.items())]
        writer.write("\r\n".join([*head, "", ""]).encode())
        writer.write(reply.body[: len(reply.body) - reply.cut])
        await writer.drain()


@asynccontextmanager
async def web_server(
    answer: Callable[[Seen], Reply], certificate: Certificate | None = None
) -> AsyncIterator[WebServer]:
    """Serve until the block ends; `certificate` makes it TLS."""
    context = certificate.server_context() if certificate is not None else None
    server = WebServer(answer, scheme="https" if context else "http")
    listening = await asyncio.start_server(server.handle, "127.0.0.1", 0, ssl=context)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
