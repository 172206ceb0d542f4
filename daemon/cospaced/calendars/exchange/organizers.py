"""Organizers' own copies of what rooms were invited to: one FindItem for each event.

It asks for the one event, by its global object id, and not for what else stands in a person's
calendar. A series is found as its master.
"""

from time import monotonic  # noqa: TID251 - a worker process has no loop, and so no Clock

from cospaced.calendars import organizer_copies
from cospaced.calendars.exchange import items
from cospaced.calendars.exchange.connection import Connection, Forbidden, limit_requests
from cospaced.calendars.exchange.faults import in_our_words
from cospaced.calendars.exchange.jobs import LookAtOrganizers
from cospaced.calendars.organizer_looks import Answers
from cospaced.calendars.quirks import outlook_uid
from cospaced.domain.spoilt_title import Event, OwnCopy
from cospaced.errors import CalendarError
from cospaced.settings import CalendarSettings


def look(link: Connection, settings: CalendarSettings, ask: LookAtOrganizers) -> Answers:
    """Look at organizers' copies, until one fails or the time is up."""
    limit_requests(ask.seconds)
    answers, end = Answers(), monotonic() + ask.seconds
    for event in ask.events:
        organizer, _ = event
        if organizer in answers.refused:
            continue
        if monotonic() > end:
            break
        try:
            with in_our_words(settings, organizer):
                answers.found[event] = _own_copy(link, event)
        except CalendarError as error:
            if isinstance(error.__cause__, Forbidden):
                # EWS is open to the account, which has read the room: it is this mailbox's alone.
                error.shared = False
            if not answers.go_on(organizer, error):
                break
    return answers


def _own_copy(link: Connection, event: Event) -> OwnCopy:
    organizer, uid = event
    calendar = link.calendar(organizer)
    sought = calendar.filter(clean_object_id=outlook_uid.object_id(uid))
    found = []
    for item in sought.only("subject", "sensitivity"):
        if isinstance(item, Exception):
            raise item
        found.append((item.subject or "", items.is_private(item)))
    return organizer_copies.own_copy(found)
