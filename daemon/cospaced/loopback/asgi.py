"""The little of ASGI that the simulators need."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias


Scope: TypeAlias = MutableMapping[str, Any]
Message: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Message]]
Send: TypeAlias = Callable[[Message], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]


def need_http(scope: Scope) -> None:
    """Raise NotImplementedError for anything but HTTP."""
    if scope["type"] != "http":
        raise NotImplementedError(f"the simulator speaks HTTP, not {scope['type']}")


def authorization(scope: Scope) -> str:
    """Return the header's value; empty where there is none."""
    for name, value in scope["headers"]:
        if name == b"authorization":
            return str(value, "latin-1")
    return ""


async def whole_body(receive: Receive) -> bytes:
    """Return the whole body of a request."""
    parts: list[bytes] = []
    while True:
        message = await receive()
        parts.append(message.get("body", b""))
        if not message.get("more_body", False):
            return b"".join(parts)


async def gone(receive: Receive) -> None:
    """Wait until the client has gone."""
    while (await receive())["type"] != "http.disconnect":
        pass
