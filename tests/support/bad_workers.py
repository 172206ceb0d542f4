"""Worker processes that fail, as `python -m support.bad_workers`, by what the job asks for."""

import os
import signal
import sys
import time

from cospaced.calendars import frames
from cospaced.calendars.job import Expansion


def main() -> None:
    while (job := frames.read_job(sys.stdin.buffer)) is not None:
        if job.data == b"hang":
            time.sleep(3600)
        if job.data == b"die":
            os._exit(9)
        if job.data == b"be killed":
            os.kill(os.getpid(), signal.SIGKILL)
        for part in frames.answer(Expansion(body=str(os.getpid()).encode())):
            sys.stdout.buffer.write(part)
        sys.stdout.buffer.flush()


if __name__ == "__main__":
    main()
