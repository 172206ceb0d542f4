"""What is kept of organizers' copies from one reading of a room to the next."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cospaced.calendars import organizer_copies
from cospaced.calendars.organizer_copies import Known, Ledger, Version, own_copy
from cospaced.calendars.quirks import outlook_uid
from cospaced.domain.calendar import Occurrence, Reading
from cospaced.domain.spoilt_title import MOST_LOOKS, OwnCopy, event_of
from support.situations import NOW, WINDOW


HOUR = timedelta(hours=1)
ROOM = "aula@example.org"
UID = "040000008200E00074C5B7101A82E0080000000000000000000000000000000000000000100000000000{:08X}"
ADA = Occurrence(
    uid=UID.format(1),
    start=NOW + HOUR,
    end=NOW + 2 * HOUR,
    organizer="ada@example.org",
    organizer_name="Ada Lovelace",
    title="Ada Lovelace",
)
FIRST = Version(change_key="1")


def reviewed(
    ledger: Ledger, *shown: Occurrence, change_key: str = "1", now: datetime = NOW
) -> Ledger:
    versions = [Version(change_key=change_key)] * len(shown)
    return organizer_copies.reviewed(ledger, shown, versions, mailbox=ROOM.upper(), now=now)


def learnt(ledger: Ledger, **own: object) -> Ledger:
    found = {event: OwnCopy(**own) for event in ledger}  # type: ignore[arg-type] # by name
    return organizer_copies.learnt(ledger, found)


def due(ledger: Ledger, *left_alone: str) -> Sequence[object]:
    return organizer_copies.due(ledger, left_alone)


def reading(body: bytes) -> Reading:
    return Reading(occurrences=(), covered=WINDOW, body=body, read_at=NOW)


@pytest.mark.parametrize(
    "change",
    [
        {"title": "Planning"},
        {"cancelled": True},
        {"organizer": ""},
        {"organizer": ROOM},
        {"organizer": "jörg@example.org"},
        {"uid": "abc@google.example"},
        {"uid": UID.format(1)[:-1]},
        {"start": NOW - 2 * HOUR, "end": NOW},
    ],
)
def test_what_no_copy_can_mend_is_not_sought(change: dict[str, object]) -> None:
    assert len(due(reviewed({}, ADA))) == 1
    assert reviewed({}, replace(ADA, **change)) == {}  # type: ignore[arg-type] # fields by name


def test_the_soonest_come_first_and_not_too_many_at_once() -> None:
    events = [
        replace(ADA, uid=UID.format(n), start=NOW + n * HOUR, end=NOW + (n + 1) * HOUR)
        for n in range(1, 3 * MOST_LOOKS)
    ]
    over = replace(events[-1], start=NOW - 2 * HOUR, end=NOW - HOUR)
    ledger = reviewed({}, over, *events)
    assert list(ledger) == list(map(event_of, events))
    assert list(due(ledger)) == list(map(event_of, events[:MOST_LOOKS]))


def test_an_organizer_who_is_left_alone_holds_up_nobody() -> None:
    other = replace(ADA, organizer="grace@example.org")
    ledger = reviewed({}, ADA, other)
    assert list(due(ledger, ADA.organizer)) == [event_of(other)]


def test_what_was_asked_is_not_asked_again_until_the_rooms_item_changes() -> None:
    ledger = learnt(reviewed({}, ADA))
    assert ledger[event_of(ADA)].asked
    same = reviewed(ledger, ADA)
    assert (same, due(same)) == (ledger, ())
    changed = reviewed(ledger, ADA, change_key="2")
    assert list(due(changed)) == [event_of(ADA)]


def test_a_private_copy_is_thought_private_until_it_is_seen_again() -> None:
    ledger = learnt(reviewed({}, ADA), title="Merger", private=True)
    waiting = reviewed(ledger, ADA, change_key="2")
    (shown,) = organizer_copies.applied(waiting, [ADA], [FIRST])
    assert (shown.title, shown.private) == (ADA.title, True)
    (shown,) = organizer_copies.applied(learnt(waiting, title="Picnic"), [ADA], [FIRST])
    assert (shown.title, shown.private) == ("Picnic", False)


def test_a_title_that_was_learnt_stands_until_it_is_asked_for_again() -> None:
    ledger = learnt(reviewed({}, ADA), title="Planning")
    for change_key in ("2", "3"):
        ledger = reviewed(ledger, ADA, change_key=change_key)
        (shown,) = organizer_copies.applied(ledger, [ADA], [FIRST])
        assert shown.title == "Planning"
        assert due(ledger)


def test_what_is_over_keeps_its_title_and_asks_nothing() -> None:
    ledger = learnt(reviewed({}, ADA), title="Planning")
    over = NOW + 3 * HOUR
    assert reviewed(ledger, ADA, now=over) == ledger
    assert reviewed(reviewed({}, ADA), ADA, now=over) == {}
    assert reviewed(ledger, ADA, now=over, change_key="2") == {}


def test_every_occurrence_of_an_event_is_private_if_its_copy_is() -> None:
    renamed = replace(ADA, title="Retreat", recurrence_id="2026-10-13T06:00:00Z")
    ledger = learnt(reviewed({}, ADA, renamed), title="Planning", private=True)
    shown = organizer_copies.applied(ledger, [ADA, renamed], [FIRST, FIRST])
    assert [(one.title, one.private) for one in shown] == [("Planning", True), ("Retreat", True)]


@pytest.mark.parametrize(
    ("found", "expected"),
    [
        ([], OwnCopy()),
        ([("", False), ("Canceled:  Stand   up ", False)], OwnCopy(title="Stand up")),
        ([("One", False), ("Two", True)], OwnCopy(title="One", private=True)),
        ([("x" * 600, False)], OwnCopy(title="x" * 500)),
    ],
)
def test_what_several_copies_say_is_private_if_one_is(
    found: list[tuple[str, bool]], expected: OwnCopy
) -> None:
    assert own_copy(found) == expected


LEDGERS = st.dictionaries(
    st.tuples(st.text(), st.text()),
    st.builds(
        Known,
        change_keys=st.lists(st.text()).map(tuple),
        asked=st.booleans(),
        own=st.builds(OwnCopy, title=st.text(), private=st.booleans()),
    ),
)


@given(ledger=LEDGERS, rest=st.binary())
def test_a_ledger_is_read_as_it_was_written_for_these_settings_alone(
    ledger: Ledger, rest: bytes
) -> None:
    body = organizer_copies.packed(ledger, "meant", rest)
    read = organizer_copies.unpacked(reading(body), "meant")
    assert list(read.items()) == list(ledger.items())
    assert organizer_copies.rest(body) == rest
    assert organizer_copies.unpacked(reading(body), "other") == {}
    assert organizer_copies.unpacked(None, "meant") == {}


@given(body=st.binary())
def test_a_damaged_ledger_is_none(body: bytes) -> None:
    whole = organizer_copies.packed(learnt(reviewed({}, ADA)), "meant")
    for damaged in (body, whole[: len(body)], whole[:8] + body):
        assert organizer_copies.unpacked(reading(damaged), "meant") == {}
        organizer_copies.rest(damaged)


def test_only_whole_object_ids_are_ids() -> None:
    assert outlook_uid.object_id(UID.format(1)) == bytes.fromhex(UID.format(1))
    assert outlook_uid.object_id(UID.format(1)[:-1]) is None
    assert outlook_uid.object_id("abc@google.example") is None
