"""What the properties of an event mean to a room."""

from datetime import UTC, datetime

import pytest

from cospaced.domain.calendar import Answer, Busy, Occurrence
from support.ical import calendar, event, expanded


TIMES = ("DTSTART:20261123T100000Z", "DTEND:20261123T110000Z")
ROOM = "aula@example.org"
GLOBAL_ID = "040000008200e00074c5b7101a82e008{date}b0a1c2d3e4f5d80100000000000000001000000000"


def only(*lines: str, address: str = ROOM, uid: str = "u1", method: str = "") -> Occurrence:
    head = [f"METHOD:{method}"] if method else []
    result = expanded(calendar(event(*TIMES, *lines, uid=uid), head=head), address=address)
    (occurrence,) = result.occurrences
    return occurrence


def attendee(mail: str, state: str = "", kind: str = "") -> str:
    partstat = f";PARTSTAT={state}" if state else ""
    cutype = f";CUTYPE={kind}" if kind else ""
    return f'ATTENDEE{cutype}{partstat};CN="Doe, J: x":mailto:{mail}'


def test_outlook_ids_compare_in_capitals_and_without_the_date_of_an_exception():
    plain = only(uid=GLOBAL_ID.format(date="00000000")).uid
    dated = only(uid=GLOBAL_ID.format(date="07ea0b17").upper()).uid
    assert plain == dated == GLOBAL_ID.format(date="00000000").upper()


def test_other_uids_stay_as_they_are():
    assert only(uid="MiXed-Case@example.org").uid == "MiXed-Case@example.org"


def test_an_event_without_uid_has_the_same_one_in_every_calendar():
    data = calendar(event(*TIMES, "SUMMARY:x")).replace(b"UID:u1\r\n", b"")
    later = data.replace(b"DTSTAMP:20261101", b"DTSTAMP:20261102")
    uids = {expanded(text).occurrences[0].uid for text in (data, later)}
    assert len(uids) == 1
    assert uids.pop().startswith("without-uid-")


@pytest.mark.parametrize(
    ("lines", "busy"),
    [
        ((), Busy.BUSY),
        (("TRANSP:OPAQUE", "X-MICROSOFT-CDO-BUSYSTATUS:BUSY"), Busy.BUSY),
        (("X-MICROSOFT-CDO-BUSYSTATUS:OOF",), Busy.BUSY),
        (("TRANSP:TRANSPARENT",), Busy.FREE),
        (("X-MICROSOFT-CDO-BUSYSTATUS:FREE",), Busy.FREE),
        (("X-MICROSOFT-CDO-BUSYSTATUS:TENTATIVE",), Busy.TENTATIVE),
        (("STATUS:TENTATIVE",), Busy.TENTATIVE),
        (("STATUS:TENTATIVE", "TRANSP:TRANSPARENT"), Busy.FREE),
    ],
)
def test_how_an_event_shows(lines: tuple[str, ...], busy: Busy):
    assert only(*lines).busy is busy


@pytest.mark.parametrize(
    ("lines", "address", "answer"),
    [
        ((), ROOM, Answer.NONE),
        ((attendee(ROOM, "ACCEPTED"),), ROOM, Answer.ACCEPTED),
        ((attendee(ROOM.upper(), "DECLINED"),), ROOM, Answer.DECLINED),
        ((attendee(ROOM, "TENTATIVE"),), ROOM, Answer.TENTATIVE),
        ((attendee(ROOM, "NEEDS-ACTION"),), ROOM, Answer.UNANSWERED),
        ((attendee(ROOM),), ROOM, Answer.UNANSWERED),
        ((attendee("jo@example.org", "DECLINED"),), ROOM, Answer.NONE),
        ((attendee("x@example.org", "DECLINED", "ROOM"),), "", Answer.DECLINED),
        (
            (
                attendee("x@example.org", "DECLINED", "ROOM"),
                attendee("y@example.org", "ACCEPTED", "ROOM"),
            ),
            "",
            Answer.NONE,
        ),
        (
            (
                attendee("x@example.org", "DECLINED", "ROOM"),
                attendee(ROOM, "ACCEPTED", "ROOM"),
            ),
            ROOM,
            Answer.ACCEPTED,
        ),
    ],
)
def test_the_rooms_own_answer(lines: tuple[str, ...], address: str, answer: Answer):
    assert only(*lines, address=address).answer is answer


@pytest.mark.parametrize(
    ("summary", "title", "cancelled"),
    [
        ("Stand-up", "Stand-up", False),
        ("Canceled: Stand-up", "Stand-up", True),
        ("Cancelled: Abgesagt: Annulé : Stand-up", "Stand-up", True),
        ("ABGESAGT:Stand-up", "Stand-up", True),
        ("キャンセル済み\uff1aStand-up", "Stand-up", True),
        ("Canceled flights", "Canceled flights", False),
        ("Why it was Canceled: a talk", "Why it was Canceled: a talk", False),
        ("One\\, two\\; three\\nfour \\\\ five", "One, two; three four \\ five", False),
    ],
)
def test_titles_and_the_words_that_cancel(summary: str, title: str, *, cancelled: bool):
    occurrence = only(f"SUMMARY;LANGUAGE=de:{summary}")
    assert (occurrence.title, occurrence.cancelled) == (title, cancelled)


def test_status_and_method_cancel_too():
    assert only("STATUS:CANCELLED").cancelled
    assert only(method="CANCEL").cancelled
    assert not only("STATUS:CONFIRMED", method="PUBLISH").cancelled


def test_a_cancelled_instance_cancels_itself_alone():
    result = expanded(
        calendar(
            event(*TIMES, "RRULE:FREQ=DAILY;COUNT=2"),
            event(
                "STATUS:CANCELLED",
                "RECURRENCE-ID:20261124T100000Z",
                "DTSTART:20261124T100000Z",
                "DTEND:20261124T110000Z",
            ),
        )
    )
    assert [(o.recurrence_id, o.cancelled) for o in result.occurrences] == [
        ("2026-11-23T10:00:00Z", False),
        ("2026-11-24T10:00:00Z", True),
    ]


@pytest.mark.parametrize(
    ("line", "private"),
    [("CLASS:PUBLIC", False), ("CLASS:PRIVATE", True), ("CLASS:CONFIDENTIAL", True)],
)
def test_private_events(line: str, *, private: bool):
    assert only(line).private is private


@pytest.mark.parametrize(
    ("line", "other"),
    [
        ("DESCRIPTION:Join https://teams.microsoft.com/l/meetup-join/19%3ameeting", True),
        ("DESCRIPTION:Join https://teams.live.com/meet/9876", True),
        ("X-MICROSOFT-SKYPETEAMSMEETINGURL:https://x.example.org/1", True),
        ("LOCATION:https://example.zoom.us/j/987654321?pwd=x", True),
        ("URL:https://example.webex.com/meet/room", True),
        ("CONFERENCE;VALUE=URI:https://meet.google.com/abc-defg-hij", True),
        ("X-GOOGLE-CONFERENCE:https://meet.google.com/abc-defg-hij", True),
        ("X-ALT-DESC;FMTTYPE=text/html:<a href='https://zoom.us/my/jo'>", True),
        ("DESCRIPTION:We talk of Teams and Zoom; see https://help.webex.com/x", False),
        ("DESCRIPTION:https://meet.example.org/room/7", False),
        ("DESCRIPTION:https://teams.microsoft.com/downloads", False),
    ],
)
def test_links_of_other_video_services(line: str, *, other: bool):
    assert only(line).other_video is other


def test_the_link_of_an_alarm_is_not_the_events():
    alarm = "BEGIN:VALARM\nDESCRIPTION:https://zoom.us/j/1\nTRIGGER:-PT5M\nEND:VALARM"
    assert not only(alarm).other_video


def test_organizer_revision_and_stamp():
    occurrence = only(
        'ORGANIZER;CN="Müller, Jörg";SENT-BY="mailto:x@example.org":MAILTO:Joerg@Example.org',
        "SEQUENCE:7",
    )
    assert occurrence.organizer == "joerg@example.org"
    assert occurrence.organizer_name == "Müller, Jörg"
    assert occurrence.sequence == 7
    assert occurrence.stamp == datetime(2026, 11, 1, tzinfo=UTC)


def test_broken_revisions_are_none():
    data = calendar(event(*TIMES, "SEQUENCE:many", stamp="yesterday"))
    (occurrence,) = expanded(data).occurrences
    assert (occurrence.sequence, occurrence.stamp, occurrence.organizer) == (0, None, "")


def test_recurrence_ids_are_utc_moments_days_or_nothing():
    zoned = "DTSTART;TZID=Europe/Berlin:20261123T100000"
    data = calendar(
        event(zoned, "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=1", uid="times"),
        event("DTSTART;VALUE=DATE:20261123", "RRULE:FREQ=DAILY;COUNT=1", uid="days"),
        event(zoned, "DURATION:PT1H", uid="single"),
        event(
            "RECURRENCE-ID;TZID=America/New_York:20261101T040000",
            zoned,
            "DURATION:PT1H",
            uid="lone",
        ),
    )
    found = {o.uid: o.recurrence_id for o in expanded(data).occurrences}
    assert found == {
        "times": "2026-11-23T09:00:00Z",
        "days": "2026-11-23",
        "single": "",
        "lone": "2026-11-01T09:00:00Z",
    }


def test_an_instance_moved_with_all_later_ones_keeps_its_original_name():
    data = calendar(
        event("DTSTART:20261123T100000Z", "DURATION:PT1H", "RRULE:FREQ=DAILY;COUNT=3"),
        event(
            "RECURRENCE-ID;RANGE=THISANDFUTURE:20261124T100000Z",
            "DTSTART:20261124T150000Z",
            "DURATION:PT2H",
            "SUMMARY:Later",
        ),
    )
    found = [
        (o.recurrence_id, f"{o.start:%H}-{o.end:%H}", o.title) for o in expanded(data).occurrences
    ]
    assert found == [
        ("2026-11-23T10:00:00Z", "10-11", ""),
        ("2026-11-24T10:00:00Z", "15-17", "Later"),
        ("2026-11-25T10:00:00Z", "15-17", "Later"),
    ]


def test_all_day_events_of_outlook_that_are_written_as_times():
    assert only("X-MICROSOFT-CDO-ALLDAYEVENT:TRUE").all_day
    assert not only("X-MICROSOFT-CDO-ALLDAYEVENT:FALSE").all_day
