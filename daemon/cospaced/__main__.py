"""Entry point of the `cospaced` command."""

import errno
import io
import os
import sys

from cospaced.commands.cli import cli


def main() -> None:
    """Run the command line."""
    if isinstance(sys.stdout, io.TextIOWrapper):
        # A title may hold what the terminal's encoding lacks: it is shown as an escape.
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        cli(prog_name="cospaced")
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        sys.stderr.write(f"cospaced: this cannot be written: {error.strerror}\n")
        sys.stderr.flush()
        # Python's own way out would try to write it once more.
        os._exit(1)


if __name__ == "__main__":
    main()
