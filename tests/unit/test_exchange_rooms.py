"""What people do in the simulated Exchange, and what their rooms make of it."""

from datetime import UTC, timedelta

import pytest

from cospaced.exchange_simulator.identity import CLASS_ID, dated, object_id
from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.records import Answer, Busy, Kind, Person, Sensitivity
from cospaced.exchange_simulator.recurrence import Daily, Recurrence
from cospaced.exchange_simulator.scenarios import Wording
from support.exchange_model import ANNA, OTHER, ROOM, Model, a_model


DAY = timedelta(days=1)
DAILY = Recurrence(pattern=Daily(), number=5)
SECRET = Wording(subject="Merger", body="secret", sensitivity=Sensitivity.PRIVATE)


def test_a_uid_is_a_clean_global_object_id_and_the_same_in_every_mailbox() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM, OTHER], model.start)
    raw = object_id(made.uid)
    assert made.uid == raw.hex().upper()
    assert len(raw) == 56
    assert raw.startswith(CLASS_ID)
    assert raw[16:20] == bytes(4)
    assert dated(raw, model.start.date())[16:20] == bytes([0x07, 0xEA, 12, 1])
    copies = [model.scenarios.copy(room, made) for room in (ROOM, OTHER)]
    assert {one.uid for one in copies} == {made.uid}
    assert len({one.id for one in [made, *copies]}) == 3
    assert {len(one.id) for one in copies} == {152}


def test_a_foreign_uid_is_wrapped_in_a_global_object_id() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM], model.start, uid="abc@example.org")
    assert model.scenarios.copy(ROOM, made).uid == "abc@example.org"
    assert object_id(made.uid)[40:].startswith(b"vCal-Uid\x01\x00\x00\x00abc@example.org")


def test_a_room_hides_subject_text_and_privacy_by_its_settings() -> None:
    model = a_model()
    model.scenarios.set_processing(
        OTHER,
        add_organizer_to_subject=False,
        delete_subject=False,
        delete_comments=False,
        remove_private_property=False,
    )
    made = model.scenarios.invite(ANNA, [ROOM, OTHER], model.start, wording=SECRET)
    hidden = model.scenarios.copy(ROOM, made).content
    assert (hidden.subject, hidden.body) == ("Anna Example ", "")
    assert hidden.sensitivity is Sensitivity.NORMAL
    shown = model.scenarios.copy(OTHER, made).content
    assert (shown.subject, shown.body) == ("Merger", "secret")
    assert shown.sensitivity is Sensitivity.PRIVATE
    assert (shown.answer, shown.busy) == (Answer.ACCEPT, Busy.BUSY)


def test_an_update_is_unanswered_until_the_room_accepts_again() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM], model.start)
    copy = model.scenarios.copy(ROOM, made)
    model.scenarios.set_processing(ROOM, paused=True)
    keys = {copy.change_key}
    model.scenarios.update(made, start=model.start + DAY)
    assert (copy.content.answer, copy.content.busy) == (Answer.UNANSWERED, Busy.TENTATIVE)
    assert copy.content.subject == "Planning"
    keys.add(copy.change_key)
    model.scenarios.answer(ROOM)
    assert copy.content.answer is Answer.ACCEPT
    assert copy.content.start == model.start + DAY
    assert copy.content.end == model.start + DAY + timedelta(hours=1)
    assert len(keys | {copy.change_key}) == 3
    assert copy.sequence == made.sequence == 1


def test_attendees_answers_are_the_organizers_secret() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM, OTHER], model.start)
    assert [one.answer for one in made.content.resources] == [Answer.ACCEPT, Answer.ACCEPT]
    copy = model.scenarios.copy(OTHER, made)
    assert {one.answer for one in copy.content.resources} == {Answer.UNKNOWN}


def test_a_room_that_is_taken_declines_and_holds_no_copy() -> None:
    model = a_model()
    model.scenarios.invite(ANNA, [ROOM], model.start + 2 * DAY)
    made = model.scenarios.invite(ANNA, [ROOM, OTHER], model.start, recurrence=DAILY)
    assert [one.answer for one in made.content.resources] == [Answer.DECLINE, Answer.ACCEPT]
    with pytest.raises(KeyError):
        model.scenarios.copy(ROOM, made)
    after = model.scenarios.invite(ANNA, [ROOM], model.start + 2 * DAY + timedelta(hours=1))
    assert model.scenarios.copy(ROOM, after)
    model.scenarios.set_processing(ROOM, allow_conflicts=True)
    again = model.scenarios.invite(ANNA, [ROOM], model.start + 2 * DAY)
    assert model.scenarios.copy(ROOM, again)


def test_a_cancelled_event_stays_marked_or_goes_by_the_rooms_setting() -> None:
    model = a_model()
    model.scenarios.set_processing(OTHER, remove_cancelled=True)
    made = model.scenarios.invite(ANNA, [ROOM, OTHER], model.start)
    copy = model.scenarios.copy(ROOM, made)
    model.scenarios.cancel(made)
    assert copy.content.subject == "Canceled: Anna Example "
    assert copy.content.cancelled
    assert copy.content.busy is Busy.FREE
    assert model.items(OTHER) == []
    assert model.items(ANNA) == []


def test_a_room_that_is_uninvited_sees_the_event_cancelled_and_others_do_not() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM, OTHER], model.start)
    model.scenarios.remove_from(made, OTHER)
    assert model.scenarios.copy(OTHER, made).content.cancelled
    kept = model.scenarios.copy(ROOM, made).content
    assert not kept.cancelled
    assert [one.address for one in kept.resources] == [ROOM]


def test_a_room_that_is_invited_later_gets_the_series_with_its_changes() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM], model.start, recurrence=DAILY)
    model.scenarios.change_occurrence(made, model.start + DAY, subject="Other")
    model.scenarios.cancel_occurrence(made, model.start + 2 * DAY)
    model.scenarios.add_to(made, OTHER)
    copy = model.scenarios.copy(OTHER, made)
    assert list(copy.overrides) == [model.start + DAY]
    assert copy.deleted == {model.start + 2 * DAY}


def test_a_cancelled_occurrence_is_marked_in_the_room_and_stays_so_after_an_update() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM], model.start, recurrence=DAILY)
    model.scenarios.cancel_occurrence(made, model.start + DAY)
    copy = model.scenarios.copy(ROOM, made)
    assert copy.overrides[model.start + DAY].cancelled
    assert copy.deleted == set()
    model.scenarios.update(made, location="Elsewhere")
    assert copy.overrides[model.start + DAY].cancelled
    assert copy.content.location == "Elsewhere"
    with pytest.raises(KeyError):
        model.scenarios.change_occurrence(made, model.start + DAY, subject="gone")


def test_new_times_of_a_series_undo_its_changed_occurrences() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM], model.start, recurrence=DAILY)
    model.scenarios.change_occurrence(made, model.start + DAY, subject="Other")
    model.scenarios.update(made, subject="Same times")
    assert made.overrides[model.start + DAY].subject == "Same times"
    model.scenarios.update(made, start=model.start + timedelta(hours=2))
    assert made.overrides == {}
    assert model.scenarios.copy(ROOM, made).overrides == {}


@pytest.mark.parametrize("is_dated", [False, True])
def test_a_room_of_one_occurrence_gets_an_orphan_and_keeps_it_up_to_date(is_dated: bool) -> None:
    model = a_model(Knobs(dated_orphan_uid=is_dated))
    made = model.scenarios.invite(ANNA, [ROOM], model.start, recurrence=DAILY)
    planned = model.start + 2 * DAY
    model.scenarios.invite_to_occurrence(made, planned, OTHER)
    (orphan,) = model.items(OTHER)
    assert orphan.kind is Kind.SINGLE
    assert orphan.orphan_of == planned
    assert orphan.content.start == planned
    model.scenarios.change_occurrence(made, planned, start=planned + timedelta(hours=3))
    assert [one.id for one in model.items(OTHER)] == [orphan.id]
    assert orphan.content.start == planned + timedelta(hours=3)
    model.scenarios.cancel_occurrence(made, planned)
    assert orphan.content.cancelled


def test_a_split_ends_the_old_series_and_begins_another_with_the_rest() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM], model.start, recurrence=DAILY)
    model.scenarios.change_occurrence(made, model.start + 4 * DAY, subject="late")
    new = model.scenarios.split(made, model.start + 2 * DAY, subject="Second half")
    old_copy, new_copy = (model.scenarios.copy(ROOM, one) for one in (made, new))
    assert new.uid != made.uid

    def starts(item: object) -> list[int]:
        return [one.astimezone(UTC).day for one in item.recurrence.starts(item.content.start)]

    assert starts(old_copy) == [1, 2]
    assert starts(new_copy) == [3, 4, 5]
    assert old_copy.overrides == {}
    assert new.content.subject == "Second half"


def test_an_organizer_elsewhere_has_no_mailbox_here() -> None:
    model = a_model()
    guest = Person(address="guest@elsewhere.test", name="Guest")
    made = model.scenarios.invite(guest, [ROOM], model.start)
    assert model.scenarios.copy(ROOM, made).content.subject == "Guest "
    assert model.items(ANNA) == []


def test_one_seed_gives_one_history() -> None:
    def told(model: Model) -> list[str]:
        made = model.scenarios.invite(ANNA, [ROOM, OTHER], model.start, recurrence=DAILY)
        model.scenarios.update(made, subject="Again")
        boxes = model.exchange.state.mailboxes.values()
        return [f"{event}" for box in boxes for event in box.events]

    assert told(a_model()) == told(a_model())


def test_a_room_that_is_uninvited_from_one_occurrence_sees_that_one_cancelled() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM, OTHER], model.start, recurrence=DAILY)
    only = tuple(one for one in made.content.resources if one.address == ROOM)
    model.scenarios.change_occurrence(made, model.start + DAY, resources=only)
    assert model.scenarios.copy(OTHER, made).overrides[model.start + DAY].cancelled
    assert not model.scenarios.copy(ROOM, made).overrides[model.start + DAY].cancelled


def test_a_cancelled_series_takes_its_orphans_along() -> None:
    model = a_model()
    made = model.scenarios.invite(ANNA, [ROOM], model.start, recurrence=DAILY)
    model.scenarios.invite_to_occurrence(made, model.start + DAY, OTHER)
    model.scenarios.cancel(made)
    assert [one.content.cancelled for one in model.items(OTHER)] == [True]


def test_a_room_that_is_booked_by_hand_is_its_own_organizer() -> None:
    model = a_model()
    made = model.scenarios.invite(ROOM, [], model.start)
    assert model.items() == [made]
    assert made.content.answer is Answer.ORGANIZER
    assert made.content.invited == ()
    assert model.scenarios.copy(ROOM, made) is made


@pytest.mark.parametrize(("intended", "arrived"), [("Free", "Free"), ("OOF", "Tentative")])
def test_an_event_is_shown_as_its_organizer_intends_once_it_is_accepted(
    intended: str, arrived: str
) -> None:
    model = a_model()
    model.scenarios.set_processing(ROOM, paused=True)
    wording = Wording(busy=Busy(intended))
    copy = model.scenarios.copy(
        ROOM, model.scenarios.invite(ANNA, [ROOM], model.start, wording=wording)
    )
    assert copy.content.busy == arrived
    model.scenarios.answer(ROOM)
    assert copy.content.busy == intended
