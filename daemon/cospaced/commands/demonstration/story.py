"""The scenes, in order; times count from the first invitation.

Bookings begin and end by the clock, so scenes wait for what they show, and give up the demo with
`Broken` where it does not come true in time.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cospaced.commands.demonstration.board import Board, Conference, Line, Scene, Voice
from cospaced.commands.demonstration.daemon_log import DaemonLog
from cospaced.commands.demonstration.scenes import SCENES
from cospaced.commands.demonstration.service import Mode, Service
from cospaced.commands.demonstration.site import ROOMS, Calendars, Invitation, endpoint_of
from cospaced.commands.demonstration.witness import Kind, Presence, Witness
from cospaced.domain.identity import booking_id
from cospaced.ports import Clock
from cospaced.simulator.endpoints import Behaviour
from cospaced.simulator.scenarios import Scenarios


AULA, BOARDROOM, CELLAR, LIBRARY, STUDIO = ROOMS
LEAD = timedelta(seconds=6)
"""From the first invitation to its start."""
PLANNED = timedelta(seconds=17)
"""The first conference, as planned; its warning must not come before its end was moved."""
LONGER = timedelta(seconds=4)
SECOND = timedelta(seconds=6)
_TICK = 0.05
_DOWN = 1.5
"""Seconds that the daemon stays dead."""


class Broken(Exception):
    """Something that had to come true did not; the text says what."""


@dataclass(slots=True, kw_only=True)
class Notes:
    """What the story saw on its way; `evidence` makes facts of it."""

    legs_at_kill: frozenset[str] = frozenset()
    legs_after: frozenset[str] = frozenset()
    dials_at_kill: int = 0
    dials_after: int = 0
    edited_at: datetime | None = None
    end_seen_at: datetime | None = None
    room_added_at: datetime | None = None
    finished: list[Conference] = field(default_factory=list)


class Story:
    """Plays the scenes on a site that is running."""

    def __init__(
        self,
        *,
        board: Board,
        calendars: Calendars,
        service: Service,
        log: DaemonLog,
        scenarios: Scenarios,
        clock: Clock,
    ) -> None:
        self._board = board
        self._calendars = calendars
        self._service = service
        self._log = log
        self._scenarios = scenarios
        self._clock = clock
        self._witness: Witness = board.witness
        self._scene = 0
        self.notes = Notes()

    async def play(self) -> None:
        """Play all of it; raises Broken where the daemon does not do its part in time."""
        await self._pool_is_made()
        first = await self._ada_invites()
        await self._space_opens_early(first)
        await self._rooms_ring(first)
        await self._daemon_is_killed(first)
        await self._daemon_comes_back(first)
        await self._end_moves(first)
        await self._room_is_added(first)
        second = await self._linus_invites(first)
        await self._changeover(first, second)
        await self._everything_closes(second)

    # --- scenes -----------------------------------------------------------------------------

    async def _pool_is_made(self) -> None:
        self._next()
        for room in (AULA, LIBRARY, STUDIO):
            self._scenarios.behave(endpoint_of(room), Behaviour(rings=1.2))
        # Its second call must still ring when the daemon dies.
        self._scenarios.behave(
            endpoint_of(BOARDROOM), Behaviour.parse("busy"), Behaviour.parse("connect:2.5")
        )
        await self._service.start()
        await self._until(lambda: bool(self._log.happened("pool.made")), 15, "the pool was made")
        await self._clock.sleep(1.5)

    async def _ada_invites(self) -> Conference:
        self._next()
        start = _whole(self._clock.now()) + LEAD
        conference = self._invite(
            Invitation(
                uid="budget-review@example.org",
                title="Budget review",
                organizer="Ada",
                start=start,
                end=start + PLANNED,
                rooms=(AULA, BOARDROOM, CELLAR),
            )
        )
        await self._until(lambda: conference.number > 0, 5, "the invitation became a booking")
        return conference

    async def _space_opens_early(self, first: Conference) -> None:
        await self._reach(first.opens - timedelta(seconds=0.3))
        self._next()
        await self._until(lambda: first.state == "open", 5, "the space was opened early")
        await self._clock.sleep(1.5)
        self._say(Voice.PEOPLE, f"Grace, in the {CELLAR}, dials {first.number} by hand")
        if self._scenarios.dial_in(endpoint_of(CELLAR), str(first.number)) is None:
            raise Broken("Grace could dial into the open space")

    async def _rooms_ring(self, first: Conference) -> None:
        await self._reach(first.invitation.start - timedelta(seconds=0.3))
        self._next()
        await self._in(first, AULA, 5)
        await self._presence(first, BOARDROOM, Presence.RINGING, 6)
        await self._clock.sleep(0.4)

    async def _daemon_is_killed(self, first: Conference) -> None:
        self._next()
        self._say(Voice.HOST, f"kill -9 {self._service.pid}")
        self.notes.legs_at_kill = self._witness.legs(first.number)
        await self._service.kill()
        self.notes.dials_at_kill = self._dials(first)
        await self._clock.sleep(_DOWN)

    async def _daemon_comes_back(self, first: Conference) -> None:
        self._next()
        known = len(self._log.happened("daemon.ready"))
        self._say(Voice.HOST, "cospaced is started again, as systemd does it")
        await self._service.start()
        ready = "the daemon came back"
        await self._until(lambda: len(self._log.happened("daemon.ready")) > known, 10, ready)
        await self._in(first, BOARDROOM, 5)
        known_in = "the daemon found the rooms that had connected without it"
        await self._until(lambda: self._told_in(BOARDROOM), 5, known_in)
        await self._clock.sleep(0.8)
        self.notes.legs_after = self._witness.legs(first.number)
        self.notes.dials_after = self._dials(first)

    async def _end_moves(self, first: Conference) -> None:
        self._next()
        end = first.invitation.end + LONGER
        self._say(Voice.PEOPLE, f"Ada moves the end to {_clock_time(end)}")
        self.notes.edited_at = self._clock.now()
        self._resend(first, first.sent.ending(end))
        await self._until(lambda: first.invitation.end == end, 5, "the new end was seen")
        self.notes.end_seen_at = self._clock.now()
        await self._clock.sleep(1.2)

    async def _room_is_added(self, first: Conference) -> None:
        self._next()
        self._say(Voice.PEOPLE, f"Ada adds the {LIBRARY} to the invitation")
        self.notes.room_added_at = self._clock.now()
        self._resend(first, first.sent.with_room(LIBRARY))
        await self._in(first, LIBRARY, 8)

    async def _linus_invites(self, first: Conference) -> Conference:
        start = first.invitation.end
        self._next()
        second = self._invite(
            Invitation(
                uid="design-critique@example.org",
                title="Design critique",
                organizer="Linus",
                start=start,
                end=start + SECOND,
                rooms=(AULA, STUDIO),
            )
        )
        await self._until(lambda: second.number > 0, 5, "the second booking was planned")
        warned = "the people were warned of the end"
        await self._until(lambda: self._messages(first) > 0, 10, warned)
        return second

    async def _changeover(self, first: Conference, second: Conference) -> None:
        await self._reach(second.invitation.start - timedelta(seconds=0.5))
        self._next()
        await self._in(second, AULA, 8)
        await self._in(second, STUDIO, 8)
        await self._until(lambda: first.state == "closed", 5, "the first conference was closed")

    async def _everything_closes(self, second: Conference) -> None:
        await self._reach(second.invitation.end - timedelta(seconds=0.5))
        self._next()
        await self._until(lambda: second.state == "closed", 6, "the second conference was closed")
        await self._clock.sleep(0.5)
        self._say(Voice.HOST, "cospaced is stopped, as systemd does it (SIGTERM)")
        await self._service.stop()
        await self._clock.sleep(1.0)

    # --- what scenes are made of ------------------------------------------------------------

    def _next(self) -> None:
        title, text = SCENES[self._scene]
        self._scene += 1
        self._board.play(Scene(number=self._scene, of=len(SCENES), title=title, text=text))

    def _say(self, voice: Voice, text: str) -> None:
        self._board.say(Line(at=self._clock.now(), voice=voice, text=text))

    def _invite(self, invitation: Invitation) -> Conference:
        span = f"{_clock_time(invitation.start)} to {_clock_time(invitation.end)}"
        rooms = ", ".join(invitation.rooms)
        self._say(
            Voice.PEOPLE,
            f"{invitation.organizer} invites {rooms} to '{invitation.title}', {span}",
        )
        conference = Conference(
            invitation=invitation, sent=invitation, booking=booking_id(invitation.uid, "")
        )
        self._board.conferences.append(conference)
        self._send(invitation)
        return conference

    def _resend(self, conference: Conference, invitation: Invitation) -> None:
        conference.sent = invitation
        self._send(invitation)

    def _send(self, invitation: Invitation) -> None:
        remark = self._calendars.invite(invitation)
        if remark:
            self._say(Voice.ROOM, remark)

    def _dials(self, conference: Conference) -> int:
        return self._witness.count(self._witness.space(conference.number), Kind.DIAL)

    def _messages(self, conference: Conference) -> int:
        return self._witness.count(self._witness.space(conference.number), Kind.MESSAGE)

    def _told_in(self, room: str) -> bool:
        return any(record.get("room") == room for record in self._log.happened("leg.connected"))

    async def _in(self, conference: Conference, room: str, within: float) -> None:
        await self._presence(conference, room, Presence.IN, within)

    async def _presence(
        self, conference: Conference, room: str, wanted: Presence, within: float
    ) -> None:
        uri = endpoint_of(room)
        await self._until(
            lambda: self._witness.presence(uri, conference.number) is wanted,
            within,
            f"{room} {wanted} in '{conference.invitation.title}'",
        )

    async def _reach(self, moment: datetime) -> None:
        await self._clock.sleep((moment - self._clock.now()).total_seconds())

    async def _until(self, holds: Callable[[], bool], within: float, what: str) -> None:
        deadline = self._clock.monotonic() + within
        while not holds():
            if self._service.mode is Mode.STOPPED:
                raise Broken(f"{what}; the daemon ended by itself")
            if self._clock.monotonic() >= deadline:
                raise Broken(f"{what}, within {within:g} s")
            await self._clock.sleep(_TICK)


def _whole(moment: datetime) -> datetime:
    """Return the next whole second: calendars know no less."""
    return moment.replace(microsecond=0) + timedelta(seconds=1)


def _clock_time(moment: datetime) -> str:
    return f"{moment.astimezone():%H:%M:%S}"
