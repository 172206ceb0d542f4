"""Ending a process whatever still hangs in it."""

import os
import sys
import threading
from time import monotonic
from typing import NoReturn


EXIT_WITHIN = 1.0
"""Seconds that threads are waited for when all is said."""


def leave_within(seconds: float, status: int) -> threading.Timer:
    """End the process after so many seconds with a status, unless it has ended by then.

    For threads stuck in a resolver or on a dead network file system: asyncio waits for the former
    without limit when it closes its loop, and Python for the latter when it exits. `cancel` what
    is returned to go on.
    """
    timer = threading.Timer(seconds, os._exit, (status,))
    timer.daemon = True
    timer.start()
    return timer


def threads_end(seconds: float) -> bool:
    """Wait for the threads that would hold the exit up, and say whether all have ended."""
    began = monotonic()
    others = [t for t in threading.enumerate() if t is not threading.main_thread() and not t.daemon]
    for thread in others:
        thread.join(max(0.0, seconds - (monotonic() - began)))
    return not any(thread.is_alive() for thread in others)


def leave(seconds: float, status: int) -> NoReturn:
    """Exit with a status, within so many seconds whatever threads are stuck."""
    guard = leave_within(seconds, status)
    if threads_end(seconds / 2):
        guard.cancel()
    sys.exit(status)
