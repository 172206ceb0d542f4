"""One request on its way to a node, and its reply; forms, pages and filters."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import islice
from typing import TypeVar
from urllib.parse import unquote_plus

from cospaced.simulator import markup
from cospaced.simulator.fields import Schema
from cospaced.simulator.records import BridgeState
from cospaced.simulator.refusals import invalid
from cospaced.simulator.state import State
from cospaced.simulator.switchboard import Switchboard


T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Reply:
    """What goes back: XML or nothing, and a path for `Location`."""

    status: int = 200
    body: bytes = b""
    location: str = ""
    challenge: bool = False
    """Carries `WWW-Authenticate`."""
    effect: str = ""
    """What the audit log says that this request did; empty: nothing."""


@dataclass(frozen=True, slots=True)
class Ask:
    """A request that knows its user, its bridge and its node."""

    state: State
    switchboard: Switchboard
    bridge: BridgeState
    method: str
    ids: tuple[str, ...]
    query: Mapping[str, str]
    form: Mapping[str, str] = field(default_factory=dict)

    def checked(self, schema: Schema, *, new: bool) -> dict[str, str]:
        """Return the known parameters of the form; raises Refusal for bad or missing ones."""
        known = schema.known(self.form)
        schema.check(known, self.state.database.exists)
        for name in schema.needed:
            if not known.get(name, "" if new else "unchanged"):
                raise invalid(name)
        return known

    def flag(self, name: str) -> bool:
        """Return a boolean parameter that is no part of the object; absent is false."""
        value = self.form.get(name, "")
        if value not in ("", "true", "false"):
            raise invalid(name)
        return value == "true"


def read_form(body: bytes | str) -> dict[str, str]:
    """Read a form as CMS does: any content type, empty pairs, `+` a space, `%XX` optional."""
    if not body:
        return {}
    text = body if isinstance(body, str) else body.decode("utf-8", "replace")
    pairs = (pair.partition("=") for pair in text.split("&") if pair)
    return {unquote_plus(name): unquote_plus(value) for name, _, value in pairs}


def shown(inside: str) -> Reply:
    """Return XML with its prolog."""
    return Reply(200, f"{markup.PROLOG}{inside}".encode())


def created(location: str, effect: str) -> Reply:
    """Return an empty reply with the new object's path."""
    return Reply(200, b"", f"/api/v1/{location}", effect=effect)


def page(
    ask: Ask, collection: str, matching: Sequence[T], most: int, show: Callable[[T], str]
) -> str:
    """Return the asked page of what matches; the smaller limit counts, past the end is empty."""
    total = len(matching)
    offset = _number(ask, "offset", 0)
    limit = min(_number(ask, "limit", most), most)
    items = (show(one) for one in islice(matching, offset, offset + limit))
    return markup.listing(collection, total, items)


def _number(ask: Ask, name: str, default: int) -> int:
    value = ask.query.get(name, "")
    if not value:
        return default
    if not (value.isascii() and value.isdigit()):
        raise invalid(name)
    return int(value)


def matching(items: Iterable[T], text: str, haystack: Callable[[T], str]) -> list[T]:
    """Return what holds the text in any case; an empty text is no filter."""
    if not text:
        return list(items)
    wanted = text.lower()
    return [item for item in items if wanted in haystack(item).lower()]
