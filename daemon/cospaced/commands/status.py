"""`cospaced status`: what the running daemon holds."""

import json
import sys
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from cospaced.commands.options import config_option, load_or_exit
from cospaced.commands.table import table
from cospaced.errors import CospacedError
from cospaced.host.control import ask, control_path
from cospaced.settings import Settings


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def status(file: Path, as_json: bool) -> None:
    """Show what the daemon holds: bookings, slots, calendars, bridges, what is next."""
    settings = load_or_exit(file)
    try:
        shown = ask(control_path(settings.daemon.state_dir), {"command": "status"})
    except CospacedError as error:
        click.echo(f"cospaced status: {error}", err=True)
        sys.exit(1)
    if as_json:
        click.echo(json.dumps(shown, indent=2))
    else:
        click.echo(rendered(shown, settings))


def rendered(shown: dict[str, Any], settings: Settings) -> str:
    """Return the status as text."""
    zone = ZoneInfo(settings.daemon.time_zone)
    parts = [_bridges(shown, zone), _slots(shown), _calendars(shown, zone), _bookings(shown, zone)]
    if shown["store_failing_since"]:
        parts.append(
            f"The state cannot be stored since {_clock(shown['store_failing_since'], zone)}."
        )
    return "\n\n".join(parts)


def _clock(moment: str, zone: ZoneInfo) -> str:
    return f"{datetime.fromisoformat(moment).astimezone(zone):%a %H:%M:%S}"


def _bridges(shown: dict[str, Any], zone: ZoneInfo) -> str:
    rows = [
        [
            one["name"],
            "answers" if one["up"] else f"no answer since {_clock(one['down_since'], zone)}",
        ]
        for one in shown["bridges"]
    ]
    return table(["Call Bridge", "state"], rows)


def _slots(shown: dict[str, Any]) -> str:
    slots = shown["slots"]
    line = (
        f"Pool {slots['first']} to {slots['last']}: "
        f"{slots['usable']} usable, {slots['in_use']} in use"
    )
    return f"{line}\n{slots['problem']}" if slots["problem"] else line


def _calendars(shown: dict[str, Any], zone: ZoneInfo) -> str:
    rows = []
    for one in shown["calendars"]:
        read = _clock(one["read_at"], zone) if one["read_at"] else "never"
        state = f"failing: {one['reason']}" if one["failing_since"] else "read"
        rows.append([one["room"], one["calendar"], read, str(one["events"]), state])
    return table(["room", "calendar", "changed", "events", "state"], rows)


def _bookings(shown: dict[str, Any], zone: ZoneInfo) -> str:
    if not shown["bookings"]:
        return "No bookings."
    rows = []
    for one in shown["bookings"]:
        start, end = (datetime.fromisoformat(one[key]).astimezone(zone) for key in ("start", "end"))
        dials = ", ".join(f"{dial['room']} {dial['state']}" for dial in one["dials"])
        rows.append(
            [
                f"{start:%a %m-%d %H:%M}-{end:%H:%M}",
                one["numeric_id"] or "-",
                one["state"],
                one["title"],
                dials or ", ".join(one["rooms"]),
            ]
        )
    return table(["when", "number", "state", "title", "rooms"], rows)
