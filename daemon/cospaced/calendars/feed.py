"""Calendars published over http(s): a conditional GET, redirects, and what may come back instead.

The address of a private feed is itself a secret (Google, Outlook), so errors name its host alone.
"""

from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from cospaced.calendars.web_answers import (
    KINDS,
    MOST_REDIRECTS,
    REDIRECTS,
    check_content,
    lasting_stamps,
    origin,
    redirected,
    retry_after,
    throttled,
)
from cospaced.errors import CalendarError
from cospaced.host.web import Answer, Web, WebError
from cospaced.settings import CalendarSettings


_LONGEST_STAMP = 1000
_LOGIN = "check username and password of the calendar, or the room's url, if it holds a key"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fetched:
    """What a feed answered; `data` is None for "not modified". `requests` counts redirects too."""

    data: bytes | None
    etag: str = ""
    modified: str = ""
    requests: int = 1


class Feed:
    """Reads the feeds of one `[calendar:NAME]`; `limit` is in bytes, decoded."""

    def __init__(self, web: Web, settings: CalendarSettings, limit: int) -> None:
        self._web = web
        self._settings = settings
        self._limit = limit

    async def read(self, url: str, etag: str = "", modified: str = "") -> Fetched:
        """Read a feed, unless it is still the one with that ETag or Last-Modified.

        Raises CalendarError: `login`, `not_found`, `redirect`, `certificate`, `timeout`,
        `too_large`, `unreachable`, `not_a_calendar`, `throttled`.
        """
        first = here = _address(url)
        headers = {"Accept": "text/calendar, */*;q=0.5"}
        if etag:
            headers["If-None-Match"] = etag
        if modified:
            headers["If-Modified-Since"] = modified
        for requests in range(1, MOST_REDIRECTS + 2):
            answer = await self._get(here, headers, own=origin(here) == origin(first))
            if answer.status not in REDIRECTS:
                return self._understood(answer, here.hostname or "", requests)
            here = redirected(here, answer.headers.get("location", ""))
        raise CalendarError(
            "redirect", f"{first.hostname} redirects more than {MOST_REDIRECTS} times"
        )

    async def _get(self, url: SplitResult, headers: dict[str, str], *, own: bool) -> Answer:
        """Send one request; credentials go to the configured host alone."""
        try:
            return await self._web.request(
                "GET",
                url.geturl(),
                headers=headers,
                total=self._settings.timeout.total_seconds(),
                limit=self._limit,
                username=self._settings.username if own else "",
                password=self._settings.password if own else None,
            )
        except WebError as error:
            kind = KINDS.get(error.kind, "unreachable")
            told = str(error).replace(url.geturl(), url.hostname or "its url")
            raise CalendarError(kind, told) from error

    def _understood(self, answer: Answer, host: str, requests: int) -> Fetched:
        status = answer.status
        if status == 304:  # noqa: PLR2004 - Not Modified
            return Fetched(data=None, requests=requests)
        if status in (401, 403, 407):
            text = f"{host} refuses the login (status {status}): {_LOGIN}"
            raise CalendarError("login", text, shared=status == 401)  # noqa: PLR2004 - Unauthorized
        if status in (404, 410):
            raise CalendarError(
                "not_found", f"{host} has no such calendar (status {status}): mend the room's url"
            )
        if status in (429, 503) and (after := retry_after(answer.headers)) is not None:
            raise throttled(host, status, after)
        if status != 200:  # noqa: PLR2004 - OK
            raise CalendarError("unreachable", f"{host} answered with status {status}")
        check_content(answer.body, host, _LOGIN)
        etag, modified = lasting_stamps(answer.headers)
        return Fetched(
            data=answer.body,
            etag=_sendable(etag),
            modified=_sendable(modified),
            requests=requests,
        )


def _address(url: str) -> SplitResult:
    """Take a configured address apart; webcal is how calendars are offered for subscription."""
    scheme, colon, rest = url.strip().partition(":")
    usual = {"webcal": "http", "webcals": "https"}.get(scheme.lower(), scheme)
    return urlsplit(f"{usual}{colon}{rest}")


def _sendable(stamp: str) -> str:
    """Return a stamp as it can be given back, or nothing: then the feed is read whole each time.

    A stamp that no request can carry, or no server takes, would fail every poll from then on.
    """
    return stamp if stamp.isascii() and stamp.isprintable() and len(stamp) <= _LONGEST_STAMP else ""
