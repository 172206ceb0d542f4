"""The `exchange` source against a simulated server: what it asks, and every way of going wrong."""

import sys
from collections.abc import AsyncIterator, Callable
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.calendars.exchange.source import ExchangeSource
from cospaced.calendars.login_gate import FIRST_PAUSE, LATER
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.exchange_simulator.faults import Fault
from cospaced.exchange_simulator.knobs import SCHEMAS
from cospaced.exchange_simulator.rights import EVERYBODY, Account
from cospaced.settings import RoomSettings, Secret
from support import exchange_fault_rows, exchange_items
from support.events import HOUR, MINUTE, Event, Every, Repeats
from support.exchange_calendars import SERVICE, Server, exchange_source, server
from support.icalendar_writer import address_of
from support.situations import NOW, PLAIN, WEEKLY, WINDOW
from support.source_writers import SetClock


DAY = timedelta(days=1)
# The package has a function of that name.
find_item = sys.modules["cospaced.exchange_simulator.operations.find_item"]


class Scene:
    """A server with one room, and the daemon's source for it."""

    def __init__(self, running: Server, source: ExchangeSource, clock: SetClock) -> None:
        self.server = running
        self.exchange = running.exchange
        self.source = source
        self.clock = clock
        self.room: RoomSettings = running.add_room("aula")
        self.reading: Reading | None = None
        self.window = WINDOW

    @property
    def asked(self) -> list[str]:
        """The operations of the last poll."""
        return [logged.operation for logged in self.exchange.requests]

    def put(self, *events: Event) -> None:
        box = self.exchange.state.mailbox(address_of("aula"))
        for event in events:
            exchange_items.put(self.exchange.state, box, event)

    async def poll(self) -> Reading:
        self.exchange.requests.clear()
        self.reading = await self.source.poll(self.room, self.reading, self.window)
        return self.reading

    async def refused(self) -> CalendarError:
        with pytest.raises(CalendarError) as caught:
            await self.poll()
        return caught.value


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running, exchange_source(running, clock) as source:
        yield Scene(running, source, clock)


# --- what is asked ------------------------------------------------------------------------------


async def test_an_unchanged_mailbox_costs_one_request(scene: Scene) -> None:
    scene.put(PLAIN, WEEKLY)
    await scene.poll()
    reading = await scene.poll()
    assert (reading.unchanged, reading.requests) == (True, 1)
    assert scene.asked == ["SyncFolderItems"]


async def test_only_what_is_new_is_asked_for_its_details(scene: Scene) -> None:
    scene.put(PLAIN, replace(WEEKLY, id="weekly@example.org"))
    await scene.poll()
    assert scene.asked == ["SyncFolderItems", "FindItem", "GetItem"]
    scene.put(replace(PLAIN, id="two@example.org"))
    reading = await scene.poll()
    assert scene.asked == ["SyncFolderItems", "FindItem", "GetItem"]
    asked = list(scene.exchange.requests)[-1].request.decode()
    assert asked.count("ItemId ") == 1
    assert len(reading.occurrences) == 5


async def test_an_event_whose_details_cannot_be_told_stays_and_is_asked_for_again(
    scene: Scene,
) -> None:
    scene.put(PLAIN, replace(PLAIN, id="two@example.org", title="Two"))
    before = await scene.poll()
    scene.exchange.knobs = replace(scene.exchange.knobs, corrupt_subjects=frozenset({"Later"}))
    scene.put(replace(PLAIN, title="Later", start=PLAIN.start + timedelta(hours=1)))
    reading = await scene.poll()
    assert reading.problems == ()
    assert [one.uid for one in reading.occurrences] == ["two@example.org", "one@example.org"]
    moved = reading.occurrences[1]
    assert (moved.title, moved.start) == ("Later", before.occurrences[0].start + HOUR)
    assert (moved.organizer, moved.sequence) == (before.occurrences[0].organizer, 0)

    # Not at every poll, and until it can be told.
    scene.clock.advance(9 * MINUTE)
    await scene.poll()
    assert scene.asked == ["SyncFolderItems"]
    scene.clock.advance(MINUTE)
    await scene.poll()
    assert scene.asked == ["SyncFolderItems", "FindItem", "GetItem"]
    scene.exchange.knobs = replace(scene.exchange.knobs, corrupt_subjects=frozenset())
    scene.clock.advance(10 * MINUTE)
    assert len((await scene.poll()).occurrences) == 2
    assert scene.asked == ["SyncFolderItems", "FindItem", "GetItem"]
    scene.clock.advance(10 * MINUTE)
    await scene.poll()
    assert scene.asked == ["SyncFolderItems"]


async def test_a_new_event_whose_details_cannot_be_told_is_told_until_it_can(scene: Scene) -> None:
    scene.exchange.knobs = replace(scene.exchange.knobs, corrupt_subjects=frozenset({PLAIN.title}))
    scene.put(PLAIN)
    reading = await scene.poll()
    assert reading.occurrences == ()
    assert ["could not tell its details" in one.text for one in reading.problems] == [True]
    scene.exchange.knobs = replace(scene.exchange.knobs, corrupt_subjects=frozenset())
    scene.clock.advance(10 * MINUTE)
    reading = await scene.poll()
    assert [one.uid for one in reading.occurrences] == ["one@example.org"]
    assert reading.problems == ()


async def test_no_request_is_spent_on_finding_out_version_or_folders(scene: Scene) -> None:
    await scene.poll()
    assert scene.asked == ["SyncFolderItems", "FindItem"]


async def test_a_window_of_more_than_exchange_shows_at_once_is_read_by_parts(scene: Scene) -> None:
    often = replace(PLAIN, repeats=Repeats(every=Every.DAY), length=timedelta(minutes=5))
    scene.put(*(replace(often, id=f"{n}@example.org") for n in range(40)))
    reading = await scene.poll()
    assert scene.asked.count("FindItem") > 1
    days = len({o.start.date() for o in reading.occurrences})
    assert len(reading.occurrences) == 40 * days


async def test_a_server_that_shows_fewer_than_it_is_asked_for_is_read_by_parts(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    events = [replace(PLAIN, id=f"{n}@x", start=PLAIN.start + n * HOUR) for n in range(200)]
    scene.put(*events)
    monkeypatch.setattr(find_item, "_root", _cut_to(50))
    assert {one.uid for one in (await scene.poll()).occurrences} == {one.id for one in events}
    assert scene.asked.count("FindItem") < 20
    # It never asks for the same again, whatever is answered.
    monkeypatch.setattr(find_item, "_root", _cut_to(0))
    scene.put(replace(PLAIN, id="new@x"))
    assert (await scene.refused()).kind == "too_large"
    assert scene.asked.count("FindItem") < 20


def _cut_to(most: int) -> Callable[..., str]:
    whole = find_item._root

    def root(call: object, box: object, told: list[object], *, last: bool, **keys: object) -> str:
        return whole(call, box, told[:most], last=last and len(told) <= most, **keys)  # type: ignore[arg-type] # as they came

    return root


async def test_an_older_servers_version_is_found_out_once(scene: Scene) -> None:
    older = scene.exchange.knobs.versions[: SCHEMAS.index("Exchange2013_SP1") + 1]
    scene.exchange.knobs = replace(scene.exchange.knobs, versions=older, schema=older[-1])
    await scene.poll()
    assert (await scene.poll()).requests == 1


async def test_a_state_that_is_refused_is_begun_anew(scene: Scene) -> None:
    scene.put(PLAIN)
    reading = await scene.poll()
    for bare in (False, True):
        scene.exchange.knobs = replace(scene.exchange.knobs, bare_sync_error=bare)
        scene.reading = replace(reading, stamp=reading.stamp.replace('"state":"', '"state":"x'))
        again = await scene.poll()
        assert again.occurrences == reading.occurrences
        assert again.stamp == reading.stamp


async def test_a_mailbox_of_many_years_is_synced_by_and_by_and_read_at_once(tmp_path: Path) -> None:
    clock, timeout, pages = SetClock(NOW), timedelta(seconds=4), 7
    async with (
        server(tmp_path, clock) as running,
        exchange_source(running, clock, timeout=timeout) as source,
    ):
        scene = Scene(running, source, clock)
        long_ago = replace(PLAIN, start=PLAIN.start - 1000 * DAY)
        scene.put(*(replace(long_ago, id=f"{n}@x") for n in range((pages - 1) * 512)), PLAIN)
        running.exchange.knobs = replace(running.exchange.knobs, latency=(0.5, 0.5))
        assert len((await scene.poll()).occurrences) == 1
        told = scene.asked.count("SyncFolderItems")
        assert 1 <= told < pages
        while told < pages:
            assert (await scene.poll()).unchanged
            told += scene.asked.count("SyncFolderItems")
        await scene.poll()
        assert scene.asked == ["SyncFolderItems"]


async def test_a_mailbox_is_viewed_once_a_day_whatever_its_state_says(scene: Scene) -> None:
    scene.put(WEEKLY)
    await scene.poll()
    scene.clock.advance(DAY)
    scene.window = Timespan(WINDOW.start + DAY, WINDOW.end + DAY)
    await scene.poll()
    assert "FindItem" in scene.asked
    assert "GetItem" not in scene.asked


# --- logging in ---------------------------------------------------------------------------------


async def test_a_wrong_password_is_told_with_its_remedy_and_not_hammered(tmp_path: Path) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock) as running:
        wrong = {"password": Secret("wrong")}
        async with exchange_source(running, clock, **wrong) as source:
            scene = Scene(running, source, clock)
            other = running.add_room("boardroom")
            error = await scene.refused()
            assert (error.kind, error.shared) == ("login", True)
            assert "check username and password" in str(error)
            assert "wrong" not in str(error)
            first, scene.room = scene.room, other
            assert str(await scene.refused()) == str(error)
            running.exchange.grant(replace(SERVICE, password="wrong"))
            for room in (first, other, running.add_room("cellar")):
                scene.room = room
                assert str(await scene.refused()) == str(error)
            clock.leap(FIRST_PAUSE)
            assert (await scene.poll()).occurrences == ()


@pytest.mark.parametrize(
    ("account", "settings", "kind", "remedy"),
    [
        (replace(SERVICE, impersonates=frozenset()), {}, "login", "ApplicationImpersonation"),
        (
            Account(name="svc", password=SERVICE.password),
            {"access": "delegate"},
            "login",
            "Add-MailboxFolderPermission aula@rooms.example.org:\\Calendar",
        ),
    ],
)
async def test_missing_rights_are_told_with_the_line_that_grants_them(
    tmp_path: Path, account: Account, settings: dict[str, object], kind: str, remedy: str
) -> None:
    clock = SetClock(NOW)
    async with (
        server(tmp_path, clock) as running,
        exchange_source(running, clock, **settings) as source,
    ):
        running.exchange.grant(account)
        error = await Scene(running, source, clock).refused()
    assert (error.kind, error.shared) == (kind, False)
    assert remedy in str(error)
    assert "aula@rooms.example.org" in str(error)


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
@pytest.mark.parametrize("access", ["impersonation", "delegate"])
async def test_a_calendar_is_read_by_every_login_and_access(
    tmp_path: Path, auth: str, access: str
) -> None:
    clock = SetClock(NOW)
    everybody = frozenset({EVERYBODY})
    async with (
        server(tmp_path, clock) as running,
        exchange_source(running, clock, auth=auth, access=access) as source,
    ):
        running.exchange.grant(replace(SERVICE, delegate_of=everybody))
        scene = Scene(running, source, clock)
        scene.put(PLAIN)
        assert len((await scene.poll()).occurrences) == 1


@pytest.mark.parametrize("code", ["ErrorAccessDenied", "ErrorFolderNotFound"])
async def test_an_error_of_the_first_request_is_told_as_what_it_is(scene: Scene, code: str) -> None:
    scene.exchange.strike(Fault.MESSAGE, "SyncFolderItems", code=code)
    error = await scene.refused()
    assert (error.kind, error.shared) == ("login", False)
    assert "may not be opened" in str(error)


async def test_a_mailbox_that_does_not_exist_is_told(scene: Scene) -> None:
    scene.room = replace(scene.room, mailbox="nobody@example.org")
    error = await scene.refused()
    assert error.kind == "not_found"
    assert "nobody@example.org" in str(error)


async def test_ews_that_is_forbidden_is_told_as_such(scene: Scene) -> None:
    scene.exchange.knobs = replace(scene.exchange.knobs, ews_enabled=False)
    error = await scene.refused()
    assert (error.kind, error.shared) == ("login", True)
    assert "forbids EWS" in str(error)


# --- what comes back ----------------------------------------------------------------------------


ROWS = [
    (name, operation)
    for name in exchange_fault_rows.EXCHANGE
    for operation in ("SyncFolderItems", "FindItem", "GetItem")
    # One that may be an item's own is asked for once more.
    if (name, operation) != ("server error", "GetItem")
]


@pytest.mark.parametrize(("name", "operation"), ROWS)
async def test_a_fault_is_an_error_and_the_next_good_poll_is_whole(
    scene: Scene, name: str, operation: str
) -> None:
    fault, how, kind, seconds = exchange_fault_rows.EXCHANGE[name]
    scene.put(PLAIN, replace(WEEKLY, id="weekly@example.org"))
    before = (await scene.poll()).occurrences
    scene.put(replace(PLAIN, id="two@example.org"))
    rule = scene.exchange.strike(fault, operation, **how)
    error = await scene.refused()
    assert rule.hits == 1
    after = None if seconds is None else timedelta(seconds=seconds)
    assert (error.kind, error.after) == (kind, after)
    assert "Reraised" not in str(error)
    scene.clock.leap(FIRST_PAUSE + LATER)
    reading = await scene.poll()
    assert set(before) < set(reading.occurrences)
