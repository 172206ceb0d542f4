"""The CalDAV worker process: `python -m cospaced.calendars.caldav.worker MEMORY`.

It keeps connections open from job to job, and nothing else.
"""

import asyncio
import logging
from typing import Any
from urllib.parse import urlsplit

from cospaced.calendars.caldav import fetching, looking
from cospaced.calendars.caldav.client import LIMIT, Client
from cospaced.calendars.caldav.jobs import Account, Fetch, Fetched, Look, Looked
from cospaced.calendars.expand import Guard
from cospaced.calendars.worker import serve


class Clients:
    """The servers that were spoken to, with their connections, on one event loop.

    `limit` is in bytes, for one answer, and for all the events of a calendar.
    """

    def __init__(self, limit: int = LIMIT) -> None:
        self._limit = limit
        self._loop = asyncio.Runner()
        self._made: dict[tuple[Account, str], Client] = {}

    def do(self, job: Any, guard: Guard) -> Looked | Fetched:
        """Do a job; see `serve`."""
        if isinstance(job, Look):
            return self._loop.run(self._look(job))
        if not isinstance(job, Fetch):
            raise TypeError(f"a CalDAV worker does no {type(job).__name__}")
        gathered = self._loop.run(self._gather(job))
        # Off the loop, whose insides must not meet the guard's alarm.
        return fetching.work_out(job, gathered, guard)

    def close(self) -> None:
        """Close every connection."""
        for client in self._made.values():
            self._loop.run(client.close())
        self._loop.close()

    async def _look(self, job: Look) -> Looked:
        client = self._client(job.account, job.stamp.collection)
        client.begin(job.deadline, job.stamp.login)
        return await looking.look(client, job)

    async def _gather(self, job: Fetch) -> fetching.Gathered:
        client = self._client(job.account, job.url)
        client.begin(job.deadline, job.login)
        return await fetching.gather(client, job)

    def _client(self, account: Account, url: str) -> Client:
        parts = urlsplit(url)
        base = f"{parts.scheme}://{parts.netloc}/"
        known = self._made.get((account, base))
        if known is None:
            known = self._made[account, base] = Client(base, account, limit=self._limit)
        return known


def main() -> None:
    """Do jobs until the daemon closes the pipe."""
    # The library logs whole answers, which hold private events.
    logging.disable(logging.CRITICAL)
    serve(Clients().do)


if __name__ == "__main__":
    main()
