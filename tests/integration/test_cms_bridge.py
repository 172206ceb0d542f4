"""CmsBridge over a scripted Call Bridge: paging, faults, outcomes, turns."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any
from urllib.parse import parse_qs

import httpx
import pytest

from cospaced.cms.bridge import CmsBridge
from cospaced.cms.dial_rate import DialRate
from cospaced.domain.writes import (
    CreateSpace,
    DialEndpoint,
    DropLeg,
    EndCall,
    Outcome,
    Result,
    StartCall,
    Write,
)
from cospaced.errors import ApiError, Unreachable
from support.scripted_cms import OK_STATUS, Answering, Reply, a_bridge, in_turn, reason
from support.virtual import VirtualClock, run_virtually


HTML = b"<!DOCTYPE html><html><body>Please log in</body></html>"
DIAL = DialEndpoint(call="c1", endpoint="room@x", owner_id="o1")


def asking(answer: Answering, use: Callable[[CmsBridge], Awaitable[object]]) -> Any:
    """Run `use` on a bridge that answers so; return its result or error, and what was asked."""

    async def main(clock: VirtualClock) -> tuple[object, list[str]]:
        async with a_bridge(clock, answer) as (bridge, scripted):
            try:
                result = await use(bridge)
            except (Unreachable, ApiError) as error:
                result = error
            return result, scripted.asked

    return run_virtually(main)


def pages(ids: list[str], cap: int = 20) -> Answering:
    """Answer with a list of spaces in pages."""

    def answer(request: httpx.Request) -> Reply:
        query = parse_qs(request.url.query.decode())
        offset = int(query.get("offset", ["0"])[0])
        size = min(cap, int(query["limit"][0]))
        entries = "".join(
            f'<coSpace id="{one}"><name>{one}</name></coSpace>'
            for one in ids[offset : offset + size]
        )
        return 200, f'<coSpaces total="{len(ids)}">{entries}</coSpaces>'.encode()

    return answer


@pytest.mark.parametrize("count", [0, 1, 19, 20, 21, 40, 45])
def test_a_list_is_read_to_its_total_whatever_a_page_holds(count: int) -> None:
    ids = [f"s{number}" for number in range(count)]
    found, asked = asking(pages(ids), lambda bridge: bridge.spaces())
    assert [space.id for space in found] == ids
    assert len(asked) == max(1, -(-count // 20))


def test_the_filter_goes_with_every_page() -> None:
    _, asked = asking(pages(["a", "b", "c"], cap=2), lambda bridge: bridge.spaces("ä b"))
    assert asked == [
        "GET /api/v1/coSpaces?filter=%C3%A4+b&limit=50",
        "GET /api/v1/coSpaces?filter=%C3%A4+b&offset=2&limit=50",
    ]


def test_a_list_without_a_total_ends_with_an_empty_page() -> None:
    replies = in_turn(
        (200, b'<calls><call id="a"/></calls>'),
        (200, b'<calls><call id="b"/></calls>'),
        (200, b"<calls/>"),
    )
    found, _ = asking(replies, lambda bridge: bridge.calls())
    assert [call.id for call in found] == ["a", "b"]


def test_a_space_that_slips_over_a_page_border_counts_once() -> None:
    replies = in_turn(
        (200, b'<coSpaces total="3"><coSpace id="a"/><coSpace id="b"/></coSpaces>'),
        (200, b'<coSpaces total="3"><coSpace id="b"/></coSpaces>'),
    )
    found, _ = asking(replies, lambda bridge: bridge.spaces())
    assert [space.id for space in found] == ["a", "b"]


def test_a_list_that_shrinks_while_it_is_read_is_read_again() -> None:
    ids = ["a", "b", "c", "d"]
    answering = pages(ids, cap=2)

    def answer(request: httpx.Request) -> Reply:
        reply = answering(request)
        if "offset" not in str(request.url) and "a" in ids:
            ids.remove("a")
        return reply

    found, asked = asking(answer, lambda bridge: bridge.spaces())
    assert [space.id for space in found] == ["b", "c", "d"]
    assert len(asked) == 4


def test_a_total_that_is_never_reached_ends_the_reading() -> None:
    reply = (200, b'<calls total="9"></calls>')
    found, asked = asking(lambda _: reply, lambda bridge: bridge.calls())
    assert found == ()
    assert len(asked) == 3


def test_a_list_without_end_is_no_list(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("cospaced.cms.looks.MOST", 50)
    reply = (200, b'<calls total="9999999"><call id="a"/></calls>')
    error, _ = asking(lambda _: reply, lambda bridge: bridge.calls())
    assert error.kind == "nonsense"


def test_entries_without_an_id_and_elements_nobody_knows_are_passed_over() -> None:
    body = b'<calls total="2"><hint>x</hint><call><name>?</name></call><call id="a"/></calls>'
    found, _ = asking(lambda _: (200, body), lambda bridge: bridge.calls())
    assert [call.id for call in found] == ["a"]


# Reads that fail.


def test_a_busy_bridge_is_asked_once_more_and_then_called_busy() -> None:
    status, asked = asking(in_turn((503, b""), OK_STATUS), lambda bridge: bridge.status())
    assert status.uptime == 77
    assert len(asked) == 2
    error, asked = asking(lambda _: (503, b""), lambda bridge: bridge.status())
    assert (type(error), error.kind) == (Unreachable, "busy")
    assert len(asked) == 2


def test_a_broken_connection_is_tried_once_more() -> None:
    status, asked = asking(
        in_turn(httpx.ReadError("reset"), OK_STATUS), lambda bridge: bridge.status()
    )
    assert status.uptime == 77
    error, asked = asking(lambda _: httpx.ConnectError("no"), lambda bridge: bridge.status())
    assert error.kind == "connection"
    assert "cms.example.com:445" in str(error)
    assert len(asked) == 2


def test_a_request_and_its_repetition_share_one_deadline() -> None:
    async def main(clock: VirtualClock) -> None:
        async def slow(_: httpx.Request) -> Reply:
            await clock.sleep(0.9)
            return 503, b""

        async with a_bridge(clock, slow, timeout=1.0) as (bridge, scripted):
            with pytest.raises(Unreachable):
                await bridge.status()
            assert clock.monotonic() < 1.01
            assert len(scripted.asked) == 1

    run_virtually(main)


def test_silence_ends_at_the_timeout_and_is_not_asked_again() -> None:
    async def main(clock: VirtualClock) -> None:
        async def never(_: httpx.Request) -> Reply:
            await clock.sleep(999)
            return OK_STATUS

        async with a_bridge(clock, never, timeout=10.0) as (bridge, scripted):
            with pytest.raises(Unreachable) as caught:
                await bridge.status()
            assert caught.value.kind == "timeout"
            assert 10 <= clock.monotonic() < 10.01
            assert len(scripted.asked) == 1

    run_virtually(main)


@pytest.mark.parametrize(
    "reply",
    [
        (200, HTML),
        (200, b""),
        (200, b"<calls total='0'/>"),
        (200, b"<status><softwareVersion>3</softwareVersion></status>"),
        (302, b"", {"Location": "/login"}),
        (404, HTML),
        (403, HTML),
    ],
)
def test_what_is_no_answer_of_the_api_is_unreachable(reply: Reply) -> None:
    error, _ = asking(lambda _: reply, lambda bridge: bridge.status())
    assert isinstance(error, Unreachable)
    assert error.kind in ("nonsense", "login")


def test_a_refused_read_names_the_reason() -> None:
    error, _ = asking(lambda _: reason("databaseNotReady"), lambda bridge: bridge.spaces())
    assert (type(error), error.reason) == (ApiError, "databaseNotReady")
    error, _ = asking(lambda _: (400, b""), lambda bridge: bridge.spaces())
    assert (type(error), error.reason) == (ApiError, "status 400")


@pytest.mark.parametrize("reply", [reason("callLegDoesNotExist"), (404, b"")])
def test_single_looks_are_none_for_what_does_not_exist(reply: Reply) -> None:
    for look in (
        lambda bridge: bridge.leg("x"),
        lambda bridge: bridge.space("x"),
        lambda bridge: bridge.call_age("x"),
        lambda bridge: bridge.leg(""),
    ):
        assert asking(lambda _: reply, look)[0] is None
    assert asking(lambda _: reply, lambda bridge: bridge.legs("x"))[0] == ()
    assert asking(lambda _: reply, lambda bridge: bridge.has_members("x"))[0] is False
    assert asking(lambda _: reply, lambda bridge: bridge.unique_name())[0] == ""
    assert isinstance(asking(lambda _: reply, lambda bridge: bridge.sync_status("x"))[0], ApiError)


# Log-in.


def test_a_refused_log_in_is_tried_once_more_and_then_not_for_a_minute() -> None:
    async def main(clock: VirtualClock) -> None:
        replies = in_turn((401, b""))
        async with a_bridge(clock, replies) as (bridge, scripted):
            with pytest.raises(Unreachable) as caught:
                await bridge.status()
            assert caught.value.kind == "login"
            assert "'admin'" in str(caught.value)
            assert "pass'" not in str(caught.value)
            assert len(scripted.asked) == 2
            for _ in range(50):
                await clock.sleep(1)
                with pytest.raises(Unreachable):
                    await bridge.status()
                outcome = await bridge.write(DIAL)
                assert (outcome.result, outcome.sent) == (Result.UNKNOWN, False)
            assert len(scripted.asked) == 2
            await clock.sleep(10.1)
            with pytest.raises(Unreachable):
                await bridge.status()
            assert len(scripted.asked) == 3

    run_virtually(main)


def test_a_write_whose_log_in_was_refused_was_not_done() -> None:
    outcome, asked = asking(lambda _: (401, b""), lambda bridge: bridge.write(DIAL))
    assert (outcome.result, outcome.sent) == (Result.UNKNOWN, False)
    outcome, asked = asking(
        in_turn((401, b""), (200, b"", {"Location": "/api/v1/callLegs/l1"})),
        lambda bridge: bridge.write(DIAL),
    )
    assert outcome == Outcome(result=Result.DONE, id="l1")
    assert len(asked) == 2


# Writes.


@pytest.mark.parametrize(
    ("write", "reply", "expected"),
    [
        (
            DIAL,
            (200, b"", {"Location": "/api/v1/callLegs/l1"}),
            Outcome(result=Result.DONE, id="l1"),
        ),
        (
            StartCall(space="s"),
            (201, b"", {"Location": "https://cms:445/api/v1/calls/c%201/?x=y"}),
            Outcome(result=Result.DONE, id="c 1"),
        ),
        (StartCall(space="s"), (204, b""), Outcome(result=Result.DONE)),
        (
            StartCall(space="s"),
            reason("coSpaceDoesNotExist"),
            Outcome(result=Result.REFUSED, reason="coSpaceDoesNotExist"),
        ),
        (DIAL, (400, b""), Outcome(result=Result.REFUSED, reason="status 400")),
        (DIAL, (403, b""), Outcome(result=Result.REFUSED, reason="status 403")),
        (EndCall(call="c"), (200, b""), Outcome(result=Result.DONE)),
        (
            EndCall(call="c"),
            reason("callDoesNotExist"),
            Outcome(result=Result.DONE, reason="callDoesNotExist"),
        ),
        (DropLeg(leg="l"), (404, b""), Outcome(result=Result.DONE, reason="status 404")),
        (
            DropLeg(leg="l"),
            reason("callLegCannotBeDeleted"),
            Outcome(result=Result.REFUSED, reason="callLegCannotBeDeleted"),
        ),
        (DIAL, (503, b""), Outcome(result=Result.UNKNOWN, reason="busy")),
        (
            DIAL,
            reason("databaseNotReady", 503),
            Outcome(result=Result.UNKNOWN, reason="databaseNotReady"),
        ),
        (DIAL, (500, HTML), Outcome(result=Result.UNKNOWN, reason="status 500")),
    ],
)
def test_an_answer_to_a_write_is_done_refused_or_unknown(
    write: Write, reply: Reply, expected: Outcome
) -> None:
    outcome, asked = asking(lambda _: reply, lambda bridge: bridge.write(write))
    assert outcome == expected
    assert len(asked) == 1


@pytest.mark.parametrize("reply", [(200, HTML), (404, HTML), (302, b"")])
def test_a_page_in_answer_to_a_write_leaves_it_unknown(reply: Reply) -> None:
    outcome, _ = asking(lambda _: reply, lambda bridge: bridge.write(EndCall(call="c")))
    assert (outcome.result, outcome.sent) == (Result.UNKNOWN, True)


@pytest.mark.parametrize(
    ("fault", "sent"),
    [
        (httpx.ConnectError("refused"), False),
        (httpx.ReadError("reset"), True),
        (httpx.RemoteProtocolError("closed"), True),
    ],
)
def test_a_write_is_never_repeated_and_says_whether_it_may_have_left(
    fault: Exception, sent: bool
) -> None:
    outcome, asked = asking(lambda _: fault, lambda bridge: bridge.write(DIAL))
    assert (outcome.result, outcome.sent) == (Result.UNKNOWN, sent)
    assert len(asked) == 1


def test_a_write_without_an_answer_in_time_is_unknown_and_may_have_left() -> None:
    async def never(_: httpx.Request) -> Reply:
        await asyncio.sleep(99)
        return 200, b""

    outcome, _ = asking(never, lambda bridge: bridge.write(DIAL))
    assert (outcome.result, outcome.sent) == (Result.UNKNOWN, True)
    assert "within 10 s" in outcome.reason


def test_a_write_on_no_id_is_refused_and_never_sent() -> None:
    outcome, asked = asking(lambda _: (200, b""), lambda bridge: bridge.write(EndCall(call="")))
    assert (outcome.result, outcome.sent) == (Result.REFUSED, False)
    assert asked == []


# Turns and back-off.


def test_while_a_bridge_is_down_it_is_tried_once_a_second_and_its_return_is_seen_in_one() -> None:
    async def main(clock: VirtualClock) -> None:
        up = False

        def answer(_: httpx.Request) -> Reply:
            return OK_STATUS if up else httpx.ConnectError("refused")

        async with a_bridge(clock, answer) as (bridge, scripted):
            for _ in range(100):
                with pytest.raises(Unreachable):
                    await bridge.status()
                outcome = await bridge.write(DIAL)
                assert (outcome.result, outcome.sent) == (Result.UNKNOWN, False)
                await clock.sleep(0.1)
            assert 10 <= len(scripted.asked) <= 13
            up = True
            since = clock.monotonic()
            while True:
                try:
                    await bridge.status()
                    break
                except Unreachable:
                    await clock.sleep(0.1)
            assert clock.monotonic() - since <= 1.1

    run_virtually(main)


def test_hanging_requests_do_not_keep_a_recovery_from_being_seen() -> None:
    async def main(clock: VirtualClock) -> None:
        up = False

        async def answer(_: httpx.Request) -> Reply:
            if not up:
                await clock.sleep(999)
            return OK_STATUS

        async with a_bridge(clock, answer) as (bridge, _), asyncio.TaskGroup() as tasks:

            async def look() -> bool:
                try:
                    await bridge.status()
                except Unreachable:
                    return False
                return True

            for _ in range(300):
                tasks.create_task(look())
            await clock.sleep(20)
            for _ in range(30):
                tasks.create_task(look())
                await clock.sleep(0.1)
            up = True
            since = clock.monotonic()
            while not await look():
                await clock.sleep(0.1)
            assert clock.monotonic() - since <= 1.2

    run_virtually(main)


def test_dials_overtake_looks_and_audits_come_last() -> None:
    async def main(clock: VirtualClock) -> None:
        async def answer(request: httpx.Request) -> Reply:
            await clock.sleep(0.1)
            if request.method == "GET":
                return 200, b'<calls total="0"/>'
            return 200, b""

        async with a_bridge(clock, answer, concurrency=1) as (bridge, scripted):
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(bridge.calls("first"))
                await clock.sleep(0)
                tasks.create_task(bridge.auditing.calls("audit"))
                tasks.create_task(bridge.calls("verify"))
                tasks.create_task(
                    bridge.write(
                        CreateSpace(number=1, name="n", call_profile="", call_leg_profile="")
                    )
                )
                tasks.create_task(bridge.write(StartCall(space="s")))
                tasks.create_task(bridge.write(EndCall(call="c")))
                tasks.create_task(bridge.auditing.write(DIAL))
            assert [line.partition("?")[0] for line in scripted.asked] == [
                "GET /api/v1/calls",
                "POST /api/v1/calls/c1/callLegs",
                "DELETE /api/v1/calls/c",
                "POST /api/v1/calls",
                "GET /api/v1/calls",
                "POST /api/v1/coSpaces",
                "GET /api/v1/calls",
            ]
            assert "verify" in scripted.asked[4]
            assert "audit" in scripted.asked[6]

    run_virtually(main)


def test_the_dial_rate_holds_over_all_bridges_and_for_dials_only() -> None:
    async def main(clock: VirtualClock) -> None:
        rate = DialRate(5, clock)
        at: list[float] = []

        def answer(request: httpx.Request) -> Reply:
            if request.url.path.endswith("callLegs"):
                at.append(round(clock.monotonic(), 2))
            return 200, b""

        async with (
            a_bridge(clock, answer, dial_rate=rate) as (one, _),
            a_bridge(clock, answer, dial_rate=rate) as (two, _),
            asyncio.TaskGroup() as tasks,
        ):
            for _ in range(3):
                tasks.create_task(one.write(DIAL))
                tasks.create_task(two.write(DIAL))
            tasks.create_task(one.write(StartCall(space="s")))
        assert at == [0.0, 0.2, 0.4, 0.6, 0.8, 1.0]

    run_virtually(main)
