"""`cospaced status`: what the daemon holds, trouble first."""

import asyncio
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from cospaced.commands.asking import FAILED, fail, say_not_running, state_of
from cospaced.commands.options import config_option, load_or_exit
from cospaced.commands.table import table
from cospaced.commands.terminal import PLAIN, Terminal, localised, terminal
from cospaced.engine.report import stored_status
from cospaced.errors import CospacedError
from cospaced.host.clock import SystemClock
from cospaced.host.control import ControlAbsent, ask, control_path
from cospaced.host.printable import harmless
from cospaced.settings import Settings


SHORT = 8
"""Characters of an id that are shown; `why` takes them."""
AHEAD = 10
"""How many planned bookings are shown."""
ROOMS = 5
"""Unreadable rooms that are named; of more, only how many."""
LONG = 10_000
"""Milliseconds from which they are told in seconds."""


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(file: Path, as_json: bool) -> None:
    """Show what the daemon holds: trouble, what is on now, what is next, the pool.

    Exits with status 1 where no daemon runs; the state file is shown then.
    """
    settings = load_or_exit(file)
    shown = _asked(settings, None if as_json else AHEAD)
    now = SystemClock().now()
    click.echo(
        json.dumps(shown, indent=2) if as_json else rendered(shown, settings, now, terminal())
    )
    if not shown["running"]:
        sys.exit(FAILED)


def _asked(settings: Settings, ahead: int | None) -> dict[str, Any]:
    request = {"command": "status", "ahead": ahead}
    try:
        return ask(control_path(settings.daemon.state_dir), request)
    except ControlAbsent as absent:
        try:
            shown = asyncio.run(_from_state(settings))
        except CospacedError as error:
            fail("status", f"{absent}; {error}")
        say_not_running(settings)
        return shown
    except CospacedError as error:
        fail("status", str(error))


async def _from_state(settings: Settings) -> dict[str, Any]:
    async with state_of(settings) as store:
        return stored_status(
            settings, await store.bookings(), await store.readings(), SystemClock().now()
        )


def rendered(shown: Mapping[str, Any], settings: Settings, now: datetime, page: Terminal) -> str:
    """Return the status as text, no line wider than the terminal."""
    zone = ZoneInfo(settings.daemon.time_zone)
    held = _Held(harmless(shown), zone, f"{now.astimezone(zone):%Y-%m-%d}")
    # What is wrong is read to its end; a table is cut at the edge.
    trouble = [part for line in held.trouble() for part in page.fold(line)]
    parts = [
        (held.headline(now), PLAIN, []),
        ("Trouble", "red", trouble),
        ("Now", "green", held.now()),
        ("Next", PLAIN, held.coming()),
        ("Pool and Call Bridges", PLAIN, held.means()),
    ]
    blocks = []
    for title, colour, lines in parts:
        if lines or colour == PLAIN:
            blocks.append("\n".join([page.style(page.cut(title), colour), *map(page.cut, lines)]))
    return "\n\n".join(blocks)


class _Held:
    """What a status document says, in lines; `day` is today, whose date needs no telling."""

    def __init__(self, shown: Mapping[str, Any], zone: ZoneInfo, day: str) -> None:
        self._shown = shown
        self._zone = zone
        self._day = day
        self._bookings: Sequence[Mapping[str, Any]] = shown["bookings"]

    def headline(self, now: datetime) -> str:
        counts = ", ".join(
            f"{self._shown['counts'][state]} {state}" for state in ("open", "planned", "refused")
        )
        running = "" if self._shown["running"] else " (not running)"
        at = f"{now.astimezone(self._zone):%a %Y-%m-%d %H:%M:%S}"
        # A daemon of before an update does not say.
        observing = " (only observing)" if self._shown.get("observing") else ""
        return f"cospaced {self._shown['version']}{running}{observing}: {counts}; {at}"

    def trouble(self) -> list[str]:
        lines = []
        if since := self._shown["store_failing_since"]:
            lines.append(f"the state cannot be stored since {self._local(since)}")
        if problem := self._shown["slots"]["problem"]:
            lines.append(f"the pool: {problem}")
        lines += [
            f"Call Bridge {one['name']} does not answer since {self._local(one['down_since'])}"
            for one in self._shown["bridges"]
            if not one["up"]
        ]
        lines += self._unreadable()
        for one in self._bookings:
            lines += [
                f"{one['id'][:SHORT]} {self._when(one)} {dial['room']}: "
                f"{self._local(dial['text'])} ({dial['endpoint']})"
                for dial in one["dials"]
                if dial["state"] == "gave_up" or (dial["state"] == "due" and dial["reason"])
            ]
            # A daemon of before an update tells none.
            if trouble := one.get("trouble"):
                rooms = ", ".join(one["rooms"])
                lines.append(f"{one['id'][:SHORT]} {self._when(one)} {rooms}: {trouble}")
        return [f"  {line}" for line in lines]

    def _unreadable(self) -> list[str]:
        failing = [one for one in self._shown["calendars"] if one["failing_since"]]
        failing.sort(key=lambda one: (one["failing_since"], one["room"]))
        lines = [
            f"calendar of {one['room']} unreadable since {self._local(one['failing_since'])}: "
            f"{one['reason']}"
            for one in failing[:ROOMS]
        ]
        if len(failing) > ROOMS:
            lines.append(f"and {len(failing) - ROOMS} more calendars are unreadable (--json)")
        return lines

    def now(self) -> list[str]:
        rows = [
            [
                one["id"][:SHORT],
                f"until {self._local(one['end'])[:-3]}",
                one["numeric_id"] or "-",
                self._rooms(one),
                one["title"],
            ]
            for one in self._bookings
            if one["state"] == "open"
        ]
        return _indented(["id", "time", "number", "rooms", "title"], rows)

    def _rooms(self, one: Mapping[str, Any]) -> str:
        states = [f"{dial['room']} {_WORDS[dial['state']]}" for dial in one["dials"]]
        return ", ".join(states or one["rooms"])

    def coming(self) -> list[str]:
        planned = [one for one in self._bookings if one["state"] == "planned"]
        due = {one["booking"]: one["at"] for one in reversed(self._shown["next"])}
        rows = [
            [
                one["id"][:SHORT],
                self._when(one),
                one["numeric_id"] or "-",
                f"opens {self._local(due[one['id']])}" if one["id"] in due else "",
                ", ".join(one["rooms"]),
                one["title"],
            ]
            for one in planned[:AHEAD]
        ]
        if not rows:
            return ["  no booking is planned"]
        lines = _indented(["id", "when", "number", "due", "rooms", "title"], rows)
        if (more := self._shown["counts"]["planned"] - len(rows)) > 0:
            lines.append(f"  and {more} more (cospaced agenda lists them)")
        return lines

    def means(self) -> list[str]:
        slots, calendars = self._shown["slots"], self._shown["calendars"]
        usable = "" if slots["usable"] is None else f"{slots['usable']} usable, "
        lines = [f"pool {slots['first']} to {slots['last']}: {usable}{slots['in_use']} in use"]
        up = [one["name"] for one in self._shown["bridges"] if one["up"]]
        if up:
            lines.append(f"Call Bridges that answer: {', '.join(up)}")
        read = [one["read_at"] for one in calendars if one["read_at"] and not one["failing_since"]]
        latest = f", the last at {self._local(max(read))}" if read else ""
        lines.append(f"calendars: {len(read)} of {len(calendars)} read{latest}")
        if starts := self._shown["starts"]:
            late = sorted(start["late_ms"] for start in starts)
            lines.append(
                f"openings and dials, the last {len(late)}: {_late(late[len(late) // 2])} late in "
                f"the middle, {_late(late[-1])} at most"
            )
        return [f"  {line}" for line in lines]

    def _when(self, one: Mapping[str, Any]) -> str:
        start, end = self._local(one["start"])[:-3], self._local(one["end"])[:-3]
        day = start.rpartition(" ")[0]
        return f"{start}-{end.removeprefix(f'{day} ')}"

    def _local(self, text: str) -> str:
        return localised(text, self._zone, self._day)


def _late(milliseconds: int) -> str:
    return f"{milliseconds} ms" if milliseconds < LONG else f"{milliseconds // 1000} s"


_WORDS = {
    "due": "not in yet",
    "intended": "being dialled",
    "doubt": "in doubt",
    "placed": "ringing",
    "connected": "connected",
    "left": "left",
    "gave_up": "gave up",
}


def _indented(head: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    found = list(rows)
    return [f"  {line}" for line in table(head, found).splitlines()] if found else []
