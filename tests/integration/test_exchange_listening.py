"""Streams of the `exchange` source: what is heard, and every way in which a stream ends."""

import asyncio
import os
import signal
import time
from collections.abc import AsyncIterator, Callable, MutableMapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from cospaced.calendars.exchange import source as exchange_source_module
from cospaced.calendars.exchange.listening import MODULE, Pace
from cospaced.calendars.exchange.source import ExchangeSource
from cospaced.calendars.login_gate import FIRST_PAUSE, LATER
from cospaced.engine.copies import Copies
from cospaced.engine.polling import Polling
from cospaced.engine.room_desk import CALM
from cospaced.engine.watching import Watching
from cospaced.errors import CalendarError
from cospaced.exchange_simulator.faults import Fault
from cospaced.exchange_simulator.rights import EVERYBODY
from cospaced.exchange_simulator.serve import Identity
from cospaced.exchange_simulator.service import STREAMING
from cospaced.ports import TellingSource
from cospaced.settings import (
    CmsSettings,
    ConferenceSettings,
    DaemonSettings,
    PoolSettings,
    RoomSettings,
    Secret,
    Settings,
)
from cospaced.store.memory import MemoryStore
from support import exchange_items
from support.certificates import make_certificate
from support.exchange_calendars import SERVICE, Server, exchange_source, server
from support.icalendar_writer import address_of
from support.situations import NOW, PLAIN, WINDOW
from support.source_writers import SetClock
from support.virtual import SeededEntropy


QUICK = Pace(silence=20.0, first_pause=0.05, longest_pause=0.2)


async def until(holds: Callable[[], object], seconds: float = 15.0) -> None:
    """Wait until something holds; TimeoutError where it never does."""
    async with asyncio.timeout(seconds):
        while not holds():
            await asyncio.sleep(0.01)


class Scene:
    """A server with two rooms, and the daemon's source that hears of them."""

    def __init__(self, running: Server, source: ExchangeSource, clock: SetClock) -> None:
        self.server = running
        self.clock = clock
        self.exchange = running.exchange
        self.source = source
        self.rooms: list[RoomSettings] = [running.add_room("aula"), running.add_room("boardroom")]
        self.heard: list[str] = []
        self.logs: list[MutableMapping[str, Any]] = []

    def put(self, room: str = "aula") -> None:
        """Change a room's calendar."""
        box = self.exchange.state.mailbox(address_of(room))
        exchange_items.put(self.exchange.state, box, replace(PLAIN, id=f"{len(box.events)}@x"))

    def told(self, event: str) -> list[MutableMapping[str, Any]]:
        return [line for line in self.logs if line["event"] == f"calendar.{event}"]

    async def hears(self, room: str = "aula", within: float = 2.0) -> None:
        """Hold that a change in a room is told in time, and nothing of another room."""
        self.heard.clear()
        began = time.monotonic()
        self.put(room)
        await until(lambda: self.heard)
        assert time.monotonic() - began < within
        assert set(self.heard) == {room}

    async def poll(self) -> None:
        await self.source.poll(self.rooms[0], None, WINDOW)

    @asynccontextmanager
    async def watching(
        self, *, until_told: str = "streaming"
    ) -> AsyncIterator["asyncio.Task[None]"]:
        """Watch the rooms, from when it is told that the stream has begun."""
        with capture_logs() as self.logs:
            task = asyncio.create_task(self.source.watch(self.rooms, self.heard.extend))
            try:
                await self.poll()
                await until(lambda: self.told(until_told))
                yield task
            finally:
                task.cancel()
                await asyncio.wait([task])


@asynccontextmanager
async def a_scene(folder: Path, pace: Pace = QUICK, **settings: object) -> AsyncIterator[Scene]:
    clock = SetClock(NOW)
    async with (
        server(folder, clock) as running,
        exchange_source(running, clock, pace, **settings) as source,
    ):
        running.exchange.knobs = replace(running.exchange.knobs, heartbeat=0.3)
        yield Scene(running, source, clock)


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    async with a_scene(tmp_path) as made:
        yield made


def listeners() -> list[int]:
    """Return the process ids of this process's listeners."""
    found = []
    for entry in Path("/proc").iterdir():
        try:
            words = (entry / "cmdline").read_bytes().split(b"\0")
            parent = (entry / "stat").read_text().rpartition(")")[2].split()[1]
        except (OSError, IndexError):
            continue
        if MODULE.encode() in words and int(parent) == os.getpid():
            found.append(int(entry.name))
    return found


# --- what is heard ------------------------------------------------------------------------------


async def test_a_change_is_told_within_two_seconds_by_the_name_of_its_room(scene: Scene) -> None:
    async with scene.watching():
        for room in ("aula", "boardroom", "aula"):
            await scene.hears(room)
        (told,) = scene.told("streaming")
        assert (told["calendar"], told["count"]) == ("hq", 2)


async def test_signs_of_life_and_our_own_looks_tell_no_change(scene: Scene) -> None:
    async with scene.watching():
        await scene.hears()
        scene.heard.clear()
        await scene.poll()
        before = scene.exchange.requests.count(STREAMING)
        await until(lambda: scene.exchange.requests.count(STREAMING) >= before + 3)
        assert scene.heard == []
        assert len(scene.told("streaming")) == 1


async def test_nothing_is_listened_to_before_a_room_could_be_read(scene: Scene) -> None:
    task = asyncio.create_task(scene.source.watch(scene.rooms, scene.heard.extend))
    scene.exchange.strike(Fault.UNAVAILABLE)
    with pytest.raises(Exception, match="asks to be asked less often"):
        await scene.poll()
    await asyncio.sleep(0)
    assert listeners() == []
    task.cancel()


async def test_where_only_polls_are_wanted_no_listener_is_started(tmp_path: Path) -> None:
    async with a_scene(tmp_path, notifications="poll") as scene:
        await scene.poll()
        assert isinstance(scene.source, TellingSource)
        await scene.source.watch(scene.rooms, scene.heard.extend)
        assert listeners() == []


@pytest.mark.parametrize(("auth", "access"), [("ntlm", "impersonation"), ("basic", "delegate")])
async def test_every_login_and_access_may_listen(tmp_path: Path, auth: str, access: str) -> None:
    async with a_scene(tmp_path, auth=auth, access=access) as scene:
        scene.exchange.grant(replace(SERVICE, delegate_of=frozenset({EVERYBODY})))
        async with scene.watching():
            await scene.hears()


async def test_a_token_that_expires_between_two_streams_is_fetched_anew(tmp_path: Path) -> None:
    clock = SetClock(NOW)
    made = make_certificate(tmp_path, "localhost")
    identity = Identity(certificate=made.file, key=made.key)
    async with server(tmp_path, clock, identity) as running:
        how = {"auth": "oauth", "tenant_id": "t", "client_id": SERVICE.name, "verify": False}
        how |= {"client_secret": Secret(SERVICE.password), "authority": running.served.root}
        async with exchange_source(running, clock, QUICK, **how) as source:
            scene = Scene(running, source, clock)
            scene.exchange.knobs = replace(
                scene.exchange.knobs, heartbeat=0.1, stream_minute=0.01, token_seconds=2
            )
            async with scene.watching():
                before = scene.exchange.tokens.issued
                await until(lambda: scene.exchange.tokens.issued > before)
                await scene.hears()
                assert not scene.told("stream_lost")


async def test_each_subscription_is_its_mailboxs_own_and_all_are_kept_by_one_server(
    scene: Scene,
) -> None:
    async with scene.watching():
        asked = [one for one in scene.exchange.requests if one.operation == "Subscribe"]
        assert {one.mailbox for one in asked} == {room.mailbox for room in scene.rooms}
        streams = [one for one in scene.exchange.requests if one.operation == STREAMING]
        assert streams[0].request.count(b"SubscriptionId>") == 2 * len(scene.rooms)


async def test_more_mailboxes_than_a_stream_may_hold_are_several_streams(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange_source_module, "MOST", 1)
    async with scene.watching():
        await until(lambda: len(scene.told("streaming")) == 2)
        assert len(listeners()) == 2
        for room in ("aula", "boardroom"):
            await scene.hears(room)


# --- how a stream ends --------------------------------------------------------------------------


async def test_a_stream_that_ends_in_time_is_opened_again_and_nothing_is_told(
    scene: Scene,
) -> None:
    scene.exchange.knobs = replace(scene.exchange.knobs, stream_minute=0.02)
    async with scene.watching():
        before = _asked(scene, STREAMING)
        await until(lambda: _asked(scene, STREAMING) >= before + 2)
        await scene.hears()
        assert _asked(scene, "Subscribe") == 2
        assert not scene.told("stream_lost")


async def test_a_server_that_ends_every_stream_at_once_is_not_asked_without_a_pause(
    tmp_path: Path,
) -> None:
    pause = 1.0
    async with a_scene(tmp_path, replace(QUICK, first_pause=pause)) as scene:
        scene.exchange.knobs = replace(scene.exchange.knobs, stream_minute=0.001)
        async with scene.watching():
            began = time.monotonic()
            before = _asked(scene, STREAMING)
            await until(lambda: _asked(scene, STREAMING) >= before + 3)
            assert time.monotonic() - began > 2 * pause


async def test_a_stream_that_dies_is_told_once_and_is_back_without_new_subscriptions(
    scene: Scene,
) -> None:
    rule = scene.exchange.strike(Fault.STREAM_DIES, STREAMING, envelopes=2)
    async with scene.watching():
        await until(lambda: scene.told("stream_back"))
        assert rule.hits == 1
        (lost,) = scene.told("stream_lost")
        assert "connection broke" in lost["reason"]
        await scene.hears()
        assert _asked(scene, "Subscribe") == 2
        assert len(scene.told("stream_back")) == 1


async def test_subscriptions_that_the_server_forgot_are_made_again(scene: Scene) -> None:
    async with scene.watching():
        scene.exchange.service.subscriptions.forget()
        scene.put()
        await until(lambda: _asked(scene, "Subscribe") == 4)
        await until(lambda: scene.exchange.service.streams[SERVICE.name])
        await scene.hears()
        assert not scene.told("stream_lost")


@pytest.mark.parametrize(
    "code",
    ["ErrorInvalidSubscription", "ErrorMissedNotificationEvents", "ErrorSubscriptionUnsubscribed"],
)
async def test_a_stream_that_is_refused_with_an_error_of_its_own_is_begun_from_nothing(
    scene: Scene, code: str
) -> None:
    scene.exchange.strike(Fault.MESSAGE, STREAMING, code=code)
    async with scene.watching(until_told="stream_back"):
        assert code in scene.told("stream_lost")[0]["reason"]
        assert _asked(scene, "Subscribe") == 4
        await scene.hears()


@pytest.mark.parametrize("begun", [False, True])
async def test_subscriptions_that_never_last_are_given_up_and_not_made_for_ever(
    scene: Scene, begun: bool
) -> None:
    forget = scene.exchange.service.subscriptions.forget
    operation = STREAMING if begun else "Subscribe"
    scene.exchange.requests.listeners.append(
        lambda logged: forget() if logged.operation == operation else None
    )
    async with scene.watching(until_told="stream_lost"):
        assert "forgets its subscription" in scene.told("stream_lost")[0]["reason"]
        assert 4 <= _asked(scene, "Subscribe") <= 8


async def test_a_server_that_restarts_is_listened_to_again(scene: Scene) -> None:
    async with scene.watching():
        scene.server.served.refuse()
        await until(lambda: scene.told("stream_lost"))
        scene.exchange.service.subscriptions.forget()
        # Long enough for some tries to fail.
        await asyncio.sleep(2 * QUICK.longest_pause)
        await scene.server.served.listen()
        await until(lambda: scene.told("stream_back"))
        await scene.hears()
        assert len(scene.told("stream_lost")) == 1


async def test_a_listener_that_is_killed_is_started_again(scene: Scene) -> None:
    async with scene.watching():
        (pid,) = listeners()
        os.kill(pid, signal.SIGKILL)
        await until(lambda: scene.told("stream_back"))
        assert [line["reason"] for line in scene.told("stream_lost")] == ["the listener died"]
        assert listeners() not in ([], [pid])
        await scene.hears()


async def test_a_stream_without_signs_of_life_is_given_up(tmp_path: Path) -> None:
    async with a_scene(tmp_path, replace(QUICK, silence=1.0)) as scene, scene.watching():
        scene.exchange.knobs = replace(scene.exchange.knobs, heartbeat=60)
        await until(lambda: scene.told("stream_lost"))
        assert "(timed out)" in scene.told("stream_lost")[0]["reason"]


async def test_a_listener_that_hangs_is_ended(tmp_path: Path) -> None:
    pace, timeout = replace(QUICK, silence=1.0), timedelta(seconds=4)
    async with a_scene(tmp_path, pace, timeout=timeout) as scene, scene.watching():
        (pid,) = listeners()
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: scene.told("stream_back"))
        assert "said nothing for 5 s" in scene.told("stream_lost")[0]["reason"]
        assert pid not in listeners()


async def test_a_refused_login_is_not_tried_again_before_a_poll_is_let_in(scene: Scene) -> None:
    async with scene.watching():
        rule = scene.exchange.strike(Fault.UNAUTHORIZED, STREAMING, times=None)
        scene.server.served.refuse()
        await scene.server.served.listen()
        await until(lambda: rule.hits)
        # Many times as long as it would take to try again.
        await asyncio.sleep(10 * QUICK.longest_pause)
        assert rule.hits == 1
        rule.cancel()
        await scene.poll()
        await until(lambda: scene.told("stream_back"))
        await scene.hears()


def _refused(scene: Scene) -> int:
    return sum(1 for one in scene.exchange.requests if one.status == 401)


async def test_a_stream_that_ends_is_not_asked_for_again_while_polls_are_refused(
    tmp_path: Path,
) -> None:
    async with a_scene(tmp_path) as scene:
        streams = scene.exchange.service.streams
        scene.exchange.knobs = replace(scene.exchange.knobs, stream_minute=0.03)
        async with scene.watching():
            scene.exchange.grant(replace(SERVICE, password="changed"))
            with pytest.raises(CalendarError, match="refuses the login"):
                await scene.poll()
            await until(lambda: not streams[SERVICE.name])
            # Many times as long as it would take to ask.
            await asyncio.sleep(5 * QUICK.longest_pause)
            assert _refused(scene) == 1
            scene.exchange.grant(SERVICE)
            scene.clock.leap(FIRST_PAUSE + LATER)
            await scene.poll()
            await until(lambda: streams[SERVICE.name])
            await scene.hears()
            assert _refused(scene) == 1
            assert not scene.told("stream_lost")


async def test_polls_try_a_login_one_by_one_that_a_stream_was_refused(tmp_path: Path) -> None:
    async with a_scene(tmp_path) as scene:
        scene.exchange.knobs = replace(scene.exchange.knobs, stream_minute=0.03)
        scene.rooms += [scene.server.add_room(f"room{n}") for n in range(8)]
        async with scene.watching():
            scene.exchange.grant(replace(SERVICE, password="changed"))
            await until(lambda: scene.told("stream_lost"))
            polls = (scene.source.poll(room, None, WINDOW) for room in scene.rooms)
            ends = await asyncio.gather(*polls, return_exceptions=True)
            assert all(isinstance(end, CalendarError) for end in ends)
            # That of the stream, and those of two mailboxes: one may be refused alone.
            assert _refused(scene) == 3


async def test_a_mailbox_without_rights_is_told_once_and_the_others_are_heard(
    scene: Scene,
) -> None:
    scene.exchange.knobs = replace(scene.exchange.knobs, stream_minute=0.1)
    nobody = replace(scene.rooms[0], name="attic", mailbox="attic@rooms.example.org")
    scene.rooms.append(nobody)
    async with scene.watching():
        before = _asked(scene, "Subscribe")
        await until(lambda: _asked(scene, "Subscribe") >= before + 2)
        await scene.hears()
        (told,) = scene.told("not_streamed")
        assert told["room"] == "attic"
        assert "attic@rooms.example.org" in told["reason"]
        assert scene.told("streaming")[0]["count"] == 2


async def test_too_many_streams_are_told_and_not_hammered(scene: Scene) -> None:
    scene.exchange.knobs = replace(scene.exchange.knobs, stream_limit=0)
    async with scene.watching(until_told="stream_lost"):
        assert "less often" in scene.told("stream_lost")[0]["reason"]
        await asyncio.sleep(10 * QUICK.longest_pause)
        assert _asked(scene, STREAMING) == 1


async def test_it_ends_within_a_second_and_leaves_no_process(scene: Scene) -> None:
    async with scene.watching() as task:
        assert len(listeners()) == 1
        began = time.monotonic()
        task.cancel()
        await asyncio.wait([task])
        assert time.monotonic() - began < 1
        assert listeners() == []


def _asked(scene: Scene, operation: str) -> int:
    """Return how many requests there were, counting a stream once."""
    requests = [one.request for one in scene.exchange.requests if one.operation == operation]
    return sum(1 for n, one in enumerate(requests) if n == 0 or one is not requests[n - 1])


# --- in the daemon ------------------------------------------------------------------------------


class Engine:
    """The daemon's polling of a scene's rooms, once a minute, and what it listens to."""

    def __init__(self, scene: Scene, clock: SetClock) -> None:
        self.changed: list[str] = []
        self.sources = {"hq": scene.source}
        self.settings = Settings(
            file=Path("cospaced.ini"),
            daemon=DaemonSettings(),
            cms=CmsSettings(address="https://cms.example.org", username="x", password=Secret("x")),
            pool=PoolSettings(domain="x", numeric_id_base=1, numeric_id_quantity=1),
            conferences=ConferenceSettings(),
            calendars=(scene.server.settings,),
            rooms=tuple(scene.rooms),
        )
        self.polling = Polling(
            sources=self.sources,
            copies=Copies(),
            store=MemoryStore(),
            clock=clock,
            entropy=SeededEntropy(1),
            settings=self.settings,
            on_change=lambda keys: self.changed.extend(uid for uid, _ in keys),
            booked_before=lambda _: [],
        )
        self.watching = Watching(
            sources=self.sources, settings=self.settings, on_change=self.polling.heard
        )

    def reload(self, *rooms: RoomSettings) -> None:
        settings = replace(self.settings, rooms=rooms)
        self.polling.reload(settings, self.sources)
        self.watching.reload(settings, self.sources)

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        await self.polling.load()
        async with asyncio.TaskGroup() as tasks:
            parts = [tasks.create_task(one.run()) for one in (self.polling, self.watching)]
            yield
            for part in parts:
                part.cancel()


async def test_the_daemon_sees_a_change_within_two_seconds_and_takes_up_rooms_at_a_reload(
    tmp_path: Path,
) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running, exchange_source(running, clock, QUICK) as source:
        scene = Scene(running, source, clock)
        engine = Engine(scene, clock)
        with capture_logs() as scene.logs:
            async with engine.running():
                await until(lambda: scene.told("streaming"))
                await until(lambda: not engine.polling.unread)
                await _seen(scene, engine, "aula")
                attic = running.add_room("attic")
                engine.reload(scene.rooms[0], attic)
                await until(lambda: len(scene.told("streaming")) == 2)
                await until(lambda: not engine.polling.unread)
                await _seen(scene, engine, "attic")
                assert len(listeners()) == 1
        assert listeners() == []


async def _seen(scene: Scene, engine: Engine, room: str) -> None:
    """Hold that a change in a room reaches the engine in time, by one poll of that room."""
    # So long a room is left in peace after a poll.
    await asyncio.sleep(CALM.total_seconds())
    engine.changed.clear()
    polls = engine.polling.polls
    began = time.monotonic()
    scene.put(room)
    await until(lambda: engine.changed)
    assert time.monotonic() - began < 2
    assert engine.polling.polls == polls + 1
