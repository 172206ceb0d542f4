"""The ical source over real sockets: feeds that change, do not, redirect, lie and fail."""

import gzip
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from email.utils import formatdate
from pathlib import Path

import pytest

from cospaced.calendars.ical_source import IcalSource
from cospaced.calendars.workers import InlineExpander
from cospaced.domain.calendar import Reading
from cospaced.errors import CalendarError
from cospaced.host.clock import SystemClock
from cospaced.host.offload import ThreadOffload
from cospaced.host.web import Web
from cospaced.ports import Clock
from cospaced.settings import CalendarSettings, RoomSettings, Secret, SourceType
from support.certificates import make_certificate
from support.ical import calendar, event, window
from support.situations import NOW
from support.source_writers import SetClock
from support.web_server import Reply, Seen, WebServer, web_server


ONE = calendar(event("DTSTART:20261124T100000Z", "DTEND:20261124T110000Z", uid="one"))
TWO = ONE.replace(b"UID:one", b"UID:two")
Make = Callable[..., IcalSource]


@pytest.fixture
async def make() -> AsyncIterator[Make]:
    """Make sources that are closed at the end."""
    offload = ThreadOffload("tests")
    made: list[IcalSource] = []

    def source(
        ca_file: Path | None = None,
        limit: int = 1_000_000,
        timeout: float = 5,
        clock: Clock | None = None,
        **settings: object,
    ) -> IcalSource:
        made.append(
            IcalSource(
                CalendarSettings(
                    name="hq",
                    type=SourceType.ICAL,
                    timeout=timedelta(seconds=timeout),
                    **settings,  # type: ignore[arg-type] # fields by name
                ),
                time_zone="Europe/Berlin",
                web=Web(ca_file=ca_file),
                expander=InlineExpander(offload),
                offload=offload,
                clock=clock or SystemClock(),
                limit=limit,
            )
        )
        return made[-1]

    yield source
    for one in made:
        await one.close()
    offload.close()


def room(server: WebServer, path: str = "/room.ics") -> RoomSettings:
    return RoomSettings(name="aula", calendar="hq", url=server.url(path))


async def kind_of(source: IcalSource, where: RoomSettings, previous: Reading | None = None) -> str:
    with pytest.raises(CalendarError) as caught:
        await source.poll(where, previous, window())
    assert "/room.ics" not in str(caught.value), "the address of a feed is a secret"
    return caught.value.kind


def uids(reading: Reading) -> list[str]:
    return [occurrence.uid for occurrence in reading.occurrences]


async def test_an_unchanged_feed_costs_one_conditional_request(make: Make):
    def answer(seen: Seen) -> Reply:
        if seen.headers.get("if-none-match") == '"v1"':
            return Reply(304)
        return Reply(headers={"ETag": '"v1"', "Last-Modified": "yesterday"}, body=ONE)

    async with web_server(answer) as server:
        source = make()
        first = await source.poll(room(server), None, window())
        second = await source.poll(room(server), first, window())
    assert uids(first) == uids(second) == ["one"]
    assert (first.unchanged, second.unchanged, second.requests) == (False, True, 1)
    assert server.seen[1].headers["if-modified-since"] == "yesterday"
    assert second.stamp == first.stamp


async def test_a_feed_without_etag_that_says_the_same_is_unchanged(make: Make):
    async with web_server(lambda _: Reply(body=ONE)) as server:
        source = make()
        first = await source.poll(room(server), None, window())
        second = await source.poll(room(server), first, window())
    assert second.unchanged
    assert second.occurrences == first.occurrences


async def test_a_changed_feed_is_seen(make: Make):
    bodies = iter([ONE, TWO])
    async with web_server(lambda _: Reply(headers={"ETag": "x"}, body=next(bodies))) as server:
        source = make()
        first = await source.poll(room(server), None, window())
        second = await source.poll(room(server), first, window())
    assert (uids(first), uids(second), second.unchanged) == (["one"], ["two"], False)


async def test_not_modified_under_a_window_that_rolled_on_is_worked_out_anew(make: Make):
    weekly = calendar(event("DTSTART:20261124T100000Z", "RRULE:FREQ=WEEKLY", uid="weekly"))
    replies = iter([Reply(headers={"ETag": "x"}, body=weekly), Reply(304)])
    async with web_server(lambda _: next(replies)) as server:
        source = make()
        first = await source.poll(room(server), None, window("2026-11-23", "2026-11-30"))
        second = await source.poll(room(server), first, window("2026-12-07", "2026-12-14"))
    assert second.unchanged
    assert f"{second.occurrences[0].start:%m-%d}" == "12-08"
    assert second.covered.start <= window("2026-12-07", "2026-12-14").start


async def test_changed_settings_read_the_feed_whole(make: Make):
    async with web_server(lambda _: Reply(headers={"ETag": "x"}, body=ONE)) as server:
        source = make()
        first = await source.poll(room(server), None, window())
        other = RoomSettings(name="aula", calendar="hq", url=server.url(), address="a@example.org")
        await source.poll(other, first, window())
    assert "if-none-match" not in server.seen[1].headers


async def test_gzip_is_unpacked(make: Make):
    packed = Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(ONE))
    async with web_server(lambda _: packed) as server:
        assert uids(await make().poll(room(server), None, window())) == ["one"]


async def test_redirects_are_followed_and_counted(make: Make):
    def answer(seen: Seen) -> Reply:
        if seen.path == "/room.ics":
            return Reply(302, {"Location": "/elsewhere.ics"})
        return Reply(body=ONE)

    async with web_server(answer) as server:
        reading = await make().poll(room(server), None, window())
    assert (uids(reading), reading.requests) == (["one"], 2)


async def test_a_circle_of_redirects_ends(make: Make):
    async with web_server(lambda s: Reply(301, {"Location": s.path})) as server:
        assert await kind_of(make(), room(server)) == "redirect"
    assert len(server.seen) == 6


@pytest.mark.parametrize("target", ["ftp://localhost/x", "file:///etc/passwd", "", "http://[x"])
async def test_redirects_to_anything_but_http_are_refused(make: Make, target: str):
    async with web_server(lambda _: Reply(302, {"Location": target} if target else {})) as server:
        assert await kind_of(make(), room(server)) == "redirect"


async def test_redirects_from_https_to_http_are_refused(make: Make, tmp_path: Path):
    certificate = make_certificate(tmp_path, "localhost")
    downgrade = Reply(302, {"Location": "http://localhost/x"})
    async with web_server(lambda _: downgrade, certificate) as server:
        assert await kind_of(make(ca_file=certificate.file), room(server)) == "redirect"


async def test_credentials_go_to_the_configured_host_alone(make: Make):
    async with web_server(lambda _: Reply(body=ONE)) as other:
        away = Reply(302, {"Location": other.url("/x.ics")})
        async with web_server(lambda _: away) as server:
            source = make(username="jo", password=Secret("pw"))
            await source.poll(room(server), None, window())
    assert server.seen[0].headers["authorization"].startswith("Basic ")
    assert "authorization" not in other.seen[0].headers


@pytest.mark.parametrize(
    ("reply", "kind"),
    [
        (Reply(401), "login"),
        (Reply(403), "login"),
        (Reply(404), "not_found"),
        (Reply(410), "not_found"),
        (Reply(500), "unreachable"),
        (Reply(204), "unreachable"),
        (Reply(body=b""), "not_a_calendar"),
        (Reply(body=b"<!DOCTYPE html><html><body>We moved</body></html>"), "not_a_calendar"),
        (Reply(body=b"<html><input type=password></html>"), "login"),
        (Reply(body=ONE[:-20]), "truncated"),
        (Reply(body=ONE, cut=20), "unreachable"),
        (Reply(body=ONE + b" " * 2_000_000), "too_large"),
        (
            Reply(headers={"Content-Encoding": "gzip"}, body=gzip.compress(bytes(5_000_000))),
            "too_large",
        ),
        (Reply(304), "unreachable"),
        (Reply(body=ONE, delay=5), "timeout"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.status),
)
async def test_what_is_no_calendar_is_told_by_kind(make: Make, reply: Reply, kind: str):
    async with web_server(lambda _: reply) as server:
        assert await kind_of(make(timeout=0.5), room(server)) == kind


async def test_a_server_that_is_not_there_is_unreachable(make: Make):
    async with web_server(lambda _: Reply()) as server:
        gone = room(server)
    assert await kind_of(make(), gone) == "unreachable"


async def test_tls_is_verified_and_a_ca_file_makes_it_work(make: Make, tmp_path: Path):
    certificate = make_certificate(tmp_path, "localhost")
    async with web_server(lambda _: Reply(body=ONE), certificate) as server:
        with pytest.raises(CalendarError, match=r"localhost.*ca_file") as caught:
            await make().poll(room(server), None, window())
        assert caught.value.kind == "certificate"
        trusted = make(ca_file=certificate.file)
        assert uids(await trusted.poll(room(server), None, window())) == ["one"]


async def test_webcal_addresses_are_http(make: Make):
    async with web_server(lambda _: Reply(body=ONE)) as server:
        where = RoomSettings(
            name="aula", calendar="hq", url=server.url().replace("http:", "webcal:")
        )
        assert uids(await make().poll(where, None, window())) == ["one"]


async def test_a_feed_whose_etag_never_changes_is_read_whole_within_a_day(make: Make):
    bodies = [ONE]

    def answer(seen: Seen) -> Reply:
        if "if-none-match" in seen.headers or "if-modified-since" in seen.headers:
            return Reply(304)
        return Reply(headers={"ETag": '"always"', "Last-Modified": "never"}, body=bodies[0])

    clock = SetClock(NOW)
    async with web_server(answer) as server:
        source = make(clock=clock)
        reading = await source.poll(room(server), None, window())
        bodies[0] = TWO
        seen_after = 0
        while uids(reading) != ["two"]:
            clock.advance(timedelta(hours=1))
            seen_after += 1
            assert seen_after <= 24
            reading = await source.poll(room(server), reading, window())
        assert seen_after >= 20
        # What it says from then on holds for a day again.
        assert (await source.poll(room(server), reading, window())).unchanged
    assert "if-none-match" in server.seen[-1].headers


async def test_a_modification_in_the_future_changes_nothing(make: Make):
    future = "Fri, 31 Dec 2099 23:59:59 GMT"
    bodies = iter([ONE, ONE, TWO])
    async with web_server(lambda _: Reply(200, {"Last-Modified": future}, next(bodies))) as server:
        source = make()
        first = await source.poll(room(server), None, window())
        second = await source.poll(room(server), first, window())
        third = await source.poll(room(server), second, window())
    assert server.seen[1].headers["if-modified-since"] == future
    assert (second.unchanged, third.unchanged, uids(third)) == (True, False, ["two"])


WRITTEN = 1_795_770_000
"""A moment, as the seconds that Last-Modified and some ETags count."""


@pytest.mark.parametrize(
    ("etag", "age", "sent"),
    [
        ("", 0, set()),
        ("", 3, {"if-modified-since"}),
        (f'"{WRITTEN:x}-1f4"', 1, set()),
        (f'"{WRITTEN:x}-1f4"', 3, {"if-none-match", "if-modified-since"}),
        (f'W/"{WRITTEN}"', 0, set()),
        ('"of the content"', 0, {"if-none-match"}),
    ],
)
async def test_a_feed_written_twice_within_a_second_is_read_to_the_end(
    make: Make, etag: str, age: int, sent: set[str]
):
    dates = {
        "ETag": etag,
        "Last-Modified": formatdate(WRITTEN, usegmt=True),
        "Date": formatdate(WRITTEN + age, usegmt=True),
    }
    bodies = iter([ONE, TWO])

    def answer(seen: Seen) -> Reply:
        asked = {"if-none-match", "if-modified-since"} & seen.headers.keys()
        return Reply(304) if asked else Reply(200, dates, next(bodies))

    async with web_server(answer) as server:
        source = make()
        first = await source.poll(room(server), None, window())
        second = await source.poll(room(server), first, window())
    assert sent == {"if-none-match", "if-modified-since"} & server.seen[1].headers.keys()
    assert uids(second) == (["one"] if sent else ["two"])


@pytest.mark.parametrize("tag", ['"größe"', "no quotes", 'W/"weak"', '"' + "x" * 5000 + '"'])
async def test_whatever_the_stamp_of_a_feed_is_its_next_poll_works(make: Make, tag: str):
    bodies = iter([ONE, TWO])
    reply = lambda _: Reply(200, {"ETag": tag, "Last-Modified": tag}, next(bodies))  # noqa: E731
    async with web_server(reply) as server:
        source = make()
        first = await source.poll(room(server), None, window())
        assert uids(await source.poll(room(server), first, window())) == ["two"]


async def test_a_feed_that_is_bad_for_a_while_is_asked_with_its_old_stamp_again(make: Make):
    replies = iter([Reply(headers={"ETag": "x"}, body=ONE), Reply(body=ONE[:-20]), Reply(304)])
    async with web_server(lambda _: next(replies)) as server:
        source = make()
        first = await source.poll(room(server), None, window())
        assert await kind_of(source, room(server), first) == "truncated"
        assert (await source.poll(room(server), first, window())).unchanged
