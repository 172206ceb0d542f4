"""`cospaced invite`: what guests need, as text to paste into an invitation."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import click

from cospaced.commands.asking import about_booking, fail
from cospaced.commands.completing import bookings
from cospaced.commands.options import config_option, load_or_exit
from cospaced.host.printable import harmless, printable
from cospaced.settings import Settings


@click.command()
@config_option
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.argument("booking", shell_complete=bookings)
def invite(file: Path, as_json: bool, booking: str) -> None:
    """Print number, URI, passcode and join link of a booking, to paste into an invitation.

    They are fixed when a booking is first seen, so that guests can be invited long before.
    BOOKING as for `cospaced why`.
    """
    settings = load_or_exit(file)
    shown = about_booking("invite", booking, settings)
    if shown["warning"]:
        warning = f"warning: booking {shown['booking']['id']}: {shown['warning']}"
        click.echo(printable(warning), err=True)
    if as_json:
        click.echo(json.dumps(shown, indent=2))
    elif shown["numeric_id"] is None:
        fail("invite", f"booking {shown['booking']['id']} has no number")
    else:
        click.echo(rendered(shown, settings))


def rendered(shown: dict[str, Any], settings: Settings) -> str:
    """Return the invitation as text."""
    shown = harmless(shown)
    zone = ZoneInfo(settings.daemon.time_zone)
    booking = shown["booking"]
    start, end = (datetime.fromisoformat(booking[at]).astimezone(zone) for at in ("start", "end"))
    until = f"{end:%H:%M}" if start.date() == end.date() else f"{end:%A %d %B %Y, %H:%M}"
    rows = (
        ("Number", shown["numeric_id"]),
        ("Video address", shown["uri"]),
        ("Passcode", shown["passcode"]),
        ("In a browser", shown["link"]),
    )
    return "\n".join(
        (
            booking["title"],
            f"{start:%A %d %B %Y, %H:%M} to {until} ({settings.daemon.time_zone})",
            "",
            *(f"{name + ':':<15}{value}" for name, value in rows if value),
        )
    )
