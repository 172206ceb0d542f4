"""A worker that reads Exchange mailboxes: `python -m cospaced.calendars.exchange.worker MEMORY`.

The only importer of exchangelib. SyncFolderItems says whether a mailbox changed, CalendarView is
the truth, GetItem tells the rest of what is new.
"""

from dataclasses import replace

from exchangelib.items import CalendarItem

from cospaced.calendars.collecting import Collection, Shown
from cospaced.calendars.exchange import items, organizers
from cospaced.calendars.exchange.connection import (
    Connection,
    connection,
    discard_connections,
    silence_library,
)
from cospaced.calendars.exchange.details import details, is_new
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
from cospaced.calendars.exchange.syncing import synced
from cospaced.calendars.exchange.viewing import view
from cospaced.calendars.expand import Guard
from cospaced.calendars.organizer_looks import Answers
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.worker import serve
from cospaced.calendars.zones import NamedZone
from cospaced.domain.calendar import EventProblem


_SHARE_OF_SYNCING = 1 / 4
"""Of a calendar's timeout; the rest is for reading."""


def work(ask: Ask | LookAtOrganizers, _: Guard) -> Told | Answers:
    """Read a mailbox, or look at organizers' copies; raises CalendarError."""
    if ask.login:
        discard_connections()
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
    seconds = ask.settings.timeout.total_seconds() * _SHARE_OF_SYNCING
    state, changed = synced(calendar, ask.state, seconds)
    if not changed and ask.state and not ask.fresh:
        return Told(state=state, requests=0, unchanged=True)
    shown = list(view(calendar, ask.covered.start, ask.covered.end))
    told = details(calendar, shown, unpacked(ask.body))
    found, problems = _understood(shown, told, ask)
    return Told(
        state=state,
        requests=0,
        lacking=any(is_new(item, told) for item in shown),
        body=packed(told),
        occurrences=tuple(one for one, _ in found),
        versions=tuple(version for _, version in found),
        problems=problems,
    )


def _understood(
    shown: list[CalendarItem], told: dict[str, Details], ask: Ask
) -> tuple[list[Shown], tuple[EventProblem, ...]]:
    floating = NamedZone(ask.time_zone)
    found = Collection(ask.covered)
    problems: dict[EventProblem, None] = {}
    for item in shown:
        more = told.get(item.id)
        try:
            one = items.occurrence(item, more, floating)
        except Unusable as error:
            problems[items.problem(item, more, str(error), floating)] = None
            continue
        found.add(one, items.version(item, more))
    return found.in_order(), tuple(problems)


if __name__ == "__main__":
    silence_library()
    items.read_as_told()
    serve(work)
