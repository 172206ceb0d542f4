"""The `ical` source: rooms whose calendars are .ics files or http(s) feeds.

An unchanged calendar costs one small request and no parsing. A changed one goes to a worker with
what was read before, so that only the UIDs that changed are worked out. More is worked out than
is asked for (a day before, one to two days behind), so that an unchanged calendar under a window
that rolls on is worked out again every day or two, each room at an hour of its own.
"""

import functools
from dataclasses import dataclass, replace
from datetime import datetime

from cospaced.calendars import icalendar_text, rolling, stamps
from cospaced.calendars.feed import Feed
from cospaced.calendars.files import Files
from cospaced.calendars.job import Expansion, Job
from cospaced.calendars.login_gate import ServerGates
from cospaced.calendars.stamps import TextStamp
from cospaced.calendars.time_limit import time_limit
from cospaced.calendars.workers import Expander
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.host.offload import ThreadOffload
from cospaced.host.web import Web
from cospaced.ports import Clock, Offload
from cospaced.settings import CalendarSettings, RoomSettings


LIMIT = 50_000_000
"""Bytes of one calendar, unpacked."""
_SMALL = 65_536


@dataclass(frozen=True, slots=True, kw_only=True)
class _Read:
    """What came of asking a file or feed; `data` is None where it did not change."""

    data: bytes | None
    etag: str = ""
    modified: str = ""
    requests: int = 1


class IcalSource:
    """CalendarSource of one `[calendar:NAME]` of type `ical`.

    `time_zone` is the IANA name of floating times. `web` may be None where every room has a path;
    it is this source's own and closed with it, the expander is shared and is not. `files` is where
    files are read (see Files), likewise its own; `offload` where it is not given.
    """

    def __init__(  # noqa: PLR0913 - one for each port; all but the settings are named
        self,
        settings: CalendarSettings,
        *,
        time_zone: str,
        web: Web | None,
        expander: Expander,
        offload: Offload,
        clock: Clock,
        files: ThreadOffload | None = None,
        limit: int = LIMIT,
    ) -> None:
        self._settings = settings
        self._time_zone = time_zone
        self._web = web
        self._feed = Feed(web, settings, limit) if web is not None else None
        self._gates = ServerGates(settings, clock)
        self._expander = expander
        self._offload = offload
        self._threads = files
        self._files = Files(files or offload)
        self._clock = clock
        self._limit = limit
        self._last: dict[str, Reading] = {}
        """What a calendar was when it was last worked out, until that is known to be believed."""

    async def poll(self, room: RoomSettings, previous: Reading | None, window: Timespan) -> Reading:
        """Read one room's calendar over the window; see CalendarSource."""
        seconds = self._settings.timeout.total_seconds()
        deadline = self._clock.monotonic() + seconds
        async with time_limit(seconds):
            return await self._poll(room, previous, window, deadline)

    async def close(self) -> None:
        """Close its connections and threads."""
        await self._files.close()
        if self._threads is not None:
            self._threads.close()
        if self._web is not None:
            await self._web.close()

    async def _poll(
        self, room: RoomSettings, previous: Reading | None, window: Timespan, deadline: float
    ) -> Reading:
        meant = stamps.meant(str(room.path or ""), room.url, room.address.lower(), self._time_zone)
        doubted = previous is not None and not previous.stamp
        if previous is not None and doubted:
            previous = self._as_read(room, previous)
        else:
            self._last.pop(room.name, None)
        stamp = stamps.read(previous, meant, TextStamp)
        now = self._clock.now()
        trusted = stamp is not None and not doubted and rolling.trusted(stamp, room, now)
        got = await self._ask(room, stamp if trusted else None, now, deadline)
        if stamp is None or previous is None:
            return await self._changed(room, None, meant, window, got, deadline)
        if got.data is None and not doubted:
            return await self._unchanged(room, previous, stamp, window, got, deadline)
        if got.data is not None and await self._digest(got.data) == stamp.digest:
            stamp = replace(stamp, etag=got.etag, modified=got.modified, full=now.isoformat())
            reading = await self._unchanged(room, previous, stamp, window, got, deadline)
        else:
            reading = await self._changed(room, previous, meant, window, got, deadline)
        # It may be as it was read before: that is not as it is known.
        return replace(reading, unchanged=False) if doubted else reading

    def _as_read(self, room: RoomSettings, doubted: Reading) -> Reading | None:
        """Return a reading that holds what is in doubt as it was read, if that is known still.

        Its text is read whole, but what did not change in it need not be worked out again.
        """
        last = self._last.get(room.name)
        return last if last is not None and last.body == doubted.body else None

    async def _ask(
        self, room: RoomSettings, stamp: TextStamp | None, now: datetime, deadline: float
    ) -> _Read:
        etag, modified = (stamp.etag, stamp.modified) if stamp else ("", "")
        if room.path is not None:
            content = await self._files.read(
                room.path, modified, now=now, limit=self._limit, seconds=self._left(deadline)
            )
            return _Read(data=content.data, modified=content.stamp)
        feed = self._feed
        if feed is None or not room.url:
            raise CalendarError("not_found", f"room {room.name} has neither path nor url")
        fetched = await self._gates.first(room.url, lambda: feed.read(room.url, etag, modified))
        return _Read(
            data=fetched.data,
            etag=fetched.etag,
            modified=fetched.modified,
            requests=fetched.requests,
        )

    async def _unchanged(
        self,
        room: RoomSettings,
        previous: Reading,
        stamp: TextStamp,
        window: Timespan,
        got: _Read,
        deadline: float,
    ) -> Reading:
        """Return the reading before, worked out anew where the window has left it behind."""
        same = replace(
            previous,
            stamp=stamp.written(),
            read_at=self._clock.now(),
            requests=got.requests,
            unchanged=True,
        )
        if rolling.within(window, previous.covered):
            return same
        covered = rolling.covered(room, window)
        result = await self._expand(room, covered, deadline, body=previous.body)
        told = (p for p in previous.problems if p.text in icalendar_text.OF_THE_TEXT)
        return replace(
            same,
            occurrences=result.occurrences,
            problems=(*told, *result.problems),
            covered=covered,
        )

    async def _changed(
        self,
        room: RoomSettings,
        previous: Reading | None,
        meant: str,
        window: Timespan,
        got: _Read,
        deadline: float,
    ) -> Reading:
        """Work a calendar out, as far as it is not as in the reading before."""
        data = got.data
        if data is None:
            raise CalendarError("unreachable", "it answered 'not modified' to a plain request")
        now = self._clock.now()
        reuse = previous is not None and rolling.within(window, previous.covered)
        covered = previous.covered if reuse and previous else rolling.covered(room, window)
        result = await self._expand(
            room,
            covered,
            deadline,
            data=data,
            body=previous.body if reuse and previous else b"",
            read_at=None if room.path is not None else now,
        )
        stamp = TextStamp(
            meant=meant,
            full=now.isoformat(),
            digest=await self._digest(data),
            etag=got.etag,
            modified=got.modified,
        )
        reading = Reading(
            occurrences=result.occurrences,
            covered=covered,
            stamp=stamp.written(),
            body=result.body,
            problems=result.problems,
            read_at=now,
            requests=got.requests,
        )
        if reuse and previous:
            reading = rolling.merged(reading, previous, result.kept)
        self._last[room.name] = reading
        return reading

    async def _expand(
        self,
        room: RoomSettings,
        covered: Timespan,
        deadline: float,
        *,
        data: bytes | None = None,
        body: bytes = b"",
        read_at: datetime | None = None,
    ) -> Expansion:
        job = Job(
            room=room.name,
            data=data,
            body=body,
            covered=covered,
            time_zone=self._time_zone,
            address=room.address,
            reuse=data is not None and bool(body),
            read_at=read_at,
        )
        return await self._expander.expand(job, self._left(deadline))

    def _left(self, deadline: float) -> float:
        """Return the seconds left: a moment less, so that an error tells what hung."""
        return max(0.1, deadline - self._clock.monotonic() - 0.1)

    async def _digest(self, data: bytes) -> str:
        if len(data) < _SMALL:
            return stamps.digest(data)
        return await self._offload.run(functools.partial(stamps.digest, data))
