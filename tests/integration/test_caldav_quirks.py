"""Every way of CalDAV servers that quirks.py names, and every answer that is none.

The library and the sockets are real; the server says what servers of that name were seen to say.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path

import pytest

from cospaced.calendars.caldav.source import MODULE
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.calendar import Reading
from cospaced.errors import CalendarError
from support.caldav_rooms import Desk, caldav_source
from support.caldav_writers import InlinePool
from support.ical import calendar, event
from support.scripted_caldav import (
    NOT_FOUND,
    PATH,
    ScriptedCaldav,
    multistatus,
    refusal,
    response,
    scripted_caldav,
)
from support.web_server import Reply, Seen, web_server


NOW = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)


def single(uid: str, day: int = 24) -> bytes:
    times = (f"DTSTART:202611{day}T100000Z", f"DTEND:202611{day}T110000Z")
    return calendar(event(*times, uid=uid))


@pytest.fixture
async def server() -> AsyncIterator[ScriptedCaldav]:
    async with scripted_caldav() as server:
        server.put("one.ics", single("one"))
        yield server


@pytest.fixture
async def pool() -> AsyncIterator[InlinePool]:
    pool = InlinePool()
    yield pool
    await pool.close()


@pytest.fixture
async def room(server: ScriptedCaldav, pool: InlinePool) -> AsyncIterator[Desk]:
    async with caldav_source(server.url, pool=pool, timeout=5) as source:
        yield Desk(source, server.url)


def once(kind: str, reply: Callable[[], Reply]) -> Callable[[str, Seen], Reply | None]:
    """Answer the first request of a kind so."""
    left = [kind]

    def instead(asked: str, _seen: Seen) -> Reply | None:
        if asked not in left:
            return None
        left.remove(asked)
        return reply()

    return instead


def always(kind: str, reply: Callable[[], Reply]) -> Callable[[str, Seen], Reply | None]:
    """Answer every request of a kind so."""
    return lambda asked, _seen: reply() if asked == kind else None


# --- time ranges ---------------------------------------------------------------------------------


async def test_events_that_a_time_range_should_not_have_found_do_no_harm(
    server: ScriptedCaldav, room: Desk
):
    old = calendar(event("DTSTART:20200101T100000Z", "DTEND:20200101T110000Z", uid="old"))
    weekly = calendar(
        event("DTSTART:20200106T100000Z", "DURATION:PT1H", "RRULE:FREQ=WEEKLY;COUNT=4", uid="over")
    )
    server.put("old.ics", old)
    server.put("over.ics", weekly)
    assert await room.uids() == ["one"]


async def test_no_server_is_asked_to_expand_a_series_or_to_give_a_collection_by_get(
    server: ScriptedCaldav, room: Desk
):
    await room.poll()
    await room.poll()
    assert server.server is not None
    assert not any(b"expand" in seen.body for seen in server.server.seen)
    assert {seen.method for seen in server.server.seen} == {"PROPFIND", "REPORT"}


# --- tokens --------------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [403, 409, 410, 412])
async def test_a_token_that_is_refused_costs_a_listing(
    server: ScriptedCaldav, room: Desk, status: int
):
    await room.poll()
    server.put("two.ics", single("two", 25))
    server.instead = once("changes", lambda: refusal(status, "valid-sync-token"))
    server.asked.clear()
    assert await room.uids() == ["one", "two"]
    assert server.asked == ["changes", "properties", "listing", "texts"]
    assert (await room.poll()).requests == 1


async def test_a_full_list_in_answer_to_an_unknown_token_is_no_list_of_changes(
    server: ScriptedCaldav, room: Desk
):
    server.put("two.ics", single("two", 25))
    server.put("gone.ics", single("gone", 26))
    assert await room.uids() == ["one", "two", "gone"]
    del server.members["gone.ics"]
    # As SOGo and DAViCal: all that there is, and nothing of what is gone.
    server.tell("one.ics", "two.ics")
    assert await room.uids() == ["one", "two"]


async def test_after_two_refused_tokens_in_a_row_the_ctag_is_asked(
    server: ScriptedCaldav, room: Desk
):
    server.ctag = "ctag-1"
    server.instead = always("changes", lambda: refusal(403, "valid-sync-token"))
    for _ in range(3):
        await room.poll()
    server.asked.clear()
    assert (await room.poll()).unchanged
    assert server.asked == ["properties"]
    server.put("two.ics", single("two", 25))
    server.ctag = "ctag-2"
    assert await room.uids() == ["one", "two"]


@pytest.mark.parametrize("status", [500, 501, 507])
async def test_a_server_that_cannot_report_changes_is_asked_otherwise(
    server: ScriptedCaldav, room: Desk, status: int
):
    server.ctag = "ctag-1"
    server.instead = always("changes", lambda: Reply(status))
    for _ in range(3):
        assert await room.uids() == ["one"]
    server.asked.clear()
    assert (await room.poll()).unchanged
    assert server.asked == ["properties"]


async def test_without_token_and_ctag_the_etags_are_listed(server: ScriptedCaldav, room: Desk):
    server.can_sync = False
    await room.poll()
    server.asked.clear()
    assert (await room.poll()).unchanged
    assert server.asked == ["listing"]
    server.put("one.ics", single("one", 25))
    assert [o.start.day for o in (await room.poll()).occurrences] == [25]


async def test_of_a_server_without_etags_everything_is_read_each_time(
    server: ScriptedCaldav, room: Desk
):
    server.can_sync = False
    untold = response(f"{PATH}one.ics", "<D:getetag/>", status=NOT_FOUND)
    server.instead = always("listing", lambda: multistatus(untold))
    await room.poll()
    assert (await room.poll()).unchanged
    server.put("one.ics", single("one", 25))
    assert [o.start.day for o in (await room.poll()).occurrences] == [25]


async def test_of_very_many_changes_only_those_in_the_window_are_read(
    server: ScriptedCaldav, room: Desk
):
    await room.poll()
    for n in range(60):
        server.put(f"old{n}.ics", single(f"old{n}").replace(b"2026", b"2019"))
    server.put("two.ics", single("two", 25))
    server.tell(*(name for name in server.members if name != "one.ics"))
    within = [server.listed(name) for name in ("one.ics", "two.ics")]
    server.instead = always("listing", lambda: multistatus(*within))
    server.asked.clear()
    assert await room.uids() == ["one", "two"]
    assert server.asked == ["changes", "properties", "listing", "texts"]


@dataclass
class Seconds:
    """A server whose tokens are the seconds of its clock, as SOGo's."""

    server: ScriptedCaldav
    now: datetime = NOW
    changed_at: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.server.instead = self.answer
        self.pass_by(0)

    def pass_by(self, seconds: float) -> None:
        self.now += timedelta(seconds=seconds)
        self.server.date = format_datetime(self.now, usegmt=True)
        self.server.token = str(int(self.now.timestamp()))

    def put(self, name: str, text: bytes) -> None:
        self.server.put(name, text)
        self.changed_at[name] = int(self.now.timestamp())
        self.pass_by(0)

    def answer(self, kind: str, seen: Seen) -> Reply | None:
        if kind == "changes":
            found = re.search(rb"sync-token>(\d+)<", seen.body)
            assert found is not None
            since = int(found[1])
            return self.server.changes(*(n for n, at in self.changed_at.items() if at > since))
        return None


async def test_a_change_in_the_second_of_the_token_is_seen_all_the_same(
    server: ScriptedCaldav, room: Desk
):
    clock = Seconds(server)
    await room.poll()
    clock.put("two.ics", single("two", 25))
    clock.pass_by(60)
    assert await room.uids() == ["one", "two"]
    clock.put("three.ics", single("three", 26))
    clock.pass_by(60)
    assert await room.uids() == ["one", "two", "three"]
    for _ in range(3):
        clock.pass_by(60)
        quiet = await room.poll()
    assert (quiet.unchanged, quiet.requests) == (True, 1)
    clock.put("four.ics", single("four", 27))
    clock.pass_by(60)
    assert await room.uids() == ["one", "two", "three", "four"]


async def test_a_ctag_of_the_second_in_which_it_was_read_is_not_trusted(
    server: ScriptedCaldav, room: Desk
):
    server.can_sync = False
    server.date = format_datetime(NOW, usegmt=True)
    server.ctag = str(int(NOW.timestamp()))
    await room.poll()
    server.put("two.ics", single("two", 25))
    assert await room.uids() == ["one", "two"]


async def test_a_tombstone_of_what_was_never_known_changes_nothing(
    server: ScriptedCaldav, room: Desk
):
    first = await room.poll()
    server.tell("never.ics")
    again = await room.poll()
    assert again.unchanged
    assert again.occurrences == first.occurrences


# --- answers that are not whole ------------------------------------------------------------------


@pytest.mark.parametrize("own", [PATH, "/principals/__uids__/aula"])
async def test_an_answer_cut_short_with_507_is_asked_on_for(
    server: ScriptedCaldav, room: Desk, own: str
):
    await room.poll()
    for n in (1, 2, 3):
        server.put(f"n{n}.ics", single(f"n{n}", 24 + n))
    pages = [("n1.ics", "half"), ("n2.ics", "most")]

    def instead(kind: str, _seen: Seen) -> Reply | None:
        if kind != "changes" or not pages:
            return None
        name, token = pages.pop(0)
        return server.changes(name, cut=own, token=token)

    server.instead = instead
    server.asked.clear()
    assert await room.uids() == ["one", "n1", "n2", "n3"]
    assert server.asked == ["changes"] * 3 + ["texts"]


async def test_changes_that_never_come_to_an_end_are_not_believed(
    server: ScriptedCaldav, room: Desk
):
    await room.poll()
    server.instead = always("changes", lambda: server.changes(cut=PATH, token="again"))
    assert (await room.error()).kind == "truncated"


@pytest.mark.parametrize("own", [PATH, "/principals/__uids__/aula/"])
async def test_a_listing_that_is_cut_short_is_not_believed(
    server: ScriptedCaldav, room: Desk, own: str
):
    cut = response(own, status="HTTP/1.1 507 Insufficient Storage")
    server.instead = always("listing", lambda: multistatus(server.listed("one.ics"), cut))
    assert (await room.error()).kind == "truncated"


async def test_a_member_left_out_is_asked_for_again_and_else_is_a_problem_of_its_own(
    server: ScriptedCaldav, room: Desk
):
    server.put("two.ics", single("two", 25))
    only_one = lambda: multistatus(server.text(f"{PATH}one.ics"))  # noqa: E731
    server.instead = once("texts", only_one)
    assert await room.uids() == ["one", "two"]
    server.instead = always("texts", only_one)
    room.reading = None
    reading = await room.poll()
    assert [o.uid for o in reading.occurrences] == ["one"]
    (problem,) = reading.problems
    assert problem.uid == "two.ics"
    assert "says nothing of 1 of 1 events" in problem.text


async def test_a_server_that_leaves_out_all_members_is_not_believed(
    server: ScriptedCaldav, room: Desk
):
    server.put("two.ics", single("two", 25))
    server.instead = always("texts", multistatus)
    error = await room.error()
    assert error.kind == "truncated"
    assert "says nothing of 1 of 1 events" in str(error)


def spoiling(
    server: ScriptedCaldav, spoil: Callable[[bytes], bytes]
) -> Callable[[str, Seen], Reply | None]:
    """Change the answers with texts."""

    def instead(kind: str, seen: Seen) -> Reply | None:
        if kind != "texts":
            return None
        reply = server.usual(kind, seen)
        return replace(reply, body=spoil(reply.body))

    return instead


@pytest.mark.parametrize(
    "spoilt", [b"x" * 11_000_000, b"&nbsp;", b"</c>"], ids=["long", "entity", "element"]
)
async def test_an_event_that_spoils_the_answer_for_all_costs_only_itself(
    server: ScriptedCaldav, room: Desk, spoilt: bytes
):
    for n in range(6):
        server.put(f"n{n}.ics", single(f"n{n}", 25))
    server.put("two.ics", single("SPOILT", 26))
    server.instead = spoiling(server, lambda body: body.replace(b"SPOILT", spoilt))
    reading = await room.poll()
    assert [o.uid for o in reading.occurrences] == ["one", *(f"n{n}" for n in range(6))]
    (problem,) = reading.problems
    assert problem.uid == "two.ics"
    assert "XML that is cut or broken" in problem.text
    assert (await room.poll()).requests == 1


async def test_a_server_whose_answers_are_all_spoilt_is_not_asked_for_each_event(
    server: ScriptedCaldav, room: Desk
):
    for n in range(60):
        server.put(f"n{n}.ics", single(f"n{n}", 25))
    server.instead = spoiling(server, lambda body: b"<br/>Warning: " + body)
    assert (await room.error()).kind == "truncated"
    assert server.asked.count("texts") == 4


async def test_an_only_event_whose_answer_is_cut_is_read_at_the_next_poll(
    server: ScriptedCaldav, room: Desk
):
    del server.members["one.ics"]
    assert await room.uids() == []
    server.put("two.ics", single("two", 25))
    server.instead = spoiling(server, lambda body: body[:-30])
    assert (await room.error()).kind == "truncated"
    server.instead = lambda _kind, _seen: None
    assert await room.uids() == ["two"]


async def test_events_that_can_never_be_had_keep_no_other_event_unread(
    server: ScriptedCaldav, room: Desk
):
    for name in ("a.ics", "b.ics", "c.ics", "d.ics"):
        server.put(name, single("SPOILT", 26))
    server.instead = spoiling(server, lambda body: body.replace(b"SPOILT", b"&nbsp;"))
    reading = await room.poll()
    assert ([o.uid for o in reading.occurrences], len(reading.problems)) == (["one"], 4)
    # Now they are asked for again, and nothing else is.
    room.reading = _aged(reading, minutes=11)
    reading = await room.poll()
    assert ([o.uid for o in reading.occurrences], len(reading.problems)) == (["one"], 4)
    server.put("two.ics", single("two", 25))
    room.reading = _aged(reading, minutes=11)
    assert await room.uids() == ["one", "two"]


async def test_members_that_are_listed_and_all_said_to_be_gone_are_not_believed(
    server: ScriptedCaldav, room: Desk
):
    server.put("two.ics", single("two", 25))
    gone = [server.gone(name) for name in ("one.ics", "two.ics")]
    server.instead = always("texts", lambda: multistatus(*gone))
    error = await room.error()
    assert error.kind == "unreadable"
    assert "none of 2 listed events" in str(error)


async def test_a_member_that_is_told_before_it_can_be_had_is_asked_for_again(
    server: ScriptedCaldav, room: Desk
):
    await room.poll()
    server.put("two.ics", single("two", 25))
    server.instead = once("texts", lambda: multistatus(server.gone("two.ics")))
    reading = await room.poll()
    assert [o.uid for o in reading.occurrences] == ["one"]
    assert reading.problems == ()
    assert (await room.poll()).requests == 1
    assert room.reading is not None
    room.reading = _aged(room.reading, minutes=11)
    assert await room.uids() == ["one", "two"]


async def test_a_member_deleted_between_list_and_reading_is_gone(
    server: ScriptedCaldav, room: Desk
):
    server.put("two.ics", single("two", 25))
    server.instead = once(
        "texts",
        lambda: multistatus(server.text(f"{PATH}one.ics"), server.gone("two.ics")),
    )
    reading = await room.poll()
    assert [o.uid for o in reading.occurrences] == ["one"]
    assert reading.problems == ()


def refusing(server: ScriptedCaldav, name: str, status: str) -> Callable[[str, Seen], Reply | None]:
    """Refuse the text of one member."""

    def instead(kind: str, seen: Seen) -> Reply | None:
        if kind != "texts":
            return None
        hrefs = re.findall(r"href>([^<]+)<", seen.body.decode())
        refused = response(PATH + name, "<C:calendar-data/>", status=f"HTTP/1.1 {status}")
        return multistatus(*(refused if h == PATH + name else server.text(h) for h in hrefs))

    return instead


@pytest.mark.parametrize("status", ["403 Forbidden", "404 Not Found", "500 Broken"])
async def test_a_member_that_is_refused_is_a_problem_of_its_own(
    server: ScriptedCaldav, room: Desk, status: str
):
    server.put("two.ics", single("two", 25))
    server.instead = refusing(server, "two.ics", status)
    reading = await room.poll()
    assert [o.uid for o in reading.occurrences] == ["one"]
    (problem,) = reading.problems
    assert problem.uid == "two.ics"
    assert status.split(" ", maxsplit=1)[0] in problem.text
    assert (await room.poll()).unchanged


async def test_several_members_that_are_always_refused_keep_no_other_event_unread(
    server: ScriptedCaldav, room: Desk
):
    server.put("two.ics", single("two", 25))
    server.put("three.ics", single("three", 26))
    refused = [response(f"{PATH}{n}.ics", status="HTTP/1.1 403 No") for n in ("two", "three")]
    given = server.text(f"{PATH}one.ics")
    server.instead = always("texts", lambda: multistatus(given, *refused))
    reading = await room.poll()
    assert ([o.uid for o in reading.occurrences], len(reading.problems)) == (["one"], 2)
    room.reading = _aged(reading, minutes=11)
    reading = await room.poll()
    assert ([o.uid for o in reading.occurrences], len(reading.problems)) == (["one"], 2)


async def test_what_was_known_of_a_refused_member_stays_until_it_can_be_read(
    server: ScriptedCaldav, room: Desk
):
    server.put("two.ics", single("two", 25))
    await room.poll()
    server.put("two.ics", single("two", 26))
    server.instead = refusing(server, "two.ics", "500 Broken")
    reading = await room.poll()
    assert [(o.uid, o.start.day) for o in reading.occurrences] == [("one", 24), ("two", 25)]
    assert len(reading.problems) == 1
    server.instead = lambda _kind, _seen: None
    room.reading = _aged(reading, minutes=11)
    reading = await room.poll()
    assert [(o.uid, o.start.day) for o in reading.occurrences] == [("one", 24), ("two", 26)]
    assert reading.problems == ()


def _aged(reading: Reading, *, minutes: int) -> Reading:
    full = re.search(r'"full":"([^"]*)"', reading.stamp)
    assert full is not None
    before = datetime.fromisoformat(full[1]) - timedelta(minutes=minutes)
    return replace(reading, stamp=reading.stamp.replace(full[1], before.isoformat()))


async def test_a_server_that_gives_no_member_at_all_is_not_believed(
    server: ScriptedCaldav, room: Desk
):
    server.put("two.ics", single("two", 25))
    refused = [response(f"{PATH}{n}.ics", status="HTTP/1.1 403 No") for n in ("one", "two")]
    server.instead = always("texts", lambda: multistatus(*refused))
    assert (await room.error()).kind == "unreadable"


async def test_a_member_that_is_no_calendar_costs_only_itself(server: ScriptedCaldav, room: Desk):
    server.put("bad.ics", b"BEGIN:VCALENDAR\r\nBEGIN:VEVENT\r\nUID:bad\r\n")
    reading = await room.poll()
    assert [o.uid for o in reading.occurrences] == ["one"]
    assert [p.uid for p in reading.problems] == ["bad.ics"]
    again = await room.poll()
    assert again.unchanged
    assert again.problems == reading.problems


@pytest.mark.parametrize(
    "text",
    [single("two", 26)[:-30], b"", b"<html>try again</html>"],
    ids=["cut off", "empty", "a page"],
)
async def test_what_was_known_of_a_damaged_member_stays_until_it_is_whole(
    server: ScriptedCaldav, room: Desk, text: bytes
):
    server.put("two.ics", single("two", 25))
    await room.poll()
    server.put("two.ics", single("two", 26))
    # It is whole on the server: only this answer is not, under the ETag that it has.
    whole, server.members["two.ics"] = server.members["two.ics"], text.decode()
    reading = await room.poll()
    assert [(o.uid, o.start.day) for o in reading.occurrences] == [("one", 24), ("two", 25)]
    assert [p.uid for p in reading.problems] == ["two.ics"]
    server.members["two.ics"] = whole
    assert (await room.poll()).unchanged, "it is left alone for a while"
    room.reading = _aged(reading, minutes=11)
    reading = await room.poll()
    assert [(o.uid, o.start.day) for o in reading.occurrences] == [("one", 24), ("two", 26)]
    assert reading.problems == ()


async def test_a_task_among_the_events_is_nothing(server: ScriptedCaldav, room: Desk):
    await room.poll()
    server.put("task.ics", calendar("BEGIN:VTODO\nUID:task\nEND:VTODO"))
    reading = await room.poll()
    assert ([o.uid for o in reading.occurrences], reading.problems) == (["one"], ())


# --- spellings -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    "spelling",
    [
        lambda name: f"{PATH}J%c3%bcrgen%40a%20b%2Bc%2Fd-{name}",
        lambda name: f"/dav/%61ula/K%C3%B6ln&{name}",
        lambda name: f"one/../{name}",
    ],
    ids=["escaped", "needlessly escaped", "relative"],
)
async def test_a_member_is_the_same_however_its_href_is_written(
    server: ScriptedCaldav, room: Desk, spelling: Callable[[str], str]
):
    server.spelling = spelling
    assert await room.uids() == ["one"]
    # From now on the server writes them otherwise, as proxies do.
    server.spelling = lambda name: spelling(name).replace("%40", "@").replace("%c3%bc", "%C3%BC")
    server.put("one.ics", single("one", 25))
    reading = await room.poll()
    assert [(o.uid, o.start.day) for o in reading.occurrences] == [("one", 25)]
    del server.members["one.ics"]
    server.tell("one.ics")
    assert await room.uids() == []


async def test_a_name_that_only_lists_have_unescaped_is_asked_for_escaped(
    server: ScriptedCaldav, room: Desk
):
    # As SOGo, which tells changes as `a&b.ics`, and knows it only as `a%26b.ics`.
    server.put("a&b.ics", single("two", 25))

    def instead(kind: str, seen: Seen) -> Reply | None:
        hrefs = re.findall(r"href>([^<]+)<", seen.body.decode())
        known = (href for href in hrefs if "&" not in href)
        return (
            server.texts(href.replace("%26", "&amp;") for href in known)
            if kind == "texts"
            else None
        )

    server.instead = instead
    assert await room.uids() == ["one", "two"]


async def test_absolute_hrefs_of_the_same_host_are_paths(server: ScriptedCaldav, room: Desk):
    server.spelling = lambda name: f"{server.url}{name}"
    assert await room.uids() == ["one"]


async def test_an_href_of_another_host_is_refused_and_nobody_there_is_asked(
    server: ScriptedCaldav, room: Desk
):
    async with web_server(lambda _seen: Reply(500)) as other:
        server.spelling = lambda name: other.url(f"/dav/{name}", host="127.0.0.1")
        error = await room.error()
        assert error.kind == "redirect"
        assert f"127.0.0.1:{other.port}" in str(error)
        assert other.seen == []


# --- what is no CalDAV ---------------------------------------------------------------------------

PAGE = {"Content-Type": "text/html"}
XML = {"Content-Type": "application/xml"}


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(200, PAGE, b"<!doctype html><form>Password <input></form>"), "login"),
        (Reply(200, PAGE, b"<html><body>It works!</body></html>"), "not_a_calendar"),
        (Reply(200, {"Content-Type": "text/plain"}, b"hello"), "not_a_calendar"),
        (Reply(200, XML, b"<?xml version='1.0'?><feed/>"), "not_a_calendar"),
        (Reply(207, XML, b""), "truncated"),
        (Reply(207, XML, b"<D:multistatus xmlns:D='DAV:'><D:response><D:hr"), "truncated"),
        (Reply(207, XML, b"<D:multistatus xmlns:D='DAV:'/>", cut=5), "unreachable"),
        (Reply(401), "login"),
        (Reply(403), "login"),
        (Reply(404), "not_found"),
        (Reply(405), "not_a_calendar"),
        (Reply(429, {"Retry-After": "600"}), "throttled"),
        (Reply(503, {"Retry-After": "600"}), "throttled"),
        (Reply(429), "unreachable"),
        (Reply(503), "unreachable"),
        (Reply(500), "unreachable"),
        (Reply(302, {"Location": "https://login.example.org/"}), "redirect"),
        (Reply(302, {"Location": "ftp://localhost/"}), "redirect"),
        (Reply(302, {"Location": PATH}), "redirect"),
        (Reply(302), "redirect"),
    ],
    ids=lambda value: str(value)[:60],
)
@pytest.mark.parametrize("where", ["properties", "listing", "texts"])
async def test_what_is_no_answer_of_caldav_is_an_error_of_its_kind(
    server: ScriptedCaldav, room: Desk, where: str, reply: Reply, kind: str
):
    server.instead = always(where, lambda: replace(reply, headers=dict(reply.headers)))
    error = await room.error()
    assert error.kind == kind, str(error)
    assert "localhost" in str(error)
    assert "s3cret" not in str(error)


@pytest.mark.parametrize("status", [429, 503])
@pytest.mark.parametrize(
    ("asked", "seconds"),
    [("600", 600), ("0", 0), ("-5", 0), ("9" * 20, 1800), ("Fri, 31 Dec 2100 23:59:59 GMT", 1800)],
)
async def test_a_server_that_asks_to_be_left_alone_is_for_half_an_hour_at_most(
    server: ScriptedCaldav, room: Desk, status: int, asked: str, seconds: int
):
    await room.poll()
    server.instead = always("changes", lambda: Reply(status, {"Retry-After": asked}))
    error = await room.error()
    assert error.after == timedelta(seconds=seconds)
    assert f"asks to be left alone for {seconds} s (status {status})" in str(error)


@pytest.mark.parametrize("digits", [400, 5000])
async def test_a_rest_of_more_seconds_than_a_number_holds_is_half_an_hour(
    server: ScriptedCaldav, room: Desk, digits: int
):
    await room.poll()
    server.instead = always("changes", lambda: Reply(503, {"Retry-After": "9" * digits}))
    error = await room.error()
    assert (error.kind, error.after) == ("throttled", timedelta(minutes=30))


async def test_the_last_reading_serves_on_after_an_error(server: ScriptedCaldav, room: Desk):
    await room.poll()
    server.instead = always("changes", lambda: Reply(503))
    assert (await room.error()).kind == "unreachable"
    server.instead = lambda _kind, _seen: None
    assert (await room.poll()).unchanged


async def test_a_redirect_within_the_host_is_followed_with_method_and_body(
    server: ScriptedCaldav, room: Desk
):
    old = "/old/aula/"

    def instead(_kind: str, seen: Seen) -> Reply | None:
        return Reply(301, {"Location": PATH}) if seen.path == old else None

    server.instead = instead
    room.url = server.url.replace(PATH, old)
    assert await room.uids() == ["one"]
    assert (await room.poll()).requests == 1


async def test_the_password_goes_to_no_other_host(server: ScriptedCaldav, room: Desk):
    async with web_server(lambda _seen: Reply(500)) as other:
        there = other.url("/dav/", host="127.0.0.1")
        server.instead = always("properties", lambda: Reply(307, {"Location": there}))
        assert (await room.error()).kind == "redirect"
        assert other.seen == []


async def test_a_home_on_another_host_is_refused(server: ScriptedCaldav, room: Desk):
    home = "<C:calendar-home-set><D:href>https://p1.example.org/x/</D:href></C:calendar-home-set>"
    server.instead = always("properties", lambda: multistatus(response(PATH, home)))
    error = await room.error()
    assert error.kind == "redirect"
    assert "p1.example.org" in str(error)


async def test_a_calendar_in_the_second_of_a_principals_homes_is_found(
    server: ScriptedCaldav, room: Desk
):
    hrefs = "".join(f"<D:href>{home}</D:href>" for home in ("/old/", "/dav/"))
    collection = "<D:resourcetype><D:collection/></D:resourcetype>"
    calendars = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
    answers = {
        "/me/": response("/me/", f"<C:calendar-home-set>{hrefs}</C:calendar-home-set>"),
        "/old/": response("/old/", collection),
        "/dav/": response("/dav/", collection) + response(PATH, calendars),
    }
    server.instead = lambda kind, seen: (
        multistatus(answers[seen.path]) if kind == "properties" else None
    )
    room.url = server.url.replace(PATH, "/me/")
    assert await room.uids() == ["one"]


@pytest.mark.parametrize("status", [403, 404])
async def test_several_calendars_are_told_also_where_the_inbox_may_not_be_read(
    server: ScriptedCaldav, room: Desk, status: int
):
    whose = (
        "<C:calendar-home-set><D:href>/dav/</D:href></C:calendar-home-set>"
        "<C:schedule-inbox-URL><D:href>/in/</D:href></C:schedule-inbox-URL>"
    )
    calendars = "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
    answers = {
        "/me/": multistatus(response("/me/", whose)),
        "/dav/": multistatus(response(PATH, calendars), response("/dav/two/", calendars)),
        "/in/": Reply(status),
    }
    server.instead = lambda kind, seen: answers[seen.path] if kind == "properties" else None
    room.url = server.url.replace(PATH, "/me/")
    error = await room.error()
    assert error.kind == "not_found"
    assert f"has several calendars; write one as the room's url: {PATH}, /dav/two/" in str(error)


async def test_a_collection_of_tasks_alone_is_told(server: ScriptedCaldav, room: Desk):
    props = (
        "<D:resourcetype><D:collection/><C:calendar/></D:resourcetype>"
        '<C:supported-calendar-component-set><C:comp name="VTODO"/>'
        "</C:supported-calendar-component-set>"
    )
    server.instead = always("properties", lambda: multistatus(response(PATH, props)))
    error = await room.error()
    assert error.kind == "not_a_calendar"
    assert "VTODO" in str(error)


@pytest.mark.parametrize("where", ["properties", "listing", "texts", "changes"])
async def test_an_answer_that_is_cut_anywhere_is_never_a_shorter_one(
    server: ScriptedCaldav, room: Desk, where: str
):
    server.put("two.ics", single("two", 25))
    if where == "changes":
        await room.poll()
        server.put("three.ics", single("three", 26))
    known = room.reading
    whole = b""

    def instead(kind: str, seen: Seen) -> Reply | None:
        nonlocal whole
        if kind != where:
            return None
        whole = server.usual(kind, seen).body
        return Reply(207, dict(XML), whole[:length])

    server.instead = instead
    length = 0
    cuts = 0
    while length < len(whole) or not whole:
        room.reading = known
        assert (await room.error()).kind in ("truncated", "not_a_calendar")
        length += 29
        cuts += 1
    assert cuts > 10


async def test_what_strangers_are_told_is_not_what_is_read(server: ScriptedCaldav, room: Desk):
    def instead(_kind: str, seen: Seen) -> Reply | None:
        return None if "authorization" in seen.headers else multistatus()

    server.instead = instead
    assert await room.uids() == ["one"]


async def test_a_server_that_hangs_does_not_hold_up_the_rooms_of_another(server: ScriptedCaldav):
    async with scripted_caldav() as other, caldav_source(server.url, timeout=20) as source:
        hangs = asyncio.create_task(Desk(source, other.url).error())
        other.instead = always("properties", lambda: Reply(500, delay=8))
        assert await Desk(source, server.url).uids() == ["one"]
        assert not hangs.done()
        await source.close()
        await asyncio.wait([hangs])


async def test_a_ca_file_that_is_none_is_told(server: ScriptedCaldav, tmp_path: Path):
    (tmp_path / "ca.pem").write_text("no certificate")
    async with caldav_source(server.url, ca_file=tmp_path / "ca.pem") as source:
        error = await Desk(source, server.url).error()
    assert error.kind == "certificate"
    assert "ca.pem" in str(error)


async def test_a_fault_of_the_program_is_told_without_the_calendar_and_the_worker_stays():
    pool = WorkerPool(size=1, module=MODULE)
    for _ in range(2):
        with pytest.raises(CalendarError) as caught:
            await pool.do("no job", 20)
        assert caught.value.kind == "unreadable"
        assert re.search(r"TypeError in \S+worker.py, line \d+", str(caught.value))
    (worker,) = pool._all
    assert worker.jobs == 2
    await pool.close()


async def test_an_event_that_takes_too_long_costs_only_itself(server: ScriptedCaldav):
    never = ("DTSTART:20260101T000000Z", "RRULE:FREQ=HOURLY;BYYEARDAY=366;BYMONTH=1")
    server.put("dear.ics", calendar(event(*never, uid="dear")))
    async with caldav_source(server.url) as source:
        reading = await Desk(source, server.url).poll()
    assert [o.uid for o in reading.occurrences] == ["one"]
    assert [p.text for p in reading.problems] == ["it takes longer than 2 s to work out"]


async def test_an_answer_without_end_is_read_only_so_far(server: ScriptedCaldav):
    pool = InlinePool(limit=1_000_000)
    server.instead = always("listing", lambda: Reply(207, XML, b"<a>" + b"x" * 1_100_000))
    async with caldav_source(server.url, pool=pool) as source:
        assert (await Desk(source, server.url).error()).kind == "too_large"
    await pool.close()


async def test_events_without_end_are_read_only_so_far(server: ScriptedCaldav):
    pool = InlinePool(limit=1_000_000)
    for n in range(60):
        server.put(
            f"n{n}.ics",
            single(f"n{n}").replace(b"END:VEVENT", b"X-A:%s\r\nEND:VEVENT" % (b"x" * 18_000)),
        )
    async with caldav_source(server.url, pool=pool) as source:
        assert (await Desk(source, server.url).error()).kind == "too_large"
    await pool.close()
