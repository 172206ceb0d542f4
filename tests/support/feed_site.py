"""A site whose calendars are feeds, and a publisher that can be told to answer anything.

Only the socket is missing: requests go through the daemon's own web client, source and parser.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field, replace
from hashlib import blake2b
from pathlib import Path

import httpx

from cospaced.calendars.ical_source import IcalSource
from cospaced.host.web import Web
from cospaced.settings import RoomSettings
from support.site import Site
from support.virtual import InlineOffload, VirtualClock


HOST = "calendars.example.org"
Body = bytes | Callable[[VirtualClock], AsyncIterator[bytes]]


@dataclass(frozen=True)
class Feed:
    """One answer; `body` may be what yields its pieces as time goes by."""

    body: Body = b""
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)


Answer = Callable[[httpx.Request], Awaitable[Feed]]


class _Pieces(httpx.AsyncByteStream):
    def __init__(self, pieces: AsyncIterator[bytes]) -> None:
        self._pieces = pieces

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for piece in self._pieces:
            yield piece


async def _at_once(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), 65_536):
        yield body[start : start + 65_536]


class Publisher(httpx.AsyncBaseTransport):
    """Publishes the files of a folder with ETags, unless a room's answer is another.

    `answers` says what requests for a room's feed get instead; a Feed is given again and again.
    """

    def __init__(self, folder: Path, clock: VirtualClock) -> None:
        self._folder = folder
        self._clock = clock
        self.answers: dict[str, Feed | Answer] = {}
        self.requests: list[httpx.Request] = []

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        told = self.answers.get(Path(request.url.path).stem)
        if told is None:
            told = self.good(request)
        elif not isinstance(told, Feed):
            told = await told(request)
        pieces = _at_once(told.body) if isinstance(told.body, bytes) else told.body(self._clock)
        return httpx.Response(told.status, headers=told.headers, stream=_Pieces(pieces))

    def good(self, request: httpx.Request) -> Feed:
        """Answer as a well-kept server does."""
        body = self.text(Path(request.url.path).stem)
        etag = f'"{blake2b(body, digest_size=8).hexdigest()}"'
        if request.headers.get("if-none-match") == etag:
            return Feed(status=304)
        return Feed(body, headers={"ETag": etag})

    def text(self, room: str) -> bytes:
        """Return what stands in a room's calendar."""
        return (self._folder / f"{room}.ics").read_bytes()


class FeedSite(Site):
    """A site whose rooms are read from a Publisher."""

    def __post_init__(self) -> None:
        self.publisher = Publisher(self.folder, self.clock)
        super().__post_init__()

    def room(self, name: str) -> RoomSettings:
        return replace(super().room(name), path=None, url=f"http://{HOST}/{name}.ics")

    def source(
        self, offload: InlineOffload, web: Web | None = None, limit: int = 1_000_000
    ) -> IcalSource:
        # A real limit of fifty megabytes is met over real sockets; here it would only cost time.
        return super().source(offload, web or Web(transport=self.publisher), limit)

    def publish(self, answer: Feed | Answer | None, *rooms: str) -> None:
        """Let rooms (or all) be answered so; None: as a well-kept server does."""
        for room in rooms or self.rooms:
            if answer is None:
                self.publisher.answers.pop(room, None)
            else:
                self.publisher.answers[room] = answer
