"""Every bad answer a feed can give, for a quarter of an hour, in the middle of everything.

What is held of each: the open booking goes on, nobody is cut off, nothing is cancelled, and the
journal has one line when it goes bad, one when that has lasted, one when the rooms ring no more,
and one when it is well again.
"""

import asyncio
import gzip
import zlib
from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path

import httpx
import pytest

from cospaced.domain.booking import State
from cospaced.host.messages import sentence
from cospaced.settings import DaemonSettings
from support.feed_site import Answer, Feed, FeedSite
from support.site import ROOMS, Invitation
from support.stories import MINUTE, SECOND, booked, cut_off_before, play_on, rings
from support.virtual import VirtualClock


TERMS = DaemonSettings(stale_after=5 * MINUTE, stale_limit=10 * MINUTE)
WHOLE = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\nBEGIN:VEVENT\r\nUID:x\r\n"
    b"DTSTART:20270101T100000Z\r\nDTEND:20270101T110000Z\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)


async def _drip(clock: VirtualClock) -> AsyncIterator[bytes]:
    """A byte a second, for ever."""
    for byte in WHOLE * 100:
        yield bytes([byte])
        await clock.sleep(1)


async def _endless(_: VirtualClock) -> AsyncIterator[bytes]:
    """A hundred megabytes."""
    block = b" " * 1_000_000
    for _ in range(100):
        yield block


async def _broken_off(_: VirtualClock) -> AsyncIterator[bytes]:
    yield WHOLE[:100]
    raise httpx.ReadError("Connection reset by peer")


async def _refuses(_: httpx.Request) -> Feed:
    raise httpx.ConnectError("Connection refused")


async def _says_nothing(_: httpx.Request) -> Feed:
    await asyncio.Event().wait()
    raise AssertionError("never")


def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    block = bytes(1 << 20)
    return b"".join([packer.compress(block) for _ in range(200)]) + packer.flush()


def _away(target: str) -> Feed:
    return Feed(status=302, headers={"Location": target})


async def _to_login(request: httpx.Request) -> Feed:
    return Feed(LOGIN) if request.url.query else _away("?next=calendar")


PACKED = {"Content-Encoding": "gzip"}
LOGIN = b'<!DOCTYPE html><html><form>Sign in: <input type="password"></form></html>'
BAD: dict[str, tuple[Feed | Answer, str]] = {
    "unauthorized": (Feed(status=401), "login"),
    "forbidden": (Feed(status=403), "login"),
    "not found": (Feed(status=404), "not_found"),
    "gone": (Feed(status=410), "not_found"),
    "too many requests": (Feed(status=429, headers={"Retry-After": "60"}), "throttled"),
    "a server error": (Feed(b"Traceback", status=500), "unreachable"),
    "not available": (Feed(status=503), "unreachable"),
    "no content": (Feed(status=204), "unreachable"),
    "a part of the content": (Feed(WHOLE, status=206), "unreachable"),
    "a refused connection": (_refuses, "unreachable"),
    "a connection that breaks": (Feed(_broken_off), "unreachable"),
    "no answer": (_says_nothing, "timeout"),
    "a slow drip": (Feed(_drip), "timeout"),
    "a hundred megabytes": (Feed(_endless), "too_large"),
    "a bomb": (Feed(_bomb(), headers=PACKED), "too_large"),
    "a bomb in a bomb": (Feed(gzip.compress(_bomb()), headers={"Content-Encoding": "gzip, gzip"}),
                         "unreachable"),
    "a packed body that is cut": (Feed(gzip.compress(WHOLE)[:-9], headers=PACKED), "unreachable"),
    "packed, and nobody says so": (Feed(gzip.compress(WHOLE)), "not_a_calendar"),
    "said to be packed, and is not": (Feed(WHOLE, headers=PACKED), "unreachable"),
    "packed in another way": (Feed(WHOLE, headers={"Content-Encoding": "br"}), "unreachable"),
    "a login page": (Feed(LOGIN), "login"),
    "a redirect to a login page": (_to_login, "login"),
    "a web page": (Feed(b"<html><body>We moved</body></html>"), "not_a_calendar"),
    "an error as JSON": (Feed(b'{"error": {"code": "ErrorItemNotFound"}}'), "not_a_calendar"),
    "nothing": (Feed(), "not_a_calendar"),
    "blank lines": (Feed(b"\r\n \r\n\r\n"), "not_a_calendar"),
    "NUL bytes alone": (Feed(bytes(4096)), "not_a_calendar"),
    "a hole of NUL bytes": (Feed(WHOLE[:120] + bytes(4096) + WHOLE[160:]), "truncated"),
    "noise": (Feed(bytes(range(256)) * 8), "not_a_calendar"),
    "another charset than any": (Feed(WHOLE.decode().encode("cp037")), "not_a_calendar"),
    "cut in an event": (Feed(WHOLE[:100]), "truncated"),
    "cut before its last line": (Feed(WHOLE[:-15]), "truncated"),
    "cut, and begun anew": (Feed(WHOLE[:100] + b"\r\n" + WHOLE), "truncated"),
    "its first half missing": (Feed(WHOLE[60:]), "not_a_calendar"),
    "redirects in a circle": (_away("?again"), "redirect"),
    "a redirect to a file": (_away("file:///etc/passwd"), "redirect"),
    "a redirect to ftp": (_away("ftp://example.org/room.ics"), "redirect"),
    "a redirect to data": (_away("data:text/calendar,BEGIN:VCALENDAR"), "redirect"),
    "a redirect to nowhere": (Feed(status=302), "redirect"),
}  # fmt: skip


HOUSE = (*ROOMS, "den")
NAMES = (*BAD, *BAD)[: -(-len(BAD) // len(HOUSE)) * len(HOUSE)]
FOURS = [NAMES[start : start + len(HOUSE)] for start in range(0, len(NAMES), len(HOUSE))]


def _amiss(site: FeedSite) -> list[str]:
    """Return what must not come of calendars that cannot be read."""
    told = [str(keys["reason"]) for keys in site.happened("booking.changed")]
    never = ("booking.orphaned", "calendar.emptied", "calendar.fault")
    return [text for text in told if "cancel" in text] + [e for e in never if site.happened(e)]


@pytest.mark.parametrize("names", FOURS, ids=", ".join)
def test_bad_answers_cost_nothing_that_runs_and_are_told_once(
    tmp_path: Path, names: tuple[str, ...]
) -> None:
    """Each room is given another one."""
    answers = dict(zip(HOUSE, (BAD[name] for name in names), strict=True))
    bad_at: list[datetime] = []

    async def story(site: FeedSite) -> None:
        one = booked(site, after=6, minutes=24)
        start = one.start + 16 * MINUTE
        site.invite(Invitation("two@example.org", start, start + 15 * MINUTE, ("cellar", "den")))
        async with site.running():
            await site.until(one.start + MINUTE)
            for room, (answer, _) in answers.items():
                site.publish(answer, room)
            bad_at.append(site.clock.now())
            await site.until(start + 2 * MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            # Read too long ago to be sure of: the space stands open, and nobody is rung.
            assert {row.state for row in site.bookings()} == {State.OPEN}
            assert rings(site, "cellar", "den") == [0, 0]
            site.publish(None)
            await site.until(one.end - SECOND)
            assert site.endpoint("aula").connected
            assert site.endpoint("cellar").connected
            assert not cut_off_before(site, site.clock.now())
            await site.until(start + 16 * MINUTE)

    site = play_on(FeedSite, tmp_path, story, daemon=TERMS, rooms=HOUSE)
    site.assert_all_closed()
    assert rings(site) == [1, 1, 1, 1]
    assert not _amiss(site)
    kinds = {told["room"]: told["kind"] for told in site.happened("calendar.failed")}
    assert kinds == {room: kind for room, (_, kind) in answers.items()}
    for event in ("failed", "stale", "mute", "recovered"):
        told = sorted(keys["room"] for keys in site.happened(f"calendar.{event}"))
        assert told == ["aula", "boardroom", "cellar", "den"], event
    for stale in site.happened("calendar.stale"):
        assert timedelta(0) <= stale["since"] - bad_at[0] <= 2 * MINUTE
        assert 300 <= stale["seconds"] < 420
        words = sentence("calendar.stale", {key: str(value) for key, value in stale.items()})
        assert f"unread since {stale['since']}" in words
    assert all(15 * 60 < k["seconds"] < 19 * 60 for k in site.happened("calendar.recovered"))
