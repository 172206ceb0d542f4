"""Titles that room mailboxes of Exchange spoil, and what an organizer's own copy makes of them."""

from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cospaced.domain.calendar import Occurrence
from cospaced.domain.spoilt_title import (
    OwnCopy,
    begins_with_name,
    event_of,
    is_only_name,
    is_spoilt,
    mended,
    soonest,
    without_name,
)
from support.situations import NOW


HOUR = timedelta(hours=1)
ADA = "Ada Lovelace"
EVENT = Occurrence(uid="u", start=NOW, end=NOW + HOUR, organizer="a@x.org", organizer_name=ADA)
WORDS = st.text("AaBß é", max_size=6)
COPIES = st.builds(OwnCopy, title=WORDS.map(lambda text: " ".join(text.split())))


@pytest.mark.parametrize(
    ("title", "only_name", "behind"),
    [
        ("Ada Lovelace", True, ""),
        (" ADA  lovelace ", True, ""),
        ("Ada Lovelace Planning", False, "Planning"),
        ("ada lovelace  Planning  II", False, "Planning II"),
        ("Ada Lovelaces Planning", False, ""),
        ("Planning Ada Lovelace", False, ""),
        ("", False, ""),
    ],
)
def test_a_name_is_told_from_a_title(title: str, *, only_name: bool, behind: str) -> None:
    assert is_only_name(title, ADA) is only_name
    assert without_name(title, ADA) == behind
    assert begins_with_name(title, ADA) is bool(behind)
    assert is_spoilt(title, ADA) is (only_name or bool(behind) or not title)


def test_a_name_with_doubled_spaces_is_the_same_name() -> None:
    assert without_name("Ada Lovelace Planning", "Ada  Lovelace ") == "Planning"


@pytest.mark.parametrize("name", ["", "  "])
def test_without_a_name_nothing_but_emptiness_is_spoilt(name: str) -> None:
    assert not is_spoilt("Planning", name)
    assert not is_spoilt(" Planning", name)
    assert is_spoilt(" ", name)


@pytest.mark.parametrize(
    ("title", "own", "alone", "expected"),
    [
        ("Ada Lovelace", "Planning", False, "Planning"),
        ("", "Planning", False, "Planning"),
        ("Ada Lovelace Planning", "Planning", False, "Planning"),
        ("Ada Lovelace Old", "Planning", False, "Planning"),
        ("Retreat", "Planning", False, "Retreat"),
        ("Ada Lovelace Lecture", "Ada Lovelace Lecture", False, "Ada Lovelace Lecture"),
        ("Ada Lovelace", "", False, "Ada Lovelace"),
        ("Ada Lovelace Retreat", "Planning", True, "Retreat"),
        ("Ada Lovelace Lecture", "Ada Lovelace Lecture", True, "Ada Lovelace Lecture"),
        ("Ada Lovelace", "Planning", True, "Planning"),
    ],
)
def test_an_organizers_title_replaces_a_spoilt_one(
    title: str, own: str, *, alone: bool, expected: str
) -> None:
    event = replace(EVENT, title=title)
    assert mended(event, OwnCopy(title=own), changed_alone=alone).title == expected


@given(title=WORDS, name=WORDS, own=COPIES, hidden=st.booleans(), private=st.booleans())
def test_a_title_is_the_rooms_or_the_organizers_and_a_flag_is_never_lost(
    title: str, name: str, own: OwnCopy, *, hidden: bool, private: bool
) -> None:
    event = replace(EVENT, title=title, organizer_name=name, private=hidden)
    after = mended(event, replace(own, private=private))
    assert after.title in (title, own.title)
    assert after.private is (hidden or private)
    assert replace(after, title=title, private=hidden) == event
    if own.title and is_spoilt(title, name):
        assert after.title == own.title
    assert mended(after, replace(own, private=private)) == after


@given(subject=WORDS, name=WORDS, adds=st.booleans(), deletes=st.booleans())
def test_whatever_a_room_mailbox_did_is_undone(
    subject: str, name: str, *, adds: bool, deletes: bool
) -> None:
    subject = " ".join(subject.split())
    left = "" if deletes else subject
    title = " ".join((f"{name} {left}" if adds else left).split())
    event = replace(EVENT, title=title, organizer_name=name)
    assert mended(event, OwnCopy(title=subject)).title == (subject or title)


def test_soonest_events_come_once_and_only_if_they_are_not_over() -> None:
    over = replace(EVENT, uid="over", end=NOW)
    later = replace(EVENT, uid="later", start=NOW + HOUR, end=NOW + 2 * HOUR)
    assert soonest([over, EVENT, later, EVENT], NOW) == (event_of(EVENT), event_of(later))
