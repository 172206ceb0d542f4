"""A CalDAV server that speaks as a test says, over real sockets: the ways of servers not run here.

It keeps members with ETags and answers PROPFIND and the three REPORTs properly; what differs is
said by the attributes, or by `instead`, which may answer any request in its place.
"""

import itertools
import re
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.utils import formatdate
from html import escape, unescape

from support.web_server import Reply, Seen, WebServer, web_server


PATH = "/dav/aula/"
NOT_FOUND = "HTTP/1.1 404 Not Found"
_HEAD = (
    '<D:multistatus xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"'
    ' xmlns:S="http://calendarserver.org/ns/">'
)


def multistatus(*parts: str, headers: dict[str, str] | None = None) -> Reply:
    """Return a 207 answer of these elements."""
    body = f'<?xml version="1.0"?>{_HEAD}{"".join(parts)}</D:multistatus>'
    said = {"Content-Type": "application/xml; charset=utf-8", **(headers or {})}
    return Reply(207, said, body.encode())


def response(href: str, props: str = "", *, status: str = "HTTP/1.1 200 OK") -> str:
    """Return the response of a resource; without properties its status is the resource's."""
    inner = (
        f"<D:propstat><D:prop>{props}</D:prop><D:status>{status}</D:status></D:propstat>"
        if props
        else f"<D:status>{status}</D:status>"
    )
    return f"<D:response><D:href>{href}</D:href>{inner}</D:response>"


def refusal(status: int, condition: str) -> Reply:
    """Return an error with a precondition (RFC 4918, section 16)."""
    body = f'<D:error xmlns:D="DAV:"><D:{condition}/></D:error>'
    return Reply(status, {"Content-Type": "application/xml"}, body.encode())


@dataclass
class ScriptedCaldav:
    """One calendar at PATH; `members` are text by name, each change counts its ETag up."""

    members: dict[str, str] = field(default_factory=dict)
    token: str = "token-1"
    ctag: str = ""
    can_sync: bool = True
    changed: list[str] = field(default_factory=list)
    """Names that a sync-collection answers, whether they exist or not."""
    instead: Callable[[str, Seen], Reply | None] = lambda _kind, _seen: None
    """Answers a kind of request (`properties`, `changes`, `listing`, `texts`) in its place."""
    date: str = ""
    spelling: Callable[[str], str] = lambda name: PATH + name
    """How hrefs are written."""
    asked: list[str] = field(default_factory=list)
    """The kinds of the requests that came."""
    etags: dict[str, int] = field(default_factory=dict)
    numbers: Iterator[int] = field(default_factory=lambda: itertools.count(2))
    server: WebServer | None = None

    @property
    def url(self) -> str:
        """The calendar's URL."""
        assert self.server is not None
        return self.server.url(PATH)

    def put(self, name: str, text: bytes) -> None:
        """Put a member in, and have the next sync tell of it."""
        self.members[name] = text.decode()
        self.etags[name] = self.etags.get(name, 0) + 1
        self.tell(name)

    def tell(self, *names: str) -> None:
        """Have whoever asks with an older token be told these names."""
        self.changed = list(names)
        self.token = f"token-{next(self.numbers)}"

    def answer(self, seen: Seen) -> Reply:
        """Answer a request."""
        kind = _kind(seen)
        self.asked.append(kind)
        reply = self.instead(kind, seen) or self.usual(kind, seen)
        reply.headers.setdefault("Date", self.date or formatdate(usegmt=True))
        return reply

    def usual(self, kind: str, seen: Seen) -> Reply:
        """Answer as a good server does."""
        if kind == "properties":
            return self.properties()
        if kind == "changes":
            return self.changes(*() if f">{self.token}<".encode() in seen.body else self.changed)
        if kind == "listing":
            return multistatus(*(self.listed(name) for name in self.members))
        return self.texts(re.findall(r"href>([^<]+)<", seen.body.decode()))

    def properties(self) -> Reply:
        """Answer a PROPFIND of the calendar."""
        token = f"<D:sync-token>{self.token}</D:sync-token>" if self.can_sync else ""
        ctag = f"<S:getctag>{self.ctag}</S:getctag>" if self.ctag else ""
        kind = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
        return multistatus(response(PATH, f"{kind}{token}{ctag}"))

    def changes(self, *names: str, cut: str = "", token: str = "") -> Reply:
        """Answer a sync-collection; `cut` has 507 for the rest (RFC 6578, section 3.6)."""
        told = [self.listed(name) if name in self.members else self.gone(name) for name in names]
        if cut:
            told.append(response(cut, status="HTTP/1.1 507 Insufficient Storage"))
        return multistatus(*told, f"<D:sync-token>{token or self.token}</D:sync-token>")

    def texts(self, hrefs: Iterable[str]) -> Reply:
        """Answer a calendar-multiget."""
        return multistatus(*(self.text(unescape(href)) for href in hrefs))

    def text(self, href: str) -> str:
        """Return the response of one member of a multiget."""
        name = href.rpartition("/")[2]
        found = next((n for n in self.members if self.spelling(n).rpartition("/")[2] == name), name)
        if found not in self.members:
            return self.gone(found)
        data = f"<C:calendar-data>{escape(self.members[found])}</C:calendar-data>"
        return response(escape(self.spelling(found)), self._etag(found) + data)

    def listed(self, name: str) -> str:
        """Return the response of a member in a list."""
        return response(escape(self.spelling(name)), self._etag(name))

    def gone(self, name: str) -> str:
        """Return the response of a member that is no more."""
        return response(escape(self.spelling(name)), status=NOT_FOUND)

    def _etag(self, name: str) -> str:
        return f'<D:getetag>"{escape(name)}-{self.etags.get(name, 0)}"</D:getetag>'


def _kind(seen: Seen) -> str:
    if seen.method == "PROPFIND":
        return "properties"
    for name, kind in (
        (b"sync-collection", "changes"),
        (b"calendar-multiget", "texts"),
        (b"calendar-query", "listing"),
    ):
        if name in seen.body:
            return kind
    return seen.method


@asynccontextmanager
async def scripted_caldav() -> AsyncIterator[ScriptedCaldav]:
    """Serve until the block ends."""
    scripted = ScriptedCaldav()
    async with web_server(scripted.answer) as scripted.server:
        yield scripted
