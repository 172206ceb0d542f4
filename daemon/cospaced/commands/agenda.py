"""`cospaced agenda`: what the calendars say now, and what follows from it."""

import asyncio
import json
import sys
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from cospaced.bootstrap import stored_bookings
from cospaced.bootstrap_calendars import calendar_sources
from cospaced.commands.asking import FAILED, fail
from cospaced.commands.completing import rooms
from cospaced.commands.options import config_option, load_or_exit
from cospaced.commands.table import table
from cospaced.commands.terminal import span as when
from cospaced.domain.document import document, moment
from cospaced.domain.timespan import Timespan
from cospaced.engine.agenda import Agenda, read
from cospaced.errors import CospacedError
from cospaced.host.clock import SystemClock
from cospaced.host.leaving import EXIT_WITHIN, leave
from cospaced.host.log_setup import configure
from cospaced.host.printable import harmless
from cospaced.settings import Settings


AHEAD = timedelta(days=7)
LONGEST = timedelta(days=3660)
"""What may be asked for at once: each event that recurs is written out over all of it."""
YEARS = range(1970, 2200)
"""Far from where Python's own calendar ends: zones and recurrences look beyond what is asked."""


@click.command()
@config_option
@click.option("--from", "begin", metavar="T", help="From when, ISO 8601 (default: now).")
@click.option("--to", "end", metavar="T", help="Until when (default: 7 days after --from).")
@click.option("--room", shell_complete=rooms, help="Only bookings with this room.")
@click.option("--all", "everything", is_flag=True, help="List events that are no bookings, too.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def agenda(
    file: Path,
    begin: str | None,
    end: str | None,
    room: str | None,
    everything: bool,
    as_json: bool,
) -> None:
    """Read the calendars now and print the bookings that follow; touch nothing.

    Exits with status 1 where none is known and rooms could not be read; but not with --json, which
    tells them under "problems".
    """
    settings = load_or_exit(file)
    if room is not None:
        room = _room(room, settings)
    clock = SystemClock()
    span = _span(begin, end, settings, clock.now())
    logging = configure(
        level="error", format="console", clock=clock, stderr=sys.stderr, environment={}
    )
    try:
        found = asyncio.run(_read(settings, span))
    except CospacedError as error:
        fail("agenda", str(error))
    finally:
        logging.close()
    if room is not None:
        found = _of_room(found, room)
    if as_json:
        click.echo(json.dumps(_json(found, settings, everything=everything), indent=2))
    else:
        _print(found, settings, everything=everything)
    # A file on a share that is gone holds its thread for ever.
    leave(EXIT_WITHIN, FAILED if found.unread and not (found.bookings or as_json) else 0)


def _room(text: str, settings: Settings) -> str:
    """Return the name of the room that is meant, in whatever case; as it stands comes first."""
    names = sorted(one.name for one in settings.rooms)
    if text in names:
        return text
    meant = [name for name in names if name.casefold() == text.casefold()]
    if len(meant) != 1:
        raise click.BadParameter(f"there is no room {text!r} (rooms: {', '.join(names)})")
    return meant[0]


def _span(begin: str | None, end: str | None, settings: Settings, now: datetime) -> Timespan:
    start = now if begin is None else _moment("--from", begin, settings)
    stop = start + AHEAD if end is None else _moment("--to", end, settings)
    if stop <= start:
        raise click.BadParameter("--to must be later than --from")
    if stop - start > LONGEST:
        raise click.BadParameter("--from and --to must lie within ten years of each other")
    return Timespan(start, stop)


def _moment(option: str, text: str, settings: Settings) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(
            f"{option}: {text!r} is no ISO 8601 time (write 2026-11-23T09:00)"
        ) from None
    if found.year not in YEARS:
        raise click.BadParameter(
            f"{option}: {text!r} is out of range ({YEARS.start} to {YEARS.stop - 1})"
        )
    if found.tzinfo is None:
        found = found.replace(tzinfo=ZoneInfo(settings.daemon.time_zone))
    return found.astimezone(UTC)


async def _read(settings: Settings, span: Timespan) -> Agenda:
    known = await stored_bookings(settings)
    async with calendar_sources(settings) as sources:
        return await read(settings, sources, span, SystemClock(), known)


def _of_room(found: Agenda, room: str) -> Agenda:
    return replace(
        found,
        bookings=tuple(b for b in found.bookings if room in b.rooms),
        problems=tuple(p for p in found.problems if p[0] == room),
        skipped=tuple(s for s in found.skipped if s.room == room),
        rooms=(room,),
        unread=tuple(one for one in found.unread if one == room),
    )


def _json(found: Agenda, settings: Settings, *, everything: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "bookings": [document(booking, settings) for booking in found.bookings],
        "problems": [
            {"room": room} | ({"uid": uid} if uid else {}) | {"reason": reason}
            for room, uid, reason in found.problems
        ],
    }
    if everything:
        shown["skipped"] = [
            {
                "room": skip.room,
                "uid": skip.uid,
                "start": moment(skip.start),
                "reason": skip.reason,
            }
            for skip in found.skipped
        ]
    return shown


def _print(found: Agenda, settings: Settings, *, everything: bool) -> None:
    found = replace(found, problems=harmless(found.problems))
    zone = ZoneInfo(settings.daemon.time_zone)
    rows = []
    for booking in found.bookings:
        shown = document(booking, settings)
        rows.append(
            [
                when(shown["start"], shown["end"], zone),
                shown["numeric_id"] or "-",
                shown["state"],
                ", ".join(booking.rooms),
                shown["title"],
            ]
        )
    if rows:
        click.echo(table(["when", "number", "state", "rooms", "title"], rows))
    elif found.unread:
        click.echo(f"No bookings known: {len(found.unread)} of {len(found.rooms)} rooms unread.")
    else:
        click.echo("No bookings.")
    _print_skipped(found, zone, everything=everything)
    for room, uid, reason in found.problems:
        event = f", event {uid}" if uid else ""
        click.echo(f"problem: room {room}{event}: {reason}", err=True)


def _print_skipped(found: Agenda, zone: ZoneInfo, *, everything: bool) -> None:
    if not found.skipped:
        return
    if everything:
        rows = [
            [f"{s.start.astimezone(zone):%a %Y-%m-%d %H:%M}", s.room, s.reason, s.uid]
            for s in found.skipped
        ]
        click.echo()
        click.echo(table(["when", "room", "no booking because", "uid"], rows))
        return
    reasons = Counter(skip.reason for skip in found.skipped)
    each = ", ".join(f"{reason} ({count})" for reason, count in reasons.most_common())
    one = len(found.skipped) == 1
    what = "1 event is no booking" if one else f"{len(found.skipped)} events are no bookings"
    click.echo(f"{what}: {each}; --all lists {'it' if one else 'them'}")
