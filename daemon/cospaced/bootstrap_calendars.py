"""From settings to what reads the calendars; kept over a reload where nothing about it changes."""

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from importlib.util import find_spec

from cospaced.calendars.caldav import library
from cospaced.calendars.caldav import source as caldav_source
from cospaced.calendars.exchange import source as exchange_source
from cospaced.calendars.files import AT_ONCE
from cospaced.calendars.ical_source import IcalSource
from cospaced.calendars.workers import Expander, WorkerPool
from cospaced.errors import ConfigurationError, Problem
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.host.web import Web
from cospaced.ports import CalendarSource, Clock, Offload
from cospaced.settings import CalendarSettings, Settings, SourceType


@asynccontextmanager
async def calendar_sources(settings: Settings) -> AsyncIterator[Mapping[str, CalendarSource]]:
    """Make the calendar sources alone, for reading once."""
    async with AsyncExitStack() as stack:
        yield await Sources(SystemClock(), stack).of(settings)


class Sources:
    """Makes calendar sources, and keeps those whose settings do not change over a reload."""

    def __init__(self, clock: Clock, stack: AsyncExitStack) -> None:
        self._clock = clock
        self._expander: Expander = WorkerPool()
        self._offload = ThreadOffload("calendars")
        self._made: dict[str, tuple[CalendarSettings, str, CalendarSource]] = {}
        self._unused: list[CalendarSource] = []
        stack.push_async_callback(self._close)

    async def of(self, settings: Settings) -> Mapping[str, CalendarSource]:
        """Return a source for each calendar of the settings; raises ConfigurationError."""
        check_calendars(settings)
        wanted: dict[str, tuple[CalendarSettings, str, CalendarSource]] = {}
        zone = settings.daemon.time_zone
        for calendar in settings.calendars:
            known = self._made.pop(calendar.name, None)
            if known is not None and known[:2] == (calendar, zone):
                wanted[calendar.name] = known
                continue
            if known is not None:
                self._unused.append(known[2])
            source = make_source(
                calendar,
                settings,
                expander=self._expander,
                offload=self._offload,
                clock=self._clock,
            )
            wanted[calendar.name] = (calendar, zone, source)
        self._unused += [source for _, _, source in self._made.values()]
        self._made = wanted
        return {name: source for name, (_, _, source) in wanted.items()}

    async def drop_unused(self) -> None:
        """Close the sources that the last settings no longer want."""
        while self._unused:
            await self._unused.pop().close()

    async def _close(self) -> None:
        await self.drop_unused()
        for _, _, source in self._made.values():
            await source.close()
        await self._expander.close()
        self._offload.close()


def make_source(
    calendar: CalendarSettings,
    settings: Settings,
    *,
    expander: Expander,
    offload: Offload,
    clock: Clock,
) -> CalendarSource:
    """Return the source of one calendar.

    Raises ConfigurationError for a type that is not supported yet, or whose library is missing.
    """
    if problem := _problem(calendar, settings):
        raise ConfigurationError((problem,))
    zone = settings.daemon.time_zone
    if calendar.type is SourceType.CALDAV:
        return caldav_source.CaldavSource(
            calendar,
            time_zone=zone,
            workers=partial(WorkerPool, size=calendar.at_once, module=caldav_source.MODULE),
            clock=clock,
        )
    if calendar.type is SourceType.GRAPH:
        # msal takes a third of a second to import, and is an extra of its own.
        from cospaced.calendars.graph.source import GraphSource  # noqa: PLC0415

        web = Web(verify=calendar.verify, ca_file=calendar.ca_file, connections=calendar.at_once)
        login = ThreadOffload(f"tokens {calendar.name}")
        return GraphSource(
            calendar, time_zone=zone, web=web, offload=offload, login=login, clock=clock
        )
    if calendar.type is SourceType.EXCHANGE:
        pool = WorkerPool(size=calendar.at_once, module=exchange_source.MODULE)
        return exchange_source.ExchangeSource(calendar, time_zone=zone, pool=pool, clock=clock)
    return IcalSource(
        calendar,
        time_zone=zone,
        web=Web(verify=calendar.verify, ca_file=calendar.ca_file, connections=calendar.at_once),
        expander=expander,
        offload=offload,
        files=ThreadOffload(f"files {calendar.name}", AT_ONCE),
        clock=clock,
    )


def check_calendars(settings: Settings) -> None:
    """Raise ConfigurationError for every calendar that this installation cannot read."""
    found = (_problem(calendar, settings) for calendar in settings.calendars)
    if problems := tuple(problem for problem in found if problem):
        raise ConfigurationError(problems)


def _problem(calendar: CalendarSettings, settings: Settings) -> Problem | None:
    text = _unreadable(calendar)
    section = f"calendar:{calendar.name}"
    file = str(settings.file)
    return Problem(file=file, line=0, section=section, key="type", text=text) if text else None


def _unreadable(calendar: CalendarSettings) -> str:
    """Say why this installation cannot read a kind of calendar; empty where it can."""
    match calendar.type:
        case SourceType.ICAL:
            return ""
        case SourceType.CALDAV:
            return library.missing()
        case SourceType.GRAPH:
            return _missing("msal", "graph")
        case SourceType.EXCHANGE:
            return _missing("exchangelib", "exchange")


def _missing(package: str, extra: str) -> str:
    if find_spec(package) is not None:
        return ""
    return f"{package} is not installed (pip install 'cospaced[{extra}]')"
