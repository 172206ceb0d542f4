"""The simulated Exchange, read by exchangelib: folders, views, items, synchronisation."""

from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from exchangelib import CalendarItem, ExtendedProperty
from exchangelib.errors import (
    ErrorInvalidSyncStateData,
    ErrorItemNotFound,
    ErrorUnsupportedPathForQuery,
)

from cospaced.exchange_simulator.records import Person
from cospaced.exchange_simulator.recurrence import Daily, Recurrence, Weekly
from cospaced.exchange_simulator.scenarios import Wording
from support.exchange import ANNA, OTHER_ROOM, ROOM, Desk, an_exchange, lite_calendar, noon


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with an_exchange(tmp_path) as made:
        yield made


async def test_the_calendar_folder_is_found_with_its_root(desk: Desk) -> None:
    account = desk.account()
    calendar = await desk.ask(lambda: account.calendar)
    assert calendar.name == "Calendar"
    assert calendar.id == desk.exchange.state.mailbox(ROOM).folders["calendar"]
    assert desk.exchange.requests.count("GetFolder") == 2


async def test_an_invitation_stands_in_every_rooms_view_under_one_uid(desk: Desk) -> None:
    made = desk.scenarios.invite(ANNA, [ROOM, OTHER_ROOM], noon(), wording=Wording(subject="Plan"))
    for room in (ROOM, OTHER_ROOM):
        calendar = lite_calendar(desk.account(room))
        day = calendar.view(noon() - timedelta(days=1), noon() + timedelta(days=1))
        (found,) = await desk.ask(partial(list, day))
        assert isinstance(found, CalendarItem)
        assert found.uid == made.uid
        assert (found.start, found.end) == (noon(), noon() + timedelta(hours=1))
        assert found.subject == "Anna Example "
        assert found.my_response_type == "Accept"
        assert found.organizer.email_address == ANNA
        assert [one.mailbox.email_address for one in found.resources] == [ROOM, OTHER_ROOM]


async def test_a_series_is_expanded_with_its_changes(desk: Desk) -> None:
    begin = noon(1)
    weekly = Recurrence(pattern=Weekly(days=f"{begin:%A}"), number=5)
    made = desk.scenarios.invite(ANNA, [ROOM], begin, recurrence=weekly)
    starts = [one.astimezone(UTC) for one in weekly.starts(made.content.start)]
    desk.scenarios.change_occurrence(made, starts[1], start=starts[1] + timedelta(hours=2))
    desk.scenarios.cancel_occurrence(made, starts[2])
    calendar = lite_calendar(desk.account())
    found = await desk.ask(
        lambda: sorted(
            calendar.view(begin - timedelta(days=1), begin + timedelta(days=60)).only(
                "start", "type", "is_cancelled", "recurrence_id", "uid", "subject"
            ),
            key=lambda one: one.start,
        )
    )
    assert [one.type for one in found] == [
        *("Occurrence", "Exception", "Exception", "Occurrence", "Occurrence"),
    ]
    assert [one.is_cancelled for one in found] == [False, False, True, False, False]
    assert [one.recurrence_id for one in found] == starts
    assert found[1].start == starts[1] + timedelta(hours=2)
    assert found[2].subject == "Canceled: Anna Example "
    assert {one.uid for one in found} == {made.uid}


async def test_an_item_that_is_gone_is_told_in_its_own_message(desk: Desk) -> None:
    made = desk.scenarios.invite(ANNA, [ROOM], noon())
    kept = desk.scenarios.copy(ROOM, made)
    other = desk.scenarios.invite(ANNA, [ROOM], noon(2))
    gone = desk.scenarios.copy(ROOM, other)
    desk.scenarios.delete(ROOM, other)
    account = desk.account()
    first, second = await desk.ask(
        lambda: list(account.fetch([(gone.id, None), (kept.id, None)], only_fields=["uid"]))
    )
    assert isinstance(first, ErrorItemNotFound)
    assert second.uid == made.uid


async def test_synchronisation_tells_new_changed_and_deleted_items_once(desk: Desk) -> None:
    made = desk.scenarios.invite(ANNA, [ROOM], noon())
    calendar = lite_calendar(desk.account())

    def sync() -> list[tuple[str, str]]:
        changes = calendar.sync_items(only_fields=["start"])
        return [(kind, item.id) for kind, item in changes]

    copy = desk.scenarios.copy(ROOM, made)
    assert await desk.ask(sync) == [("create", copy.id)]
    assert await desk.ask(sync) == []
    desk.scenarios.update(made, subject="New")
    assert await desk.ask(sync) == [("update", copy.id)]
    desk.scenarios.delete(ROOM, made)
    assert await desk.ask(sync) == [("delete", copy.id)]


async def test_a_bad_sync_state_is_refused(desk: Desk) -> None:
    calendar = lite_calendar(desk.account())
    with pytest.raises(ErrorInvalidSyncStateData):
        await desk.ask(lambda: list(calendar.sync_items(sync_state="rubbish", only_fields=[])))


async def test_synchronisation_comes_in_pages_and_leaves_out_what_is_ignored(desk: Desk) -> None:
    made = [desk.scenarios.invite(ANNA, [ROOM], noon(day)) for day in range(1, 6)]
    # The last to change; it comes on the last page, and is new to the client all the same.
    desk.scenarios.update(made[0], subject="Changed")
    ids = [desk.scenarios.copy(ROOM, one).id for one in made]
    calendar = lite_calendar(desk.account())

    def sync(**how: Any) -> list[tuple[str, str]]:
        changes = calendar.sync_items(only_fields=["start"], max_changes_returned=2, **how)
        return [(kind, item.id) for kind, item in changes]

    assert await desk.ask(sync) == [("create", identity) for identity in [*ids[1:], ids[0]]]
    assert desk.exchange.requests.count("SyncFolderItems") == 3
    desk.scenarios.update(made[3], subject="Changed")
    desk.scenarios.cancel(made[0])
    # What came and went in between is no news.
    desk.scenarios.delete(ROOM, desk.scenarios.invite(ANNA, [ROOM], noon(9)))
    desk.scenarios.delete(ROOM, made[4])
    told = await desk.ask(sync)
    assert told == [("update", ids[3]), ("update", ids[0]), ("delete", ids[4])]
    other = lite_calendar(desk.account(OTHER_ROOM))
    state = calendar.item_sync_state
    with pytest.raises(ErrorInvalidSyncStateData):
        await desk.ask(lambda: list(other.sync_items(sync_state=state, only_fields=[])))


async def test_a_changed_occurrence_is_an_update_of_its_master(desk: Desk) -> None:
    daily = Recurrence(pattern=Daily(), number=4)
    made = desk.scenarios.invite(ANNA, [ROOM], noon(), recurrence=daily)
    calendar = lite_calendar(desk.account())

    def sync() -> list[tuple[str, str, str]]:
        changes = calendar.sync_items(only_fields=["type"])
        return [(kind, item.id, item.type) for kind, item in changes]

    copy = desk.scenarios.copy(ROOM, made)
    assert await desk.ask(sync) == [("create", copy.id, "RecurringMaster")]
    desk.scenarios.change_occurrence(made, noon(2), subject="Other")
    assert await desk.ask(sync) == [("update", copy.id, "RecurringMaster")]


class GlobalObjectId(ExtendedProperty):
    distinguished_property_set_id = "Meeting"
    property_id = 3
    property_type = "Binary"


class CleanGlobalObjectId(ExtendedProperty):
    distinguished_property_set_id = "Meeting"
    property_id = 35
    property_type = "Binary"


@pytest.fixture
def object_ids() -> Iterator[None]:
    CalendarItem.register("global_object_id", GlobalObjectId)
    CalendarItem.register("clean_global_object_id", CleanGlobalObjectId)
    yield
    CalendarItem.deregister("global_object_id")
    CalendarItem.deregister("clean_global_object_id")


@pytest.mark.usefixtures("object_ids")
async def test_the_global_object_id_of_an_occurrence_and_of_an_orphan_carries_its_date(
    desk: Desk,
) -> None:
    daily = Recurrence(pattern=Daily(), number=3)
    made = desk.scenarios.invite(ANNA, [ROOM], noon(), recurrence=daily)
    desk.scenarios.invite_to_occurrence(made, noon(2), OTHER_ROOM)

    def look(room: str) -> list[CalendarItem]:
        view = lite_calendar(desk.account(room)).view(noon(2, 0), noon(3, 0))
        return list(view.only("uid", "type", "global_object_id", "clean_global_object_id"))

    day = noon(2)
    date = day.year.to_bytes(2, "big") + bytes([day.month, day.day])
    for room, kind in ((ROOM, "Exception"), (OTHER_ROOM, "Single")):
        (found,) = await desk.ask(partial(look, room))
        assert found.type == kind
        assert found.global_object_id[16:20] == date
        assert found.clean_global_object_id.hex().upper() == made.uid == found.uid
    desk.exchange.knobs = replace(desk.exchange.knobs, dated_orphan_uid=True)
    (found,) = await desk.ask(partial(look, OTHER_ROOM))
    assert found.uid == found.global_object_id.hex().upper() != made.uid


@pytest.mark.usefixtures("object_ids")
async def test_an_event_is_found_in_every_mailbox_by_the_object_id_of_all_its_copies(
    desk: Desk,
) -> None:
    daily = Recurrence(pattern=Daily(), number=3)
    made = desk.scenarios.invite(ANNA, [ROOM], noon(), recurrence=daily)
    desk.scenarios.invite(ANNA, [ROOM], noon(9), wording=Wording(subject="Other"))

    def found(mailbox: str, **sought: bytes) -> list[tuple[str, str]]:
        items = lite_calendar(desk.account(mailbox)).filter(**sought).only("type", "subject")
        return [(one.type, one.subject.strip()) for one in items]

    whole = bytes.fromhex(made.uid)
    look = partial(found, clean_global_object_id=whole)
    assert await desk.ask(partial(look, ANNA)) == [("RecurringMaster", "Planning")]
    assert await desk.ask(partial(look, ROOM)) == [("RecurringMaster", "Anna Example")]
    assert await desk.ask(partial(found, ANNA, clean_global_object_id=whole[:-1])) == []
    with pytest.raises(ErrorUnsupportedPathForQuery):
        await desk.ask(partial(found, ANNA, global_object_id=whole))


async def test_a_view_that_asks_for_nothing_in_particular_gets_everything(desk: Desk) -> None:
    wording = Wording(
        subject="Alles & <mehr>",
        body="<p>Ü</p>",
        location="Bürø",
        required=(Person(address="bob@elsewhere.test", name="Bob"),),
    )
    desk.scenarios.set_processing(ROOM, delete_subject=False, delete_comments=False)
    desk.scenarios.invite(ANNA, [ROOM], noon(), wording=wording)
    calendar = lite_calendar(desk.account())
    (found,) = await desk.ask(lambda: list(calendar.view(noon(0), noon(2))))
    assert found.subject == "Anna Example Alles & <mehr>"
    assert found.body == "<p>Ü</p>"
    assert found.location == "Bürø"
    assert [one.mailbox.name for one in found.required_attendees] == ["Bob"]
    assert found.appointment_state == ("Meeting", "Received")


async def test_lists_hold_only_what_was_asked_for_and_no_mail_address_of_ones_own(
    desk: Desk,
) -> None:
    desk.scenarios.invite(ANNA, [ROOM], noon())
    guest = Person(address="guest@elsewhere.test", name="Guest")
    desk.scenarios.invite(guest, [ROOM], noon(5))
    calendar = lite_calendar(desk.account())
    await desk.ask(lambda: list(calendar.view(noon(0), noon(2)).only("subject", "start")))
    told = [one.body for one in desk.exchange.requests if one.operation == "FindItem"][-1]
    assert "<t:Subject>" in told
    for absent in ("<t:UID>", "<t:Body", "<t:Resources>", "<t:Location>"):
        assert absent not in told
    await desk.ask(lambda: list(calendar.sync_items(only_fields=["organizer", "resources"])))
    told = [one.body for one in desk.exchange.requests if one.operation == "SyncFolderItems"][-1]
    assert told.count("<t:RoutingType>EX</t:RoutingType>") == 1
    assert told.count("<t:EmailAddress>guest@elsewhere.test</t:EmailAddress>") == 1
    assert "<t:Resources>" not in told
