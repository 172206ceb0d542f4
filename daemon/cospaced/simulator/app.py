"""One Call Bridge as an ASGI application, with no web framework.

An answer that is lost is an exception here (`ConnectionLost`, `ConnectionRefused`): in process it
reaches the caller, over sockets `serve` turns it into a closed connection. A request that is never
answered waits for its client to go.
"""

from collections.abc import Callable

from cospaced.loopback.asgi import (
    App,
    Receive,
    Scope,
    Send,
    authorization,
    gone,
    need_http,
    whole_body,
)
from cospaced.simulator.api.asking import Reply
from cospaced.simulator.service import Request
from cospaced.simulator.wire import Unanswered, Wire


REALM = 'Basic realm="acano"'


def headers_of(reply: Reply, *, keep_alive: bool) -> list[tuple[bytes, bytes]]:
    """Return a reply's headers; `Location` is a path, the content type names no charset."""
    headers = [(b"content-length", str(len(reply.body)).encode())]
    if reply.body:
        headers.append((b"content-type", b"text/xml"))
    if reply.location:
        headers.append((b"location", reply.location.encode()))
    if reply.challenge:
        headers.append((b"www-authenticate", REALM.encode()))
    if not keep_alive:
        headers.append((b"connection", b"close"))
    return headers


def asgi(wire: Wire, keep_alive: Callable[[], bool]) -> App:
    """Return the application of one bridge; `keep_alive` is asked at each answer."""

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        need_http(scope)
        request = Request(
            scope["method"],
            scope["path"],
            scope["query_string"].decode("latin-1"),
            await whole_body(receive),
            authorization(scope),
        )
        client = scope.get("client") or ("",)
        try:
            reply = await wire.exchange(request, client[0])
        except Unanswered:
            await gone(receive)
            return
        headers = headers_of(reply, keep_alive=keep_alive())
        await send({"type": "http.response.start", "status": reply.status, "headers": headers})
        await send({"type": "http.response.body", "body": reply.body})

    return app
