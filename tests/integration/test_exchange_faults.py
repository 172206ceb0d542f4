"""Each fault of the simulated Exchange leads exchangelib where the real one is known to lead it.

Expected classes were measured with exchangelib 5.6 against a logging endpoint; FailFast is its
default, FaultTolerance its retrying policy (with its shortest wait lowered here).
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from exchangelib import FaultTolerance, Version
from exchangelib.errors import (
    ErrorExceededConnectionCount,
    ErrorExceededFindCountLimit,
    ErrorInternalServerError,
    ErrorInvalidServerVersion,
    ErrorInvalidSyncStateData,
    ErrorMailboxStoreUnavailable,
    ErrorSchemaValidation,
    ErrorServerBusy,
    ErrorTimeoutExpired,
    MalformedResponseError,
    RedirectError,
    SOAPError,
    TransportError,
    UnauthorizedError,
)
from exchangelib.protocol import BaseProtocol
from exchangelib.version import EXCHANGE_2016

from cospaced.exchange_simulator.faults import Fault, Rule
from support.exchange import ANNA, OTHER_ROOM, ROOM, Desk, an_exchange, lite_calendar, noon


EVENTS = 6


@pytest.fixture
async def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Desk]:
    monkeypatch.setattr(BaseProtocol, "RETRY_WAIT", 0.05)
    async with an_exchange(tmp_path) as made:
        for day in range(1, EVENTS + 1):
            made.scenarios.invite(ANNA, [ROOM], noon(day))
        yield made


def viewing(desk: Desk, *, address: str = ROOM, **configuration: Any) -> Callable[[], list[Any]]:
    calendar = lite_calendar(desk.account(address, **configuration))
    span = calendar.view(noon(0), noon(EVENTS + 1)).only("subject", "start", "end")
    return lambda: list(span)


async def struck(rule: Rule) -> None:
    """Wait until a fault has struck."""
    async with asyncio.timeout(10):
        while not rule.hits:
            await asyncio.sleep(0.01)


REFUSALS = [
    (Fault.SOAP_FAULT, {"code": "ErrorServerBusy", "back_off": 1500}, ErrorServerBusy),
    (Fault.MESSAGE, {"code": "ErrorServerBusy", "back_off": 1500}, ErrorServerBusy),
    (Fault.UNAVAILABLE, {"retry_after": 3}, ErrorServerBusy),
    (Fault.THROTTLED, {"retry_after": 3}, MalformedResponseError),
    (Fault.RESET, {}, ErrorTimeoutExpired),
    (Fault.HANG, {}, ErrorTimeoutExpired),
    (Fault.UNAUTHORIZED, {}, UnauthorizedError),
    (Fault.SOAP_FAULT, {"code": "ErrorExceededConnectionCount"}, ErrorExceededConnectionCount),
    (Fault.SOAP_FAULT, {"code": "ErrorInternalServerError"}, ErrorInternalServerError),
    (Fault.MESSAGE, {"code": "ErrorInternalServerError"}, ErrorInternalServerError),
    (Fault.MESSAGE, {"code": "ErrorMailboxStoreUnavailable"}, ErrorMailboxStoreUnavailable),
    (Fault.MESSAGE, {"code": "ErrorExceededFindCountLimit"}, ErrorExceededFindCountLimit),
    (Fault.SOAP_FAULT, {"code": "ErrorSchemaValidation"}, ErrorSchemaValidation),
    (Fault.HTML, {}, MalformedResponseError),
    (Fault.REDIRECTED, {}, RedirectError),
    (Fault.EMPTY, {}, SOAPError),
    (Fault.HTML_ERROR, {}, MalformedResponseError),
    (Fault.TRUNCATED_LENGTH, {}, ErrorTimeoutExpired),
    (Fault.TRUNCATED_CHUNKED, {}, ErrorTimeoutExpired),
    (Fault.FORBIDDEN, {}, TransportError),
]


@pytest.mark.parametrize(("fault", "how", "error"), REFUSALS, ids=str)
async def test_a_fault_is_the_error_that_exchangelib_is_known_for(
    desk: Desk,
    monkeypatch: pytest.MonkeyPatch,
    fault: Fault,
    how: dict[str, Any],
    error: type[Exception],
) -> None:
    if fault is Fault.HANG:
        monkeypatch.setattr(BaseProtocol, "TIMEOUT", 0.5)
    rule = desk.exchange.strike(fault, "FindItem", **how)
    view = viewing(desk)
    with pytest.raises(error) as caught:
        await desk.ask(view)
    assert rule.hits == 1
    monkeypatch.undo()
    if fault is Fault.SOAP_FAULT and "back_off" in how:
        assert caught.value.back_off == 1.5
    assert len(await desk.ask(view)) == EVENTS


@pytest.mark.parametrize("fault", [Fault.TRUNCATED, Fault.TRUNCATED_UNTIL_CLOSE], ids=str)
async def test_a_truncated_answer_without_a_length_is_a_shorter_list(
    desk: Desk, fault: Fault
) -> None:
    desk.exchange.strike(fault, "FindItem", keep=0.6)
    view = viewing(desk)
    found = await desk.ask(view)
    assert 0 < len(found) < EVENTS
    assert len(await desk.ask(view)) == EVENTS


async def test_an_answer_that_drips_is_whole_in_the_end(desk: Desk) -> None:
    desk.exchange.strike(Fault.DRIP, "FindItem", seconds=0.01, pieces=20)
    began = time.monotonic()
    assert len(await desk.ask(viewing(desk))) == EVENTS
    assert time.monotonic() - began >= 0.2


async def test_a_slow_answer_outlasts_a_short_timeout(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(BaseProtocol, "TIMEOUT", 0.2)
    desk.exchange.strike(Fault.SLOW, "FindItem", seconds=0.6)
    with pytest.raises(ErrorTimeoutExpired):
        await desk.ask(viewing(desk))


async def test_a_server_that_does_not_listen_refuses(desk: Desk) -> None:
    view = viewing(desk)
    desk.served.refuse()
    with pytest.raises(ErrorTimeoutExpired):
        await desk.ask(view)
    await desk.served.listen()
    assert len(await desk.ask(view)) == EVENTS


async def test_a_write_whose_answer_is_lost_was_done(desk: Desk) -> None:
    made = desk.scenarios.invite(ANNA, [ROOM], noon(20))
    copy = desk.scenarios.copy(ROOM, made)
    account = desk.account()
    desk.exchange.strike(Fault.RESET_AFTER, "UpdateItem")

    def save() -> None:
        (item,) = account.fetch([(copy.id, None)], only_fields=["location", "changekey"])
        item.location = "Moved"
        item.save(update_fields=["location"])

    with pytest.raises(ErrorTimeoutExpired):
        await desk.ask(save)
    assert copy.content.location == "Moved"


PATIENT = [
    (Fault.SOAP_FAULT, {"code": "ErrorServerBusy", "back_off": 300}, 0.3),
    (Fault.MESSAGE, {"code": "ErrorServerBusy", "back_off": 60_000}, 0.05),
    (Fault.UNAVAILABLE, {"retry_after": 1}, 1.0),
]


@pytest.mark.parametrize(("fault", "how", "wait"), PATIENT, ids=str)
async def test_fault_tolerance_waits_and_asks_again(
    desk: Desk, fault: Fault, how: dict[str, Any], wait: float
) -> None:
    desk.exchange.strike(fault, "FindItem", **how)
    began = time.monotonic()
    assert len(await desk.ask(viewing(desk, retry_policy=FaultTolerance(max_wait=30)))) == EVENTS
    assert wait <= time.monotonic() - began < wait + 15
    assert desk.exchange.requests.count("FindItem") == 2


@pytest.mark.parametrize(
    ("fault", "how", "error"),
    [
        (Fault.THROTTLED, {"retry_after": 1}, MalformedResponseError),
        (Fault.RESET, {}, ErrorTimeoutExpired),
        (Fault.SOAP_FAULT, {"code": "ErrorInternalServerError"}, ErrorInternalServerError),
    ],
    ids=str,
)
async def test_fault_tolerance_with_one_connection_gives_up_at_once(
    desk: Desk, fault: Fault, how: dict[str, Any], error: type[Exception]
) -> None:
    desk.exchange.strike(fault, "FindItem", **how)
    with pytest.raises(error):
        await desk.ask(viewing(desk, retry_policy=FaultTolerance(max_wait=30)))
    assert desk.exchange.requests.count("FindItem") == 1


async def test_fault_tolerance_with_a_second_connection_open_survives_a_reset(desk: Desk) -> None:
    account = desk.account(retry_policy=FaultTolerance(max_wait=30), connections=2)
    calendar = lite_calendar(account)

    def view() -> int:
        return len(list(calendar.view(noon(0), noon(EVENTS + 1)).only("start")))

    slow = desk.exchange.strike(Fault.SLOW, "FindItem", seconds=1)
    first = asyncio.create_task(desk.ask(view))
    await struck(slow)
    assert await desk.ask(view) == EVENTS
    assert await first == EVENTS
    reset = desk.exchange.strike(Fault.RESET, "FindItem")
    assert await desk.ask(view) == EVENTS
    assert reset.hits == 1


async def test_a_version_that_the_server_does_not_know_is_asked_for_again_as_an_older_one(
    desk: Desk,
) -> None:
    desk.exchange.knobs = replace(
        desk.exchange.knobs, versions=("Exchange2010_SP2", "Exchange2013")
    )
    assert len(await desk.ask(viewing(desk, version=Version(EXCHANGE_2016)))) == EVENTS
    asked = [one.request for one in desk.exchange.requests if one.operation == "FindItem"]
    assert b"Exchange2016" in asked[0]
    assert b'Version="Exchange2013"' in asked[-1]
    desk.exchange.knobs = replace(desk.exchange.knobs, versions=())
    with pytest.raises((ErrorInvalidServerVersion, TransportError)):
        await desk.ask(viewing(desk, version=Version(EXCHANGE_2016)))


async def test_a_calendar_view_above_the_limit_wants_a_number_of_entries(desk: Desk) -> None:
    desk.exchange.knobs = replace(desk.exchange.knobs, find_limit=EVENTS - 1)
    with pytest.raises(ErrorExceededFindCountLimit):
        await desk.ask(viewing(desk))
    calendar = lite_calendar(desk.account())
    span = calendar.view(noon(0), noon(EVENTS + 1), max_items=EVENTS - 2).only("start")
    assert len(await desk.ask(lambda: list(span))) == EVENTS - 2


async def test_a_sync_error_without_its_elements_is_an_attribute_error(desk: Desk) -> None:
    calendar = lite_calendar(desk.account())
    with pytest.raises(ErrorInvalidSyncStateData):
        await desk.ask(lambda: list(calendar.sync_items(sync_state="?", only_fields=["start"])))
    desk.exchange.knobs = replace(desk.exchange.knobs, bare_sync_error=True)
    with pytest.raises(AttributeError):
        await desk.ask(lambda: list(calendar.sync_items(sync_state="?", only_fields=["start"])))


async def test_a_fault_strikes_one_mailbox_alone(desk: Desk) -> None:
    desk.exchange.strike(Fault.HTML, mailbox="room2@*", times=None)
    assert len(await desk.ask(viewing(desk))) == EVENTS
    other = lite_calendar(desk.account("room2@example.test"))
    with pytest.raises(MalformedResponseError):
        await desk.ask(lambda: list(other.view(noon(0), noon(0) + timedelta(days=1))))


async def test_faults_and_latency_come_by_chance_too(desk: Desk) -> None:
    desk.exchange.knobs = replace(desk.exchange.knobs, busy_rate=0.5, latency=(0.01, 0.02))
    calendar = lite_calendar(desk.account())

    def outcomes() -> list[str]:
        found = []
        for _ in range(20):
            try:
                list(calendar.view(noon(0), noon(2)).only("start"))
                found.append("done")
            except ErrorServerBusy:
                found.append("busy")
        return found

    began = time.monotonic()
    assert set(await desk.ask(outcomes)) == {"done", "busy"}
    assert time.monotonic() - began >= 0.2


async def test_requests_beyond_a_mailboxs_budget_are_refused(desk: Desk) -> None:
    desk.exchange.knobs = replace(desk.exchange.knobs, request_limit=1)
    one, two, other = viewing(desk), viewing(desk), viewing(desk, address=OTHER_ROOM)
    slow = desk.exchange.strike(Fault.SLOW, "FindItem", seconds=1)
    first = asyncio.create_task(desk.ask(one))
    await struck(slow)
    with pytest.raises(ErrorExceededConnectionCount):
        await desk.ask(two)
    assert await desk.ask(other) == []
    assert len(await first) == len(await desk.ask(two)) == EVENTS
