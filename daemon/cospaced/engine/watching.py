"""Listening to the calendars whose servers tell of changes; see TellingSource.

What it hears only brings the next poll of a room forward: without it all is seen, but later.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import structlog

from cospaced.engine.room_desk import place_of
from cospaced.ports import CalendarSource, TellingSource
from cospaced.settings import RoomSettings, Settings


log = structlog.get_logger()


@dataclass(frozen=True, slots=True, eq=False)
class _Watch:
    """What is listened to in one calendar."""

    source: TellingSource
    rooms: tuple[RoomSettings, ...]

    def goes_on_in(self, other: "_Watch | None") -> bool:
        """Whether another one would listen to the very same."""
        return other is not None and other.source is self.source and other.places == self.places

    @property
    def places(self) -> list[tuple[str, str]]:
        """Which rooms there are, and where their calendars stand."""
        return [(room.name, place_of(room)) for room in self.rooms]


class Watching:
    """Has every calendar that can tell of changes tell them to `on_change`, by room."""

    def __init__(
        self,
        *,
        sources: Mapping[str, CalendarSource],
        settings: Settings,
        on_change: Callable[[Sequence[str]], None],
    ) -> None:
        self._on_change = on_change
        self._wanted = _watches(settings, sources)
        self._under_way: dict[str, tuple[_Watch, asyncio.Task[None]]] = {}
        self._reloaded = asyncio.Event()

    def reload(self, settings: Settings, sources: Mapping[str, CalendarSource]) -> None:
        """Go on with other settings; calendars whose rooms stay the same are not touched."""
        self._wanted = _watches(settings, sources)
        self._reloaded.set()

    async def run(self) -> None:
        """Listen until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            while True:
                self._reloaded.clear()
                self._take_up(tasks)
                await self._reloaded.wait()

    def _take_up(self, tasks: asyncio.TaskGroup) -> None:
        for name, (watch, task) in tuple(self._under_way.items()):
            if not watch.goes_on_in(self._wanted.get(name)):
                task.cancel()
                del self._under_way[name]
        for name, watch in self._wanted.items():
            if name not in self._under_way:
                task = tasks.create_task(self._listen(name, watch), name=f"watch {name}")
                self._under_way[name] = (watch, task)

    async def _listen(self, name: str, watch: _Watch) -> None:
        try:
            await watch.source.watch(watch.rooms, self._on_change)
        except Exception:
            # The edge of an adapter: a fault of it must not end the daemon, which polls on.
            log.exception("calendar.watch_fault", calendar=name)


def _watches(settings: Settings, sources: Mapping[str, CalendarSource]) -> dict[str, _Watch]:
    return {
        name: _Watch(source, tuple(room for room in settings.rooms if room.calendar == name))
        for name, source in sources.items()
        if isinstance(source, TellingSource)
    }
