"""The simulator on a real port, over HTTP or HTTPS, in the loop that is running."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from weakref import WeakKeyDictionary, ref

import uvicorn

from cospaced.exchange_simulator.app import CONNECTION, PATH
from cospaced.exchange_simulator.connection import Connection
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.loopback.asgi import Receive, Scope, Send
from cospaced.loopback.listening import (
    bound,
    drop_connections,
    in_url,
    make_server,
    transport_of,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Identity:
    """A server certificate and its key, PEM files."""

    certificate: Path
    key: Path


class Served:
    """A simulator that listens; it can be made to refuse connections for a while."""

    def __init__(self, exchange: Exchange, scheme: str, host: str, server: uvicorn.Server) -> None:
        self.exchange = exchange
        self._scheme = scheme
        self._host = host
        self._server = server
        self._port = 0

    @property
    def root(self) -> str:
        """`http://host:port`."""
        return f"{self._scheme}://{in_url(self._host)}:{self._port}"

    @property
    def url(self) -> str:
        """The EWS endpoint."""
        return self.root + PATH

    def token_url(self, tenant: str = "tenant") -> str:
        """Return the token endpoint of a tenant."""
        return f"{self.root}/{tenant}/oauth2/v2.0/token"

    async def listen(self, port: int = 0) -> None:
        """Listen, again on the same port; OSError where it is taken."""
        listener = bound(self._host, self._port or port)
        self._port = listener.getsockname()[1]
        await self._server.startup(sockets=[listener])

    def refuse(self) -> None:
        """Close every connection and listen no more: clients are refused."""
        for server in self._server.servers:
            server.close()
        self._server.servers.clear()
        drop_connections(self._server)

    async def close(self) -> None:
        """Stop."""
        self.refuse()
        await self._server.shutdown(sockets=[])


@asynccontextmanager
async def serve(
    exchange: Exchange,
    *,
    folder: Path,
    host: str = "127.0.0.1",
    port: int = 0,
    identity: Identity | None = None,
) -> AsyncIterator[Served]:
    """Serve until the block is left; `folder` takes the accounts for NTLM.

    NTLM is offered where pyspnego is installed. Raises OSError where the port is taken.
    """
    if find_spec("spnego") is not None:
        from cospaced.exchange_simulator.ntlm import NtlmServer  # noqa: PLC0415 - optional

        exchange.access.ntlm = NtlmServer(exchange.rights, folder)
    server = _server(exchange, identity)
    served = Served(exchange, "http" if identity is None else "https", host, server)
    await served.listen(port)
    try:
        yield served
    finally:
        await served.close()


def _server(exchange: Exchange, identity: Identity | None) -> uvicorn.Server:
    connections: WeakKeyDictionary[asyncio.Transport, Connection] = WeakKeyDictionary()

    async def connected(scope: Scope, receive: Receive, send: Send) -> None:
        transport = transport_of(send)
        if transport is not None:
            if transport not in connections:
                connections[transport] = Connection(transport=ref(transport))
            scope[CONNECTION] = connections[transport]
        await exchange.app(scope, receive, send)

    if identity is None:
        return make_server(connected)
    return make_server(connected, certificate=identity.certificate, key=identity.key)
