"""Items of Exchange that are strange, each of which costs itself alone."""

import re
from collections.abc import AsyncIterator, Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from cospaced.calendars.exchange.source import MODULE, ExchangeSource
from cospaced.calendars.workers import WorkerPool
from cospaced.domain.calendar import Occurrence, Reading
from cospaced.errors import CalendarError
from cospaced.exchange_simulator.faults import Fault
from cospaced.exchange_simulator.records import Item
from cospaced.exchange_simulator.service import Service
from cospaced.settings import RoomSettings
from support import exchange_items
from support.events import Event
from support.exchange_calendars import Server, exchange_source, server
from support.icalendar_writer import address_of
from support.situations import NOW, PLAIN, WEEKLY, WINDOW, at
from support.source_writers import SetClock


ODD = replace(PLAIN, id="odd@example.org", title="Odd")
WHOLE_DAY = replace(
    PLAIN,
    id="day@example.org",
    start=at("10-14 00:00"),
    length=timedelta(days=1),
    all_day=True,
)


class Scene:
    """A server with one room, and the daemon's source for it."""

    def __init__(self, running: Server, source: ExchangeSource, clock: SetClock) -> None:
        self.exchange = running.exchange
        self.source = source
        self.clock = clock
        self.room: RoomSettings = running.add_room("aula")
        self.reading: Reading | None = None

    def put(self, *events: Event) -> list[Item]:
        box = self.exchange.state.mailbox(address_of("aula"))
        for event in events:
            exchange_items.put(self.exchange.state, box, event)
        return [item for event in events for item in box.copies(event.id)]

    def corrupt(self, code: str, *titles: str) -> None:
        self.exchange.knobs = replace(
            self.exchange.knobs, corrupt_subjects=frozenset(titles), corrupt_code=code
        )

    async def poll(self) -> Reading:
        self.exchange.requests.clear()
        self.reading = await self.source.poll(self.room, self.reading, WINDOW)
        return self.reading

    @property
    def asked(self) -> list[str]:
        return [logged.operation for logged in self.exchange.requests]


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    clock = SetClock(NOW)
    async with (
        server(tmp_path, clock, spoilt=True) as running,
        exchange_source(running, clock) as source,
    ):
        yield Scene(running, source, clock)


def uids(reading: Reading) -> set[str]:
    return {one.uid for one in reading.occurrences}


# --- details that cannot be told ----------------------------------------------------------------

CODES = ["ErrorAccessDenied", "ErrorInternalServerError", "ErrorItemPropertyRequestFailed"]


@pytest.mark.parametrize("code", CODES)
@pytest.mark.parametrize("others", ["known before", "new as well"])
async def test_whatever_an_items_error_is_called_it_costs_the_others_nothing(
    scene: Scene, code: str, others: str
) -> None:
    scene.put(PLAIN, replace(WEEKLY, id="weekly@example.org"))
    if others == "known before":
        await scene.poll()
    scene.corrupt(code, "Odd")
    scene.put(ODD)
    reading = await scene.poll()
    assert uids(reading) == {PLAIN.id, "weekly@example.org"}
    assert ["could not tell its details" in one.text for one in reading.problems] == [True]
    await scene.poll()
    assert scene.asked == ["SyncFolderItems"]

    scene.corrupt(code)
    scene.clock.advance(timedelta(minutes=10))
    assert ODD.id in uids(await scene.poll())


@pytest.mark.parametrize("code", CODES)
async def test_an_error_that_every_item_has_is_one_of_the_mailbox(scene: Scene, code: str) -> None:
    scene.put(PLAIN)
    await scene.poll()
    scene.corrupt(code, PLAIN.title, "Odd")
    scene.put(ODD)
    with pytest.raises(CalendarError):
        await scene.poll()
    scene.corrupt(code)
    assert uids(await scene.poll()) == {PLAIN.id, ODD.id}


async def test_an_error_that_passes_at_once_is_none(scene: Scene) -> None:
    scene.put(PLAIN)
    rule = scene.exchange.strike(Fault.MESSAGE, "GetItem", code="ErrorInternalServerError")
    assert uids(await scene.poll()) == {PLAIN.id}
    assert rule.hits == 1


async def test_an_answer_that_tells_fewer_items_than_were_asked_for_is_an_error(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.put(PLAIN, ODD)
    _answers(monkeypatch, "GetItem", lambda messages: messages[:1])
    with pytest.raises(CalendarError) as caught:
        await scene.poll()
    assert caught.value.kind == "truncated"


@pytest.mark.parametrize("operation", ["SyncFolderItems", "FindItem"])
async def test_an_answer_that_tells_nothing_is_not_believed(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, operation: str
) -> None:
    scene.put(PLAIN)
    await scene.poll()
    scene.put(ODD)
    _answers(monkeypatch, operation, lambda _: [])
    with pytest.raises(CalendarError) as caught:
        await scene.poll()
    assert caught.value.kind == "truncated"


@pytest.mark.parametrize(
    ("told", "instead"),
    [
        ("<t:Organizer>.*</t:Organizer>", "<t:Organizer/>"),
        ("<t:Value>[^<]*</t:Value>", "<t:Value>some time</t:Value>"),
        ("<t:Value>[^<]*</t:Value>", "<t:Value/>"),
    ],
)
async def test_a_value_that_makes_no_sense_costs_its_item_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, told: str, instead: str
) -> None:
    scene.put(PLAIN, ODD)

    def spoilt(messages: list[str]) -> list[str]:
        return [re.sub(told, instead, one) if ODD.id in one else one for one in messages]

    _answers(monkeypatch, "GetItem", spoilt)
    reading = await scene.poll()
    assert uids(reading) == {PLAIN.id}
    assert len(reading.problems) == 1


# --- times and texts ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    "zone",
    [
        "W. Europe Standard Time",
        "Europe/Berlin",
        "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna",
        "tzone://Microsoft/Custom",
        "Customized Time Zone",
        "Pacific/Nowhere",
        "../../etc/passwd",
        "",
    ],
)
async def test_whatever_a_zone_is_called_its_events_are_read_and_whole_days_are_their_days(
    scene: Scene, zone: str
) -> None:
    for item in scene.put(PLAIN, WHOLE_DAY):
        item.zone = zone
    event, day = (await scene.poll()).occurrences
    assert (event.uid, event.start) == (PLAIN.id, datetime(2026, 10, 13, 7, tzinfo=UTC))
    assert _days(day) == ["2026-10-13T22:00:00+00:00", "2026-10-14T22:00:00+00:00"]


async def test_a_whole_day_on_the_other_side_of_the_world_is_that_day_here(scene: Scene) -> None:
    auckland = replace(WHOLE_DAY, zone="Pacific/Auckland")
    (item,) = scene.put(auckland)
    item.zone = "New Zealand Standard Time"
    (day,) = (await scene.poll()).occurrences
    assert _days(day) == ["2026-10-13T22:00:00+00:00", "2026-10-14T22:00:00+00:00"]


def _days(one: Occurrence) -> list[str]:
    return [one.start.isoformat(), one.end.isoformat()]


async def test_a_subject_that_no_xml_may_hold_costs_its_character_alone(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.put(replace(PLAIN, title="half an emoji #"), ODD)
    _answers(monkeypatch, "FindItem", lambda told: [one.replace("#", "&#xD83D;") for one in told])
    titles = [one.title for one in (await scene.poll()).occurrences]
    assert sorted(titles) == ["Odd", "half an emoji \ufffd"]


@pytest.mark.parametrize(
    "change",
    [
        "<t:Update><t:SharingMessage><t:ItemId Id='a'/></t:SharingMessage></t:Update>",
        "<t:Create><t:Item><t:ItemId Id='a'/></t:Item></t:Create>",
        "<t:Update/>",
    ],
)
async def test_a_change_of_whatever_kind_is_a_change(
    scene: Scene, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    scene.put(PLAIN)
    await scene.poll()

    def changed(told: list[str]) -> list[str]:
        return [one.replace("<m:Changes/>", f"<m:Changes>{change}</m:Changes>") for one in told]

    _answers(monkeypatch, "SyncFolderItems", changed)
    assert uids(await scene.poll()) == {PLAIN.id}
    assert scene.asked == ["SyncFolderItems", "FindItem"]


async def test_the_library_writes_nothing_of_its_own(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock, spoilt=True) as running:
        pool = WorkerPool(size=1, module=MODULE)
        source = ExchangeSource(running.settings, time_zone="Europe/Berlin", pool=pool, clock=clock)
        scene = Scene(running, source, clock)
        (item,) = scene.put(PLAIN)
        item.sequence = "many"  # type: ignore[assignment] # what Exchange would never write
        assert uids(await scene.poll()) == {PLAIN.id}
        await source.close()
    assert capfd.readouterr().err == ""


def _answers(monkeypatch: pytest.MonkeyPatch, operation: str, spoilt: object) -> None:
    """Let the server answer something else to one operation."""
    response = Service.response

    def spoilt_response(self: Service, asked: str, messages: Iterable[str]) -> str:
        told = list(messages)
        return response(self, asked, spoilt(told) if asked == operation else told)  # type: ignore[operator] # a function of messages

    monkeypatch.setattr(Service, "response", spoilt_response)
