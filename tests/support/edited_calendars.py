"""Events that are edited at random while they run, shown by each room's server in its own time."""

import asyncio
import random
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from support.rewriting import write
from support.site import Invitation, Site
from support.stories import MINUTE


Contents = dict[str, Invitation]
"""What a calendar shows: invitations by UID."""
LAG = 40.0
"""Seconds by which a server shows an edit later than another one, at the most."""
SOON = 5 * MINUTE
"""Nothing is edited that ends sooner: what is over when an edit is seen is opened by none."""


@dataclass
class EditedCalendars:
    """The calendars of a site whose rooms are in one event at a time; remembers all they showed."""

    site: Site
    chance: random.Random
    truth: Contents = field(default_factory=dict)
    """What the organizers want, shown or not."""
    history: dict[str, list[tuple[datetime, Contents]]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.history = {room: [(self.site.clock.now(), {})] for room in self.site.rooms}
        self._made = 0
        self._turn = 0
        self._turns: dict[tuple[str, str], int] = {}

    def shown(self, room: str, since: datetime, until: datetime) -> list[Contents]:
        """Return all that a room's calendar showed within a span."""
        entries = self.history[room]
        ends = [at for at, _ in entries[1:]] + [until + MINUTE]
        pairs = zip(entries, ends, strict=True)
        return [shown for (at, shown), end in pairs if at <= until and end > since]

    async def edit(self, until: datetime) -> None:
        """Edit something now and then."""
        async with asyncio.TaskGroup() as servers:
            while self.site.clock.now() < until:
                before, after = self._edited()
                clash = after is not None and any(self._others(after))
                if not clash:
                    self._publish(before, after, servers)
                await self.site.clock.sleep(self.chance.uniform(10, 90))

    def _edited(self) -> tuple[Invitation | None, Invitation | None]:
        """Return an event before and after an edit; None where it is new, or cancelled."""
        now, chance = self.site.clock.now(), self.chance
        lasting = [one for one in self.truth.values() if one.end > now + SOON]
        if not lasting or chance.random() < 0.2:
            return None, self._new(now)
        one = chance.choice(lasting)
        minutes = timedelta(minutes=chance.choice((-5, -2, 2, 5)))
        after = replace(one, sequence=one.sequence + 1)
        match chance.randrange(7):
            case 0:
                return one, replace(after, end=max(one.end + minutes, now + SOON))
            case 1:
                return one, replace(after, start=min(one.start + minutes, one.end - MINUTE))
            case 2:
                return one, replace(after, title=f"Title {chance.randrange(99)}")
            case 3:
                rooms = sorted({*one.rooms, chance.choice(self.site.rooms)})
                return one, replace(after, rooms=tuple(rooms))
            case 4 if one.rooms[2:]:
                return one, replace(after, rooms=one.rooms[1:])
            case 5:
                return one, None
            case _:
                self._made += 1
                return one, replace(one, uid=f"{self._made}@example.org", sequence=0)

    def _new(self, now: datetime) -> Invitation:
        self._made += 1
        start = now + timedelta(minutes=self.chance.choice((1, 4, 7)))
        rooms = tuple(self.chance.sample(self.site.rooms, self.chance.choice((2, 3))))
        end = start + timedelta(minutes=self.chance.choice((10, 15, 20)))
        return Invitation(f"{self._made}@example.org", start, end, rooms=rooms)

    def _others(self, one: Invitation) -> Iterator[Invitation]:
        for other in self.truth.values():
            overlap = other.start < one.end and one.start < other.end
            if other.uid != one.uid and overlap and {*one.rooms} & {*other.rooms}:
                yield other

    def _publish(
        self, before: Invitation | None, after: Invitation | None, servers: asyncio.TaskGroup
    ) -> None:
        """Let each room's server show an edit, some at once and some later."""
        for one in (before, after):
            if one is not None:
                self.truth.pop(one.uid, None)
        wanted = [] if after is None else [after]
        self.truth |= {one.uid: one for one in wanted}
        for room in self.site.rooms:
            lag = self.chance.choice((0.0, self.chance.uniform(0, LAG)))
            for uid in dict.fromkeys(one.uid for one in (before, after) if one is not None):
                shown = next((o for o in wanted if o.uid == uid and room in o.rooms), None)
                self._turn += 1
                servers.create_task(self._show(room, uid, shown, lag, self._turn))

    async def _show(
        self, room: str, uid: str, one: Invitation | None, lag: float, turn: int
    ) -> None:
        await self.site.clock.sleep(lag)
        if self._turns.get((room, uid), 0) > turn:
            # What came later is shown already.
            return
        self._turns[room, uid] = turn
        contents = {key: other for key, other in self.history[room][-1][1].items() if key != uid}
        if one is not None:
            contents[uid] = one
        self.history[room].append((self.site.clock.now(), contents))
        write(self.site, room, *contents.values())
