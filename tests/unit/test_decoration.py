"""What of an open space's form goes where CMS refuses it, and what it is called then."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from cospaced.domain.answers import Folded, settle
from cospaced.domain.booking import Booking, SpaceForm, State
from cospaced.domain.decoration import decorated, doubtful
from cospaced.domain.draft import Send, Surroundings
from cospaced.domain.plan import plan
from cospaced.domain.view import View
from cospaced.domain.writes import OpenSpace, Outcome, Result
from cospaced.settings import ConferenceSettings


NEUTRAL = "cospaced_8001"
FORM = SpaceForm(name="Planning", passcode="1", secret="s", cdr_tag="b", scheduler="ada@x.org")
START = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
AROUND = Surroundings(space="space", reachable=("core1",), closed_name=NEUTRAL)

NAME = {"name": "Planning"}
ORGANIZER = {"organizer": "ada@x.org"}


@pytest.mark.parametrize(
    ("reason", "texts"),
    [
        ("parameterError name invalidValue", NAME),
        ("parameterError name", NAME),
        ("parameterError meetingScheduler invalidValue", ORGANIZER),
        ("parameterError name invalidValue, parameterError meetingScheduler x", NAME | ORGANIZER),
        # Whatever it is about, it may be these.
        ("parameterError", NAME | ORGANIZER),
        ("parameterError invalidValue", NAME | ORGANIZER),
        ("status 400", NAME | ORGANIZER),
        ("parameterError secret invalidValue", {}),
        ("parameterError passcode invalidValue, parameterError name invalidValue", NAME),
        ("parameterError cdrTag", {}),
        ("coSpaceDoesNotExist", {}),
        ("status 403", {}),
        ("", {}),
    ],
)
def test_only_what_people_read_is_done_without(reason: str, texts: dict[str, str]) -> None:
    assert doubtful(FORM, reason, NEUTRAL) == texts


def test_what_is_left_out_already_is_no_reason_again() -> None:
    bare = replace(FORM, name=NEUTRAL, scheduler="")
    assert doubtful(bare, "parameterError name invalidValue", NEUTRAL) == {}
    assert doubtful(bare, "status 400", NEUTRAL) == {}


def test_a_refused_text_is_told_no_more_and_the_rest_is() -> None:
    assert decorated(FORM, (), NEUTRAL) == FORM
    assert decorated(FORM, ("Planning",), NEUTRAL) == replace(FORM, name=NEUTRAL)
    assert decorated(FORM, ("ada@x.org",), NEUTRAL) == replace(FORM, scheduler="")
    assert decorated(replace(FORM, name="Retrospective"), ("Planning",), NEUTRAL).name != NEUTRAL


def _row(**keys: object) -> Booking:
    end = START + timedelta(minutes=30)
    row = Booking(
        id="0b", uid="u", start=START, end=end, state=State.OPEN, created_at=START, number=8001,
        title="Planning", organizer="ada@x.org",
    )  # fmt: skip
    return replace(row, **keys)  # type: ignore[arg-type]


def _sends(row: Booking) -> tuple[Send, ...]:
    return plan(
        row, View(), AROUND, now=START, terms=ConferenceSettings(), rooms={}, busy=frozenset()
    ).sends


def _answered(row: Booking, reason: str) -> Folded:
    (sent,) = _sends(row)
    refused = Outcome(result=Result.REFUSED, reason=reason)
    return settle(row, View(), AROUND, sent, refused, START)


def _asked(row: Booking) -> SpaceForm:
    (sent,) = _sends(row)
    assert isinstance(sent.write, OpenSpace)
    return sent.write.form


def test_a_refused_name_is_told_once_and_the_space_is_asked_to_open_at_once_without_it() -> None:
    folded = _answered(_row(), "parameterError name invalidValue")
    (told,) = folded.told
    assert (told.event, told.level) == ("space.undecorated", "warning")
    assert "Planning" not in str(told.keys)
    assert folded.booking.not_before is None
    assert _asked(folded.booking).name == NEUTRAL
    assert _asked(folded.booking).scheduler == "ada@x.org"


def test_name_and_organizer_go_one_after_the_other_and_then_it_waits_as_ever() -> None:
    row = _answered(_row(), "parameterError name invalidValue").booking
    row = _answered(row, "parameterError meetingScheduler invalidValue").booking
    assert (_asked(row).name, _asked(row).scheduler) == (NEUTRAL, "")
    folded = _answered(row, "parameterError name invalidValue")
    assert [told.event for told in folded.told] == ["booking.not_opened"]
    assert folded.booking.not_before is not None


def test_another_title_is_asked_anew_and_what_it_was_before_is_forgotten() -> None:
    row = _answered(_row(), "parameterError name invalidValue").booking
    renamed = replace(row, title="Retrospective")
    assert _asked(renamed).name == "Retrospective"
    again = _answered(renamed, "parameterError name invalidValue").booking
    assert again.refused_texts == ("Retrospective",)
