"""From items to what a calendar view shows: occurrences over a window, or one by its number."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from itertools import islice

from cospaced.exchange_simulator.records import Item, Kind, Shown


_MARGIN = timedelta(days=2)
"""Clock changes and zones move a planned start by less."""


def itself(item: Item) -> Shown:
    """Return an item as such: a single event, or a series' master."""
    return Shown(item=item, content=item.content, kind=item.kind)


def occurrence(item: Item, planned: datetime) -> Shown:
    """Return one occurrence by its planned start."""
    key = planned.astimezone(UTC)
    kind = Kind.EXCEPTION if key in item.overrides else Kind.OCCURRENCE
    return Shown(item=item, content=item.content_at(planned), kind=kind, planned=key)


def is_planned(item: Item, planned: datetime) -> bool:
    """Whether a series has an occurrence planned for then that was not deleted."""
    key = planned.astimezone(UTC)
    if key in item.deleted:
        return False
    return any(start == key for start in planned_between(item, key, key))


def planned_between(item: Item, start: datetime, end: datetime) -> Iterator[datetime]:
    """Return the planned starts from `start` to `end`, in UTC, deleted ones among them."""
    if item.recurrence is None:
        return
    for planned in item.recurrence.starts(item.content.start):
        key = planned.astimezone(UTC)
        if key > end:
            return
        if key >= start:
            yield key


def numbered(item: Item, number: int) -> datetime | None:
    """Return the planned start of the nth occurrence, from 1, deleted ones counted."""
    if item.recurrence is None or number < 1:
        return None
    return next(islice(item.recurrence.starts(item.content.start), number - 1, None), None)


def overlaps(shown: Shown, start: datetime, end: datetime) -> bool:
    """Whether it overlaps a window; one of no length belongs to it if it starts in it."""
    content = shown.content
    return content.start < end and (content.end > start or content.start == content.end == start)


def view(item: Item, start: datetime, end: datetime) -> list[Shown]:
    """Return what a calendar view of the window shows of an item."""
    if item.recurrence is None:
        found = [itself(item)]
    else:
        length = item.content.end - item.content.start
        plain = planned_between(item, start - length - _MARGIN, end + _MARGIN)
        keys = {key for key in plain if key not in item.deleted} | item.overrides.keys()
        found = [occurrence(item, key) for key in sorted(keys)]
    return [shown for shown in found if overlaps(shown, start, end)]
