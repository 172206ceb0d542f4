"""The table of doubt: killed around each request of a conference's life, its state kept or lost.

Rows are what is asked of CMS, columns the moment of the crash. Whatever the cell: each room rings
once and is connected, nobody is cut off before the end, no call and no open space is left.
"""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cospaced.domain.booking import Booking, DialState, State
from cospaced.settings import ConferenceSettings
from support.site import Invitation, Site
from support.stories import cut_off_before, rings
from support.virtual import VirtualClock, run_virtually


TERMS = ConferenceSettings(early_join=timedelta(seconds=30), end_warnings=(timedelta(seconds=60),))
LENGTH = timedelta(minutes=4)

REQUESTS = {
    "open": ("PUT", "coSpaces/*"),
    "call": ("POST", "calls"),
    "dial": ("POST", "calls/*/callLegs"),
    "close": ("PUT", "coSpaces/*"),
    "end": ("DELETE", "calls/*"),
}
INTENTIONS: dict[str, Callable[[Booking], bool]] = {
    "open": lambda row: row.state is State.OPEN,
    "call": lambda row: row.call_asked_at is not None,
    "dial": lambda row: any(d.state is DialState.INTENDED for d in row.dials),
    "close": lambda row: bool(row.closing),
    "end": lambda row: row.locked_at is not None,
}
MOMENTS = ("before storing", "before sending", "after the effect", "before the answer")


def _matches(what: str, method: str, path: str) -> bool:
    wanted, node = REQUESTS[what]
    parts = path.removeprefix("/api/v1/").split("/")
    label = "/".join("*" if n % 2 else part for n, part in enumerate(parts))
    return (method, label) == (wanted, node)


def _falls(what: str, moment: str, armed: Callable[[], bool]) -> Callable[[str, str, Any], bool]:
    """Say at which crossing the cell's crash is."""

    def when(side: str, name: str, subject: Any) -> bool:
        if not armed():
            return False
        if moment == "before storing":
            stored = side == "before" and name == "save"
            return stored and INTENTIONS[what](subject[0])
        wanted = {"before sending": "before", "before the answer": "after"}.get(moment, "")
        return side == wanted and isinstance(subject, str) and _matches(what, name, subject)

    return when


async def _life(site: Site, what: str, moment: str, start: datetime) -> bool:
    """Run until the crash; say whether there was one."""
    end = start + LENGTH
    # The requests that close look like those that open: they are armed only near the end.
    from_when = end - timedelta(seconds=2) if what in ("close", "end") else start - TERMS.early_join
    async with site.running() as doom:

        def armed() -> bool:
            return site.clock.now() >= from_when - timedelta(seconds=1)

        doom.when = _falls(what, moment, armed)

        def effected(logged: Any) -> None:
            here = armed() and moment == "after the effect"
            if here and _matches(what, logged.method, logged.path):
                doom.fallen.set()

        site.cluster.requests.listeners.append(effected)
        try:
            async with asyncio.timeout((end - site.clock.now()).total_seconds() + 10):
                await doom.fallen.wait()
        except TimeoutError:
            pass
        site.cluster.requests.listeners.remove(effected)
        return doom.fallen.is_set()


@pytest.mark.parametrize("state", ["state kept", "state lost"])
@pytest.mark.parametrize("moment", MOMENTS)
@pytest.mark.parametrize("what", list(REQUESTS))
def test_in_every_cell_of_the_table_of_doubt(
    tmp_path: Path, what: str, moment: str, state: str
) -> None:
    async def main(clock: VirtualClock) -> tuple[Site, datetime]:
        site = Site(clock, tmp_path, terms=TERMS, rooms=("aula", "boardroom"))
        site.daemon = replace(site.daemon, poll_interval=timedelta(seconds=30))
        start = clock.now() + timedelta(seconds=60)
        site.invite(Invitation("doubt@example.org", start, start + LENGTH))
        assert await _life(site, what, moment, start), "the cell was not visited"
        if state == "state lost":
            site.lose_state()
        await clock.sleep(2)
        async with site.running():
            if what in ("open", "call", "dial"):
                await site.until(start + timedelta(seconds=45))
                assert site.endpoint("aula").connected
                assert site.endpoint("boardroom").connected
            await site.until(start + LENGTH + timedelta(seconds=140))
        return site, start

    site, start = run_virtually(main)
    site.assert_all_closed()
    assert rings(site) == [1, 1]
    assert not cut_off_before(site, start + LENGTH)
