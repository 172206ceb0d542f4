"""What CalDAV servers do their own way, each by its name, and what is made of it; pure.

- One member in several spellings (Xandikos, proxies): `key` compares paths in one spelling;
  an absolute URL must be of the same host, `absolute` refuses any other.
- A name that is not escaped and reads as something else: `q?.ics` (Cyrus, SOGo), `a&b.ics` (SOGo),
  `c:d.ics` without a path (Xandikos). It is taken for a name; such servers do not know it when it
  comes back as they wrote it, so it is asked for a second time `escaped` (fetching).
- Tokens and CTags that are seconds of a clock (SOGo): while a change of the same second may hide
  behind it, `is_young` keeps one from being asked with, and `advanced` takes the one before.
- A full list in answer to a token that is not known (SOGo, DAViCal): `is_whole` knows it by
  members that did not change. It cannot tell what is gone, so the collection is listed.
- An error in answer to such a token (403 from Radicale and Cyrus, 412 from Xandikos):
  `refuses_token`; or to the request itself (500 or 507 where the changes are too much for it). The
  collection is listed, and after two in a row tokens are left alone.
- An answer cut short with 507 (Cyrus; RFC 6578, section 3.6), whatever name the collection has
  there: `is_cut` (multistatus); where it lists changes the rest is asked for with its token,
  anything else is not believed.
- Members left out without a word (Xandikos): what was listed and is not given is asked for once
  more, then by itself, and is then a problem of its own (fetching).
- Very many changes at once (a migration, or a server that counted its members anew): no more are
  read than one request asks for, else the collection is listed (fetching).
- No ETags in a list: it cannot tell that an event changed, so all is read each time (fetching).
- Characters of an event that XML does not allow (Cyrus, the noncharacters also Radicale, Xandikos
  and SOGo), and bytes that are no UTF-8 (Cyrus): they spoil the whole answer, and `legible` drops
  them. Where one event spoils it otherwise, all are asked for one by one (fetching).
- 404 for what was never known (Radicale's tombstones): nothing is made of it.
- 404, 403 or 500 for one member: it is gone, or a problem of its own while what was known of it
  stays (fetching). 404 for all that was just listed is not believed.
- A time-range that is a hint (SOGo, and Xandikos with a warm index): more events than asked for do
  no harm, for recurrence is worked out here. So servers are not asked to expand it, which SOGo
  does not do, and after which Cyrus and DAViCal leave RECURRENCE-ID out.
- No 304 for a collection (all but Cyrus): it is never read by GET.
- A kept connection that is reset (SOGo): the request is sent once more (host/web_session.py).
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from urllib.parse import SplitResult, quote, unquote, urljoin, urlsplit

from cospaced.calendars.caldav.entries import Entries
from cospaced.calendars.caldav.jobs import CaldavStamp, Member
from cospaced.calendars.web_answers import origin, redirected
from cospaced.errors import CalendarError


_SECONDS = re.compile(r"(?<![0-9])([0-9]{10})(?:\.[0-9]+)?\Z")
_SETTLED = 2.0
_AHEAD = 5.0
_REFUSED = (403, 409, 410, 412)
_SAFE = "~!$&'()*+,;=:@"
_ENCODING = re.compile(rb"""\s*<\?xml[^>]*?encoding\s*=\s*["'](?!utf-?8["'])""", re.IGNORECASE)
_NO_SEPARATORS = str.maketrans({";": "%3B", "?": "%3F", "#": "%23"})
"""They stand in names: urljoin would cut a name there."""
# What XML 1.0 (section 2.2) does not allow.
_CONTROLS = bytes(n for n in range(32) if n not in b"\t\n\r")
_NONCHARACTERS = ("\ufffe".encode(), "\uffff".encode())
_BY_NUMBER = re.compile(
    rb"&#(?:0*(?:[0-8]|1[124-9]|2[0-9]|3[01]|6553[45]|5529[6-9]|55[3-9][0-9]{2}|56[0-9]{3}"
    rb"|57[0-2][0-9]{2}|573[0-3][0-9]|5734[0-3])"
    rb"|x0*(?:[0-8bcefBCEF]|1[0-9a-fA-F]|[fF]{3}[eEfF]|[dD][89a-fA-F][0-9a-fA-F]{2}));"
)
"""The same, and halves of characters, as character references."""


def legible(body: bytes) -> bytes:
    """Return the body of an answer without what no reader of XML accepts, if it is in UTF-8."""
    if body.startswith((b"\xff\xfe", b"\xfe\xff")) or _ENCODING.match(body):
        return body
    try:
        body.decode()
    except UnicodeDecodeError:
        body = body.decode(errors="replace").encode()
    body = body.translate(None, _CONTROLS)
    for character in _NONCHARACTERS:
        body = body.replace(character, b"")
    return _BY_NUMBER.sub(b"", body)


def absolute(base: str, href: str) -> str:
    """Return the address that an href means; raises CalendarError(`redirect`) for another host's.

    The path comes out in one spelling, whatever was escaped in it. The scheme is that of `base`:
    servers behind a proxy do not know theirs.
    """
    here = urlsplit(base)
    try:
        url = urlsplit(urljoin(base, _reference(href)))
        _check_host(here, url)
    except ValueError as error:
        text = f"{here.hostname} refers to {href[:80]!r}, which is no address"
        raise CalendarError("redirect", text) from error
    return here._replace(path=_spelled(url.path), query="", fragment="").geturl()


def _reference(href: str) -> str:
    """Return what urljoin takes for the name of a member, whatever characters are in it."""
    name = href.strip().translate(_NO_SEPARATORS)
    has_scheme = urlsplit(name).scheme not in ("", "http", "https")
    return f"./{name}" if has_scheme else name


def followed(base: str, location: str) -> str:
    """Return where a redirect leads, on the same host and never out of TLS; else CalendarError."""
    here = urlsplit(base)
    there = redirected(here, location)
    _check_host(here, there)
    return there._replace(path=_spelled(there.path), query="", fragment="").geturl()


def _check_host(here: SplitResult, there: SplitResult) -> None:
    if origin(there) != origin(here):
        raise CalendarError(
            "redirect",
            f"{here.hostname} refers to another host ({there.netloc}), which gets no password; if"
            " that is meant, write the address there as the room's url",
        )


def _spelled(path: str) -> str:
    return "/".join(quote(unquote(part), safe=_SAFE) for part in path.split("/")) or "/"


def key(base: str, href: str) -> str:
    """Return the path that a member is known by."""
    return urlsplit(absolute(base, href)).path


def escaped(key: str) -> str:
    """Return a member's path with whatever may be escaped in it."""
    return "/".join(quote(unquote(part), safe="") for part in key.split("/"))


def is_young(token: str, at: datetime) -> bool:
    """Whether a token is a time of day that has hardly passed at the server's moment `at`."""
    found = _SECONDS.search(token)
    return found is not None and -_AHEAD < at.timestamp() - int(found[1]) < _SETTLED


def advanced(stamp: CaldavStamp, token: str, at: datetime) -> CaldavStamp:
    """Return the stamp after an answer with a new sync-token.

    A young token waits. One that waited is asked with once an answer was given after its second:
    what hid behind it is in that answer.
    """
    if not is_young(token, at):
        return replace(stamp, token=token, young="", refused=0)
    waited = stamp.young and not is_young(stamp.young, at)
    return replace(stamp, token=stamp.young if waited else stamp.token, young=token, refused=0)


def is_whole(changes: Iterable[Member], known: Entries) -> bool:
    """Whether a list of changes names members that did not change: then it is no such list.

    What it does not name may be gone then, which it cannot tell.
    """
    return any(
        not member.gone
        and member.etag
        and (entry := known.get(member.key)) is not None
        and entry.etag == member.etag
        for member in changes
    )


def refuses_token(status: int, preconditions: Iterable[str]) -> bool:
    """Whether a server means that it does not know a sync-token (RFC 6578, section 3.2)."""
    return status in _REFUSED and "{DAV:}valid-sync-token" in preconditions
