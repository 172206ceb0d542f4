"""The simulator on a real port, in the loop that is running.

uvicorn's server is started and shut down by hand here: it needs neither its signal handlers nor its
ticking main loop. Its `send` is a method of the request, which holds the connection.
"""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path
from weakref import WeakKeyDictionary

import uvicorn

from cospaced.exchange_simulator.app import CONNECTION, PATH, Receive, Scope, Send
from cospaced.exchange_simulator.connection import Connection
from cospaced.exchange_simulator.exchange import Exchange


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
        host = f"[{self._host}]" if ":" in self._host else self._host
        return f"{self._scheme}://{host}:{self._port}"

    @property
    def url(self) -> str:
        """The EWS endpoint."""
        return self.root + PATH

    def token_url(self, tenant: str = "tenant") -> str:
        """Return the token endpoint of a tenant."""
        return f"{self.root}/{tenant}/oauth2/v2.0/token"

    async def listen(self, port: int = 0) -> None:
        """Listen, again on the same port; OSError where it is taken."""
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        listener = socket.socket(family, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind((self._host, self._port or port))
            self._port = listener.getsockname()[1]
            await self._server.startup(sockets=[listener])
        except BaseException:
            listener.close()
            raise

    def refuse(self) -> None:
        """Close every connection and listen no more: clients are refused."""
        for server in self._server.servers:
            server.close()
        self._server.servers.clear()
        self.drop_connections()

    def drop_connections(self) -> None:
        """Close every connection, requests under way with them."""
        for connection in list(self._server.server_state.connections):
            connection.transport.abort()

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
        transport = getattr(getattr(send, "__self__", None), "transport", None)
        if transport is not None:
            if transport not in connections:
                connections[transport] = Connection(transport=transport)
            scope[CONNECTION] = connections[transport]
        await exchange.app(scope, receive, send)

    config = uvicorn.Config(
        connected,
        http="h11",
        ws="none",
        lifespan="off",
        ssl_certfile=identity.certificate if identity is not None else None,
        ssl_keyfile=identity.key if identity is not None else None,
        log_config=None,
        log_level="error",
        access_log=False,
        proxy_headers=False,
        server_header=False,
        date_header=False,
        timeout_graceful_shutdown=1,
    )
    config.load()
    server = uvicorn.Server(config)
    server.lifespan = config.lifespan_class(config)
    return server
