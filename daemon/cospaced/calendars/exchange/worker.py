"""A worker that reads Exchange mailboxes: `python -m cospaced.calendars.exchange.worker MEMORY`.

The only importer of exchangelib. SyncFolderItems says whether a mailbox changed, CalendarView is
the truth, GetItem tells the rest of what is new.
"""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from exchangelib import UTC, EWSDateTime
from exchangelib.errors import ErrorExceededFindCountLimit, ErrorInvalidSyncStateData
from exchangelib.folders import Calendar
from exchangelib.items import CalendarItem

from cospaced.calendars.collecting import Collection, Shown
from cospaced.calendars.exchange import items, organizers
from cospaced.calendars.exchange.connection import Connection, connection
from cospaced.calendars.exchange.discovery import with_server
from cospaced.calendars.exchange.faults import in_our_words
from cospaced.calendars.exchange.jobs import (
    Ask,
    Details,
    LookAtOrganizers,
    Told,
    packed,
    unpacked,
)
from cospaced.calendars.expand import Guard
from cospaced.calendars.organizer_looks import Answers
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.worker import serve
from cospaced.calendars.zones import NamedZone
from cospaced.domain.calendar import EventProblem
from cospaced.errors import CalendarError


_MOST_IN_A_VIEW = 1000
"""Exchange's own limit (EWSFindCountLimit)."""
_SHORTEST_VIEW = timedelta(hours=1)
_CHANGES = 512
"""Changes of one answer; Exchange tells no more."""


def work(ask: Ask | LookAtOrganizers, _: Guard) -> Told | Answers:
    """Read a mailbox, or look at organizers' copies; raises CalendarError."""
    with with_server(ask.settings, ask.mailbox) as settings:
        link = connection(settings)
        before = link.policy.answers
        told: Told | Answers
        if isinstance(ask, LookAtOrganizers):
            told = organizers.look(link, settings, ask)
        else:
            with in_our_words(settings, ask.mailbox):
                told = _read(link, ask)
    return replace(told, requests=link.policy.answers - before)


def _read(link: Connection, ask: Ask) -> Told:
    calendar = link.calendar(ask.mailbox)
    state, changed = _changes(calendar, ask.state)
    if not changed and ask.state and not ask.fresh:
        return Told(state=state, requests=0, unchanged=True)
    shown = list(_view(calendar, ask.covered.start, ask.covered.end))
    details = _details(calendar, shown, unpacked(ask.body))
    found, problems = _understood(shown, details, ask)
    return Told(
        state=state,
        requests=0,
        lacking=any(_is_new(item, details) for item in shown),
        body=packed(details),
        occurrences=tuple(one for one, _ in found),
        versions=tuple(version for _, version in found),
        problems=problems,
    )


def _changes(calendar: Calendar, state: str) -> tuple[str, bool]:
    """Return the state now, and whether anything changed since; a state that is refused has."""
    try:
        count = sum(1 for _ in _synced(calendar, state))
    except ErrorInvalidSyncStateData:
        if not state:
            raise
        # A new folder object: exchangelib would go back to the state that it remembers.
        calendar.item_sync_state = None
        count = 1 + sum(1 for _ in _synced(calendar, ""))
    if not calendar.item_sync_state:
        raise CalendarError("truncated", "Exchange told changes without a state to go on from")
    return str(calendar.item_sync_state), count > 0


def _synced(calendar: Calendar, state: str) -> Iterator[Any]:
    try:
        yield from calendar.sync_items(
            sync_state=state or None, only_fields=["changekey"], max_changes_returned=_CHANGES
        )
    except AttributeError as error:
        # exchangelib 5.6 looks for the state in an error of SyncFolderItems, where none is.
        text = f"{calendar.account.protocol.server} answered SyncFolderItems with an error"
        raise CalendarError("unreachable", text) from error


def _view(calendar: Calendar, start: datetime, end: datetime) -> Iterator[CalendarItem]:
    """Yield what a calendar view shows; a window of too many items is read by halves.

    An item that reaches over the middle stands in both halves; whoever asks keeps it once.
    """
    try:
        found = list(
            calendar.view(
                start=EWSDateTime.from_datetime(start.replace(tzinfo=UTC)),
                end=EWSDateTime.from_datetime(end.replace(tzinfo=UTC)),
                max_items=_MOST_IN_A_VIEW,
            ).only(*items.VIEW)
        )
    except ErrorExceededFindCountLimit:
        found = None
    if found is not None and len(found) < _MOST_IN_A_VIEW:
        for one in found:
            if isinstance(one, Exception):
                raise one
            yield one
        return
    if end - start < _SHORTEST_VIEW:
        text = f"more than {_MOST_IN_A_VIEW} events stand within an hour at {start:%Y-%m-%d %H:%M}"
        raise CalendarError("too_large", text)
    middle = start + (end - start) / 2
    yield from _view(calendar, start, middle)
    yield from _view(calendar, middle, end)


def _details(
    calendar: Calendar, shown: list[CalendarItem], known: dict[str, Details]
) -> dict[str, Details]:
    """Return the details of all that is shown; only what is new or changed is asked for.

    What cannot be told now (it is corrupt, or vanished since the view) stays as it was known.
    """
    kept = {item.id: known[item.id] for item in shown if item.id in known}
    wanted = {item.id: item.changekey for item in shown if _is_new(item, known)}
    fetched = calendar.account.fetch(
        [(item, None) for item in wanted], folder=calendar, only_fields=list(items.DETAILS)
    )
    for (item, change_key), found in zip(wanted.items(), fetched, strict=True):
        if not isinstance(found, Exception):
            kept[item] = items.details(found, change_key)
    return kept


def _is_new(item: CalendarItem, known: dict[str, Details]) -> bool:
    """Whether the details that are known of an item are not those of this version of it."""
    return item.id not in known or known[item.id].change_key != item.changekey


def _understood(
    shown: list[CalendarItem], details: dict[str, Details], ask: Ask
) -> tuple[list[Shown], tuple[EventProblem, ...]]:
    floating = NamedZone(ask.time_zone)
    found = Collection(ask.covered)
    problems: dict[EventProblem, None] = {}
    for item in shown:
        more = details.get(item.id)
        try:
            one = items.occurrence(item, more, floating)
        except Unusable as error:
            problems[items.problem(item, more, str(error), floating)] = None
            continue
        found.add(one, items.version(item, more))
    return found.in_order(), tuple(problems)


if __name__ == "__main__":
    serve(work)
