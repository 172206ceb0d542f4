"""One server, spoken to through the caldav library; the only importer of it.

The library builds the requests and reads the XML; it is given an httpx client that decides about
TLS, limits and logins (host/web_session.py). What it raises becomes a CalendarError here.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, NoReturn
from urllib.parse import urlsplit

from caldav.async_davclient import AsyncDAVClient
from caldav.elements import cdav, dav
from caldav.elements.base import BaseElement, ValuedBaseElement
from caldav.lib import error
from caldav.response import DAVResponse
from lxml import etree

from cospaced.calendars.caldav import multistatus, quirks
from cospaced.calendars.caldav.jobs import Account
from cospaced.calendars.caldav.multistatus import DAV, MultiStatus
from cospaced.calendars.web_answers import (
    KINDS,
    MOST_AFTER,
    MOST_REDIRECTS,
    REDIRECTS,
    check_content,
    throttled,
)
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.host.web import Web, WebError
from cospaced.host.web_session import Login, Session


LIMIT = 50_000_000
"""Bytes of one answer, unpacked, and of all the events of a calendar."""
_LOGIN = "check username and password of the calendar"
_NO_MULTIPLEXING = {"http.multiplexing": {"support": "unsupported"}}
"""Else the library opens a new connection whenever a login is refused."""


class _CTag(ValuedBaseElement):
    tag = multistatus.CTAG


class _DefaultCalendar(ValuedBaseElement):
    tag = f"{multistatus.CALDAV}schedule-default-calendar-URL"


_PROPERTIES: dict[str, type[BaseElement]] = {
    element.tag: element
    for element in (
        _CTag,
        _DefaultCalendar,
        cdav.CalendarHomeSet,
        cdav.ScheduleInboxURL,
        cdav.SupportedCalendarComponentSet,
        dav.CurrentUserPrincipal,
        dav.DisplayName,
        dav.GetEtag,
        dav.ResourceType,
        dav.SupportedReportSet,
        dav.SyncToken,
    )
    if element.tag
}
"""Elements of the properties that are asked for, by tag."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """An answer as it came; `at` is the server's clock, where it tells it.

    `after`: it is a refusal, and the server asks to be left alone for so long.
    """

    status: int
    url: str
    found: MultiStatus | None
    preconditions: tuple[str, ...] = ()
    at: datetime | None = None
    after: timedelta | None = None


class Client:
    """Speaks to the server of one base URL; raises CalendarError for whatever keeps it from it."""

    def __init__(self, url: str, account: Account, *, limit: int = LIMIT) -> None:
        self.limit = limit
        try:
            web = Web(verify=account.verify, ca_file=account.ca_file, connections=2)
        except WebError as unusable:
            raise CalendarError("certificate", str(unusable)) from unusable
        self._session = Session(web, limit, quirks.legible)
        self._login = (
            Login(account.username, account.password)
            if account.username and account.password is not None
            else None
        )
        self._library = _Library(url, self._session, self._login)
        self._host = urlsplit(url).netloc.rpartition("@")[2]

    @property
    def host(self) -> str:
        """Host and port, for sentences."""
        return self._host

    @property
    def login(self) -> str:
        """The scheme of the login that the server takes, as far as it is known."""
        return self._login.scheme if self._login is not None else ""

    @property
    def requests(self) -> int:
        """How many requests went out since `begin`."""
        return self._session.requests

    def begin(self, deadline: float, login: str) -> None:
        """Begin a piece of work that ends by a deadline (of the running loop's clock).

        `login` is what was known of the server's before.
        """
        self._session.begin(deadline)
        if self._login is not None and not self._login.scheme:
            self._login.scheme = login

    async def close(self) -> None:
        """Close its connections."""
        await self._library.close()

    async def properties(self, url: str, names: Sequence[str], *, depth: int = 0) -> Answer:
        """PROPFIND; `names` are tags."""
        body = _tree(dav.Propfind(), _tree(dav.Prop(), *(_PROPERTIES[name]() for name in names)))
        return await self._believed("PROPFIND", url, body, depth)

    async def changes(self, url: str, token: str) -> Answer:
        """REPORT sync-collection (RFC 6578); whatever its status, the answer comes back."""
        body = _tree(
            dav.SyncCollection(),
            dav.SyncToken(value=token),
            dav.SyncLevel(value="1"),
            _tree(dav.Prop(), dav.GetEtag()),
        )
        return await self._asked("REPORT", url, body, 0)

    async def listing(self, url: str, covered: Timespan) -> Answer:
        """REPORT calendar-query (RFC 4791, section 7.8): ETags of the events in a window."""
        within = cdav.TimeRange(covered.start, covered.end)
        events = _tree(cdav.CompFilter("VCALENDAR"), _tree(cdav.CompFilter("VEVENT"), within))
        body = _tree(
            cdav.CalendarQuery(),
            _tree(dav.Prop(), dav.GetEtag()),
            _tree(cdav.Filter(), events),
        )
        return await self._believed("REPORT", url, body, 1)

    async def texts(self, url: str, hrefs: Sequence[str]) -> Answer:
        """REPORT calendar-multiget (RFC 4791, section 7.9): members with their text."""
        body = _tree(
            cdav.CalendarMultiGet(),
            _tree(dav.Prop(), dav.GetEtag(), cdav.CalendarData()),
            *(dav.Href(value=href) for href in hrefs),
        )
        return await self._believed("REPORT", url, body, None)

    async def _believed(
        self, method: str, url: str, body: BaseElement, depth: int | None
    ) -> Answer:
        answer = await self._asked(method, url, body, depth)
        if answer.found is None:
            self.refuse(answer)
        return answer

    async def _asked(self, method: str, url: str, body: BaseElement, depth: int | None) -> Answer:
        """Send one request and read the answer; follow redirects within the host."""
        xml = etree.tostring(body.xmlelement(), encoding="utf-8", xml_declaration=True).decode()
        headers = {"Content-Type": 'application/xml; charset="utf-8"'}
        if depth is not None:
            headers["Depth"] = str(depth)
        here = quirks.absolute(url, url)
        for _ in range(MOST_REDIRECTS + 1):
            try:
                response = await self._library.request(here, method, xml, headers)
            except error.AuthorizationError as refused:
                told = tuple(refused.preconditions)
                return Answer(
                    status=refused.status or 401, url=here, found=None, preconditions=told
                )
            except error.RateLimitError as busy:
                after = _asked_for(busy)
                return Answer(status=busy.status or 503, url=here, found=None, after=after)
            except OverflowError:
                # The library makes a number of Retry-After, which may have hundreds of digits.
                return Answer(status=503, url=here, found=None, after=MOST_AFTER)
            except WebError as failed:
                raise CalendarError(KINDS.get(failed.kind, "unreachable"), str(failed)) from failed
            except etree.XMLSyntaxError as broken:
                raise CalendarError(
                    "truncated", f"{self._host} sent XML that is cut or broken ({broken})"
                ) from broken
            if response.status not in REDIRECTS:
                return self._read(response, here)
            here = quirks.followed(here, response.headers.get("location", ""))
        raise CalendarError("redirect", f"{self._host} redirects more than {MOST_REDIRECTS} times")

    def _read(self, response: DAVResponse, url: str) -> Answer:
        at = _moment(response.headers.get("date", ""))
        if response.status not in (200, 207):
            told = tuple(error.parse_preconditions(response._raw))  # noqa: SLF001 - no other way
            return Answer(status=response.status, url=url, found=None, preconditions=told, at=at)
        tree: Any = response.tree
        if tree is None or tree.tag != f"{DAV}multistatus":
            self._no_answer(response.raw.encode(), url)
        return Answer(status=response.status, url=url, found=multistatus.read(tree, url), at=at)

    def _no_answer(self, body: bytes, url: str) -> NoReturn:
        """Raise for an answer that is none of WebDAV's."""
        if not body.strip():
            raise CalendarError("truncated", f"{self._host} answered with nothing")
        check_content(body, self._host, _LOGIN)
        raise CalendarError(
            "not_a_calendar",
            f"{self._host} speaks no CalDAV at {urlsplit(url).path}: mend the room's url",
        )

    def refuse(self, answer: Answer) -> NoReturn:
        """Raise the CalendarError that an answer's status means."""
        status, host, path = answer.status, self._host, urlsplit(answer.url).path
        if status in (401, 407):
            text = f"{host} refuses the login (status {status}): {_LOGIN}"
            if self._login is not None and self._login.foreign:
                asked = self._login.foreign
                text = f"{host} wants a login by {asked}: have it take Basic, or Digest by MD5"
            raise CalendarError("login", text, shared=True)
        if status == 403:  # noqa: PLR2004 - Forbidden
            raise CalendarError(
                "login",
                f"{host} forbids the calendar's user to read {path} (status {status}): give the"
                " user the right to read it, or mend the room's url",
            )
        if status in (404, 410):
            raise CalendarError(
                "not_found", f"{host} has no {path} (status {status}): mend the room's url"
            )
        if status in (400, 405, 415, 501):
            raise CalendarError(
                "not_a_calendar",
                f"{host} speaks no CalDAV at {path} (status {status}): mend the room's url",
            )
        if status in (413, 507):
            raise CalendarError("too_large", f"{host} will not list {path} (status {status})")
        if answer.after is not None:
            raise throttled(host, status, answer.after)
        text = f"{host} answered with status {status} for {path}"
        if status == 500:  # noqa: PLR2004 - Internal Server Error
            text = f"{text}: see its log, and whether the calendar's user may read that (Xandikos)"
        raise CalendarError("unreachable", text)


def _asked_for(busy: error.RateLimitError) -> timedelta | None:
    """Return how long the server asks to be left alone (RFC 9110 section 10.2.3), if it does."""
    if busy.retry_after_seconds is None:
        # Of thousands of digits Python makes no number.
        return MOST_AFTER if (busy.retry_after or "").isdecimal() else None
    seconds = min(busy.retry_after_seconds, MOST_AFTER.total_seconds())
    return timedelta(seconds=max(0.0, seconds))


class _Library(AsyncDAVClient):
    """The library's client on a session of ours."""

    def __init__(self, url: str, session: Session, login: Login | None) -> None:
        self._ours = session
        super().__init__(
            url=url,
            auth=login,
            features=_NO_MULTIPLEXING,
            enable_rfc6764=False,
            rate_limit_handle=False,
        )

    def _create_session(self) -> None:
        self.session = self._ours


def _tree(parent: BaseElement, *children: BaseElement) -> BaseElement:
    for child in children:
        parent.append(child)
    return parent


def _moment(date: str) -> datetime | None:
    try:
        return parsedate_to_datetime(date).astimezone(UTC)
    except (TypeError, ValueError):
        return None
