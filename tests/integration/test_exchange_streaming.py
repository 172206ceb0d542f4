"""Streaming notifications of the simulated Exchange, as exchangelib listens to them."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from pathlib import Path

import pytest
from exchangelib import Account, FolderCollection
from exchangelib.errors import ErrorExceededConnectionCount, ErrorSubscriptionNotFound
from exchangelib.properties import CreatedEvent, DeletedEvent, Event, ModifiedEvent, StatusEvent

from cospaced.exchange_simulator.faults import Fault
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.service import STREAMING
from support.exchange import ANNA, ROOM, Desk, an_exchange, lite_calendar, noon


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with an_exchange(tmp_path, Knobs(stream_minute=1.0, heartbeat=0.3)) as made:
        yield made


def subscribe(account: Account) -> str:
    folders = FolderCollection(account=account, folders=[lite_calendar(account)])
    return folders.subscribe_to_streaming()


def listen(account: Account, subscription: str) -> list[Event]:
    events: list[Event] = []
    for notification in lite_calendar(account).get_streaming_events(
        subscription, connection_timeout=1
    ):
        events.extend(notification.events)
    return events


async def opened(desk: Desk) -> None:
    """Wait until a stream has begun."""
    async with asyncio.timeout(10):
        while not desk.exchange.requests.count(STREAMING):
            await asyncio.sleep(0.01)


async def test_changes_are_told_as_they_happen_and_the_stream_closes_in_time(desk: Desk) -> None:
    account = desk.account(connections=2)
    subscription = await desk.ask(lambda: subscribe(account))
    began = time.monotonic()
    listening = asyncio.create_task(desk.ask(lambda: listen(account, subscription)))
    await opened(desk)
    made = desk.scenarios.invite(ANNA, [ROOM], noon())
    copy = desk.scenarios.copy(ROOM, made)
    desk.scenarios.delete(ROOM, made)
    events = await listening
    assert 0.9 < time.monotonic() - began < 15
    envelopes = [one.body for one in desk.exchange.requests if one.operation == STREAMING]
    assert "<m:ConnectionStatus>OK</m:ConnectionStatus>" in envelopes[0]
    assert "<m:ConnectionStatus>Closed</m:ConnectionStatus>" in envelopes[-1]
    told = [one for one in events if not isinstance(one, StatusEvent)]
    assert [type(one) for one in told] == [CreatedEvent, ModifiedEvent, DeletedEvent]
    assert {one.item_id.id for one in told} == {copy.id}
    assert any(isinstance(one, StatusEvent) for one in events)


async def test_what_happened_between_two_streams_is_told_by_the_second(desk: Desk) -> None:
    account = desk.account()
    subscription = await desk.ask(lambda: subscribe(account))
    desk.scenarios.invite(ANNA, [ROOM], noon())
    events = await desk.ask(lambda: listen(account, subscription))
    assert isinstance(events[0], CreatedEvent)


async def test_a_subscription_that_nobody_listens_to_is_forgotten(desk: Desk) -> None:
    account = desk.account()
    subscription = await desk.ask(lambda: subscribe(account))
    desk.exchange.knobs = replace(desk.exchange.knobs, subscription_seconds=-1)
    with pytest.raises(ErrorSubscriptionNotFound) as caught:
        await desk.ask(lambda: listen(account, subscription))
    assert subscription in str(caught.value)


async def test_unsubscribing_ends_a_subscription(desk: Desk) -> None:
    account = desk.account()
    subscription = await desk.ask(lambda: subscribe(account))
    calendar = lite_calendar(account)
    await desk.ask(lambda: calendar.unsubscribe(subscription))
    assert len(desk.exchange.service.subscriptions) == 0
    with pytest.raises(ErrorSubscriptionNotFound):
        await desk.ask(lambda: listen(account, subscription))


async def test_a_server_that_forgets_its_subscriptions_says_so_in_the_stream(desk: Desk) -> None:
    account = desk.account()
    subscription = await desk.ask(lambda: subscribe(account))
    listening = asyncio.create_task(desk.ask(lambda: listen(account, subscription)))
    await opened(desk)
    desk.exchange.service.subscriptions.forget()
    with pytest.raises(ErrorSubscriptionNotFound):
        await listening


async def test_a_stream_that_dies_is_an_error_and_not_a_quiet_end(desk: Desk) -> None:
    account = desk.account()
    subscription = await desk.ask(lambda: subscribe(account))
    desk.exchange.strike(Fault.STREAM_DIES, STREAMING, envelopes=2)
    with pytest.raises(Exception, match=r"reset|aborted|ended prematurely") as caught:
        await desk.ask(lambda: listen(account, subscription))
    assert not isinstance(caught.value, ErrorSubscriptionNotFound)


async def test_a_listener_that_leaves_frees_its_subscription(desk: Desk) -> None:
    account = desk.account()
    subscription = await desk.ask(lambda: subscribe(account))
    desk.scenarios.invite(ANNA, [ROOM], noon())

    def hear_one() -> Event:
        for notification in lite_calendar(account).get_streaming_events(
            subscription, connection_timeout=1, max_notifications_returned=1
        ):
            return notification.events[0]
        raise AssertionError("nothing was told")

    assert isinstance(await desk.ask(hear_one), CreatedEvent)
    held = desk.exchange.service.subscriptions.find(subscription)
    assert held is not None
    async with asyncio.timeout(2):
        while held.listeners:
            await asyncio.sleep(0.01)


async def test_an_account_that_holds_too_many_streams_is_refused_one_more(desk: Desk) -> None:
    desk.exchange.knobs = replace(desk.exchange.knobs, stream_limit=1, stream_minute=4)
    # Two protocols: one that may have two connections asks again with one, until it is let in.
    first, second = desk.account(), desk.account()
    subscription = await desk.ask(lambda: subscribe(first))
    listening = asyncio.create_task(desk.ask(lambda: listen(first, subscription)))
    await opened(desk)
    with pytest.raises(ErrorExceededConnectionCount):
        await desk.ask(lambda: listen(second, subscription))
    await listening
    desk.exchange.knobs = replace(desk.exchange.knobs, stream_minute=1)
    assert await desk.ask(lambda: listen(second, subscription))
