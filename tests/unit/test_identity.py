import re
import uuid
from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cospaced.domain.identity import (
    booking_id,
    home_number,
    normal_endpoint,
    owner_id,
    passcode,
    secret,
    stable_start,
)
from cospaced.settings import ConferenceSettings, PasscodeMode, PoolSettings


KEY = bytes(range(32))
RANDOM_SIX = ConferenceSettings(passcode=PasscodeMode.RANDOM, passcode_length=6)


def test_names_never_change_from_one_release_to_the_next() -> None:
    booking = booking_id("weekly@example.com", "2026-11-23T09:00:00Z")
    assert booking == "8e2a2a8d-7be0-5edc-a815-72bff0a3cf30"
    assert booking_id("weekly@example.com", "2026-11-23T09:00:00Z", 1) == (
        "27c324ab-068b-5740-a01e-1c18833e0d64"
    )
    assert owner_id(booking, "board@example.com", 1) == "f2fce6c2-b37f-54b0-866a-60f8d4242097"
    assert passcode(KEY, booking, RANDOM_SIX) == "779083"
    assert secret(KEY, booking) == "lZcVsiSDWyv8zu0birz1Gg"
    assert stable_start(KEY, "weekly@example.com", 2000) == 1752


def test_an_id_is_a_uuid_of_version_5() -> None:
    assert uuid.UUID(booking_id("a", "")).version == 5
    assert uuid.UUID(owner_id("a", "b@c", 1)).version == 5


@given(st.text(), st.text(), st.integers(0, 3))
def test_a_booking_has_one_id_whatever_its_uid_holds(
    uid: str, recurrence_id: str, generation: int
) -> None:
    first = booking_id(uid, recurrence_id, generation)
    assert first == booking_id(uid, recurrence_id, generation)
    assert uuid.UUID(first).version == 5


def test_a_uid_with_bytes_that_are_no_text_has_an_id_all_the_same() -> None:
    assert booking_id("x\udcff", "") != booking_id("x", "")
    assert 0 <= stable_start(KEY, "x\udcff", 10) < 10


def test_occurrence_and_generation_tell_bookings_apart() -> None:
    ids = [
        booking_id("a", ""),
        booking_id("a", "2026-11-23"),
        booking_id("a2026-11-23", ""),
        booking_id("a", "", 1),
        booking_id("a", "2026-11-23", 1),
        booking_id("a", "1"),
    ]
    assert len(set(ids)) == len(ids)


def test_an_attempt_has_one_owner_id_however_its_endpoint_is_spelled() -> None:
    assert owner_id("b", "sip:Room@X.org;transport=tls", 2) == owner_id("b", "room@x.org", 2)
    assert owner_id("b", "room@x.org", 2) != owner_id("b", "room@x.org", 3)
    assert owner_id("b", "room@x.org", 2) != owner_id("c", "room@x.org", 2)


@pytest.mark.parametrize(
    "spelling",
    [
        "board@example.com",
        "sip:board@example.com",
        "SIPS:Board@Example.COM",
        " sip:board@example.com;transport=tls;x=y ",
    ],
)
def test_spellings_of_one_endpoint_compare_equal(spelling: str) -> None:
    assert normal_endpoint(spelling) == "board@example.com"


def test_no_passcode_is_made_where_none_is_asked_for() -> None:
    assert passcode(KEY, "b", ConferenceSettings()) == ""


def test_a_fixed_passcode_is_what_the_file_says() -> None:
    terms = ConferenceSettings(passcode=PasscodeMode.FIXED, passcode_digits="4711")
    assert passcode(KEY, "b", terms) == "4711"


@given(st.uuids().map(str), st.integers(1, 40))
def test_a_random_passcode_has_the_digits_asked_for(booking: str, length: int) -> None:
    terms = ConferenceSettings(passcode=PasscodeMode.RANDOM, passcode_length=length)
    assert re.fullmatch(rf"[0-9]{{{length}}}", passcode(KEY, booking, terms))


def test_a_random_passcode_is_never_one_that_people_guess_first() -> None:
    terms = ConferenceSettings(passcode=PasscodeMode.RANDOM, passcode_length=3)
    seen = {passcode(KEY, str(n), terms) for n in range(20_000)}
    weak = {str(d) * 3 for d in range(10)} | {"012", "123", "789", "890", "321", "987", "210"}
    assert not seen & weak
    assert len(seen) > 960


def test_every_first_digit_of_a_passcode_is_as_likely() -> None:
    count = Counter(passcode(KEY, str(n), RANDOM_SIX)[0] for n in range(10_000))
    assert set(count) == set("0123456789")
    assert all(850 < often < 1150 for often in count.values())


def test_a_secret_is_22_characters_fit_for_a_url_and_belongs_to_one_site() -> None:
    assert re.fullmatch(r"[A-Za-z0-9_-]{22}", secret(KEY, "b"))
    assert secret(KEY, "b") != secret(bytes(32), "b")
    assert secret(KEY, "b") != secret(KEY, "c")


@given(st.text(), st.integers(1, 5000))
def test_a_series_begins_inside_its_pool(uid: str, quantity: int) -> None:
    assert 0 <= stable_start(KEY, uid, quantity) < quantity


def test_series_are_spread_over_the_pool() -> None:
    count = Counter(stable_start(KEY, f"series-{n}", 100) for n in range(10_000))
    assert len(count) == 100
    assert max(count.values()) < 160


def test_an_empty_pool_has_no_place_to_begin() -> None:
    with pytest.raises(ValueError, match="pool of 0"):
        stable_start(KEY, "a", 0)


def test_a_home_number_counts_from_the_base_of_the_pool() -> None:
    pool = PoolSettings(domain="x.org", numeric_id_base=80000, numeric_id_quantity=2000)
    assert home_number(KEY, "a", pool) == 80000 + stable_start(KEY, "a", 2000)
