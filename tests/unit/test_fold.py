"""Which copies make a booking, and what they say together."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from cospaced.domain.calendar import Answer, Busy, Copy, Occurrence
from cospaced.domain.fold import Folded, fold
from cospaced.settings import Choice, ConferenceSettings, PrivateMode, RoomSettings


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
HOUR = timedelta(hours=1)
TERMS = ConferenceSettings()
ROOMS = {
    "aula": RoomSettings(name="aula", calendar="c", endpoints=("aula@x.org",)),
    "boardroom": RoomSettings(name="boardroom", calendar="c", endpoints=("board@x.org",)),
    "cellar": RoomSettings(name="cellar", calendar="c"),
    "video": RoomSettings(name="video", calendar="c", always=True),
}


def _copy(room: str, *, seen: int = 0, source: str = "c", **keys: Any) -> Copy:
    accepted = keys.pop("accepted_before", False)
    event = {"uid": "u", "start": NOW, "end": NOW + HOUR, "title": "T", "organizer": "a@x"}
    return Copy(
        room=room,
        source=source,
        occurrence=Occurrence(**event | keys),
        seen_at=NOW + timedelta(seconds=seen),
        accepted_before=accepted,
    )


def _fold(*copies: Copy, read: int = 0, **terms: Any) -> Folded:
    read_at = {copy.room: NOW + timedelta(seconds=read) for copy in copies}
    return fold(copies, ROOMS, replace(TERMS, **terms), read_at)


def test_copies_of_two_rooms_are_one_booking() -> None:
    wanted = _fold(_copy("boardroom"), _copy("aula", source="d")).wanted
    assert wanted is not None
    assert wanted.rooms == ("aula", "boardroom")


@pytest.mark.parametrize(
    ("change", "terms", "reason"),
    [
        ({"cancelled": True}, {}, "cancelled"),
        ({"answer": Answer.DECLINED}, {}, "declined by the room"),
        ({"busy": Busy.FREE}, {}, "shown as free"),
        ({"end": NOW}, {}, "has no length"),
        ({"busy": Busy.TENTATIVE}, {}, "tentative"),
        ({"busy": Busy.TENTATIVE}, {"tentative": Choice.BOOK}, ""),
        ({"answer": Answer.TENTATIVE}, {}, "tentative"),
        ({"busy": Busy.TENTATIVE, "answer": Answer.UNANSWERED}, {}, "tentative"),
        (
            {"busy": Busy.TENTATIVE, "answer": Answer.UNANSWERED, "accepted_before": True},
            {},
            "",
        ),
        ({"answer": Answer.UNANSWERED}, {}, ""),
        ({"all_day": True}, {}, "lasts all day"),
        ({"all_day": True}, {"all_day": Choice.BOOK}, ""),
        ({"other_video": True}, {}, "carries another video link"),
        ({"other_video": True}, {"other_video": Choice.BOOK}, ""),
        ({"private": True}, {}, ""),
        ({"private": True}, {"private": PrivateMode.SKIP}, "private"),
        ({"end": NOW + 13 * HOUR}, {}, "longer than max_duration"),
    ],
)
def test_what_is_no_booking_by_itself(
    change: dict[str, Any], terms: dict[str, Any], reason: str
) -> None:
    folded = _fold(_copy("aula", **change), _copy("boardroom", **change), **terms)
    assert {skip.reason for skip in folded.skipped} == ({reason} if reason else set())
    assert (folded.wanted is None) is bool(reason)


@pytest.mark.parametrize(
    ("rooms", "least", "booked"),
    [
        (("aula",), 2, False),
        (("aula",), 1, True),
        (("aula", "cellar"), 2, False),
        (("aula", "boardroom"), 2, True),
        (("aula", "video"), 2, True),
        (("cellar", "video"), 2, True),
        (("aula",), 0, True),
        (("aula", "unknown"), 2, False),
    ],
)
def test_how_many_rooms_with_an_endpoint_make_a_booking(
    rooms: tuple[str, ...], least: int, booked: bool
) -> None:
    folded = _fold(*(_copy(room) for room in rooms), min_rooms=least)
    assert (folded.wanted is not None) is booked


@pytest.mark.parametrize(
    ("newer", "older"),
    [
        ({"sequence": 2}, {"sequence": 1, "stamp": NOW}),
        ({"stamp": NOW + HOUR}, {"stamp": NOW}),
        ({"stamp": NOW}, {}),
        ({"seen": 9}, {"seen": 1}),
    ],
)
def test_the_newest_revision_says_time_and_title(
    newer: dict[str, Any], older: dict[str, Any]
) -> None:
    late = {"start": NOW + HOUR, "end": NOW + 2 * HOUR, "title": "New"}
    wanted = _fold(_copy("aula", **newer, **late), _copy("boardroom", **older)).wanted
    assert wanted is not None
    assert (wanted.start, wanted.title) == (NOW + HOUR, "New")


def test_a_copy_that_differs_stays_until_its_room_was_read_again() -> None:
    newest = _copy("aula", sequence=1, seen=10, start=NOW + HOUR, end=NOW + 2 * HOUR)
    copies = (newest, _copy("boardroom"), _copy("cellar", sequence=1, start=NOW + HOUR,
                                                end=NOW + 2 * HOUR))  # fmt: skip
    before, after = _fold(*copies, read=5, min_rooms=1), _fold(*copies, read=20, min_rooms=1)
    assert before.wanted is not None
    assert after.wanted is not None
    assert before.wanted.rooms == ("aula", "boardroom", "cellar")
    assert after.wanted.rooms == ("aula", "cellar")
    assert [(skip.room, skip.worth_telling) for skip in after.skipped] == [("boardroom", True)]


def test_a_copy_that_differs_is_not_waited_for_again_when_no_time_has_changed() -> None:
    late = {"start": NOW + HOUR, "end": NOW + 2 * HOUR}
    renamed = replace(_copy("aula", sequence=2, seen=30, **late), timed_at=NOW)
    wanted = _fold(renamed, _copy("boardroom"), read=20, min_rooms=1).wanted
    assert wanted is not None
    assert wanted.rooms == ("aula",)


def test_the_uid_belongs_to_the_organizer_who_was_seen_first() -> None:
    thief = _copy("boardroom", organizer="b@x", sequence=9, seen=5)
    folded = _fold(_copy("aula"), thief, min_rooms=1)
    assert folded.wanted is not None
    assert folded.wanted.rooms == ("aula",)
    assert [skip.room for skip in folded.skipped] == ["boardroom"]


def test_a_missing_organizer_agrees_within_one_source_only() -> None:
    nobody = {"organizer": "", "seen": 1}
    same = _fold(_copy("aula", organizer=""), _copy("boardroom", **nobody)).wanted
    other = _fold(_copy("aula", organizer=""), _copy("boardroom", source="d", **nobody)).wanted
    assert same is not None
    assert other is None


def test_one_private_copy_makes_the_booking_private() -> None:
    wanted = _fold(_copy("aula"), _copy("boardroom", private=True)).wanted
    assert wanted is not None
    assert wanted.private


def test_nobody_but_the_owner_speaks_for_a_booking_whenever_he_was_seen() -> None:
    thief = {"organizer": "b@x", "sequence": 9, "end": NOW + 2 * HOUR}
    for change in ({}, {"cancelled": True}):
        copies = (_copy("aula", **thief, **change), _copy("boardroom", seen=9))
        read_at = {copy.room: NOW for copy in copies}
        folded = fold(copies, ROOMS, replace(TERMS, min_rooms=1), read_at, owner="a@x")
        assert folded.wanted is not None
        assert (folded.wanted.rooms, folded.wanted.end) == (("boardroom",), NOW + HOUR)
        assert folded.strangers == ("aula",)
        assert [skip.worth_telling for skip in folded.skipped] == [True]


def test_of_organizers_seen_in_one_moment_the_one_in_most_rooms_owns_the_uid() -> None:
    copies = (_copy("aula", organizer="b@x"), _copy("boardroom"), _copy("video"))
    assert _fold(*copies).strangers == ("aula",)


@pytest.mark.parametrize(
    ("titles", "expected"),
    [
        (("Ada Lovelace", "Planning"), "Planning"),
        (("", "Planning"), "Planning"),
        (("Ada Lovelace", "ADA LOVELACE"), "ADA LOVELACE"),
        (("Ada Lovelace Planning", "Planning"), "Planning"),
        (("Ada Lovelace Planning", "Ada Lovelace Planning"), "Ada Lovelace Planning"),
        (("Planning", "Ada Lovelace"), "Planning"),
        (("", ""), ""),
    ],
)
def test_a_title_that_a_room_mailbox_spoilt_is_taken_from_another_copy(
    titles: tuple[str, str], expected: str
) -> None:
    copies = [
        _copy(room, title=title, organizer_name="Ada Lovelace")
        for room, title in zip(("aula", "boardroom"), titles, strict=True)
    ]
    wanted = _fold(*copies).wanted
    assert wanted is not None
    assert wanted.title == expected


def test_a_copy_that_differs_and_is_private_keeps_the_booking_private() -> None:
    newer = _copy("aula", sequence=1)
    private = _copy("boardroom", private=True, end=NOW + 2 * HOUR)
    wanted = _fold(newer, private, read=60, min_rooms=1).wanted
    assert wanted is not None
    assert (wanted.rooms, wanted.private) == (("aula",), True)
