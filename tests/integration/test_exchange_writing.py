"""Writing to the simulated Exchange with exchangelib: answers, changes, new events, deletions."""

from collections.abc import AsyncIterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from exchangelib import Account, Attendee, CalendarItem, EWSTimeZone, Mailbox, Q
from exchangelib.errors import (
    ErrorIrresolvableConflict,
    ErrorItemNotFound,
    ErrorNameResolutionNoResults,
)
from exchangelib.items import SEND_ONLY_TO_ALL, SEND_TO_ALL_AND_SAVE_COPY
from exchangelib.properties import AlternateId
from exchangelib.recurrence import Recurrence as ClientRecurrence
from exchangelib.recurrence import WeeklyPattern

from cospaced.exchange_simulator.records import Answer
from cospaced.exchange_simulator.recurrence import Daily, Recurrence
from cospaced.exchange_simulator.rights import Account as SimulatedAccount
from cospaced.exchange_simulator.scenarios import Wording
from support.exchange import ANNA, OTHER_ROOM, ROOM, Desk, an_exchange, lite_calendar, noon


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with an_exchange(tmp_path) as made:
        yield made


def fetched(account: Account, identity: str, *fields: str) -> CalendarItem:
    (item,) = account.fetch([(identity, None)], only_fields=[*fields, "changekey"])
    if isinstance(item, Exception):
        raise item
    return item


def ews(moment: datetime) -> Any:
    return moment.astimezone(EWSTimeZone("Europe/Berlin"))


async def test_body_and_location_are_written_and_the_change_key_is_new(desk: Desk) -> None:
    made = desk.scenarios.invite(ANNA, [ROOM], noon())
    copy = desk.scenarios.copy(ROOM, made)
    before = copy.change_key
    account = desk.account()

    def save() -> tuple[str, str]:
        item = fetched(account, copy.id, "body", "location")
        item.body, item.location = "<p>Join</p>", "Room One; 7501"
        item.save(update_fields=["body", "location"])
        again = fetched(account, copy.id, "body", "location")
        return again.body, again.location

    assert await desk.ask(save) == ("<p>Join</p>", "Room One; 7501")
    assert copy.change_key != before


async def test_a_field_that_is_emptied_is_deleted(desk: Desk) -> None:
    made = desk.scenarios.invite(ANNA, [ROOM], noon())
    copy = desk.scenarios.copy(ROOM, made)
    account = desk.account()

    def save() -> None:
        item = fetched(account, copy.id, "location")
        item.location = None
        item.save(update_fields=["location"])

    await desk.ask(save)
    assert copy.content.location == ""


async def test_an_old_change_key_is_a_conflict(desk: Desk) -> None:
    made = desk.scenarios.invite(ANNA, [ROOM], noon())
    copy = desk.scenarios.copy(ROOM, made)
    account = desk.account()
    item = await desk.ask(lambda: fetched(account, copy.id, "location"))
    desk.scenarios.update(made, location="Elsewhere")
    item.location = "Here"
    with pytest.raises(ErrorIrresolvableConflict):
        await desk.ask(lambda: item.save(update_fields=["location"]))
    assert copy.content.location == "Elsewhere"


async def test_one_occurrence_is_changed_through_its_own_id(desk: Desk) -> None:
    daily = Recurrence(pattern=Daily(), number=4)
    made = desk.scenarios.invite(ANNA, [ROOM], noon(), recurrence=daily)
    copy = desk.scenarios.copy(ROOM, made)
    account = desk.account()
    calendar = lite_calendar(account)

    def save() -> list[Any]:
        days = sorted(calendar.view(noon(0), noon(9)).only("start"), key=lambda one: one.start)
        item = fetched(account, days[1].id, "location")
        item.location = "There"
        item.save(update_fields=["location"])
        found = calendar.view(noon(0), noon(9)).only("type", "location", "start")
        return [(one.type, one.location) for one in sorted(found, key=lambda one: one.start)]

    plain = ("Occurrence", "Room One")
    assert await desk.ask(save) == [plain, ("Exception", "There"), plain, plain]
    assert list(copy.overrides) == [noon(2)]


async def test_series_and_occurrences_lead_to_each_other(desk: Desk) -> None:
    daily = Recurrence(pattern=Daily(), number=4)
    made = desk.scenarios.invite(ANNA, [ROOM], noon(), recurrence=daily)
    desk.scenarios.delete_occurrence(ROOM, made, noon(3))
    desk.scenarios.change_occurrence(made, noon(2), start=noon(2) + timedelta(hours=1))
    account = desk.account()
    calendar = lite_calendar(account)

    def look() -> CalendarItem:
        days = sorted(calendar.view(noon(0), noon(9)).only("start"), key=lambda one: one.start)
        (found,) = account.fetch([days[0].recurring_master()])
        second = found.occurrence(2)
        second.refresh()
        assert second.type == "Exception"
        assert second.start == noon(2) + timedelta(hours=1)
        gone = found.occurrence(4)
        gone.refresh()
        assert gone.start == noon(4)
        return found

    master = await desk.ask(look)
    assert master.type == "RecurringMaster"
    assert master.recurrence.pattern.interval == 1
    assert master.recurrence.boundary.number == 4
    assert [one.start for one in master.modified_occurrences] == [noon(2) + timedelta(hours=1)]
    assert master.first_occurrence.start == noon(1)
    assert master.last_occurrence.start == noon(4)


async def test_a_room_accepts_and_declines_by_hand_and_the_organizer_learns_of_it(
    desk: Desk,
) -> None:
    desk.scenarios.set_processing(ROOM, automatic=False)
    made = desk.scenarios.invite(ANNA, [ROOM], noon())
    copy = desk.scenarios.copy(ROOM, made)
    assert copy.content.answer is Answer.UNANSWERED
    account = desk.account()

    def answer(how: str) -> None:
        item = fetched(account, copy.id, "subject")
        getattr(item, how)(message_disposition="SendOnly")

    await desk.ask(lambda: answer("tentatively_accept"))
    assert copy.content.answer is Answer.TENTATIVE
    await desk.ask(lambda: answer("accept"))
    assert copy.content.answer is Answer.ACCEPT
    assert made.content.resources[0].answer is Answer.ACCEPT
    await desk.ask(lambda: answer("decline"))
    assert made.content.resources[0].answer is Answer.DECLINE
    assert desk.exchange.state.mailbox(ROOM).items == {}


async def test_an_answer_that_is_saved_looks_for_the_sent_items_first(desk: Desk) -> None:
    desk.scenarios.set_processing(ROOM, automatic=False)
    made = desk.scenarios.invite(ANNA, [ROOM], noon())
    copy = desk.scenarios.copy(ROOM, made)
    account = desk.account()
    await desk.ask(lambda: fetched(account, copy.id, "subject").accept())
    assert copy.content.answer is Answer.ACCEPT
    assert desk.exchange.requests.count("GetFolder") >= 1


async def test_a_person_invites_a_room_changes_the_time_and_cancels(desk: Desk) -> None:
    desk.exchange.grant(SimulatedAccount(name="anna", password="pw", mailbox=ANNA))
    account = desk.account(ANNA)
    room = desk.exchange.state.mailbox(ROOM)

    def invite() -> CalendarItem:
        item = CalendarItem(
            account=account,
            folder=lite_calendar(account),
            subject="By hand",
            start=ews(noon()),
            end=ews(noon() + timedelta(hours=1)),
            resources=[Attendee(mailbox=Mailbox(email_address=ROOM), response_type="Unknown")],
        )
        item.save(send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY)
        return item

    item = await desk.ask(invite)
    (copy,) = room.items.values()
    assert copy.content.start == noon()
    assert copy.zone == "W. Europe Standard Time"
    assert copy.organizer.address == ANNA

    def move() -> None:
        again = fetched(account, item.id, "start", "end")
        again.start = ews(noon() + timedelta(hours=2))
        again.end = ews(noon() + timedelta(hours=3))
        again.save(
            update_fields=["start", "end"], send_meeting_invitations=SEND_TO_ALL_AND_SAVE_COPY
        )

    await desk.ask(move)
    assert copy.content.start == noon() + timedelta(hours=2)

    def cancel() -> None:
        again = fetched(account, item.id, "subject")
        again.delete(send_meeting_cancellations=SEND_ONLY_TO_ALL)

    await desk.ask(cancel)
    assert copy.content.cancelled
    with pytest.raises(ErrorItemNotFound):
        await desk.ask(lambda: fetched(account, item.id, "subject"))


async def test_a_series_that_a_client_makes_is_expanded(desk: Desk) -> None:
    account = desk.account()
    calendar = lite_calendar(account)
    monday = noon(1)
    while monday.weekday() != 0:
        monday += timedelta(days=1)

    def make() -> list[datetime]:
        CalendarItem(
            account=account,
            folder=calendar,
            subject="Series",
            start=ews(monday),
            end=ews(monday + timedelta(hours=1)),
            recurrence=ClientRecurrence(
                pattern=WeeklyPattern(interval=2, weekdays=["Monday"]),
                start=ews(monday).date(),
                number=3,
            ),
        ).save()
        view = calendar.view(monday - timedelta(days=1), monday + timedelta(days=60))
        return sorted(one.start for one in view.only("start"))

    found = await desk.ask(make)
    zone = EWSTimeZone("Europe/Berlin")
    days = [one.astimezone(zone).date() for one in found]
    first = monday.astimezone(zone).date()
    assert days == [first + timedelta(days=14 * number) for number in range(3)]


async def test_an_indexed_view_is_paged_and_restricted_and_shows_masters(desk: Desk) -> None:
    desk.scenarios.invite(ANNA, [ROOM], noon(), recurrence=Recurrence(pattern=Daily(), number=9))
    for day in range(20, 31):
        desk.scenarios.invite(ANNA, [ROOM], noon(day), wording=Wording(subject=f"Day {day}"))
    calendar = lite_calendar(desk.account())

    def find() -> list[CalendarItem]:
        found = calendar.filter(end__gt=noon(22), start__lt=noon(30)).only("start")
        found.page_size = 3
        return list(found)

    assert sorted(one.start for one in await desk.ask(find)) == [noon(day) for day in range(22, 30)]
    assert desk.exchange.requests.count("FindItem") == 3
    assert len(await desk.ask(lambda: list(calendar.all().only("type")))) == 12
    other = calendar.filter(~Q(start__lt=noon(29)) | Q(start=noon(21))).only("start")
    found = sorted(one.start for one in await desk.ask(lambda: list(other)))
    assert found == [noon(day) for day in (21, 29, 30)]
    named = calendar.filter(location__icontains="room ONE").only("start")
    assert len(await desk.ask(lambda: list(named))) == 12
    named = calendar.filter(location__contains="room ONE").only("start")
    assert await desk.ask(lambda: list(named)) == []


async def test_names_are_resolved(desk: Desk) -> None:
    account = desk.account()
    (found,) = await desk.ask(lambda: account.protocol.resolve_names(["room two"]))
    assert found.email_address == OTHER_ROOM
    both = await desk.ask(lambda: account.protocol.resolve_names(["room"]))
    assert [one.email_address for one in both] == [ROOM, OTHER_ROOM]
    (none,) = await desk.ask(lambda: account.protocol.resolve_names(["nobody"]))
    assert isinstance(none, ErrorNameResolutionNoResults)


async def test_time_zones_are_told_with_their_rules(desk: Desk) -> None:
    account = desk.account()
    zones = await desk.ask(
        lambda: list(
            account.protocol.get_timezones(
                timezones=[EWSTimeZone("Europe/Berlin"), EWSTimeZone("Asia/Tokyo")],
                return_full_timezone_data=True,
            )
        )
    )
    berlin, tokyo = zones
    assert berlin.id == "W. Europe Standard Time"
    assert [one.bias for one in berlin.periods] == [timedelta(hours=-1), timedelta(hours=-2)]
    standard, daylight, _ = berlin.get_std_and_dst(for_year=2026)
    assert standard.bias == 0
    assert daylight.bias == -60
    assert (daylight.iso_month, daylight.occurrence) == (3, 5)
    assert [one.bias for one in tokyo.periods] == [timedelta(hours=-9)]


async def test_ids_are_converted_and_nonsense_is_malformed(desk: Desk) -> None:
    made = desk.scenarios.invite(ANNA, [ROOM], noon())
    copy = desk.scenarios.copy(ROOM, made)
    account = desk.account()
    asked = AlternateId(id=copy.id, format="EwsId", mailbox=ROOM)
    (found,) = await desk.ask(
        lambda: list(account.protocol.convert_ids([asked], destination_format="EntryId"))
    )
    assert (found.id, found.format, found.mailbox) == (copy.id, "EntryId", ROOM)
