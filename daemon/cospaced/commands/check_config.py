"""`cospaced check-config`: reads the configuration and prints every problem."""

from collections import Counter
from pathlib import Path

import click

from cospaced.commands.options import config_option, load_or_exit
from cospaced.configuration import rendered
from cospaced.settings import Settings


@click.command("check-config")
@config_option
@click.option("--show", is_flag=True, help="Print what is in force, secrets masked, as INI.")
def check_config(file: Path, show: bool) -> None:
    """Read the configuration and print every problem; exit 0 if there is none, else 2."""
    settings = load_or_exit(file)
    click.echo(rendered(settings) if show else _summary(settings), nl=not show)
    for warning in settings.warnings:
        click.echo(f"warning: {warning}", err=True)


def _summary(settings: Settings) -> str:
    numbers = settings.pool.numbers
    equipped = sum(1 for room in settings.rooms if room.endpoints)
    lines = (
        f"{settings.file}: no problems",
        f"Call Bridges: {_bridges(settings)}",
        f"calendars: {_calendars(settings)}",
        f"rooms: {len(settings.rooms)}, {equipped} with endpoints",
        f"pool: {len(numbers)} numbers, {numbers[0]} to {numbers[-1]} at {settings.pool.domain}",
        f"time zone: {settings.daemon.time_zone}",
        f"warnings: {len(settings.warnings)}",
    )
    return "\n".join(lines)


def _bridges(settings: Settings) -> str:
    more = settings.cms.call_bridges
    if more is None:
        return f"{settings.cms.address}, and those that it lists"
    return ", ".join(dict.fromkeys((settings.cms.address, *more)))


def _calendars(settings: Settings) -> str:
    kinds = Counter(calendar.type.value for calendar in settings.calendars)
    each = ", ".join(f"{count} {kind}" for kind, count in sorted(kinds.items()))
    return f"{len(settings.calendars)} ({each})" if each else "0"
