"""Bookings, stories and readings that are as full as they can be, for tests of what stores them."""

from datetime import UTC, datetime, timedelta
from typing import Any

from cospaced.domain.booking import (
    Booking,
    Dial,
    DialState,
    SpaceForm,
    State,
    StoryEntry,
    Target,
)
from cospaced.domain.calendar import (
    Answer,
    Busy,
    Doubt,
    EventProblem,
    Held,
    Missed,
    Occurrence,
    Reading,
    Standing,
)
from cospaced.domain.timespan import Timespan
from cospaced.settings import ConferenceSettings, ExtendMode, PasscodeMode


NINE = datetime(2026, 11, 23, 9, tzinfo=UTC)
HOUR = timedelta(hours=1)


def a_booking(name: str = "b1", **others: Any) -> Booking:
    """Make a planned row from 9 to 10."""
    row = {"uid": f"{name}@example.com", "start": NINE, "end": NINE + HOUR, "created_at": NINE}
    return Booking(id=name, **(row | others))


def a_full_booking(name: str = "b1", **others: Any) -> Booking:
    """Make an open row in which every field says something."""
    at = NINE + timedelta(seconds=1, microseconds=234567)
    target = Target(
        endpoint="board@example.com",
        room="Boardroom “Ä”",
        dtmf="1,2#",
        bandwidth=4_000_000,
        call_bridge_group="north",
    )
    dial = Dial(
        target=target,
        state=DialState.CONNECTED,
        attempt=2,
        owner_id="o-2",
        due=NINE,
        at=at,
        since=at,
        not_before=at,
        bridge="cb1",
        call="c",
        leg="l",
        reason="",
    )
    terms = ConferenceSettings(
        early_join=timedelta(minutes=7, microseconds=1),
        passcode=PasscodeMode.RANDOM,
        extend_mode=ExtendMode.AUTOMATIC,
        end_warnings=(timedelta(minutes=9),),
    )
    form = SpaceForm(name="Ünïcode 会议", passcode="1", secret="s", cdr_tag="b", scheduler="a@b")
    full = {
        "recurrence_id": "2026-11-23T09:00:00Z",
        "generation": 1,
        "organizer": "ann@example.com",
        "organizer_name": "Ann",
        "title": "Budget\n\u2028 \x00 '\"",
        "private": True,
        "rooms": ("Boardroom “Ä”", "Lobby"),
        "state": State.OPEN,
        "reason": "r",
        "number": 80001,
        "early": False,
        "passcode": "123987",
        "secret": "x" * 22,
        "terms": terms,
        "form": form,
        "opened_at": at,
        "call_asked_at": at,
        "call_seen_at": at,
        "call_bridge": "cb1",
        "adopted_at": at,
        "dials": (dial, Dial(target=Target(endpoint="e@x", room="r"), due=NINE)),
        "extensions": 2,
        "extended_to": NINE + 2 * HOUR,
        "warned": (300, 60),
        "cancelled_at": at,
        "not_before": at,
    }
    return a_booking(name, **(full | others))


def a_line(booking: str, text: str, at: datetime = NINE) -> StoryEntry:
    """Make a line of a story."""
    return StoryEntry(booking=booking, at=at, event="decided", text=text)


def a_reading(**others: Any) -> Reading:
    """Make a snapshot with two occurrences and a problem."""
    occurrences = (
        Occurrence(
            uid="a",
            recurrence_id="2026-11-23",
            start=NINE,
            end=NINE + HOUR,
            all_day=True,
            title="Ä",
            organizer="ann@example.com",
            organizer_name="Ann",
            sequence=3,
            stamp=NINE,
            busy=Busy.TENTATIVE,
            answer=Answer.ACCEPTED,
            cancelled=True,
            private=True,
            other_video=True,
        ),
        Occurrence(uid="b", start=NINE, end=NINE),
    )
    reading = {
        "occurrences": occurrences,
        "covered": Timespan(NINE, NINE + 720 * HOUR),
        "stamp": '"etag"',
        "body": bytes(range(256)),
        "problems": (EventProblem(uid="c", text="no zone"),),
        "read_at": NINE,
        "requests": 2,
        "unchanged": True,
        "standing": Standing(
            place="5eed",
            doubt=Doubt(missed=(Missed(key=("b", ""), since=NINE),), dangerous=True),
            failing_since=NINE + HOUR,
            held=(Held(key=("b", ""), reason="no start"),),
        ),
    }
    return Reading(**(reading | others))
