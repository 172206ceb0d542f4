"""Reading from Graph: one GET with its token, lists over all their pages, and deltas to their end.

What Graph says of an error becomes a CalendarError with a remedy (refusals.py).
"""

import asyncio
import functools
import json
from collections.abc import AsyncIterator, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit
from weakref import WeakValueDictionary

from cospaced.calendars.graph.refusals import ListFault, asked_to_wait, refusal
from cospaced.calendars.graph.token import Tokens
from cospaced.calendars.web_answers import REDIRECTS, is_web_page
from cospaced.errors import CalendarError
from cospaced.host.web import Answer, Web, WebError
from cospaced.ports import Clock, Offload
from cospaced.settings import CalendarSettings


PAGE = 100
"""Events of one page."""
MOST_PAGES = 500
"""A longer list is taken for one that never ends, as those of a delta have done."""
PREFER = (
    'IdType="ImmutableId", outlook.timezone="UTC", outlook.body-content-type="text", '
    f"odata.maxpagesize={PAGE}"
)
AT_ONCE = 4
"""Requests that Graph allows an application at one mailbox at the same time."""
_LIMIT = 50_000_000
"""Bytes of one list, all its pages together."""
_LARGE = 200_000
_ENDLESS = "Graph's list of events does not end"
_NOTHING_NEW = 3
"""Pages of a delta in a row that repeat earlier ones: it will not end."""
_BRIEF = timedelta(seconds=5)
"""A Retry-After that a poll waits out itself, so many times for each page."""
_REPEATS = 2
_OK, _UNAUTHORIZED = 200, 401

Json = dict[str, Any]


@dataclass(slots=True)
class Listing:
    """A list read over all its pages."""

    values: list[Json] = field(default_factory=list)
    requests: int = 0
    size: int = 0
    """Bytes of its pages."""


@dataclass(slots=True)
class Delta(Listing):
    """A delta followed to its end; of its `values` none is kept."""

    changed: bool = False
    link: str = ""
    """For the changes from here on; empty where Graph gave none."""


class _Verdicts:
    """Whose mailbox a token is refused for, while it lets others be read.

    Graph hands some requests on to an Exchange on premises, which knows no such token. It takes a
    second mailbox that is refused, with none read in between, to doubt the token.
    """

    def __init__(self) -> None:
        self._refused: set[str] = set()
        self._alone: set[str] = set()

    def note(self, mailbox: str, *, refused: bool) -> None:
        """Note whether a token was refused that is as new as can be had."""
        name = mailbox.lower()
        if refused:
            self._refused |= {name} - self._alone
        else:
            self._alone |= self._refused
            self._alone.discard(name)
            self._refused.clear()

    def alone(self, mailbox: str) -> bool:
        """Whether the token was refused for this mailbox while others were read."""
        return mailbox.lower() in self._alone

    @property
    def doubt(self) -> bool:
        """Whether the token itself is doubted."""
        return len(self._refused) > 1


class GraphClient:
    """Reads for the rooms of one `[calendar:NAME]`."""

    def __init__(
        self,
        settings: CalendarSettings,
        *,
        web: Web,
        tokens: Tokens,
        offload: Offload,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._web = web
        self._tokens = tokens
        self._offload = offload
        self._clock = clock
        self._base = settings.graph_url.rstrip("/")
        self._verdicts = _Verdicts()
        self._turns: WeakValueDictionary[str, asyncio.Semaphore] = WeakValueDictionary()
        """By mailbox, while it is asked."""

    def url(self, path: str) -> str:
        """Return the address of a node of v1.0."""
        return f"{self._base}/v1.0/{path}"

    async def listing(self, url: str, mailbox: str) -> Listing:
        """Read a list over all its pages.

        Raises CalendarError where a page is refused, broken, elsewhere or without end.
        """
        found = Listing()
        async for page in self._pages(url, mailbox, found):
            found.values += page["value"]
        return found

    async def follow(self, url: str, mailbox: str, found: Delta, until: float) -> None:
        """Follow a delta to its end, noting in `found` how it went.

        One that answers and goes on and on is left at `until`, by the monotonic clock. Raises
        CalendarError as `listing` does, ListFault where the calendar may be read without it.
        """
        known, repeated = set[tuple[str, str]](), 0
        async for page in self._pages(url, mailbox, found):
            values = page["value"]
            found.changed = found.changed or bool(values)
            told = {(str(one.get("id")), str(one.get("@odata.etag"))) for one in values}
            repeated = repeated + 1 if told and told <= known else 0
            known |= told
            if link := page.get("@odata.deltaLink"):
                found.link = self._own(str(link))
            elif repeated >= _NOTHING_NEW or self._clock.monotonic() > until:
                raise ListFault("too_large", _ENDLESS)

    async def _pages(self, url: str, mailbox: str, found: Listing) -> AsyncIterator[Json]:
        seen: set[str] = set()
        while url:
            if url in seen or len(seen) >= MOST_PAGES:
                raise ListFault("too_large", _ENDLESS)
            seen.add(url)
            page = await self._page(self._own(url), mailbox, found)
            yield page
            url = str(page.get("@odata.nextLink") or "")

    async def _page(self, url: str, mailbox: str, found: Listing) -> Json:
        """Read one page; waits out a short Retry-After, and renews a token that was refused."""
        token = await self._tokens.current()
        # An organizer's mailbox is asked for many rooms.
        async with self._turns.setdefault(mailbox.lower(), asyncio.Semaphore(AT_ONCE)):
            answer = await self._get(url, token, found)
            if answer.status == _UNAUTHORIZED and not self._verdicts.alone(mailbox):
                token = await self._tokens.current(refused=token)
                answer = await self._get(url, token, found)
            for _ in range(_REPEATS):
                wait = asked_to_wait(answer)
                if wait is None or wait > _BRIEF:
                    break
                await self._clock.sleep(wait.total_seconds())
                answer = await self._get(url, token, found)
        found.size += len(answer.body)
        if found.size > _LIMIT:
            text = f"Graph's list of events is longer than {_LIMIT} bytes"
            raise ListFault("too_large", text)
        if answer.status in (_OK, _UNAUTHORIZED):
            self._verdicts.note(mailbox, refused=answer.status == _UNAUTHORIZED)
        return await self._read(answer, mailbox)

    async def _get(self, url: str, token: str, found: Listing) -> Answer:
        headers = {
            "Authorization": f"Bearer {token}",
            "Prefer": PREFER,
            "Accept": "application/json",
        }
        total = self._settings.timeout.total_seconds()
        found.requests += 1
        try:
            return await self._web.request("GET", url, headers=headers, total=total, limit=_LIMIT)
        except WebError as error:
            kinds = ("timeout", "certificate", "too_large")
            kind = error.kind if error.kind in kinds else "unreachable"
            raise CalendarError(kind, str(error)) from error

    async def _read(self, answer: Answer, mailbox: str) -> Json:
        if answer.status < 500 and is_web_page(answer.body):  # noqa: PLR2004 - those of gateways
            raise self._not_of_graph(f"a web page (status {answer.status})")
        if answer.status in REDIRECTS:
            raise self._not_of_graph(f"a redirect ({answer.headers.get('location', '')[:100]})")
        if answer.status != _OK:
            shared = self._verdicts.doubt and not self._verdicts.alone(mailbox)
            raise refusal(answer, mailbox, shared=shared)
        work = functools.partial(_document, answer.body)
        # A page of long invitations takes long enough to parse that the loop would be late.
        page = await self._offload.run(work) if len(answer.body) > _LARGE else work()
        values = page.get("value")
        if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
            raise CalendarError("not_a_calendar", "Graph answered without a list of events")
        return page

    def _not_of_graph(self, what: str) -> CalendarError:
        """Return what it means that something else answers in Graph's place, for every room."""
        return CalendarError(
            "unreachable",
            f"{self._base} answered with {what}, as Graph never does",
            remedy="let this machine reach Graph without a proxy that answers itself; else mend"
            " graph_url",
        )

    def _own(self, url: str) -> str:
        """Return a link that Graph gave; the token goes to Graph's own host alone."""
        if _origin(url) != _origin(self._base):
            raise CalendarError(
                "redirect",
                "Graph's list of events goes on at another host (mend graph_url)",
            )
        return url


def _origin(url: str) -> tuple[str, str, int | None] | None:
    """Return what decides to whom a request goes; None for what is no address."""
    try:
        parts = urlsplit(url)
        usual = {"https": 443, "http": 80}.get(parts.scheme)
        port = parts.port or usual
    except ValueError:
        return None
    return None if "@" in parts.netloc else (parts.scheme, parts.hostname or "", port)


def _document(body: bytes) -> Json:
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CalendarError("truncated", f"Graph's answer is no whole JSON ({error})") from error
    if not isinstance(page, dict):
        raise CalendarError("not_a_calendar", "Graph's answer is no JSON object")
    return page


def events_of(listing: Listing) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a list, without what a delta says is removed."""
    for one in listing.values:
        if "@removed" not in one:
            yield one
