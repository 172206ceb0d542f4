"""What the doctor finds in calendars, one fault at a time."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest

from cospaced.doctor import exchange_online
from cospaced.doctor.base import Severity
from cospaced.settings import CalendarSettings, SourceType
from support.doctored import ROOMS, Doctored, doctored, invitation
from support.ical import event


ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Doctored]:
    async with doctored(tmp_path, bridges=1) as site:
        yield site


async def test_a_calendar_that_is_read_says_how_many_rooms_and_events(site: Doctored) -> None:
    (found,) = await site.look("reading")
    assert (found.severity, found.subject) == (OK, "calendar feeds")
    assert found.seen == "2 of 2 rooms read, 6 events"


async def test_a_calendar_that_cannot_be_read_is_an_error_of_its_room(site: Doctored) -> None:
    del site.feeds["/aula.ics"]
    found = await site.the(ERROR, "reading")
    assert found.subject == "room aula"
    assert "no such calendar (status 404)" in found.seen
    assert found.remedy == "mend the room's url (see [room:aula] and [calendar:feeds])"


async def test_a_calendar_that_refuses_the_login_names_the_section_to_mend(site: Doctored) -> None:
    site.feeds["/aula.ics"] = b"<html><form>Password</form></html>"
    found = await site.the(ERROR, "reading")
    assert "login page" in found.seen
    assert "[calendar:feeds]" in found.remedy


async def test_an_event_that_cannot_be_understood_is_a_warning(site: Doctored) -> None:
    bad = event("DTSTART;TZID=Nowhere/Land:20261201T090000", "DURATION:PT1H", uid="lost")
    site.hold("aula", *(invitation(number) for number in (1, 2, 3)), bad)
    found = await site.the(WARNING, "reading")
    assert found.subject == "room aula"
    assert "Nowhere/Land" in found.seen
    assert found.remedy


async def test_an_empty_calendar_is_a_note(site: Doctored) -> None:
    site.hold("aula")
    site.hold("boardroom")
    found = await site.the(NOTE, "reading")
    assert (found.subject, found.seen) == ("rooms aula, boardroom", "no event in the next 30 days")


@pytest.mark.parametrize(
    ("line", "reason", "remedy"),
    [
        ("STATUS:TENTATIVE", "tentative", "-AutomateProcessing AutoAccept"),
        ("TRANSP:TRANSPARENT", "shown as free", "busy status"),
        (
            "X-MICROSOFT-SKYPETEAMSMEETINGURL:https://teams.microsoft.com/l/meetup-join/1",
            "carries another video link",
            "other_video = book",
        ),
    ],
)
async def test_a_room_whose_events_are_all_skipped_for_one_reason_is_a_warning(
    site: Doctored, line: str, reason: str, remedy: str
) -> None:
    for room in ROOMS:
        site.hold(room, *(invitation(number, line) for number in (1, 2, 3)))
    found = [f for f in await site.look("events") if f.severity is WARNING]
    assert [f.subject for f in found] == ["room aula", "room boardroom"]
    assert found[0].seen == f"none of its 3 events becomes a conference: {reason}"
    assert remedy in found[0].remedy


async def test_tentative_events_of_a_room_without_an_address_ask_for_one(site: Doctored) -> None:
    site.change("address = aula@example.org\n", "")
    site.hold("aula", *(invitation(n, "STATUS:TENTATIVE") for n in (1, 2, 3)))
    site.hold("boardroom")
    found = [f for f in await site.look("events") if f.severity is WARNING]
    assert "write address =" in found[0].remedy


async def test_rooms_that_are_always_alone_are_told_of_min_rooms(site: Doctored) -> None:
    site.hold("boardroom")
    found = await site.the(WARNING, "events")
    assert "only 1 of at least 2 rooms" in found.seen
    assert "always = yes for [room:aula]" in found.remedy


async def test_two_events_or_different_reasons_are_no_habit(site: Doctored) -> None:
    site.hold("boardroom")
    site.hold("aula", invitation(1), invitation(2))
    assert [f.severity for f in await site.look("events")] == [OK]
    site.hold("aula", invitation(1), invitation(2, "STATUS:TENTATIVE"), invitation(3))
    assert [f.severity for f in await site.look("events")] == [OK]


async def test_titles_that_are_organizers_names_are_a_warning_with_exchanges_command(
    site: Doctored,
) -> None:
    for room in ROOMS:
        site.hold(room, *(invitation(number, title="Ada Lovelace") for number in (1, 2, 3)))
    found = [f for f in await site.look("room_mailboxes") if f.severity is WARNING]
    assert [f.subject for f in found] == ["room aula", "room boardroom"]
    assert "Set-CalendarProcessing aula@example.org -AddOrganizerToSubject $false" in (
        found[0].remedy
    )
    site.change("[conferences]", "[conferences]\ntitle = organizer")
    assert [f.severity for f in await site.look("room_mailboxes")] == [OK]


@pytest.mark.parametrize(
    ("server", "auth", "at", "severity"),
    [
        ("https://outlook.office365.com/EWS/Exchange.asmx", "basic", 0, WARNING),
        ("autodiscover", "oauth", 0, WARNING),
        ("autodiscover", "oauth", 200, ERROR),
        ("https://Outlook.Office365.com:443/EWS/Exchange.asmx", "oauth", 0, WARNING),
        ("https://mail.example.org/EWS/Exchange.asmx", "ntlm", 0, OK),
        # Modern authentication on premises; Entra is its authority too.
        ("https://mail.example.org/EWS/Exchange.asmx", "oauth", 0, OK),
        ("https://office365.example.org/EWS/Exchange.asmx", "oauth", 200, OK),
        ("autodiscover", "ntlm", 0, OK),
    ],
)
async def test_ews_of_exchange_online_has_a_last_day(
    server: str, auth: str, at: int, severity: Severity
) -> None:
    calendar = CalendarSettings(name="cloud", type=SourceType.EXCHANGE, server=server, auth=auth)
    today = datetime(2026, 11, 26, tzinfo=UTC) + timedelta(days=at)
    site = SimpleNamespace(
        settings=SimpleNamespace(calendars=(calendar,)), clock=SimpleNamespace(now=lambda: today)
    )
    (found,) = await exchange_online.look(site)
    assert found.severity is severity
    if severity is not OK:
        assert found.subject == "calendar cloud"
        assert "type = graph" in found.remedy
        assert "2027-04-01" in found.seen
        assert ("write its URL as server" in found.remedy) == (server == "autodiscover")


async def test_autodiscover_with_an_authority_of_ones_own_is_on_premises() -> None:
    calendar = CalendarSettings(
        name="hq",
        type=SourceType.EXCHANGE,
        server="autodiscover",
        auth="oauth",
        authority="https://adfs.example.org/adfs",
    )
    assert not calendar.in_exchange_online
    assert replace(calendar, authority="https://login.microsoftonline.com").in_exchange_online


async def test_a_room_whose_own_answer_is_never_seen_is_a_note(site: Doctored) -> None:
    site.change("address = aula@example.org", "address = aula@example.com")
    found = await site.the(NOTE, "events")
    assert found.subject == "room aula"
    assert found.seen.startswith("no answer of its own is seen")
    assert "address =" in found.remedy


LOOKS_INTO_EVENTS = ("sizing", "events", "room_mailboxes")


@pytest.mark.parametrize("slug", LOOKS_INTO_EVENTS)
async def test_nothing_is_said_to_be_well_with_calendars_that_are_unread(
    site: Doctored, slug: str
) -> None:
    site.feeds.clear()
    (found,) = await site.look(slug)
    assert (found.severity, found.seen) == (NOTE, "not checked: 2 of 2 rooms unread")


@pytest.mark.parametrize("slug", LOOKS_INTO_EVENTS)
async def test_of_calendars_that_are_unread_in_part_it_is_said_how_many(
    site: Doctored, slug: str
) -> None:
    del site.feeds["/aula.ics"]
    found, *_ = await site.look(slug)
    assert found.severity is NOTE
    assert "; 1 of 2 rooms unread, so " in found.seen
