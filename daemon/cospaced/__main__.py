"""Entry point of the `cospaced` command."""

from cospaced.commands.cli import cli


def main() -> None:
    """Run the command line."""
    cli(prog_name="cospaced")


if __name__ == "__main__":
    main()
