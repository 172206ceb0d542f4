"""What GetStreamingEvents answers: whole envelopes, one after another, for as long as was asked."""

import asyncio
from collections.abc import AsyncGenerator

from cospaced.exchange_simulator.asking import success
from cospaced.exchange_simulator.markup import tag, text
from cospaced.exchange_simulator.operations import subscriptions_missing
from cospaced.exchange_simulator.service import STREAMING, Service, Stream
from cospaced.exchange_simulator.subscriptions import Subscription


async def envelopes(stream: Stream, service: Service) -> AsyncGenerator[str, None]:
    """Yield `OK`, then notifications and signs of life, then `Closed`."""
    state = service.state
    changed = asyncio.Event()
    state.listeners.append(changed.set)
    service.streams[stream.account] += 1
    for one in stream.subscriptions:
        one.listeners += 1
    try:
        yield _envelope(service, text("m:ConnectionStatus", "OK"))
        end = state.clock.monotonic() + stream.minutes * state.knobs.stream_minute
        while (left := end - state.clock.monotonic()) > 0:
            changed.clear()
            lost = [
                one.id for one in stream.subscriptions if service.subscriptions.find(one.id) is None
            ]
            if lost:
                yield service.response(STREAMING, [subscriptions_missing(lost)])
                return
            told = _notifications(stream.subscriptions)
            if told:
                yield _envelope(service, tag("m:Notifications", told))
                continue
            patience = min(left, state.knobs.heartbeat)
            if not await _happens(changed, patience) and patience < left:
                quiet = "".join(one.notification([]) for one in stream.subscriptions)
                yield _envelope(service, tag("m:Notifications", quiet))
        yield _envelope(service, text("m:ConnectionStatus", "Closed"))
    finally:
        state.listeners.remove(changed.set)
        service.streams[stream.account] -= 1
        for one in stream.subscriptions:
            one.listeners -= 1
            one.used_at = state.clock.monotonic()


async def _happens(event: asyncio.Event, seconds: float) -> bool:
    try:
        async with asyncio.timeout(seconds):
            await event.wait()
    except TimeoutError:
        return False
    return True


def _notifications(subscriptions: tuple[Subscription, ...]) -> str:
    fresh = ((one, one.news()) for one in subscriptions)
    return "".join(one.notification(events) for one, events in fresh if events)


def _envelope(service: Service, inside: str) -> str:
    return service.response(STREAMING, [success(STREAMING, inside)])
