"""A Call Bridge that answers as a test says, in process; no state, no meaning."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx

from cospaced.cms.bridge import CmsBridge
from cospaced.host.web import Web
from cospaced.settings import Secret
from support.virtual import VirtualClock


Reply = tuple[int, bytes] | tuple[int, bytes, dict[str, str]] | Exception
Answering = Callable[[httpx.Request], Reply | Awaitable[Reply]]

OK_STATUS = (
    200,
    (
        b'<?xml version="1.0"?><status><softwareVersion>3.8</softwareVersion>'
        b"<uptimeSeconds>77</uptimeSeconds></status>"
    ),
)


def reason(name: str, status: int = 400) -> Reply:
    """Return the answer with which CMS refuses."""
    return status, f'<?xml version="1.0"?><failureDetails><{name} /></failureDetails>'.encode()


@dataclass
class ScriptedCms:
    """Answers each request by `answer`; `asked` holds `METHOD target` of all, in their order."""

    answer: Answering
    asked: list[str] = field(default_factory=list)
    forms: list[bytes] = field(default_factory=list)

    async def __call__(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(f"{request.method} {request.url.raw_path.decode()}")
        self.forms.append(request.content)
        given = self.answer(request)
        reply = given if isinstance(given, tuple | Exception) else await given
        if isinstance(reply, Exception):
            raise reply
        headers = reply[2] if len(reply) == 3 else {}
        return httpx.Response(reply[0], content=reply[1], headers=headers)


def in_turn(*replies: Reply) -> Answering:
    """Give one reply after the other, the last one for ever."""
    left = list(replies)
    return lambda _request: left.pop(0) if len(left) > 1 else left[0]


@asynccontextmanager
async def a_bridge(
    clock: VirtualClock, answer: Answering, **options: Any
) -> AsyncIterator[tuple[CmsBridge, ScriptedCms]]:
    """Yield a CmsBridge over a scripted Call Bridge."""
    scripted = ScriptedCms(answer)
    bridge = CmsBridge(
        "core1",
        "https://cms.example.com:445",
        "admin",
        Secret("pass"),
        web=Web(transport=httpx.MockTransport(scripted)),
        clock=clock,
        **options,
    )
    try:
        yield bridge, scripted
    finally:
        await bridge.close()
