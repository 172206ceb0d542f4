"""A cluster as an httpx transport: every bridge under its own address, without sockets.

It heeds httpx's read timeout (as `httpx.ASGITransport` does not) and turns a lost connection into
the error that httpx raises for one. What the client sent is carried out even if it gives up.
"""

import asyncio
from collections.abc import Mapping

import httpx

from cospaced.simulator.api.asking import Reply
from cospaced.simulator.app import headers_of
from cospaced.simulator.service import Request
from cospaced.simulator.state import State
from cospaced.simulator.wire import ConnectionLost, ConnectionRefused, Unanswered, Wire


class SimulatorTransport(httpx.AsyncBaseTransport):
    """Sends each request to the bridge whose address the URL names."""

    def __init__(self, state: State, wires: Mapping[str, Wire]) -> None:
        self._state = state
        self._wires = wires
        self._servers: dict[str, tuple[str, int]] = {}

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Return a bridge's answer; raises httpx.ConnectError, ReadError or ReadTimeout."""
        wire = self._wire(request)
        url = request.url
        body = await request.aread()
        sent = Request(
            request.method,
            url.path,
            url.query.decode("latin-1"),
            body,
            request.headers.get("authorization", ""),
        )
        seconds = request.extensions.get("timeout", {}).get("read")
        try:
            async with asyncio.timeout(seconds):
                reply = await _answered(wire, sent)
        except TimeoutError as error:
            raise httpx.ReadTimeout("no answer in time", request=request) from error
        except ConnectionRefused as error:
            raise httpx.ConnectError("connection refused", request=request) from error
        except ConnectionLost as error:
            message = "the server closed the connection without an answer"
            raise httpx.RemoteProtocolError(message, request=request) from error
        return httpx.Response(
            reply.status,
            headers=headers_of(reply, keep_alive=self._state.knobs.keep_alive),
            content=reply.body,
            request=request,
        )

    def _wire(self, request: httpx.Request) -> Wire:
        asked = _server(request.url)
        entries = self._state.database.tables["callBridges"]
        for wire in self._wires.values():
            entry = entries.get(wire.bridge.id)
            if entry is None:
                continue
            address = entry.fields.get("address", "")
            if address not in self._servers:
                self._servers[address] = _server(httpx.URL(address))
            if self._servers[address] == asked:
                return wire
        raise httpx.ConnectError(f"no bridge has the address {request.url.host}", request=request)


def _server(url: httpx.URL) -> tuple[str, int]:
    return url.host, url.port or 443


async def _answered(wire: Wire, request: Request) -> Reply:
    try:
        return await wire.exchange(request)
    except Unanswered:
        await asyncio.Event().wait()
        raise
