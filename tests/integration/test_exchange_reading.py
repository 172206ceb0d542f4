"""The simulated Exchange, read by exchangelib: folders, views, items, synchronisation."""

from collections.abc import AsyncIterator
from datetime import UTC, timedelta
from functools import partial
from pathlib import Path

import pytest
from exchangelib import CalendarItem
from exchangelib.errors import ErrorInvalidSyncStateData, ErrorItemNotFound

from cospaced.exchange_simulator.recurrence import Recurrence, Weekly
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
