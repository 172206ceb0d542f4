"""Organizers' own copies of what rooms were invited to: one GET for each event.

It asks for the one event, by its iCalUId, and not for what else stands in a person's calendar.
"""

import asyncio
from collections.abc import Sequence
from urllib.parse import quote, urlencode

from cospaced.calendars.graph import events
from cospaced.calendars.graph.client import GraphClient, events_of
from cospaced.calendars.organizer_looks import Answers
from cospaced.domain.spoilt_title import Event
from cospaced.errors import CalendarError


_SELECT = "iCalUId,subject,sensitivity,type"


async def look(client: GraphClient, wanted: Sequence[Event], seconds: float) -> Answers:
    """Look at organizers' copies, until one fails or the time is up."""
    answers = Answers()
    event = ("", "")
    try:
        async with asyncio.timeout(seconds):
            for event in wanted:
                if event[0] in answers.refused:
                    continue
                if not await _seen(client, event, answers):
                    break
    except TimeoutError:
        answers.failed = event[0]
    return answers


async def _seen(client: GraphClient, event: Event, answers: Answers) -> bool:
    """Look at one copy; whether to go on with the next."""
    organizer, uid = event
    answers.requests += 1
    try:
        listing = await client.listing(_url(client, event), organizer)
    except CalendarError as error:
        return answers.go_on(organizer, error)
    answers.requests += listing.requests - 1
    answers.found[event] = events.own_copy(events_of(listing), uid)
    return True


def _url(client: GraphClient, event: Event) -> str:
    organizer, uid = event
    # A global object id is of hexadecimal digits: there is nothing in it to be doubled or escaped.
    query = {"$filter": f"iCalUId eq '{uid}'", "$select": _SELECT}
    node = client.url(f"users/{quote(organizer, safe='@')}/events")
    return f"{node}?{urlencode(query, quote_via=quote, safe='$,')}"
