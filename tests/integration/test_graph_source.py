"""The `graph` source over TLS, against a simulated tenant: what it asks, and what may go wrong."""

import asyncio
import logging
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.bootstrap_calendars import calendar_sources
from cospaced.calendars.graph.source import GraphSource
from cospaced.domain.calendar import Reading
from cospaced.domain.timespan import Timespan
from cospaced.errors import CalendarError
from cospaced.exchange_simulator.graph.faults import Fault
from cospaced.settings import RoomSettings, Secret
from support import exchange_fault_rows, exchange_items
from support.configurations import VALID, loaded
from support.events import Event, Every, Repeats
from support.graph_calendars import CLIENT_ID, Tenant, graph_source, tenant
from support.icalendar_writer import address_of
from support.situations import NOW, PLAIN, WEEKLY, WINDOW
from support.source_writers import SetClock


DAY = timedelta(days=1)
ADA = "ada@example.org"


class Scene:
    """A tenant with one room, and the daemon's source for it."""

    def __init__(self, running: Tenant, source: GraphSource, clock: SetClock) -> None:
        self.tenant = running
        self.source = source
        self.clock = clock
        self.room: RoomSettings = running.add_room("aula")
        self.reading: Reading | None = None
        self.window = WINDOW

    @property
    def asked(self) -> list[str]:
        """What was asked of Graph, without its host: path and the names of the query."""
        return [f"{request.path}?{request.query}" for request in self.tenant.graph.seen]

    def put(self, *events: Event) -> None:
        box = self.tenant.state.mailbox(address_of("aula"))
        for event in events:
            exchange_items.put(self.tenant.state, box, event)

    async def poll(self) -> Reading:
        self.tenant.graph.seen.clear()
        self.reading = await self.source.poll(self.room, self.reading, self.window)
        return self.reading

    async def refused(self) -> CalendarError:
        with pytest.raises(CalendarError) as caught:
            await self.poll()
        return caught.value

    def fails(self, *faults: Fault) -> None:
        self.tenant.graph.faults.next(*faults)


@pytest.fixture
async def scene() -> AsyncIterator[Scene]:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock) as source:
        yield Scene(running, source, clock)


# --- what is asked ------------------------------------------------------------------------------


async def test_an_unchanged_calendar_costs_one_request_and_no_token(scene: Scene) -> None:
    scene.put(PLAIN)
    await scene.poll()
    tokens = scene.tenant.exchange.tokens.issued
    reading = await scene.poll()
    assert (reading.unchanged, reading.requests, len(scene.asked)) == (True, 1, 1)
    assert "$deltatoken=" in scene.asked[0]
    assert scene.tenant.exchange.tokens.issued == tokens == 1


async def test_what_is_needed_is_asked_for_and_no_more(scene: Scene) -> None:
    await scene.poll()
    begun, view = scene.tenant.graph.seen
    assert begun.path.endswith("/users/aula@rooms.example.org/calendarView/delta")
    assert view.path.endswith("/users/aula@rooms.example.org/calendarView")
    assert "$select=" in view.query
    assert "attendees" not in view.query
    for request in (begun, view):
        prefer = request.headers["prefer"]
        assert 'IdType="ImmutableId"' in prefer
        assert 'outlook.timezone="UTC"' in prefer
        assert 'outlook.body-content-type="text"' in prefer


async def test_a_change_costs_the_delta_and_the_view(scene: Scene) -> None:
    scene.put(PLAIN)
    await scene.poll()
    scene.put(replace(PLAIN, id="two@example.org"))
    reading = await scene.poll()
    assert {o.uid for o in reading.occurrences} == {"one@example.org", "two@example.org"}
    assert reading.requests == 2


async def test_long_lists_are_read_over_all_their_pages(scene: Scene) -> None:
    scene.put(replace(PLAIN, repeats=Repeats(every=Every.DAY)))
    scene.put(*(replace(PLAIN, id=f"{n}@example.org") for n in range(250)))
    reading = await scene.poll()
    assert len({o.uid for o in reading.occurrences}) == 251
    assert reading.requests > 5


async def test_a_window_that_moved_on_gets_a_delta_of_its_own(scene: Scene) -> None:
    scene.put(WEEKLY)
    first = await scene.poll()
    scene.window = Timespan(WINDOW.start + 5 * DAY, WINDOW.end + 5 * DAY)
    scene.clock.advance(timedelta(minutes=1))
    second = await scene.poll()
    assert second.covered.end > first.covered.end
    assert "startDateTime=" in scene.asked[0]
    assert (await scene.poll()).unchanged


async def test_a_delta_is_trusted_for_a_day_at_most(scene: Scene) -> None:
    scene.put(WEEKLY)
    await scene.poll()
    scene.clock.advance(DAY)
    await scene.poll()
    assert "startDateTime=" in scene.asked[0]


async def test_a_delta_link_that_is_gone_is_begun_anew(scene: Scene) -> None:
    scene.put(PLAIN)
    await scene.poll()
    scene.put(replace(PLAIN, id="two@example.org"))
    scene.fails(Fault.GONE)
    reading = await scene.poll()
    assert len(reading.occurrences) == 2
    assert (await scene.poll()).unchanged


async def test_the_reading_of_another_mailbox_is_not_built_on(scene: Scene) -> None:
    scene.put(PLAIN)
    await scene.poll()
    scene.tenant.add_room("boardroom")
    scene.room = replace(scene.room, mailbox=address_of("boardroom"))
    assert (await scene.poll()).occurrences == ()


# --- logging in ---------------------------------------------------------------------------------


async def test_a_token_that_expired_early_is_renewed_within_the_poll(scene: Scene) -> None:
    scene.put(PLAIN)
    await scene.poll()
    scene.tenant.exchange.tokens.expire()
    assert (await scene.poll()).unchanged
    assert scene.tenant.exchange.tokens.issued == 2


@pytest.mark.parametrize(
    ("change", "remedy"),
    [
        ({"client_secret": Secret("no")}, "client_secret is wrong"),
        ({"client_id": "no-such-application"}, "client_id is not known in this tenant"),
        ({"tenant_id": "no-such-tenant"}, "check authority and tenant_id"),
    ],
)
async def test_a_login_that_is_refused_says_which_key_to_mend(
    change: dict[str, object], remedy: str
) -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock, **change) as source:
        error = await Scene(running, source, clock).refused()
    assert error.kind == "login"
    assert remedy in str(error)
    assert "simulated" not in str(error)


async def test_a_secret_that_has_expired_is_told_as_such(scene: Scene) -> None:
    scene.tenant.exchange.tokens.expired.add(CLIENT_ID)
    error = await scene.refused()
    assert (error.kind, "has expired" in str(error)) == ("login", True)


async def test_a_login_that_is_refused_is_not_hammered(scene: Scene) -> None:
    scene.tenant.grant(secret="changed")
    for _ in range(5):
        await scene.refused()
    assert scene.asked == []
    assert scene.tenant.exchange.requests.count("token") == 1


async def test_an_application_without_rights_is_told_what_to_grant(scene: Scene) -> None:
    scene.tenant.grant(reads=frozenset({"boardroom@rooms.example.org"}))
    error = await scene.refused()
    assert error.kind == "login"
    assert "Calendars.Read" in str(error)
    assert "aula@rooms.example.org" in str(error)


async def test_a_mailbox_that_does_not_exist_is_told(scene: Scene) -> None:
    scene.room = replace(scene.room, mailbox="nobody@example.org")
    error = await scene.refused()
    assert error.kind == "not_found"
    assert "nobody@example.org" in str(error)


async def test_a_mailbox_on_premises_is_told_where_it_is_read(scene: Scene) -> None:
    scene.tenant.graph.service.on_premises.add(address_of("aula"))
    error = await scene.refused()
    assert error.kind == "not_found"
    assert "type exchange" in str(error)


async def test_entra_that_does_not_answer_is_no_wrong_password(scene: Scene) -> None:
    scene.tenant.graph.faults.always = Fault.ENTRA_DOWN
    assert (await scene.refused()).kind != "login"


# --- what comes back ----------------------------------------------------------------------------


@pytest.mark.parametrize("fault", exchange_fault_rows.GRAPH)
async def test_a_bad_answer_is_an_error_and_the_next_good_poll_is_whole(
    scene: Scene, fault: Fault
) -> None:
    kind, seconds = exchange_fault_rows.GRAPH[fault]
    scene.put(PLAIN, WEEKLY)
    before = (await scene.poll()).occurrences
    scene.put(replace(PLAIN, id="two@example.org"))
    scene.tenant.graph.faults.always = fault
    error = await scene.refused()
    after = None if seconds is None else timedelta(seconds=seconds)
    assert (error.kind, error.after) == (kind, after)
    scene.tenant.graph.faults.always = None
    reading = await scene.poll()
    assert set(before) < set(reading.occurrences)


@pytest.mark.parametrize(
    "fault", [Fault.CIRCLING, Fault.ENDLESS, Fault.BAD_LINK, Fault.SERVER_ERROR, Fault.GONE]
)
async def test_a_delta_of_which_nothing_comes_costs_no_reading(scene: Scene, fault: Fault) -> None:
    scene.put(PLAIN)
    await scene.poll()
    faults = scene.tenant.graph.faults
    faults.always, faults.where = fault, "/delta"
    scene.put(replace(PLAIN, id="two@example.org"))
    reading = await scene.poll()
    assert {o.uid for o in reading.occurrences} == {"one@example.org", "two@example.org"}
    assert len(scene.asked) < 12
    # From here on every poll looks at the calendar itself, and is cheap for all else.
    reading = await scene.poll()
    assert (reading.unchanged, len(scene.asked)) == (True, 1)
    faults.always = None
    scene.clock.advance(timedelta(hours=2))
    await scene.poll()
    assert (await scene.poll()).unchanged
    assert "$deltatoken=" in scene.asked[0]


@pytest.mark.parametrize("fault", [Fault.CHANGES_ELSEWHERE, Fault.ELSEWHERE])
async def test_the_token_goes_to_no_other_host(scene: Scene, fault: Fault) -> None:
    scene.fails(fault)
    error = await scene.refused()
    assert (error.kind, "another host" in str(error)) == ("redirect", True)
    assert scene.reading is None


async def test_a_host_that_is_written_otherwise_is_the_same_host() -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running:
        shouted = running.settings.graph_url.replace("127.0.0.1", "LOCALHOST")
        running.settings = replace(running.settings, graph_url=shouted)
        async with graph_source(running, clock) as source:
            scene = Scene(running, source, clock)
            scene.put(*(replace(PLAIN, id=f"{n}@example.org") for n in range(120)))
            assert len((await scene.poll()).occurrences) == 120


async def test_the_master_of_a_series_is_no_event_of_its_own(scene: Scene) -> None:
    scene.put(PLAIN)
    scene.tenant.graph.faults.next(Fault.MASTER, path="/calendarView")
    reading = await scene.poll()
    assert [o.uid for o in reading.occurrences] == ["one@example.org"]


@pytest.mark.parametrize("fault", [Fault.WEB_PAGE, Fault.BLOCKED])
async def test_what_stands_before_graph_is_not_taken_for_it(scene: Scene, fault: Fault) -> None:
    scene.fails(fault)
    error = await scene.refused()
    assert error.kind == "unreachable"
    assert "proxy" in str(error)
    assert "RBAC" not in str(error)


async def test_an_application_access_policy_is_told_as_such(scene: Scene) -> None:
    scene.fails(Fault.POLICY)
    error = await scene.refused()
    assert error.kind == "login"
    assert "Get-ApplicationAccessPolicy" in str(error)


async def test_what_stands_before_entra_is_no_wrong_login(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    scene.tenant.graph.faults.always = Fault.ENTRA_PAGE
    error = await scene.refused()
    assert (error.kind, error.shared) == ("unreachable", False)
    assert "proxy" in str(error)
    assert not caplog.records
    scene.tenant.graph.faults.always = None
    scene.clock.leap(6)
    await scene.poll()


async def test_a_chance_fault_of_entra_costs_one_room_alone() -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock) as source:
        rooms = [running.add_room(f"room{n}") for n in range(5)]
        running.graph.faults.next(Fault.ENTRA_DOWN)
        polls = (source.poll(room, None, WINDOW) for room in rooms)
        told = await asyncio.gather(*polls, return_exceptions=True)
        assert sum(isinstance(one, CalendarError) for one in told) == 1


async def test_a_source_that_was_closed_under_its_poll_says_so(scene: Scene) -> None:
    await scene.source.close()
    assert (await scene.refused()).kind == "unreachable"


async def test_rooms_that_wait_for_entra_are_told_that_it_is_silent() -> None:
    clock = SetClock(NOW)
    brief = {"timeout": timedelta(seconds=3)}
    async with tenant(clock) as running, graph_source(running, clock, **brief) as source:
        running.graph.faults.always = Fault.ENTRA_SILENT
        rooms = [running.add_room(f"room{n}") for n in range(20)]
        polls = (source.poll(room, None, WINDOW) for room in rooms)
        told = await asyncio.gather(*polls, return_exceptions=True)
        assert {str(error).partition(":")[0] for error in told} == {"no token"}
        assert running.graph.seen == []


async def test_entra_that_is_silent_holds_up_no_other_calendar(tmp_path: Path) -> None:
    (tmp_path / "aula.ics").write_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n")
    async with tenant(SetClock(NOW)) as running:
        running.graph.faults.always = Fault.ENTRA_SILENT
        settings = loaded(tmp_path, VALID)
        cloud, room = running.settings, running.room("cloud")
        settings = replace(settings, calendars=(*settings.calendars, cloud))
        async with calendar_sources(settings) as sources:
            waiting = asyncio.create_task(sources["cloud"].poll(room, None, WINDOW))
            await asyncio.sleep(0.5)
            async with asyncio.timeout(1):
                await sources["files"].poll(settings.rooms[0], None, WINDOW)
            assert not waiting.done()
            waiting.cancel()


async def test_every_room_that_is_polled_has_a_connection_of_its_own(tmp_path: Path) -> None:
    async with tenant(SetClock(NOW)) as running:
        running.graph.faults.always = Fault.SILENT
        cloud = replace(running.settings, timeout=timedelta(seconds=3))
        rooms = [running.add_room(f"room{n}") for n in range(cloud.at_once)]
        settings = replace(loaded(tmp_path, VALID), calendars=(cloud,), rooms=tuple(rooms))
        async with calendar_sources(settings) as sources:
            polls = (sources["cloud"].poll(room, None, WINDOW) for room in rooms)
            await asyncio.gather(*polls, return_exceptions=True)
        assert len(running.graph.seen) == len(rooms)


async def test_an_organizers_mailbox_is_asked_by_four_at_once() -> None:
    clock = SetClock(NOW)
    terms = {"organizer_copies": True, "timeout": timedelta(seconds=60)}
    async with tenant(clock) as running, graph_source(running, clock, **terms) as source:
        scenarios = running.exchange.scenarios
        scenarios.add_person(ADA, "Ada Lovelace")
        names = [f"room{n}" for n in range(12)]
        for name in names:
            scenarios.add_room(address_of(name), name)
            scenarios.invite(ADA, [address_of(name)], NOW + DAY)
        faults = running.graph.faults
        faults.always, faults.where = Fault.SILENT, "/events"
        async with asyncio.TaskGroup() as polls:
            tasks = [
                polls.create_task(source.poll(running.room(name), None, WINDOW)) for name in names
            ]
            looks = 0
            while looks < 4 or len(running.graph.seen) < 2 * len(names) + looks:
                await asyncio.sleep(0.01)
                looks = sum(one.path.endswith("/events") for one in running.graph.seen)
            # All rooms were read, and wait to look at hers.
            await asyncio.sleep(0.5)
            assert sum(one.path.endswith("/events") for one in running.graph.seen) == 4
            for task in tasks:
                task.cancel()


async def test_a_short_wait_is_waited_out_within_the_poll(scene: Scene) -> None:
    scene.put(PLAIN)
    scene.fails(Fault.THROTTLED_BRIEFLY)
    reading = await scene.poll()
    assert len(reading.occurrences) == 1
    assert reading.requests == 3


async def test_silence_ends_with_the_calendars_timeout() -> None:
    clock = SetClock(NOW)
    brief = {"timeout": timedelta(seconds=1)}
    async with tenant(clock) as running, graph_source(running, clock, **brief) as source:
        scene = Scene(running, source, clock)
        scene.fails(Fault.SILENT)
        assert (await scene.refused()).kind == "timeout"


async def test_a_certificate_that_does_not_verify_is_told() -> None:
    clock = SetClock(NOW)
    async with tenant(clock) as running, graph_source(running, clock, ca_file=None) as source:
        error = await Scene(running, source, clock).refused()
    assert error.kind == "certificate"


async def test_neither_secret_nor_token_reaches_a_log(
    scene: Scene, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        scene.put(PLAIN)
        await scene.poll()
        scene.fails(Fault.TOKEN_REFUSED)
        await scene.poll()
    assert "simulated" not in caplog.text
