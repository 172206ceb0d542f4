"""A 207 answer (RFC 4918, section 13) taken apart, with every status where it stands.

The caldav library's own readers take the first value that they find, whatever its status.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from cospaced.calendars.caldav import quirks
from cospaced.calendars.caldav.jobs import Member


DAV = "{DAV:}"
CALDAV = "{urn:ietf:params:xml:ns:caldav}"
CTAG = "{http://calendarserver.org/ns/}getctag"
ETAG = f"{DAV}getetag"
DATA = f"{CALDAV}calendar-data"
OK = range(200, 300)
_NOT_FOUND = (404, 410)
_INSUFFICIENT_STORAGE = 507


@dataclass(frozen=True, slots=True, kw_only=True)
class Resource:
    """One response: a resource with the properties that were given, and what was refused."""

    href: str
    key: str
    status: int = 200
    """Of the whole resource."""
    found: dict[str, Any] = field(default_factory=dict)
    """Elements by tag."""
    refused: dict[str, int] = field(default_factory=dict)
    """Statuses of properties that were not given, by tag."""

    def text(self, tag: str) -> str:
        """Return the text of a property; empty where it was not given."""
        element = self.found.get(tag)
        return (element.text or "").strip() if element is not None else ""

    def names(self, tag: str) -> tuple[str, ...]:
        """Return the tags of the elements in a property."""
        element = self.found.get(tag)
        return tuple(str(e.tag) for e in element.iter()) if element is not None else ()

    def named(self, tag: str) -> tuple[str, ...]:
        """Return the name attributes of the elements in a property, in capitals."""
        element = self.found.get(tag)
        inner = element if element is not None else ()
        return tuple(str(e.get("name")).upper() for e in inner if e.get("name"))

    def hrefs_of(self, tag: str) -> tuple[str, ...]:
        """Return the hrefs in a property."""
        element = self.found.get(tag)
        inner = element.iterfind(f".//{DAV}href") if element is not None else ()
        return tuple(told for one in inner if (told := (one.text or "").strip()))

    def href_of(self, tag: str) -> str:
        """Return the first href in a property, or nothing."""
        return next(iter(self.hrefs_of(tag)), "")

    @property
    def gone(self) -> bool:
        """Whether the server says that there is no such resource."""
        return self.status in _NOT_FOUND

    @property
    def is_rest(self) -> bool:
        """Whether it stands for all that the server left out (RFC 6578, section 3.6)."""
        return self.status == _INSUFFICIENT_STORAGE

    def member(self) -> Member:
        """Return it as a member of its collection."""
        return Member(href=self.href, key=self.key, etag=self.text(ETAG), gone=self.gone)


@dataclass(frozen=True, slots=True, kw_only=True)
class MultiStatus:
    """An answer: its resources in their order."""

    resources: tuple[Resource, ...]
    token: str = ""

    def members(self, collection: str) -> tuple[Resource, ...]:
        """Return what stands in a collection (its key): not itself, not collections in it."""
        own = collection.rstrip("/")
        return tuple(
            one
            for one in self.resources
            if one.key.rstrip("/") != own and one.key[-1] != "/" and not one.is_rest
        )

    @property
    def is_cut(self) -> bool:
        """Whether the server says that it left the rest out."""
        return any(one.is_rest for one in self.resources)


def read(tree: Any, base: str) -> MultiStatus:
    """Take the root element of an answer apart; `base` is what its hrefs are relative to.

    Raises CalendarError(`redirect`) for an href of another host.
    """
    token = tree.find(f"{DAV}sync-token")
    return MultiStatus(
        resources=tuple(
            resource for one in tree.iterfind(f"{DAV}response") for resource in _read(one, base)
        ),
        token=(token.text or "").strip() if token is not None else "",
    )


def _read(response: Any, base: str) -> Iterator[Resource]:
    found: dict[str, Any] = {}
    refused: dict[str, int] = {}
    for propstat in response.iterfind(f"{DAV}propstat"):
        status = _status(propstat)
        for prop in propstat.iterfind(f"{DAV}prop"):
            for element in prop:
                if status in OK:
                    found[str(element.tag)] = element
                else:
                    refused[str(element.tag)] = status
    status = _status(response)
    # A status that stands for the resource may stand for several of them.
    for href in _hrefs(response):
        key = quirks.key(base, href)
        yield Resource(href=href, key=key, status=status, found=found, refused=refused)


def _hrefs(response: Any) -> Iterable[str]:
    return [href.text.strip() for href in response.iterfind(f"{DAV}href") if href.text]


def _status(element: Any) -> int:
    """Return the status in an element; 200 where it has none, 500 where it is no number."""
    found = element.find(f"{DAV}status")
    if found is None:
        return 200
    words = (found.text or "").split()
    return int(words[1]) if len(words) > 1 and words[1].isdecimal() else 500
