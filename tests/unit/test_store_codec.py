import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cospaced.domain.booking import Booking
from cospaced.domain.calendar import Reading, Standing
from cospaced.domain.timespan import Timespan
from cospaced.store.codec import (
    Undecodable,
    decode_booking,
    decode_moment,
    decode_reading,
    encode_booking,
    encode_moment,
    encode_reading,
)
from support.rows import NINE, a_booking, a_full_booking, a_reading


moments = st.datetimes(timezones=st.just(UTC))
st.register_type_strategy(datetime, moments)
st.register_type_strategy(
    Timespan, st.tuples(moments, moments).map(lambda pair: Timespan(min(pair), max(pair)))
)
whole_text = st.text(st.characters(exclude_categories=["Cs"]))
st.register_type_strategy(str, whole_text)


@given(st.from_type(Booking))
def test_any_booking_comes_back_exactly(booking: Booking) -> None:
    assert decode_booking(encode_booking(booking)) == booking


@given(st.from_type(Reading))
def test_any_reading_comes_back_exactly(reading: Reading) -> None:
    assert decode_reading(*encode_reading(reading)) == reading


def test_moments_come_back_in_the_one_zone_that_is_used() -> None:
    booking = decode_booking(encode_booking(a_full_booking()))
    assert booking.opened_at is not None
    for moment in (booking.start, booking.opened_at, booking.dials[0].at, booking.dials[1].due):
        assert moment is not None
        assert moment.tzinfo is UTC
    reading = decode_reading(*encode_reading(a_reading()))
    assert reading.occurrences[0].start.tzinfo is UTC
    assert reading.covered.end.tzinfo is UTC
    assert reading.standing.failing_since is not None
    assert reading.standing.failing_since.tzinfo is UTC
    assert reading.standing.doubt.missed[0].since.tzinfo is UTC


def test_a_reading_of_an_earlier_release_stands_as_if_nothing_were_known() -> None:
    text, body = encode_reading(a_reading())
    row = json.loads(text)
    del row["standing"]
    assert decode_reading(json.dumps(row).encode(), body) == a_reading(standing=Standing())


def test_what_a_later_release_added_is_ignored() -> None:
    row = json.loads(encode_booking(a_full_booking()))
    row["mood"] = "good"
    row["terms"]["music"] = True
    row["dials"][0]["target"]["colour"] = "blue"
    assert decode_booking(json.dumps(row).encode()) == a_full_booking()


def test_what_an_earlier_release_did_not_store_takes_its_default() -> None:
    row = json.loads(encode_booking(a_booking()))
    for key in ("edited", "locked_at", "terms", "dials"):
        del row[key]
    assert decode_booking(json.dumps(row).encode()) == a_booking()


@pytest.mark.parametrize("key", ["id", "start", "created_at"])
def test_a_row_without_what_it_needs_is_unreadable(key: str) -> None:
    row = json.loads(encode_booking(a_booking()))
    del row[key]
    with pytest.raises(Undecodable, match=f"{key} missing"):
        decode_booking(json.dumps(row).encode())


def test_an_unreadable_row_is_told_without_what_stands_in_it() -> None:
    row = json.loads(encode_booking(a_booking(title="takeover", private=True)))
    row["state"] = "takeover"
    with pytest.raises(Undecodable, match=r"^state enum$") as caught:
        decode_booking(json.dumps(row).encode())
    assert "takeover" not in repr(caught.value)
    with pytest.raises(Undecodable):
        decode_booking(b"\x00\xff nothing")


def test_half_a_surrogate_pair_is_stored_as_a_question_mark() -> None:
    row = a_full_booking(title="cut \ud83d", rooms=("a\udcff",))
    assert decode_booking(encode_booking(row)) == a_full_booking(title="cut ?", rooms=("a?",))


@given(st.lists(moments, min_size=2))
def test_encoded_moments_sort_as_time_does(some: list[datetime]) -> None:
    assert sorted(map(encode_moment, some)) == list(map(encode_moment, sorted(some)))
    assert [decode_moment(encode_moment(moment)) for moment in some] == some


def test_a_moment_of_another_zone_is_encoded_in_utc() -> None:
    there = NINE.astimezone(timezone(timedelta(hours=5)))
    assert encode_moment(there) == "2026-11-23T09:00:00.000000Z"
