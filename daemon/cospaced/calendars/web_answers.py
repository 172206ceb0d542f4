"""What comes back over http(s) in place of a calendar: redirects, web pages, login pages; pure."""

import re
from collections.abc import Mapping
from datetime import timedelta
from email.utils import parsedate_to_datetime
from urllib.parse import SplitResult, urljoin, urlsplit

from cospaced.errors import CalendarError


REDIRECTS = frozenset({301, 302, 303, 307, 308})
MOST_REDIRECTS = 5
KINDS = {"timeout": "timeout", "certificate": "certificate", "too_large": "too_large"}
"""CalendarError's kind by that of a WebError; all others are `unreachable`."""
MOST_AFTER = timedelta(minutes=30)
"""However long a server asks not to be asked."""
_SETTLED = timedelta(seconds=2)
"""What was changed so recently may change again within the same second."""
_WEB_PAGE = re.compile(rb"\s*(?:\xef\xbb\xbf)?\s*<(?:!doctype|html|head|\?xml|body)", re.IGNORECASE)
_LOGIN_PAGE = re.compile(
    rb"password|passwort|log[ -]?in|sign[ -]?in|anmeld|oauth|saml", re.IGNORECASE
)


def origin(url: SplitResult) -> tuple[str, int | None]:
    """Return what credentials are bound to; an upgrade to TLS on usual ports keeps them."""
    port = url.port
    return (url.hostname or "", None if port in (None, 80, 443) else port)


def redirected(here: SplitResult, target: str) -> SplitResult:
    """Return where a redirect leads; raises CalendarError where it must not be followed."""
    try:
        there = urlsplit(urljoin(here.geturl(), target))
        _ = there.port
    except ValueError as error:
        raise CalendarError("redirect", f"{here.hostname} redirects to no address") from error
    if not target or there.scheme not in ("http", "https") or not there.hostname:
        raise CalendarError(
            "redirect", f"{here.hostname} redirects to something that is neither http nor https"
        )
    if here.scheme == "https" and there.scheme == "http":
        raise CalendarError(
            "redirect",
            f"{here.hostname} redirects from https to http ({there.hostname}), where anybody could"
            " read along; if that is meant, configure the http address itself",
        )
    return there


def retry_after(headers: Mapping[str, str]) -> timedelta | None:
    """Return how long a server asks not to be asked (RFC 9110 section 10.2.3); None if it does not.

    `headers` have lower-case keys. A date counts from the server's own one: clocks may differ.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdecimal():
        # Longer than any number of seconds that is meant.
        return min(timedelta(seconds=int(text[:9])), MOST_AFTER)
    try:
        asked = parsedate_to_datetime(text) - parsedate_to_datetime(headers.get("date", ""))
    except (ValueError, TypeError, OverflowError):
        return None
    return min(max(asked, timedelta(0)), MOST_AFTER)


def lasting_stamps(headers: Mapping[str, str]) -> tuple[str, str]:
    """Return ETag and Last-Modified, each empty where the next change may leave it as it is.

    Last-Modified counts seconds (RFC 9110 section 8.8.2.2), and so do ETags that are made of it, in
    hexadecimal (nginx) or not: one of the very second in which the answer was made may stand for
    two texts, of which this is the first. `headers` have lower-case keys.
    """
    etag, modified = headers.get("etag", ""), headers.get("last-modified", "")
    try:
        changed = parsedate_to_datetime(modified)
        age = parsedate_to_datetime(headers.get("date", "")) - changed
    except (ValueError, TypeError, OverflowError):
        return etag, modified
    if abs(age) > _SETTLED:
        return etag, modified
    second = int(changed.timestamp())
    made_of_it = f"{second:x}" in etag.lower() or f"{second}" in etag
    return "" if made_of_it else etag, ""


def throttled(host: str, status: int, after: timedelta) -> CalendarError:
    """Return what it means that a server asks to be left alone for a while."""
    text = f"{host} asks to be left alone for {after.total_seconds():g} s (status {status})"
    return CalendarError("throttled", text, after=after)


def is_web_page(body: bytes) -> bool:
    """Whether a body begins as a web page does."""
    return _WEB_PAGE.match(body[:4096]) is not None


def check_content(body: bytes, host: str, login: str) -> None:
    """Raise CalendarError for a web page; `login` says what to do where it asks for a login."""
    if not is_web_page(body):
        return
    if _LOGIN_PAGE.search(body[:65536]):
        raise CalendarError("login", f"{host} answered with a login page: {login}")
    raise CalendarError(
        "not_a_calendar", f"{host} answered with a web page, not a calendar: mend the room's url"
    )
