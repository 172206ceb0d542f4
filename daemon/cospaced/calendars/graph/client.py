"""Reading from Graph: one GET with its token, and lists over all their pages.

What Graph says of an error becomes a CalendarError with a remedy; the error codes are those of
Microsoft's "Error responses" page and of Exchange behind it.
"""

import functools
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

from cospaced.calendars.graph.token import Tokens
from cospaced.calendars.web_answers import retry_after
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
_LIMIT = 50_000_000
_LARGE = 200_000
_GONE = ("syncStateNotFound", "syncStateInvalid", "resyncRequired", "ErrorInvalidSyncStateData")
_BRIEF = timedelta(seconds=5)
"""A Retry-After that a poll waits out itself, so many times for each page."""
_REPEATS = 2
_USUAL_AFTER = timedelta(seconds=30)

Json = dict[str, Any]


class Gone(Exception):
    """A delta link is no longer known (410): the calendar is to be read anew."""


@dataclass(slots=True)
class Listing:
    """A list read over all its pages."""

    values: list[Json] = field(default_factory=list)
    delta: str = ""
    requests: int = 0


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

    def url(self, path: str) -> str:
        """Return the address of a node of v1.0."""
        return f"{self._base}/v1.0/{path}"

    async def listing(self, url: str, mailbox: str) -> Listing:
        """Read a list over all its pages.

        Raises CalendarError where a page is refused, broken, elsewhere or without end; Gone where
        a delta link is not known any more.
        """
        found = Listing()
        seen: set[str] = set()
        while True:
            if url in seen or found.requests >= MOST_PAGES:
                raise CalendarError(
                    "too_large", f"Graph's list of events of {mailbox} does not end"
                )
            seen.add(url)
            page = await self._page(url, mailbox, found)
            found.values += page["value"]
            following = page.get("@odata.nextLink")
            if not following:
                found.delta = str(page.get("@odata.deltaLink", ""))
                return found
            url = self._own(str(following), mailbox)

    async def _page(self, url: str, mailbox: str, found: Listing) -> Json:
        """Read one page; waits out a short Retry-After, and renews a token that was refused."""
        token = await self._tokens.current()
        answer = await self._get(url, token, found)
        if answer.status == 401:  # noqa: PLR2004 - Unauthorized
            token = await self._tokens.current(refused=token)
            answer = await self._get(url, token, found)
        for _ in range(_REPEATS):
            wait = _wait(answer)
            if wait is None or wait > _BRIEF:
                break
            await self._clock.sleep(wait.total_seconds())
            answer = await self._get(url, token, found)
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
        if answer.status != 200:  # noqa: PLR2004 - OK
            raise _refusal(answer, mailbox)
        work = functools.partial(_document, answer.body)
        # A page of long invitations takes long enough to parse that the loop would be late.
        page = await self._offload.run(work) if len(answer.body) > _LARGE else work()
        values = page.get("value")
        if not isinstance(values, list) or not all(isinstance(one, dict) for one in values):
            raise CalendarError("not_a_calendar", "Graph answered without a list of events")
        return page

    def _own(self, url: str, mailbox: str) -> str:
        """Return a link that Graph gave; the token goes to Graph's own host alone."""
        if urlsplit(url)[:2] != urlsplit(self._base)[:2]:
            raise CalendarError(
                "redirect",
                f"Graph's list of events of {mailbox} goes on at another host (mend graph_url)",
            )
        return url


def _document(body: bytes) -> Json:
    try:
        page = json.loads(body)
    except (ValueError, RecursionError) as error:
        raise CalendarError("truncated", f"Graph's answer is no whole JSON ({error})") from error
    if not isinstance(page, dict):
        raise CalendarError("not_a_calendar", "Graph's answer is no JSON object")
    return page


def _wait(answer: Answer) -> timedelta | None:
    """Return how long Graph asks to wait; None where it does not."""
    if answer.status not in (429, 503, 504):
        return None
    asked = retry_after(answer.headers)
    return _USUAL_AFTER if asked is None else asked


def _refusal(answer: Answer, mailbox: str) -> CalendarError | Gone:
    """Return what an answer other than 200 means."""
    code, said = _error(answer)
    if answer.status == 410 or code in _GONE:  # noqa: PLR2004 - Gone
        return Gone()
    wait = _wait(answer)
    if wait is not None:
        what = "is busy" if answer.status != 429 else "asks to be asked less often"  # noqa: PLR2004 - Too Many Requests
        text = f"Graph {what} (status {answer.status}); it is asked again after {wait.seconds} s"
        return CalendarError("throttled", text, after=wait)
    if answer.status == 401:  # noqa: PLR2004 - Unauthorized
        text = f"Graph refuses the token: {code} (check graph_url, authority and tenant_id)"
        return CalendarError("login", text, shared=True)
    if answer.status == 403:  # noqa: PLR2004 - Forbidden
        return CalendarError(
            "login",
            f"the application may not read the calendar of {mailbox}: {code} (grant it"
            " Calendars.Read by RBAC for Applications, with a scope that holds this mailbox:"
            " contrib/exchange/Grant-CospacedGraph.ps1; then wait up to two hours)",
        )
    if answer.status == 404:  # noqa: PLR2004 - Not Found
        return CalendarError("not_found", _no_mailbox(code, mailbox))
    return CalendarError(
        "unreachable", f"Graph answered with status {answer.status} ({code or said or 'no reason'})"
    )


def _no_mailbox(code: str, mailbox: str) -> str:
    if code in ("MailboxNotEnabledForRESTAPI", "MailboxNotSupportedForRESTAPI"):
        return (
            f"the mailbox {mailbox} is not in Exchange Online: {code} (read it by a calendar of"
            " type exchange, or mend mailbox)"
        )
    return f"there is no mailbox {mailbox}: {code or 'not found'} (mend mailbox)"


def _error(answer: Answer) -> tuple[str, str]:
    """Return code and message of Graph's error object; empty where there is none."""
    try:
        error = json.loads(answer.body)["error"]
        return str(error.get("code", "")), str(error.get("message", ""))[:200]
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
        return "", ""


def events_of(listing: Listing) -> Iterator[Mapping[str, Any]]:
    """Yield the events of a list, without what a delta says is removed."""
    for one in listing.values:
        if "@removed" not in one:
            yield one
