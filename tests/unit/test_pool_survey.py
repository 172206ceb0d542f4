"""What stands on the pool's numbers is judged, and what is not ours is never called ours."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from cospaced.domain.pool import (
    BULK_FROM,
    BULK_MOST,
    Claims,
    Sight,
    Standing,
    Survey,
    Verdict,
    bulk_runs,
    runs,
    spans,
)
from cospaced.domain.pool_survey import candidates, needs_members_look, survey
from cospaced.domain.seen import SeenSpace, SpaceSummary


NUMBERS = range(1001, 1006)
BOOKING = "0b8a4f5e-7c1d-5a2b-9e3f-111111111111"
STRANGE_BOOKING = "0b8a4f5e-7c1d-5a2b-9e3f-222222222222"
RANDOM_GUID = "0b8a4f5e-7c1d-4a2b-9e3f-333333333333"

CLAIMS = Claims(
    site_id="a1b2",
    prefix="cospaced_",
    leg_profiles={
        "mine": "cospaced a1b2",
        "other": "cospaced ffff",
        "corporate": "Corporate",
        "nameless": "",
        "remembered": "Renamed by hand",
    },
    known_profile="remembered",
    ours=lambda tag: tag == BOOKING,
)
ADOPTING = replace(CLAIMS, adopt_prefix="TMS_Scheduled_Meeting_")


def space(number: int = 1001, name: str = "cospaced_1001", **fields: Any) -> SeenSpace:
    fields = {"non_member_access": False, "uri": str(number), "call_id": str(number), **fields}
    return SeenSpace(id=fields.pop("id", f"id-{number}"), name=name, **fields)


def summary(seen: SeenSpace) -> SpaceSummary:
    return SpaceSummary(
        id=seen.id,
        name=seen.name,
        uri=seen.uri,
        call_id=seen.call_id,
        secondary_uri=seen.secondary_uri,
        auto_generated=seen.auto_generated,
    )


def surveyed(*spaces: SeenSpace, claims: Claims = CLAIMS, **sight: Any) -> Survey:
    listed = tuple(summary(one) for one in spaces)
    wanted = {one.id for one in candidates(NUMBERS, listed)}
    details = {one.id: one for one in spaces if one.id in wanted}
    return survey(NUMBERS, Sight(spaces=listed, details=details, **sight), claims)


def judged(*spaces: SeenSpace, claims: Claims = CLAIMS, **sight: Any) -> Verdict:
    """Return the verdict on 1001."""
    return surveyed(*spaces, claims=claims, **sight).verdicts[0]


def test_every_number_gets_one_verdict_in_order() -> None:
    found = surveyed(space(1004, "cospaced_1004"))
    assert [v.number for v in found.verdicts] == list(NUMBERS)
    assert found.missing == (1001, 1002, 1003, 1005)
    assert [v.number for v in found.held] == [1004]
    assert found.unsettled == ""


TITLE = "Board"


@pytest.mark.parametrize(
    ("seen", "standing"),
    [
        # By its name, whatever profile it carries.
        (space(), Standing.CLOSED),
        (space(call_leg_profile="corporate"), Standing.CLOSED),
        (space(non_member_access=True), Standing.OPEN),
        (space(cdr_tag=STRANGE_BOOKING), Standing.OPEN),
        # By our call leg profile, known by name or remembered.
        (space(name=TITLE, call_leg_profile="mine", non_member_access=True), Standing.OPEN),
        (space(name=TITLE, call_leg_profile="mine"), Standing.CLOSED),
        (space(name=TITLE, call_leg_profile="remembered"), Standing.CLOSED),
        # By the tag of one of our bookings.
        (space(name=TITLE, cdr_tag=BOOKING, non_member_access=True), Standing.OPEN),
        (space(name=TITLE, cdr_tag=BOOKING), Standing.OPEN),
        # Somebody's.
        (space(name=TITLE), Standing.CLASH),
        (space(name=TITLE, non_member_access=True), Standing.CLASH),
        (space(name=TITLE, call_leg_profile="corporate"), Standing.CLASH),
        (space(name=TITLE, call_leg_profile="nameless"), Standing.CLASH),
        (space(name=TITLE, cdr_tag="billing", non_member_access=True), Standing.CLASH),
        (space(name=TITLE, cdr_tag=RANDOM_GUID, non_member_access=True), Standing.CLASH),
        (space(name="cospaced_1002"), Standing.CLASH),
        (space(name="COSPACED_1001"), Standing.CLASH),
        (space(name="TMS_Scheduled_Meeting_1001"), Standing.CLASH),
        # Another daemon's.
        (space(call_leg_profile="other"), Standing.UNSETTLED),
        (space(name=TITLE, call_leg_profile="other", cdr_tag=BOOKING), Standing.UNSETTLED),
        (space(name=TITLE, cdr_tag=STRANGE_BOOKING, non_member_access=True), Standing.UNSETTLED),
    ],
)
def test_a_space_with_our_number_as_uri_and_call_id_is_judged_by_its_marks(
    seen: SeenSpace, standing: Standing
) -> None:
    verdict = judged(seen)
    assert verdict.standing is standing
    troubled = standing in (Standing.CLASH, Standing.UNSETTLED)
    assert bool(verdict.why) is troubled
    assert TITLE not in verdict.why


@pytest.mark.parametrize(
    "fields",
    [
        {"call_id": ""},
        {"uri": ""},
        {"call_id": "1002"},
        {"uri": "board"},
        {"uri": "board", "call_id": "", "secondary_uri": "1001"},
        {"uri": "board", "call_id": "board", "secondary_uri": "1001"},
        {"uri": "", "call_id": "", "secondary_uri": "1001"},
    ],
)
def test_a_space_that_holds_the_number_in_part_only_is_a_clash(fields: dict[str, Any]) -> None:
    verdict = judged(space(**fields))
    assert verdict.standing is Standing.CLASH
    assert "id-1001" in verdict.why


def test_two_spaces_on_one_number_are_a_clash() -> None:
    one, two = space(id="one", call_id=""), space(id="two", uri="")
    verdict = judged(one, two)
    assert verdict.standing is Standing.CLASH
    assert "one, two" in verdict.why


@pytest.mark.parametrize("text", ["01001", "1001@example.org", "1001 ", "", "१००१", "9" * 5000])
def test_what_is_not_written_as_the_number_does_not_stand_on_it(text: str) -> None:
    assert judged(space(uri=text, call_id=text)).standing is Standing.MISSING


def test_a_candidate_that_vanished_before_the_single_look_is_missing() -> None:
    listed = (summary(space()),)
    assert survey(NUMBERS, Sight(spaces=listed), CLAIMS).missing == tuple(NUMBERS)


def test_the_single_look_is_believed_rather_than_the_list() -> None:
    seen = space()
    moved = replace(seen, uri="lobby")
    sight = Sight(spaces=(summary(seen),), details={seen.id: moved})
    assert survey(NUMBERS, sight, CLAIMS).verdicts[0].standing is Standing.CLASH


@pytest.mark.parametrize(
    ("fields", "why"),
    [
        ({"owner": "jane@example.org"}, "has an owner"),
        ({"access_methods": 1}, "has access methods"),
        ({"auto_generated": True}, "LDAP"),
        ({}, "has members"),
    ],
)
@pytest.mark.parametrize(
    "seen",
    [
        space(),
        space(name=TITLE, call_leg_profile="mine", non_member_access=True),
        space(name="TMS_Scheduled_Meeting_1001"),
    ],
    ids=["closed", "open", "adoptable"],
)
def test_what_a_person_has_made_their_own_is_never_written(
    seen: SeenSpace, fields: dict[str, Any], why: str
) -> None:
    peopled = frozenset() if fields else frozenset({"id-1001"})
    verdict = judged(replace(seen, **fields), claims=ADOPTING, peopled=peopled)
    assert verdict.standing is Standing.CLASH
    assert why in verdict.why
    assert "jane" not in verdict.why


TMS: dict[str, Any] = {"call_profile": "tms-calls", "call_leg_profile": "tms-legs"}


def test_a_placeholder_of_tms_is_adoptable_only_if_the_configuration_says_so() -> None:
    seen = space(name="TMS_Scheduled_Meeting_1001", **TMS)
    assert judged(seen, claims=ADOPTING).standing is Standing.ADOPTABLE
    verdict = judged(seen)
    assert verdict.standing is Standing.CLASH
    assert "adopt_prefix = TMS_Scheduled_Meeting_" in verdict.why


def test_a_placeholder_of_another_number_is_not_adoptable() -> None:
    seen = space(name="TMS_Scheduled_Meeting_1002", **TMS)
    assert judged(seen, claims=ADOPTING).standing is Standing.CLASH


def test_an_adoptable_space_with_a_call_is_unsettled() -> None:
    seen = space(name="TMS_Scheduled_Meeting_1001", **TMS)
    verdict = judged(seen, claims=ADOPTING, busy=frozenset({"id-1001"}))
    assert verdict.standing is Standing.UNSETTLED


@pytest.mark.parametrize("claims", [CLAIMS, ADOPTING], ids=["not-adopting", "adopting"])
@pytest.mark.parametrize("sister", ["TMS_Scheduled_Meeting_1002", "cospaced_1002"])
def test_an_open_space_with_the_profiles_of_tms_is_unsettled(claims: Claims, sister: str) -> None:
    """TMS renames what it opens; its closed sisters, adopted or not, give it away."""
    opened = space(name=TITLE, non_member_access=True, **TMS)
    verdict = judged(opened, space(1002, sister, **TMS), claims=claims)
    assert verdict.standing is Standing.UNSETTLED
    assert "TMS" in verdict.why


def test_a_guid_as_secret_gives_tms_away_where_it_is_to_be_adopted() -> None:
    opened = space(name=TITLE, non_member_access=True, secret=RANDOM_GUID)
    assert judged(opened, claims=ADOPTING).standing is Standing.UNSETTLED
    assert judged(opened).standing is Standing.CLASH


def test_a_static_space_among_our_slots_is_a_clash_even_with_a_given_profile() -> None:
    claims = replace(CLAIMS, given_profile="corporate")
    static = space(name="Lobby", non_member_access=True, call_leg_profile="corporate")
    slot = space(1002, "cospaced_1002", call_leg_profile="corporate")
    found = surveyed(static, slot, claims=claims)
    assert found.verdicts[0].standing is Standing.CLASH
    assert found.verdicts[1].standing is Standing.CLOSED
    assert not claims.marked("corporate")


def test_another_sites_profile_that_the_configuration_names_is_nobodys_mark() -> None:
    claims = replace(CLAIMS, given_profile="other")
    assert judged(space(call_leg_profile="other"), claims=claims).standing is Standing.CLOSED


def test_a_copied_state_file_does_not_make_another_sites_slots_ours() -> None:
    claims = replace(CLAIMS, known_profile="other")
    assert judged(space(call_leg_profile="other"), claims=claims).standing is Standing.UNSETTLED


def test_what_is_unsettled_is_told_once_for_all_its_numbers() -> None:
    spaces = [space(n, f"cospaced_{n}", call_leg_profile="other") for n in (1001, 1002, 1004)]
    text = surveyed(*spaces).unsettled
    assert text.count("cospaced ffff") == 1
    assert text.startswith("Numbers 1001-1002, 1004: ")
    assert "numeric_id_base" in text
    assert "'cospaced a1b2'" in text


def test_members_are_asked_about_only_where_we_did_not_make_the_slot() -> None:
    spaces = [
        space(1001, "cospaced_1001", call_leg_profile="mine"),
        space(1002, "cospaced_1002", call_leg_profile="tms-legs"),
        space(1003, "TMS_Scheduled_Meeting_1003"),
        space(1004, "Lobby"),
        space(1005, "cospaced_1005", call_leg_profile="corporate"),
    ]
    found = surveyed(*spaces, claims=ADOPTING)
    assert needs_members_look(found, ADOPTING) == ("id-1002", "id-1003", "id-1005")
    given = replace(ADOPTING, given_profile="corporate")
    assert needs_members_look(found, given) == ("id-1002", "id-1003")


def test_candidates_have_one_number_of_the_range_as_uri_and_call_id() -> None:
    spaces = [
        space(1003, id="c"),
        space(1001, id="a"),
        space(1002, id="half", call_id=""),
        space(1006, id="outside"),
        space(uri="board", call_id="board", id="named"),
    ]
    assert [s.id for s in candidates(NUMBERS, [summary(s) for s in spaces])] == ["a", "c"]


def test_runs_and_spans_are_written_as_people_do() -> None:
    assert runs([4, 1, 2, 3, 9]) == (range(1, 5), range(9, 10))
    assert spans([4, 1, 2, 3, 9]) == "1-4, 9"
    assert spans([]) == ""


def test_only_an_empty_pool_and_long_gaps_are_made_in_bulk() -> None:
    pool = range(1001, 1101)
    assert bulk_runs(pool, tuple(pool)) == (pool,)
    assert bulk_runs(range(1, 3), (1, 2)) == (range(1, 3),)
    assert bulk_runs(pool, range(1081, 1081 + BULK_FROM - 1)) == ()
    long = range(1050, 1050 + BULK_FROM)
    assert bulk_runs(pool, (1001, *long)) == (long,)
    assert bulk_runs(pool, ()) == ()


def test_a_very_large_pool_is_made_in_several_bulks() -> None:
    pool = range(10_000, 10_000 + 2 * BULK_MOST + 1)
    parts = bulk_runs(pool, tuple(pool))
    assert [len(part) for part in parts] == [BULK_MOST, BULK_MOST, 1]
    assert [n for part in parts for n in part] == list(pool)


_TEXTS = st.sampled_from(["", "1001", "1002", "1003", "lobby"])


@st.composite
def any_space(draw: st.DrawFn) -> SeenSpace:
    number = draw(st.sampled_from([1001, 1002, 1003]))
    exact = draw(st.booleans())
    return SeenSpace(
        id=draw(st.uuids(version=4)).hex,
        name=draw(
            st.sampled_from([f"cospaced_{number}", f"TMS_Scheduled_Meeting_{number}", "Board"])
        ),
        uri=str(number) if exact else draw(_TEXTS),
        call_id=str(number) if exact else draw(_TEXTS),
        secondary_uri=draw(_TEXTS),
        auto_generated=draw(st.booleans()),
        non_member_access=draw(st.booleans()),
        cdr_tag=draw(st.sampled_from(["", BOOKING, STRANGE_BOOKING, "x"])),
        secret=draw(st.sampled_from(["", RANDOM_GUID])),
        owner=draw(st.sampled_from(["", "jane"])),
        access_methods=draw(st.integers(0, 1)),
        call_leg_profile=draw(st.sampled_from(["", "mine", "other", "corporate"])),
    )


@given(st.lists(any_space(), max_size=6), st.booleans())
def test_whatever_stands_there_nothing_is_ours_without_a_mark_and_free_of_people(
    spaces: list[SeenSpace], adopting: bool
) -> None:
    claims = ADOPTING if adopting else CLAIMS
    found = surveyed(*spaces, claims=claims)
    assert found == surveyed(*reversed(spaces), claims=claims), "the order of the list is nothing"
    assert [v.number for v in found.verdicts] == list(NUMBERS)
    for verdict in found.of(Standing.CLOSED, Standing.OPEN, Standing.ADOPTABLE):
        seen = verdict.space
        assert seen is not None
        assert seen.uri == seen.call_id == str(verdict.number)
        assert (seen.owner, seen.access_methods, seen.auto_generated) == ("", 0, False)
        assert seen.call_leg_profile != "other"
        assert seen.name != "Board" or seen.call_leg_profile == "mine" or seen.cdr_tag == BOOKING
    for number in found.missing:
        assert not [s for s in spaces if str(number) in (s.uri, s.call_id, s.secondary_uri)]
