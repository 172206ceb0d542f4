"""The command line: one group, each command in a module of its own, read only when it is used."""

from importlib import import_module

import click

from cospaced import __version__


COMMANDS = {
    "run": "run",
    "check-config": "check_config",
    "agenda": "agenda",
    "status": "status",
    "why": "why",
    "invite": "invite",
    "doctor": "doctor",
    "close-all": "close_all",
    "demo": "demo",
    "simulate-cms": "simulate_cms",
    "simulate-exchange": "simulate_exchange",
}
"""Command name to the module in this package, whose object of that name it is."""


class _Lazy(click.Group):
    """A group that imports a command when it is asked for: `status` must not load a simulator."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        del ctx
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        del ctx
        if cmd_name not in COMMANDS:
            return None
        name = COMMANDS[cmd_name]
        command: click.Command = getattr(import_module(f"cospaced.commands.{name}"), name)
        return command


@click.group(cls=_Lazy, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, "--version", prog_name="cospaced")
def cli() -> None:
    """Bridge room calendars to Cisco Meeting Server."""
