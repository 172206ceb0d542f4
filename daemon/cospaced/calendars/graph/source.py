"""The `graph` source: room mailboxes of Exchange Online.

calendarView/delta says *whether* a calendar changed, at one request where it did not; calendarView
says *what it is*: a delta's occurrences are mere times, and its order of things is Graph's own. The
token of a delta holds for its window alone, so more is read than is asked for, and a new one is
taken every day or so.
"""

import asyncio
from dataclasses import dataclass, replace
from functools import partial
from urllib.parse import quote, urlencode

from cospaced.calendars import collecting, organizer_copies, rolling, stamps
from cospaced.calendars.collecting import Collection
from cospaced.calendars.graph import events, organizers
from cospaced.calendars.graph.client import PAGE, Delta, GraphClient, Listing, events_of
from cospaced.calendars.graph.refusals import ListFault
from cospaced.calendars.graph.token import Tokens
from cospaced.calendars.login_gate import LoginGate
from cospaced.calendars.organizer_copies import Ledger, Version
from cospaced.calendars.organizer_looks import OrganizerLooks, Shown
from cospaced.calendars.stamps import Stamp
from cospaced.calendars.unusable import Unusable
from cospaced.calendars.zones import NamedZone
from cospaced.domain.calendar import EventProblem, Reading
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.host.offload import ThreadOffload
from cospaced.host.web import Web
from cospaced.ports import Clock, Offload
from cospaced.settings import CalendarSettings, RoomSettings


_WITHOUT_DELTA = 3600.0
"""Seconds after which a delta is tried again."""

Versions = tuple[Version, ...]
"""One for each occurrence of a reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DeltaStamp(Stamp):
    """The stamp of a calendar whose changes Graph tells; `full` is when its delta was begun."""

    needs_body = False
    delta: str
    """Graph's link for the changes since; empty where it gave none, and every poll looks."""


class GraphSource:
    """CalendarSource of one `[calendar:NAME]` of type `graph`; `web` and `login` are its own.

    `time_zone` is the IANA name of the zone in which whole days begin. In the thread of `login` the
    library that fetches tokens waits for Entra.
    """

    def __init__(
        self,
        settings: CalendarSettings,
        *,
        time_zone: str,
        web: Web,
        offload: Offload,
        login: ThreadOffload,
        clock: Clock,
    ) -> None:
        self._settings = settings
        self._time_zone = time_zone
        self._floating = NamedZone(time_zone)
        self._web = web
        self._login = login
        self._clock = clock
        self._looks = OrganizerLooks(clock)
        self._gate = LoginGate(clock, settings.timeout.total_seconds())
        self._tokens = tokens = Tokens(
            settings, web=web, offload=login, gate=self._gate, clock=clock
        )
        self._client = GraphClient(settings, web=web, tokens=tokens, offload=offload, clock=clock)

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        """Read one room's calendar over the window; see CalendarSource."""
        seconds, begun = self._settings.timeout.total_seconds(), self._clock.monotonic()
        try:
            async with asyncio.timeout(seconds):
                with self._gate.attempt():
                    reading, versions = await self._poll(room, previous, window)
        except TimeoutError as error:
            text = f"it was not read within {seconds:g} s (raise timeout if it is that large)"
            raise CalendarError("timeout", text) from error
        if versions is None:
            return reading
        if self._settings.organizer_copies:
            left = seconds - (self._clock.monotonic() - begun)
            before = organizer_copies.unpacked(previous, self._meant(room))
            reading = await self._mended(room, reading, versions, before, left)
        # What was learnt is to be stored, even if it is that there is nothing to learn.
        same = previous is not None and (reading.occurrences, reading.problems, reading.body) == (
            previous.occurrences,
            previous.problems,
            previous.body,
        )
        return replace(reading, unchanged=same)

    async def consented(self) -> frozenset[str] | None:
        """Return what the application was granted in Entra, for every mailbox of the tenant.

        What it was granted in Exchange alone (RBAC for Applications) is not among it. None where
        the token does not tell. Raises CalendarError where there is none.
        """
        return await self._tokens.roles()

    async def close(self) -> None:
        """Close its connections, and its thread."""
        await self._web.close()
        self._login.close()

    async def _poll(
        self, room: RoomSettings, previous: Reading | None, window: Timespan
    ) -> tuple[Reading, Versions | None]:
        """Return a reading, and the versions of what it shows; None where nothing changed."""
        meant = self._meant(room)
        until = self._clock.monotonic() + self._settings.timeout.total_seconds() / 2
        stamp = stamps.read(previous, meant, DeltaStamp)
        if previous is None or stamp is None or not rolling.within(window, previous.covered):
            return await self._anew(room, meant, window, until)
        if not rolling.trusted(stamp, room, self._clock.now()):
            return await self._anew(room, meant, window, until)
        if not stamp.delta:
            if stamp.age(self._clock.now()) > _WITHOUT_DELTA:
                return await self._anew(room, meant, window, until)
            return await self._view(room, stamp, previous.covered, 0)
        changes = await self._followed(stamp.delta, room, until)
        if not changes.link:
            return await self._anew(room, meant, window, until)
        stamp = replace(stamp, delta=changes.link)
        if changes.changed or self._looks.pending(organizer_copies.unpacked(previous, meant)):
            return await self._view(room, stamp, previous.covered, changes.requests)
        reading = replace(
            previous,
            stamp=stamp.written(),
            read_at=self._clock.now(),
            requests=changes.requests,
            unchanged=True,
        )
        return reading, None

    def _meant(self, room: RoomSettings) -> str:
        way = ("organizer_copies",) if self._settings.organizer_copies else ()
        where = self._settings.graph_url, room.mailbox.lower(), self._time_zone
        return stamps.meant(*where, *way)

    async def _anew(
        self, room: RoomSettings, meant: str, window: Timespan, until: float
    ) -> tuple[Reading, Versions]:
        """Begin a delta over a new window, then look: what changes between is told by the delta."""
        covered = rolling.covered(room, window)
        begun = self._clock.now()
        delta = await self._followed(self._url(room, "delta", covered), room, until)
        stamp = DeltaStamp(meant=meant, full=begun.isoformat(), delta=delta.link)
        return await self._view(room, stamp, covered, delta.requests)

    async def _followed(self, url: str, room: RoomSettings, until: float) -> Delta:
        """Follow a delta; it has no link where Graph fails at it.

        Deltas of calendars with many series were seen to go on for ever, or to be refused again and
        again, while the view of the same calendar is fine.
        """
        delta = Delta()
        try:
            await self._client.follow(url, room.mailbox, delta, until)
        except ListFault:
            delta.link = ""
        return delta

    async def _view(
        self, room: RoomSettings, stamp: DeltaStamp, covered: Timespan, requests: int
    ) -> tuple[Reading, Versions]:
        listing = await self._client.listing(self._url(room, "", covered), room.mailbox)
        found, problems = self._understood(listing, covered)
        reading = Reading(
            occurrences=tuple(one for one, _ in found),
            covered=covered,
            stamp=stamp.written(),
            problems=problems,
            read_at=self._clock.now(),
            requests=requests + listing.requests,
        )
        return reading, tuple(version for _, version in found)

    async def _mended(
        self, room: RoomSettings, reading: Reading, versions: Versions, before: Ledger, left: float
    ) -> Reading:
        """Return a reading with what organizers' own copies say better."""
        shown = Shown(mailbox=room.mailbox, occurrences=reading.occurrences, versions=versions)
        look = partial(organizers.look, self._client)
        mended = await self._looks.mended(shown, before, look, left)
        return replace(
            reading,
            occurrences=mended.occurrences,
            body=organizer_copies.packed(mended.ledger, self._meant(room)),
            requests=reading.requests + mended.requests,
        )

    def _url(self, room: RoomSettings, function: str, covered: Timespan) -> str:
        node = f"users/{quote(room.mailbox, safe='@')}/calendarView"
        query = {
            "startDateTime": f"{covered.start:%Y-%m-%dT%H:%M:%SZ}",
            "endDateTime": f"{covered.end:%Y-%m-%dT%H:%M:%SZ}",
        }
        if function:
            # A delta knows neither $select nor $expand.
            node = f"{node}/{function}"
        else:
            query |= {"$select": events.SELECT, "$expand": events.EXPAND, "$top": str(PAGE)}
        return f"{self._client.url(node)}?{urlencode(query, quote_via=quote, safe='$,')}"

    def _understood(
        self, listing: Listing, covered: Timespan
    ) -> tuple[list[collecting.Shown], tuple[EventProblem, ...]]:
        found = Collection(covered)
        problems: dict[EventProblem, None] = {}
        for event in events_of(listing):
            if events.is_series(event):
                # A view is of occurrences.
                continue
            try:
                one = events.occurrence(event, self._floating)
            except Unusable as error:
                problems[events.problem(event, str(error))] = None
                continue
            found.add(one, events.version(event))
        return found.in_order(), tuple(problems)
