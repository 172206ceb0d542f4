"""aiohttp as httpx's transport: httpx's own connection pool starves requests under load.

What is done twice: aiohttp repeats a GET once, at once, on a fresh connection when a kept one turns
out to be dead. It would repeat PUT and DELETE too, and is kept from it: whoever writes decides
about writes. For their sake a kept connection is tested for a pending close before it is used.
"""

import asyncio
import select
import ssl
import weakref
from collections.abc import Callable
from typing import Any

import aiohttp
from httpx_aiohttp import AiohttpTransport


KEEP_ALIVE = 4.0
"""Seconds that an idle connection is kept: less than the 5 s after which common servers close."""

_READS = ("GET", "HEAD", "OPTIONS")


class _Connector(aiohttp.TCPConnector):
    """Hands out connections, and notes for which task it has: from then on bytes may leave."""

    def __init__(
        self, context: ssl.SSLContext, connections: int, departed: weakref.WeakSet[Any]
    ) -> None:
        # For each server: one that hangs must not hold the connections that others need.
        super().__init__(
            ssl=context, limit=0, limit_per_host=connections, keepalive_timeout=KEEP_ALIVE
        )
        self._departures = departed
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Any],
        timeout: aiohttp.ClientTimeout,  # noqa: ASYNC109 - the name is aiohttp's
    ) -> aiohttp.connector.Connection:
        """Return a connection that is fresh, or kept and not known to be closed by the server."""
        connection = await super().connect(req, traces, timeout)
        while connection.protocol in self._known and _is_closing(connection.transport):
            connection.close()
            connection = await super().connect(req, traces, timeout)
        self._known.add(connection.protocol)
        task = asyncio.current_task()
        if task is not None:
            self._departures.add(task)
        return connection


def _is_closing(transport: asyncio.Transport | None) -> bool:
    """Whether a kept connection has something to read: an answer cannot be, so it is the close.

    The loop drops closed connections itself, but only when it comes round; a loop that was busy
    has not, and the POST that met such a connection would be in doubt without need.
    """
    sock = transport.get_extra_info("socket") if transport is not None else None
    if sock is None or sock.fileno() < 0:
        return True
    poll = select.poll()
    poll.register(sock, select.POLLIN)
    return bool(poll.poll(0))


async def _repeating_reads_only(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """Keep aiohttp from repeating a write: it does so at these two errors and their kind alone."""
    try:
        return await handler(request)
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        if request.method in _READS:
            raise
        raise aiohttp.ClientConnectionError(str(error)) from error


def aiohttp_transport(
    context: ssl.SSLContext, connections: int, departed: weakref.WeakSet[Any]
) -> AiohttpTransport:
    """Return the transport; tasks whose request may have left are added to `departed`."""

    def session() -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=_Connector(context, connections, departed),
            cookie_jar=aiohttp.DummyCookieJar(),
            middlewares=(_repeating_reads_only,),
        )

    # aiohttp wants its session made inside the running loop, so the transport makes it when asked.
    make: Callable[[], aiohttp.ClientSession] = session
    return AiohttpTransport(verify=context, client=make)
