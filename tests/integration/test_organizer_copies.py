"""Titles that a room mailbox spoilt, taken from their organizers' own copies, in both Exchanges."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from urllib.parse import unquote

import pytest

from cospaced.domain.calendar import Copy
from cospaced.domain.fold import fold
from cospaced.domain.spoilt_title import MOST_LOOKS
from cospaced.exchange_simulator.faults import Fault as EwsFault
from cospaced.exchange_simulator.graph.faults import Fault
from cospaced.exchange_simulator.records import Person, Sensitivity
from cospaced.exchange_simulator.recurrence import Daily, Recurrence
from cospaced.settings import ConferenceSettings, PrivateMode
from support import exchange_fault_rows
from support.exchange_calendars import SERVICE
from support.organizer_scenes import (
    ADA,
    AULA,
    DAY,
    GRACE,
    STRANGER,
    EwsScene,
    Kind,
    Scene,
    in_the_cloud,
    on_premises,
)
from support.situations import NOW


DAILY = Recurrence(pattern=Daily(), number=9)
HOURS = timedelta(hours=7)
PRIVATE = {"sensitivity": Sensitivity.PRIVATE}


@pytest.fixture(params=[on_premises, in_the_cloud], ids=["ews", "graph"])
async def scene(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Scene]:
    kind: Kind = request.param
    async with kind(tmp_path) as made:
        yield made


# --- what comes of a look -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("processing", "spoilt"),
    [
        ({"delete_subject": True, "add_organizer_to_subject": True}, "Ada Lovelace"),
        ({"delete_subject": True, "add_organizer_to_subject": False}, ""),
        ({"delete_subject": False, "add_organizer_to_subject": True}, "Ada Lovelace Planning"),
    ],
)
async def test_a_spoilt_title_is_replaced_by_the_organizers(
    scene: Scene, processing: dict[str, bool], spoilt: str
) -> None:
    scene.exchange.scenarios.set_processing(AULA, **processing)
    made = scene.invite(1)
    assert scene.exchange.scenarios.copy(AULA, made).content.subject.strip() == spoilt
    assert await scene.titles() == ["Planning"]
    assert scene.looks == [ADA.address]


async def test_a_title_that_begins_with_the_name_by_itself_is_kept(scene: Scene) -> None:
    spoils = {"delete_subject": False, "add_organizer_to_subject": False}
    scene.exchange.scenarios.set_processing(AULA, **spoils)
    scene.invite(1, "Ada Lovelace Lecture")
    scene.invite(2, "Planning")
    assert await scene.titles() == ["Ada Lovelace Lecture", "Planning"]
    assert len(scene.looks) == 1


async def test_what_is_private_for_its_organizer_is_private_whoever_took_the_flag(
    scene: Scene,
) -> None:
    scene.invite(1, "Merger", **PRIVATE)
    scene.invite(2, "Picnic")
    merger, picnic = (await scene.poll()).occurrences
    assert (picnic.title, picnic.private) == ("Picnic", False)
    assert merger.private
    copies = [Copy(room="aula", source="hq", occurrence=merger, seen_at=NOW)]
    for mode, private in ((PrivateMode.HIDE, True), (PrivateMode.SKIP, None)):
        terms = ConferenceSettings(min_rooms=0, private=mode)
        wanted = fold(copies, {"aula": scene.room}, terms, {"aula": NOW}).wanted
        assert (wanted and wanted.private) == private


async def test_what_was_private_stays_so_until_it_is_known_to_be_no_more(scene: Scene) -> None:
    made = scene.invite(1, "Merger", **PRIVATE)
    await scene.poll()
    scene.exchange.scenarios.update(made, start=NOW + 2 * DAY)
    scene.broken()
    (moved,) = (await scene.poll()).occurrences
    assert (moved.title, moved.private) == ("Ada Lovelace", True)
    scene.exchange.scenarios.update(made, sensitivity=Sensitivity.NORMAL)
    scene.roll(HOURS)
    (moved,) = (await scene.poll()).occurrences
    assert (moved.title, moved.private) == ("Merger", False)


async def test_a_cancelled_prefix_and_an_empty_subject_are_no_titles(scene: Scene) -> None:
    scene.invite(1, "Canceled:  Stand   up")
    scene.invite(2, "")
    assert await scene.titles() == ["Stand up", "Ada Lovelace"]
    await scene.poll()
    assert scene.looks == []


# --- what it costs ------------------------------------------------------------------------------


async def test_a_series_is_one_look_and_an_unchanged_poll_none(scene: Scene) -> None:
    scene.invite(1, recurrence=DAILY)
    scene.invite(1.5, "Picnic", by=GRACE)
    reading = await scene.poll()
    titles = [one.title for one in reading.occurrences]
    assert (titles.count("Planning"), titles.count("Picnic")) == (9, 1)
    assert scene.looks == [ADA.address, GRACE.address]
    assert reading.requests == scene.requests
    reading = await scene.poll()
    assert (reading.unchanged, reading.requests, scene.looks) == (True, 1, [])


async def test_what_else_changes_asks_nothing_again(scene: Scene) -> None:
    scene.invite(1, recurrence=Recurrence(pattern=Daily()))
    days = len(await scene.titles())
    scene.invite(1.5, "Picnic", by=GRACE)
    assert len(await scene.titles()) == days + 1
    assert scene.looks == [GRACE.address]
    scene.roll(3 * DAY)
    assert set(await scene.titles()) == {"Planning", "Picnic"}
    assert scene.looks == []


async def test_a_reading_without_its_stamp_keeps_what_was_learnt(scene: Scene) -> None:
    scene.invite(1)
    scene.readings["aula"] = replace(await scene.poll(), stamp="")
    assert await scene.titles() == ["Planning"]
    assert scene.looks == []


async def test_a_renamed_event_is_looked_at_once_more(scene: Scene) -> None:
    made = scene.invite(1, recurrence=DAILY)
    await scene.poll()
    scene.exchange.scenarios.update(made, subject="Retreat")
    assert set(await scene.titles()) == {"Retreat"}
    assert scene.looks == [ADA.address]


async def test_an_occurrence_that_was_renamed_alone_keeps_its_own_title(scene: Scene) -> None:
    scene.exchange.scenarios.set_processing(AULA, delete_subject=False)
    made = scene.invite(1, recurrence=DAILY)
    scene.exchange.scenarios.change_occurrence(made, NOW + 2 * DAY, subject="Retreat")
    made.content = replace(made.content, subject="Plans")
    assert await scene.titles() == ["Plans", "Retreat", *["Plans"] * 7]
    assert scene.looks == [ADA.address]


async def test_an_occurrence_that_came_without_its_series_is_looked_for_by_the_series(
    scene: Scene,
) -> None:
    made = scene.invite(1, recurrence=DAILY, room=scene.add_room("boardroom").mailbox)
    scene.exchange.scenarios.invite_to_occurrence(made, NOW + 2 * DAY, AULA)
    assert await scene.titles() == ["Planning"]
    assert scene.looks == [ADA.address]


async def test_many_looks_are_spread_over_polls_soonest_first(scene: Scene) -> None:
    for number in range(2 * MOST_LOOKS + 5):
        scene.invite(2 + number / 2, f"Planning {number}")
    wanted = [f"Planning {number}" for number in range(2 * MOST_LOOKS + 5)]
    spoilt = [ADA.name] * len(wanted)
    for known in (MOST_LOOKS, 2 * MOST_LOOKS, len(wanted)):
        assert await scene.titles() == wanted[:known] + spoilt[known:]
        assert len(scene.looks) == min(MOST_LOOKS, known - (known - 1) // MOST_LOOKS * MOST_LOOKS)
    assert (await scene.poll()).requests == 1


async def test_what_is_over_cancelled_or_from_elsewhere_is_not_looked_for(scene: Scene) -> None:
    scene.invite(-0.5, "Over")
    cancelled = scene.invite(1, "Off")
    scene.exchange.scenarios.cancel(cancelled)
    scene.invite(2, "Foreign", uid="abc@google.example")
    scene.invite(3, "By hand", by=Person(address=AULA, name="aula"))
    await scene.poll()
    assert scene.looks == []


@pytest.mark.parametrize("kind", [on_premises, in_the_cloud])
async def test_nothing_is_looked_at_unasked(tmp_path: Path, kind: Kind) -> None:
    async with kind(tmp_path, organizer_copies=False) as scene:
        scene.invite(1)
        assert await scene.titles() == [ADA.name]
        assert scene.looks == []
        assert (await scene.poll()).requests == 1


# --- what cannot be seen ------------------------------------------------------------------------


@pytest.mark.parametrize("organizer", [ADA, STRANGER], ids=["no right", "no mailbox"])
async def test_an_organizer_who_cannot_be_read_is_no_fault_and_left_alone_for_hours(
    scene: Scene, organizer: Person
) -> None:
    boardroom = scene.add_room("boardroom")
    scene.allow(AULA, boardroom.mailbox, GRACE.address)
    scene.invite(1, by=organizer)
    scene.invite(2, by=organizer)
    scene.invite(3, "Picnic", by=GRACE)
    assert await scene.titles() == [organizer.name, organizer.name, "Picnic"]
    assert sorted(scene.looks) == sorted([organizer.address, GRACE.address])
    assert (await scene.poll()).requests == 1
    scene.invite(4, by=organizer)
    scene.invite(4, by=organizer, room=boardroom.mailbox)
    for room in (scene.room, boardroom):
        await scene.poll(room)
        assert scene.looks == []
    scene.allow()
    scene.roll(HOURS)
    title = "Planning" if organizer is ADA else organizer.name
    assert await scene.titles() == [title, title, "Picnic", title]
    assert set(scene.looks) == {organizer.address}


async def test_a_copy_that_is_not_there_is_not_sought_again(scene: Scene) -> None:
    made = scene.invite(1)
    scene.exchange.scenarios.delete(ADA.address, made)
    assert await scene.titles() == [ADA.name]
    assert scene.looks == [ADA.address]
    scene.roll(HOURS)
    await scene.poll()
    assert scene.looks == []


async def test_what_was_learnt_late_is_a_change_even_if_it_is_nothing(scene: Scene) -> None:
    made = scene.invite(1)
    scene.exchange.scenarios.delete(ADA.address, made)
    scene.broken()
    await scene.poll()
    scene.roll(timedelta(minutes=6))
    assert not (await scene.poll()).unchanged
    assert scene.looks == [ADA.address]
    assert (await scene.poll()).unchanged


async def test_a_server_that_wants_rest_gets_it_and_is_asked_again_after(scene: Scene) -> None:
    scene.invite(1)
    scene.invite(2, "Picnic", by=GRACE)
    scene.throttled(120)
    assert await scene.titles() == [ADA.name, GRACE.name]
    assert scene.looks == [ADA.address]
    assert (await scene.poll()).requests == 1
    scene.roll(timedelta(seconds=121))
    assert await scene.titles() == ["Planning", "Picnic"]
    assert scene.looks == [ADA.address, GRACE.address]


async def test_what_fails_at_one_organizer_holds_up_no_other(scene: Scene) -> None:
    scene.invite(1)
    scene.invite(2, "Picnic", by=GRACE)
    scene.broken()
    assert await scene.titles() == [ADA.name, GRACE.name]
    assert scene.looks == [ADA.address]
    assert await scene.titles() == [ADA.name, "Picnic"]
    assert scene.looks == [GRACE.address]
    assert (await scene.poll()).unchanged
    scene.roll(timedelta(minutes=6))
    assert await scene.titles() == ["Planning", "Picnic"]


async def costs_no_reading(scene: Scene) -> None:
    """Poll while the next look fails, and later, when none does."""
    # A fault may be mended at once: a connection that is lost is tried again.
    assert await scene.titles() in ([ADA.name], ["Planning"])
    scene.roll(HOURS)
    assert await scene.titles() == ["Planning"]


@pytest.mark.parametrize("name", exchange_fault_rows.EXCHANGE)
async def test_no_fault_of_ews_at_a_look_costs_the_reading(tmp_path: Path, name: str) -> None:
    fault, how, _, _ = exchange_fault_rows.EXCHANGE[name]
    async with on_premises(tmp_path) as scene:
        scene.invite(1)
        rule = scene.exchange.strike(fault, "FindItem", mailbox=ADA.address, **how)
        await costs_no_reading(scene)
    assert rule.hits == 1


@pytest.mark.parametrize("fault", exchange_fault_rows.GRAPH)
async def test_no_fault_of_graph_at_a_look_costs_the_reading(tmp_path: Path, fault: Fault) -> None:
    async with in_the_cloud(tmp_path) as scene:
        scene.invite(1)
        scene.exchange.graph.faults.next(fault, path="/events")
        await costs_no_reading(scene)


async def test_a_login_that_is_refused_at_a_look_ends_looks_for_a_while_and_no_reading(
    tmp_path: Path,
) -> None:
    async with on_premises(tmp_path) as scene:
        boardroom = scene.add_room("boardroom")
        scene.invite(1)
        scene.invite(2, "Picnic", by=GRACE)
        scene.refused()
        assert await scene.titles() == [ADA.name, GRACE.name]
        assert set(scene.looks) == {ADA.address}
        for room in (scene.room, boardroom):
            await scene.poll(room)
            assert scene.looks == []
        scene.roll(timedelta(minutes=6))
        assert await scene.titles() == ["Planning", "Picnic"]


async def test_an_organizer_for_whom_graph_refuses_the_token_costs_no_other(tmp_path: Path) -> None:
    async with in_the_cloud(tmp_path) as scene:
        scene.invite(1)
        scene.invite(2, "Picnic", by=GRACE)
        scene.refused()
        assert await scene.titles() == [ADA.name, "Picnic"]
        await scene.poll()
        assert scene.looks == []
        scene.roll(HOURS)
        assert await scene.titles() == ["Planning", "Picnic"]


async def test_an_organizers_mailbox_that_is_forbidden_is_left_alone_for_hours_and_costs_nothing(
    tmp_path: Path,
) -> None:
    async with on_premises(tmp_path) as scene:
        scene.invite(1)
        scene.invite(2, "Picnic", by=GRACE)
        scene.exchange.strike(EwsFault.FORBIDDEN, "FindItem", mailbox=ADA.address)
        assert await scene.titles() == [ADA.name, "Picnic"]
        scene.invite(3)
        assert await scene.titles() == [ADA.name, "Picnic", ADA.name]
        assert scene.looks == []
        scene.roll(HOURS)
        assert await scene.titles() == ["Planning", "Picnic", "Planning"]


async def test_a_title_that_was_learnt_stays_while_a_look_is_put_off(scene: Scene) -> None:
    made = scene.invite(1)
    assert await scene.titles() == ["Planning"]
    scene.exchange.scenarios.update(made, start=NOW + DAY + timedelta(hours=1), subject="Retreat")
    scene.throttled(120)
    for looks in (1, 0):
        assert await scene.titles() == ["Planning"]
        assert len(scene.looks) == looks
    scene.roll(timedelta(seconds=121))
    assert await scene.titles() == ["Retreat"]


@pytest.mark.parametrize("kind", [on_premises, in_the_cloud])
async def test_a_silent_server_costs_the_look_and_not_the_reading(
    tmp_path: Path, kind: Kind
) -> None:
    async with kind(tmp_path, timeout=timedelta(seconds=3)) as scene:
        await scene.poll()
        scene.invite(1)
        scene.invite(2, "Picnic", by=GRACE)
        scene.silent()
        assert await scene.titles() == [ADA.name, GRACE.name]
        assert await scene.titles() == [ADA.name, "Picnic"]
        scene.roll(timedelta(minutes=6))
        assert await scene.titles() == ["Planning", "Picnic"]


async def test_who_fails_again_and_again_is_asked_ever_more_rarely(scene: Scene) -> None:
    scene.invite(1)
    asked = []
    for _ in range(12):
        scene.broken()
        await scene.poll()
        asked.append(len(scene.looks))
        scene.roll(timedelta(minutes=5, seconds=1))
    assert asked == [1, 1, 0, 1, 0, 0, 0, 1, 0, 0, 0, 0]


async def test_a_delegate_needs_a_right_on_the_organizers_calendar(tmp_path: Path) -> None:
    async with on_premises(tmp_path, access="delegate") as scene:
        scene.invite(1)
        scene.invite(2, "Picnic", by=GRACE)
        scene.exchange.grant(replace(SERVICE, delegate_of=frozenset({AULA, GRACE.address})))
        assert await scene.titles() == [ADA.name, "Picnic"]
        assert (await scene.poll()).unchanged


async def test_only_the_one_event_is_asked_for(scene: Scene) -> None:
    made = scene.invite(1)
    scene.exchange.scenarios.invite(ADA.address, [], NOW + DAY)
    assert await scene.titles() == ["Planning"]
    if isinstance(scene, EwsScene):
        (logged,) = [one for one in scene.exchange.requests if one.mailbox == ADA.address]
        assert (logged.operation, logged.body.count("<t:CalendarItem>")) == ("FindItem", 1)
        return
    (asked,) = [one for one in scene.exchange.graph.seen if one.path.endswith("/events")]
    assert asked.path == f"/v1.0/users/{ADA.address}/events"
    query = f"$filter=iCalUId eq '{made.uid}'&$select=iCalUId,subject,sensitivity,type"
    assert unquote(asked.query) == query
