"""Requests that one conference costs, beside those that Cisco TMS was recorded to send.

One conference with one room, and one with three, in virtual time: opened, dialled, extended by an
edit of its event and then of its own accord, warned, closed. Writes and looks stand in the
simulated CMS's log; counted are the twenty seconds from each moment on (of the edit, which a poll
must see first, the minute and a bit), and TMS's from its recorded trace. What is asked while
nothing is due stands below, for comparison. Then: what one poll of a published calendar costs.
"""

import json
import tempfile
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from report import table, tell

from cospaced.calendars.ical_source import IcalSource
from cospaced.calendars.workers import InlineExpander
from cospaced.domain.timespan import Timespan
from cospaced.host.web import Web
from cospaced.settings import (
    CalendarSettings,
    ConferenceSettings,
    ExtendMode,
    RoomSettings,
    SourceType,
)
from support.ical import calendar, event
from support.site import ROOMS, Invitation, Site
from support.virtual import InlineOffload, SeededEntropy, VirtualClock, run_virtually


TRACE = Path(__file__).parents[1] / "data" / "cms" / "tms-cms-2016.json"
SECOND = timedelta(seconds=1)
MINUTE = timedelta(minutes=1)
TERMS = ConferenceSettings(min_rooms=1, extend_mode=ExtendMode.AUTOMATIC, extend_times=1)
Counted = tuple[int, int]
"""Writes and looks."""


def counted(methods: list[str]) -> Counted:
    """Tell writes from looks."""
    looks = methods.count("GET")
    return len(methods) - looks, looks


def of_tms() -> dict[str, Counted]:
    """Count what TMS sent in each phase of one conference with one room."""
    recorded = json.loads(TRACE.read_text())["requests"]
    return {
        phase: counted([entry["method"] for entry in recorded if entry["phase"] == phase])
        for phase in ("start", "extend", "end")
    }


def of_cospaced(rooms: tuple[str, ...]) -> dict[str, Counted]:
    """Hold one conference and count what was sent around each of its moments."""

    async def story(site: Site) -> dict[str, Counted]:
        begin = site.clock.now() + 12 * MINUTE
        edited = begin + 6 * MINUTE
        one = Invitation("one@example.org", begin, begin + 30 * MINUTE, rooms=rooms)
        async with site.running():
            await site.until(begin - 10 * MINUTE)
            site.invite(one)
            await site.until(begin + MINUTE)
            space = str(site.bookings()[0].number)
            site.cluster.scenarios.dial_in("visitor@example.org", space)
            await site.until(edited)
            one = replace(one, end=one.end + 15 * MINUTE, sequence=1)
            site.invite(one)
            end = one.end + site.terms.extend_step
            await site.until(end + MINUTE)
        site.assert_all_closed()
        assert len(site.happened("booking.extended")) == 1
        return {
            "idle": around(site, begin - 8 * MINUTE, MINUTE),
            "start": summed(around(site, begin - 5 * MINUTE), around(site, begin)),
            "running": around(site, begin + 4 * MINUTE, MINUTE),
            "edit": around(site, edited, 65 * SECOND),
            "extend": around(site, one.end - 5 * MINUTE),
            "warn": summed(around(site, end - 5 * MINUTE), around(site, end - MINUTE)),
            "end": around(site, end),
        }

    return in_virtual_time(story)


def around(site: Site, moment: datetime, span: timedelta = 20 * SECOND) -> Counted:
    """Count the requests from shortly before a moment on."""
    first = moment - SECOND / 2
    return counted([r.method for r in site.cluster.requests if first <= r.at < first + span])


def summed(one: Counted, other: Counted) -> Counted:
    """Add two counts."""
    return one[0] + other[0], one[1] + other[1]


def in_virtual_time(story: Callable[[Site], Coroutine[Any, Any, Any]]) -> Any:
    """Tell a story on a new site."""
    with tempfile.TemporaryDirectory() as folder:

        async def main(clock: VirtualClock) -> Any:
            return await story(Site(clock, Path(folder), terms=TERMS))

        return run_virtually(main)


def conferences() -> None:
    """Print the table of conferences."""
    tms, one, three = of_tms(), of_cospaced(ROOMS[:1]), of_cospaced(ROOMS)
    steps = {
        "start": "open and dial",
        "edit": "end moved by an edit",
        "extend": "extend",
        "warn": "two warnings",
        "end": "close",
        "running": "a minute, running",
        "idle": "a minute, idle",
    }
    rows = []
    for step, name in steps.items():
        theirs = tms.get("extend" if step == "edit" else step)
        cells: list[object] = [None, None, None] if theirs is None else [*theirs, sum(theirs)]
        rows.append([name, *one[step], *three[step], *cells])
    head = ("one conference", "writes", "looks", "3 rooms:", "looks", "TMS 1 room:", "looks", "all")
    table(head, rows)


@dataclass(slots=True)
class _Publisher(httpx.AsyncBaseTransport):
    """A web server with one calendar; counts what it is asked and what it sends."""

    body: bytes
    validators: bool
    requests: int = 0
    sent: int = 0

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Answer, or say that nothing changed."""
        self.requests += 1
        tag = f'"{hash(self.body)}"' if self.validators else ""
        if tag and request.headers.get("if-none-match") == tag:
            return httpx.Response(304, request=request)
        self.sent += len(self.body)
        headers = {"ETag": tag} if tag else {}
        return httpx.Response(200, headers=headers, content=self.body, request=request)


def a_calendar(events: int, changed: bool) -> bytes:
    """Write a calendar of an event a day; where `changed`, one has another title."""
    return calendar(
        *(
            event(
                f"DTSTART:2026{11 + day // 28:02}{1 + day % 28:02}T100000Z",
                "DURATION:PT1H",
                f"SUMMARY:{'Changed' if changed and day == events - 1 else 'Planning'}",
                uid=f"u{day}",
            )
            for day in range(events)
        )
    )


def polls() -> None:
    """Print what polls of a feed cost."""
    rows = [row for validators in (True, False) for row in run_virtually(_polled(validators))]
    table(("one poll of a feed of 40 events", "requests", "bytes", "worker jobs"), rows)


class _Counting(InlineExpander):
    """Counts the jobs."""

    jobs = 0

    async def expand(self, job: Any, seconds: float) -> Any:
        """Do a job."""
        self.jobs += 1
        return await super().expand(job, seconds)


def _polled(validators: bool) -> Callable[[VirtualClock], Coroutine[Any, Any, list[list[object]]]]:
    async def main(clock: VirtualClock) -> list[list[object]]:
        offload = InlineOffload(SeededEntropy(1))
        publisher = _Publisher(a_calendar(40, changed=False), validators)
        expander = _Counting(offload)
        source = IcalSource(
            CalendarSettings(name="hq", type=SourceType.ICAL),
            time_zone="Europe/Berlin",
            web=Web(transport=publisher),
            expander=expander,
            offload=offload,
            clock=clock,
        )
        room = RoomSettings(name="aula", calendar="hq", url="https://feeds.example.org/a.ics")
        rows: list[list[object]] = []
        reading = None
        for what in ("first", "unchanged", "one event changed"):
            publisher.requests, publisher.sent, expander.jobs = 0, 0, 0
            if what == "one event changed":
                publisher.body = a_calendar(40, changed=True)
            now = clock.now()
            window = Timespan(now - timedelta(days=1), now + timedelta(days=30))
            reading = await source.poll(room, reading, window)
            kind = "with ETag" if validators else "without"
            rows.append([f"{kind}: {what}", publisher.requests, publisher.sent, expander.jobs])
            await clock.sleep(60)
        await source.close()
        return rows

    return main


if __name__ == "__main__":
    conferences()
    polls()
    tell("Looks on CMS in a minute, idle: the bridge's status each 10 s, and the pool's audit.")
