"""A person invites rooms on a CalDAV server (RFC 6638), and the daemon holds the conference.

Xandikos delivers the invitation, CalDAV goes over real sockets, CMS is simulated in this process,
and everything between is the daemon's own, in real time.
"""

from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cospaced.calendars.caldav.source import CaldavSource
from cospaced.domain.lifecycle import State
from cospaced.host.clock import SystemClock
from cospaced.ports import CalendarSource
from cospaced.settings import CalendarSettings, DaemonSettings, SourceType
from support import caldav_servers
from support.caldav_rooms import caldav_source
from support.caldav_servers import CaldavServer, Calendar
from support.ical import calendar, event
from support.site import Site


ROOMS = ("aula", "boardroom")


@pytest.fixture(scope="module")
def server() -> Iterator[CaldavServer]:
    with caldav_servers.xandikos(("alice", *ROOMS)) as server:
        yield server


@pytest.fixture
async def people(server: CaldavServer) -> AsyncIterator[dict[str, Calendar]]:
    """Yield everybody's calendar; each is known to the server by a mail address."""
    async with AsyncExitStack() as stack:
        them = {
            user: await stack.enter_async_context(server.calendar(user)) for user in server.users
        }
        for user, its in them.items():
            await _say(its, f"/{user}/", "calendar-user-address-set", f"mailto:{_mail(user)}")
            await _say(its, f"/{user}/inbox", "schedule-default-calendar-URL", its.path)
        yield them


async def _say(its: Calendar, path: str, name: str, href: str) -> None:
    body = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
        f"<C:{name}><D:href>{href}</D:href></C:{name}></D:prop></D:set></D:propertyupdate>"
    )
    answer = await its.ask("PROPPATCH", path, body)
    assert " 200 " in answer.text, answer.text


def _mail(user: str) -> str:
    return f"{user}@example.org"


def invitation(start: datetime, title: str, sequence: int = 0) -> bytes:
    rooms = (
        f"ATTENDEE;CUTYPE=ROOM;PARTSTAT=NEEDS-ACTION;RSVP=TRUE:mailto:{_mail(room)}"
        for room in ROOMS
    )
    return calendar(
        event(
            f"DTSTART:{start:%Y%m%dT%H%M%SZ}",
            "DURATION:PT30M",
            f"SUMMARY:{title}",
            f"SEQUENCE:{sequence}",
            f"ORGANIZER:mailto:{_mail('alice')}",
            f"ATTENDEE;PARTSTAT=ACCEPTED:mailto:{_mail('alice')}",
            *rooms,
            uid="board@alice",
        )
    )


class CaldavSite(Site):
    """A site in real time, whose rooms are users of a CalDAV server."""

    def __init__(
        self, folder: Path, sources: dict[str, CaldavSource], urls: dict[str, str]
    ) -> None:
        super().__init__(
            clock=SystemClock(),  # type: ignore[arg-type] # the real one
            folder=folder,
            rooms=ROOMS,
            daemon=DaemonSettings(poll_interval=timedelta(seconds=1)),
        )
        self._sources = sources
        rooms = (
            replace(self.room(name), calendar=name, path=None, url=urls[name], address=_mail(name))
            for name in ROOMS
        )
        calendars = (CalendarSettings(name=name, type=SourceType.CALDAV) for name in ROOMS)
        self.settings = replace(self.settings, rooms=tuple(rooms), calendars=tuple(calendars))

    def sources(self, _: Any) -> dict[str, CalendarSource]:
        return dict(self._sources)


async def test_an_invitation_on_the_server_opens_a_space_and_rings_both_rooms(
    people: dict[str, Calendar], tmp_path: Path
):
    async with AsyncExitStack() as stack:
        sources = {
            room: await stack.enter_async_context(caldav_source(people[room].base, username=room))
            for room in ROOMS
        }
        site = CaldavSite(tmp_path, sources, {room: people[room].url for room in ROOMS})
        async with site.running():
            await site.eventually(lambda: bool(site.happened("pool.made")), 15)
            start = datetime.now(UTC) + timedelta(seconds=4)
            await people["alice"].put("board", invitation(start, "Board"))
            await site.eventually(
                lambda: all(site.endpoint(room).connected for room in ROOMS), within=20
            )
            (booking,) = site.bookings()
            assert booking.state is State.OPEN
            assert booking.rooms == ROOMS
            await people["alice"].put("board", invitation(start, "Board and guests", 1))
            await site.eventually(lambda: "Board and guests" in _names(site), within=15)
        assert len(site.happened("leg.dialled")) == len(ROOMS)


def _names(site: Site) -> list[str]:
    return [space.fields.get("name", "") for space in site.cluster.state.database.spaces.values()]
