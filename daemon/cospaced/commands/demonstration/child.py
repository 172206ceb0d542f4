"""`cospaced run`, but it goes when the demo that started it goes.

Otherwise a demo that is killed outright would leave a daemon behind that polls for ever.
"""

import ctypes
import os
import signal
import sys

from cospaced.commands.cli import cli


_PR_SET_PDEATHSIG = 1


def main() -> None:
    """Run the daemon on the configuration file named first; the demo's process id is second."""
    file, parent = sys.argv[1:]
    prctl = getattr(ctypes.CDLL(None), "prctl", None)
    if prctl is not None:
        prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    if os.getppid() != int(parent):
        raise SystemExit(1)
    cli(["run", "-c", file], prog_name="cospaced")


if __name__ == "__main__":
    main()
