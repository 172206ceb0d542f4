"""`cospaced why`: the story of one booking, so that a dark room can be explained at once."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from cospaced.commands.asking import about_booking
from cospaced.commands.completing import bookings
from cospaced.commands.options import config_option, load_or_exit
from cospaced.commands.terminal import PLAIN, Terminal, localised, span, stamp, terminal
from cospaced.host.printable import harmless
from cospaced.settings import Settings


OBSERVING = "The daemon only observes: this is what it would have done; CMS was told nothing of it."
_COLOURS = {"gave_up": "red", "due": "yellow", "doubt": "yellow", "connected": "green"}
_KIND = len("answered")


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("booking", shell_complete=bookings)
def why(file: Path, as_json: bool, booking: str) -> None:
    """Tell the story of a booking: what was seen, decided, asked and answered, and why.

    BOOKING is an id or the beginning of one, a number of the pool or a room (the booking now or
    next on it), or ROOM@TIME (09:00 today, or ISO 8601).
    """
    settings = load_or_exit(file)
    shown = about_booking("why", booking, settings)
    click.echo(json.dumps(shown, indent=2) if as_json else rendered(shown, settings, terminal()))


def rendered(shown: dict[str, Any], settings: Settings, page: Terminal) -> str:
    """Return the story as text: what the booking is, its endpoints, then a line for each entry."""
    shown = harmless(shown)
    zone = ZoneInfo(settings.daemon.time_zone)
    lines = _head(shown["booking"], zone, page)
    # A daemon of before an update does not say.
    if shown.get("observing"):
        lines.append(page.style(OBSERVING, "yellow"))
    day = f"{datetime.fromisoformat(shown['booking']['start']).astimezone(zone):%Y-%m-%d}"
    lines += _endpoints(shown["dials"], page, lambda text: localised(text, zone, day))
    lines += _undialled(shown)
    lines.append("")
    for entry in shown["story"]:
        head = f"{stamp(entry['at'], zone)}  {entry['event'].ljust(_KIND)}  "
        lines.append(page.hang(head, localised(entry["text"], zone, day)))
    return "\n".join(lines)


def _head(booking: dict[str, Any], zone: ZoneInfo, page: Terminal) -> list[str]:
    number = booking["numeric_id"] or "no number"
    rooms = ", ".join(booking["rooms"])
    when = span(booking["start"], booking["end"], zone)
    reason = f": {booking['reason']}" if booking["reason"] else ""
    first = f"{when}  {number}  {booking['state']}{reason}  {rooms}  {booking['title']}".rstrip()
    return [page.style(first, PLAIN), f"booking {booking['id']}"]


def _undialled(shown: dict[str, Any]) -> list[str]:
    """Return the rooms of an opened booking that have nothing to be dialled."""
    booking = shown["booking"]
    dialled = {one["room"] for one in shown["dials"]}
    if not dialled and booking["state"] not in ("open", "closed"):
        return []
    return [
        f"  {room}  has no endpoint of its own that is dialled"
        for room in booking["rooms"]
        if room not in dialled
    ]


def _endpoints(dials: list[dict[str, Any]], page: Terminal, local: Any) -> list[str]:
    if not dials:
        return []
    room = max(len(one["room"]) for one in dials)
    endpoint = max(len(one["endpoint"]) for one in dials)
    return [
        f"  {one['room'].ljust(room)}  {one['endpoint'].ljust(endpoint)}  "
        + page.style(local(one["text"]), _COLOURS.get(one["state"], PLAIN))
        for one in dials
    ]
