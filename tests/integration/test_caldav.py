"""CalDAV on real servers, Radicale, Xandikos and Cyrus: readings, changes, logins, TLS."""

import asyncio
import os
import re
import signal
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import quote

import pytest
import pytest_asyncio

from cospaced.calendars.caldav.source import MODULE, CaldavSource
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.calendar import Reading
from support import caldav_servers
from support.caldav_front import asking_for_digest
from support.caldav_rooms import Desk, caldav_source
from support.caldav_servers import MKCALENDAR, PASSWORD, CaldavServer, Calendar
from support.certificates import make_certificate
from support.ical import calendar, event, window


pytestmark = pytest.mark.asyncio(loop_scope="module")
KINDS = (caldav_servers.radicale, caldav_servers.xandikos, caldav_servers.cyrus)
TIMES = ("DTSTART:20261124T100000Z", "DTEND:20261124T110000Z")
ONE = calendar(event(*TIMES, uid="one"))
TWO = calendar(event("DTSTART:20261125T100000Z", "DTEND:20261125T110000Z", uid="two"))
SERIES = calendar(
    event(
        "DTSTART:20261123T090000Z", "DTEND:20261123T093000Z", "RRULE:FREQ=DAILY;COUNT=5", uid="s"
    ),
    event(
        "RECURRENCE-ID:20261125T090000Z",
        "DTSTART:20261125T150000Z",
        "DTEND:20261125T153000Z",
        uid="s",
    ),
)


USERS = [f"room{n}" for n in range(40)]


@pytest.fixture(scope="module", params=KINDS, ids=lambda kind: kind.__name__)
def server(request: pytest.FixtureRequest) -> Iterator[CaldavServer]:
    """Run one server for all tests; each has a user of its own."""
    with request.param(USERS) as server:
        yield server


@pytest.fixture(scope="module")
def users(server: CaldavServer) -> Iterator[str]:
    return iter(server.users)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def pool() -> AsyncIterator[WorkerPool]:
    pool = WorkerPool(size=2, module=MODULE)
    yield pool
    await pool.close()


@pytest_asyncio.fixture(loop_scope="module")
async def its(server: CaldavServer, users: Iterator[str]) -> AsyncIterator[Calendar]:
    async with server.calendar(next(users)) as its:
        yield its


@pytest_asyncio.fixture(loop_scope="module")
async def room(its: Calendar, pool: WorkerPool) -> AsyncIterator[Desk]:
    async with caldav_source(its.base, username=its.user, pool=pool) as source:
        yield Desk(source, its.url)


def starts(reading: Reading) -> list[str]:
    return [f"{o.start:%dT%H:%M}" for o in reading.occurrences]


async def test_an_event_that_comes_changes_and_goes_is_seen_at_the_next_poll(
    its: Calendar, room: Desk
):
    assert await room.uids() == []
    await its.put("one", ONE)
    await its.put("two", TWO)
    assert await room.uids() == ["one", "two"]
    await its.put("one", ONE.replace(b"24T1", b"26T1"))
    assert starts(await room.poll()) == ["25T10:00", "26T10:00"]
    await its.delete("two")
    assert await room.uids() == ["one"]


async def test_an_unchanged_calendar_costs_one_request(its: Calendar, room: Desk):
    await its.put("one", ONE)
    first = await room.poll()
    for _ in range(3):
        its.front.seen.clear()
        again = await room.poll()
        assert again.unchanged
        assert again.occurrences == first.occurrences
        assert again.requests == len(its.front.seen) == 1


async def test_a_new_daemon_asks_once_for_what_the_old_one_knew(its: Calendar, room: Desk):
    await its.put("one", ONE)
    room.reading = replace(await room.poll(), unchanged=False)
    async with caldav_source(its.base, username=its.user) as source:
        its.front.seen.clear()
        assert (await replace(room, source=source).poll()).unchanged
        assert len(its.front.seen) == 1


async def test_a_change_fetches_only_what_changed(its: Calendar, room: Desk):
    for name in ("a", "b", "c"):
        await its.put(name, ONE.replace(b"UID:one", b"UID:" + name.encode()))
    await room.poll()
    bodies: list[bytes] = []
    its.front.change = lambda request: bodies.append(request) or request
    await its.put("two", TWO)
    assert await room.uids() == ["a", "b", "c", "two"]
    asked = [line for body in bodies for line in body.split(b"href>") if line.startswith(b"/")]
    assert [one.split(b"<")[0].rpartition(b"/")[2] for one in asked] == [b"two.ics"]


async def test_a_series_with_an_override_is_worked_out_here(its: Calendar, room: Desk):
    await its.put("series", SERIES)
    assert starts(await room.poll()) == [
        "23T09:00", "24T09:00", "25T15:00", "26T09:00", "27T09:00",
    ]  # fmt: skip
    await its.put("series", SERIES.replace(b"25T15", b"25T16"))
    assert "25T16:00" in starts(await room.poll())


async def test_an_event_may_have_any_name(its: Calendar, room: Desk):
    names = set()
    for name in ("a b", "ü", "c:d", "q?", "h#", "s;t", "[b]", "p%q", "x@y", "am&p"):
        text = ONE.replace(b"UID:one", b"UID:" + name.encode())
        answer = await its.ask("PUT", f"{its.path}{quote(name, safe='')}.ics", text)
        if answer.status_code == 201:
            names.add(name)
    assert len(names) > 7
    reading = await room.poll()
    # Xandikos lists these and gives them to nobody.
    refused = {"q?", "h#"} if its.server.secure else set()
    assert {o.uid for o in reading.occurrences} == names - refused
    assert {p.uid for p in reading.problems} == {f"{quote(name)}.ics" for name in refused}
    for name in names:
        answer = await its.ask("DELETE", f"{its.path}{quote(name, safe='')}.ics")
        assert answer.status_code in (200, 204)
    assert await room.uids() == []


@pytest.mark.parametrize("bad", [b"\x0b", b"\xfc", "\uffff".encode()], ids=repr)
async def test_a_character_that_xml_does_not_allow_costs_no_event(
    its: Calendar, room: Desk, bad: bytes
):
    await its.put("one", ONE)
    pasted = calendar(event(*TIMES, "SUMMARY:Bo?ard", uid="two")).replace(b"?", bad)
    answer = await its.ask("PUT", f"{its.path}two.ics", pasted)
    refused = answer.status_code == 412
    assert await room.uids() == (["one"] if refused else ["one", "two"])


@pytest.mark.parametrize("where", ["user", "home"])
async def test_a_room_is_found_from_its_user_and_from_its_home(
    its: Calendar, room: Desk, where: str
):
    await its.put("one", ONE)
    room.url = its.base[:-1] + {"user": its.principal, "home": its.home}[where]
    assert await room.uids() == ["one"]
    its.front.seen.clear()
    assert (await room.poll()).unchanged
    assert len(its.front.seen) == 1


async def test_the_root_leads_to_the_calendar_of_whoever_logs_in(its: Calendar, room: Desk):
    await its.put("one", ONE)
    room.url = its.base
    assert await room.uids() == ["one"]


@pytest.mark.parametrize("server", [caldav_servers.radicale], indirect=True)
async def test_a_user_with_several_calendars_is_told_with_their_paths(its: Calendar, room: Desk):
    other = f"{its.home}second/"
    assert (await its.ask("MKCALENDAR", other, MKCALENDAR)).status_code == 201
    room.url = f"{its.base}{its.user}/"
    error = await room.error()
    assert error.kind == "not_found"
    assert other in str(error)
    assert its.path in str(error)


@pytest.mark.parametrize("server", [caldav_servers.xandikos], indirect=True)
async def test_of_several_calendars_that_one_is_taken_into_which_invitations_go(
    its: Calendar, room: Desk
):
    other = f"{its.home}second/"
    assert (await its.ask("MKCALENDAR", other, MKCALENDAR)).status_code == 201
    await its.put("one", ONE)
    room.url = f"{its.base}{its.user}/"
    assert await room.uids() == ["one"]
    await _prefers(its, other)
    room.reading = None
    assert await room.uids() == []


async def _prefers(its: Calendar, path: str) -> None:
    """Make invitations go into one of a user's calendars (RFC 6638, section 9.2)."""
    body = (
        '<D:propertyupdate xmlns:D="DAV:" xmlns:C="urn:ietf:params:xml:ns:caldav"><D:set><D:prop>'
        f"<C:schedule-default-calendar-URL><D:href>{path}</D:href></C:schedule-default-calendar-URL>"
        "</D:prop></D:set></D:propertyupdate>"
    )
    answer = await its.ask("PROPPATCH", f"/{its.user}/inbox", body)
    assert " 200 " in answer.text, answer.text


async def test_a_token_that_the_server_does_not_know_costs_a_listing_and_no_event(
    its: Calendar, room: Desk
):
    await its.put("one", ONE)
    first = await room.poll()
    token = first.stamp.split('"token":"')[1].split('"')[0]
    bogus = token[:-8] + "0" * 8
    room.reading = replace(first, stamp=first.stamp.replace(token, bogus))
    await its.put("two", TWO)
    assert await room.uids() == ["one", "two"]
    assert (await room.poll()).unchanged


async def test_a_server_that_was_restarted_is_read_on(its: Calendar, room: Desk):
    await its.put("one", ONE)
    await room.poll()
    its.server.process.stop()
    error = await room.error()
    assert error.kind == "unreachable"
    assert "localhost:" in str(error)
    its.server.process.start()
    await its.put("two", TWO)
    assert await room.uids() == ["one", "two"]


async def test_a_wrong_password_is_told_with_the_remedy(
    its: Calendar, room: Desk, pool: WorkerPool
):
    async with caldav_source(its.base, username=its.user, password="wrong", pool=pool) as source:
        error = await replace(room, source=source).error()
    assert error.kind == "login"
    assert "check username and password" in str(error)
    assert "wrong" not in str(error)


async def test_a_calendar_that_its_user_may_not_read_is_told(
    server: CaldavServer, users: Iterator[str], its: Calendar, room: Desk, pool: WorkerPool
):
    async with caldav_source(its.base, username=next(users), pool=pool) as source:
        error = await replace(room, source=source).error()
    assert re.search(r"the calendar's user (may|to) read", str(error))


async def test_a_calendar_that_does_not_exist_is_told(its: Calendar, room: Desk):
    room.url = f"{its.base[:-1]}{its.home}nothing/"
    assert (await room.error()).kind == "not_found"


async def test_rooms_are_read_at_once_and_apart(its: Calendar, room: Desk):
    await its.put("one", ONE)
    readings = await asyncio.gather(*(replace(room).poll() for _ in range(6)))
    assert all(len(reading.occurrences) == 1 for reading in readings)


async def test_five_hundred_events_are_read_and_then_cost_one_request(its: Calendar, room: Desk):
    its.fill({f"n{n}": ONE.replace(b"UID:one", b"UID:n%d" % n) for n in range(500)})
    assert len((await room.poll()).occurrences) == 500
    again = await room.poll()
    assert again.unchanged
    assert again.requests == 1


async def test_a_day_later_the_calendar_is_read_whole_and_nothing_is_fetched_twice(
    its: Calendar, room: Desk
):
    await its.put("one", ONE)
    first = await room.poll()
    full = first.stamp.split('"full":"')[1].split('"')[0]
    room.reading = replace(first, stamp=first.stamp.replace(full, "2026-11-01T00:00:00+00:00"))
    its.front.seen.clear()
    again = await room.poll()
    assert again.unchanged
    assert [one.split(" ")[0] for one in its.front.seen] == ["PROPFIND", "REPORT"]
    assert "2026-11-01" not in again.stamp


async def test_a_window_that_rolled_on_is_worked_out_anew(its: Calendar, room: Desk):
    await its.put("series", SERIES)
    await room.poll()
    room.window = window("2026-11-26", "2026-12-27")
    reading = await room.poll()
    assert starts(reading)[-2:] == ["26T09:00", "27T09:00"]
    assert reading.covered.end > room.window.end


async def test_tls_is_verified_by_ca_file(
    server: CaldavServer, users: Iterator[str], tmp_path: Path, pool: WorkerPool
):
    certificate = make_certificate(tmp_path, "localhost")
    async with server.calendar(next(users), context=certificate.server_context()) as its:
        await its.put("one", ONE)
        known = {"username": its.user, "pool": pool}
        async with caldav_source(its.base, ca_file=certificate.file, **known) as source:
            assert await Desk(source, its.url).uids() == ["one"]
            # Over TLS the login goes with the first request.
            assert len(its.front.seen) == 3
        async with caldav_source(its.base, **known) as source:
            error = await Desk(source, its.url).error()
        assert error.kind == "certificate"
        assert "ca_file" in str(error)


async def test_digest_is_spoken_where_the_server_asks_for_it(
    its: Calendar, room: Desk, pool: WorkerPool
):
    await its.put("one", ONE)
    heads: list[bytes] = []
    proving = asking_for_digest(its.user, PASSWORD)
    its.front.change = lambda request: heads.append(request) or proving(request)
    assert await room.uids() == ["one"]
    assert (await room.poll()).requests == 1
    async with caldav_source(its.base, username=its.user) as source:
        # A new worker is told by the stamp, and does not try Basic either.
        assert (await replace(room, source=source).poll()).unchanged
    assert not any(b"authorization: basic" in head.lower() for head in heads)
    async with caldav_source(its.base, username=its.user, password="wrong", pool=pool) as source:
        assert (await replace(room, source=source).error()).kind == "login"


async def test_a_connection_that_is_reset_costs_one_more_request(its: Calendar, room: Desk):
    await its.put("one", ONE)
    await room.poll()
    drop = [True]
    its.front.change = lambda request: None if drop and drop.pop() else request
    again = await room.poll()
    assert again.unchanged
    assert again.requests == 2


async def test_an_answer_that_never_ends_costs_only_its_own_poll(its: Calendar, room: Desk):
    await its.put("one", ONE)
    async with caldav_source(its.base, username=its.user) as source:
        room = replace(room, source=source)
        await room.poll()
        its.front.change = lambda _request: (
            b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 9\r\n\r\n<"
        )
        _give(source, seconds=3)
        error = await room.error()
        assert error.kind == "timeout"
        assert f"localhost:{its.front.port}" in str(error)
        its.front.change = lambda request: request
        _give(source, seconds=20)
        assert (await room.poll()).unchanged


def _give(source: CaldavSource, *, seconds: float) -> None:
    """Give each poll so long from now on."""
    source._settings = replace(source._settings, timeout=timedelta(seconds=seconds))


async def test_a_worker_that_is_killed_costs_only_its_own_poll(its: Calendar, room: Desk):
    await its.put("one", ONE)
    async with caldav_source(its.base, username=its.user) as source:
        room = replace(room, source=source)
        await room.poll()
        (pool,) = source._pools.values()
        (worker,) = pool._all
        os.kill(worker._process.pid, signal.SIGSTOP)
        _give(source, seconds=1)
        assert (await room.error()).kind == "hung"
        _give(source, seconds=20)
        assert (await room.poll()).unchanged
