"""calendarView, whole by pages, and its delta: what changed since a token.

Tokens carry all that is needed to go on, as Graph's do, and are good for their mailbox and window
alone. A delta tells of a series by its master and of a mere occurrence by its times only.
"""

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from typing import Any

from cospaced.exchange_simulator.expansion import itself, view
from cospaced.exchange_simulator.graph import rendering
from cospaced.exchange_simulator.graph.replies import GraphError
from cospaced.exchange_simulator.records import Item, Kind, Shown
from cospaced.exchange_simulator.state import Mailbox


Preferences = Mapping[str, str]
Json = dict[str, Any]

USUAL_PAGE = 10


@dataclass(frozen=True, slots=True, kw_only=True)
class Token:
    """A $skiptoken or $deltatoken; numbers are those of the mailbox's changes."""

    guid: str
    start: str
    end: str
    since: int
    until: int
    skip: int = 0
    page: int = USUAL_PAGE

    def written(self) -> str:
        """Return it as text for a link."""
        raw = json.dumps(asdict(self), separators=(",", ":")).encode()
        return base64.urlsafe_b64encode(raw).decode().rstrip("=")

    @property
    def window(self) -> tuple[datetime, datetime]:
        """The window that it is good for."""
        return instant(self.start), instant(self.end)


def token(text: str, box: Mailbox) -> Token:
    """Read a token; one that is not this mailbox's, or none at all, is gone (410)."""
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        found = Token(**json.loads(raw))
    except (ValueError, TypeError) as error:
        raise gone() from error
    if found.guid != box.guid or found.until > box.number:
        raise gone()
    return found


def gone() -> GraphError:
    """Return the refusal of a token that is not known any more."""
    return GraphError(410, "SyncStateNotFound", "The sync state generation is not found.")


def instant(text: str) -> datetime:
    """Read startDateTime or endDateTime; without an offset it is UTC."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError as error:
        told = f"The value '{text}' of parameter 'DateTime' is invalid."
        raise GraphError(400, "ErrorInvalidParameter", told) from error
    return moment if moment.tzinfo is not None else moment.replace(tzinfo=UTC)


def shown_in(box: Mailbox, start: datetime, end: datetime) -> list[Shown]:
    """Return what stands in a window, by start."""
    found = [shown for item in box.items.values() for shown in view(item, start, end)]
    return sorted(found, key=lambda shown: (shown.content.start, shown.item.id))


def delta(box: Mailbox, asked: Token, preferences: Preferences) -> tuple[list[Json], Token, bool]:
    """Return a page of changes, the token to go on with, and whether it was the last page."""
    entries = list(_entries(box, asked, preferences))
    page = entries[asked.skip : asked.skip + asked.page]
    reached = asked.skip + len(page)
    if reached < len(entries):
        return page, replace(asked, skip=reached), False
    return page, replace(asked, since=asked.until, skip=0), True


def _entries(box: Mailbox, asked: Token, preferences: Preferences) -> Sequence[Json]:
    start, end = asked.window
    immutable = preferences.get("idtype", "") == "ImmutableId"
    found: list[Json] = []
    for item in box.items.values():
        if asked.since < item.changed_number <= asked.until:
            found += _changed(item, box, (start, end), preferences, first=asked.since == 0)
    for item_id, tombstone in box.tombstones.items():
        known = tombstone.created_number <= asked.since < tombstone.deleted_number <= asked.until
        if known:
            safe = item_id.replace("/", "-").replace("+", "_")
            found.append(_removed(f"I{safe}" if immutable else safe))
    return found


def _changed(
    item: Item,
    box: Mailbox,
    window: tuple[datetime, datetime],
    preferences: Preferences,
    *,
    first: bool,
) -> list[Json]:
    inside = view(item, *window)
    whole = rendering.event(itself(item), box, preferences)
    if not inside:
        # It was in the window, for all a delta knows, and is not any more.
        return [] if first else [_removed(str(whole["id"]))]
    whole.pop("singleValueExtendedProperties")
    if item.recurrence is None:
        return [whole]
    return [whole, *(_occurrence(shown, box, preferences) for shown in inside)]


def _occurrence(shown: Shown, box: Mailbox, preferences: Preferences) -> Json:
    whole = rendering.event(shown, box, preferences)
    whole.pop("singleValueExtendedProperties")
    if shown.kind is Kind.EXCEPTION:
        return whole
    return {name: value for name, value in whole.items() if name in rendering.THIN}


def _removed(identity: str) -> Json:
    return {"id": identity, "@removed": {"reason": "deleted"}}
