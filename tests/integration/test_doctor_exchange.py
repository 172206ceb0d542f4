"""What the doctor finds in rooms of Exchange and of Exchange Online, one fault at a time."""

import codecs
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace

import pytest
from exchangelib.errors import ErrorAccessDenied, UnauthorizedError

from cospaced.calendars.exchange.connection import Forbidden
from cospaced.calendars.exchange.faults import explained
from cospaced.doctor import exchange_limits
from cospaced.doctor.base import Severity, command_of
from cospaced.doctor.unread import Unread
from cospaced.domain.spoilt_title import MOST_LOOKS
from cospaced.exchange_simulator.exchange import Exchange
from cospaced.exchange_simulator.faults import Fault
from cospaced.exchange_simulator.graph.faults import Fault as GraphFault
from cospaced.exchange_simulator.records import Sensitivity
from cospaced.exchange_simulator.recurrence import Daily, Recurrence
from cospaced.exchange_simulator.rights import EVERYBODY, Account
from cospaced.exchange_simulator.scenarios import Wording
from cospaced.exchange_simulator.serve import Identity, serve
from cospaced.settings import CalendarSettings, RoomSettings, SourceType
from support.certificates import make_certificate
from support.doctored import Doctored
from support.doctored_exchange import ADA, in_the_cloud, invited, on_premises
from support.exchange import noon
from support.exchange_calendars import SERVICE
from support.graph_calendars import CLIENT_ID


ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK
MANY = tuple(f"room{number:02}" for number in range(12))
Served = Callable[[Path], AbstractAsyncContextManager[tuple[Doctored, Exchange]]]
AULA, BOARDROOM = "aula@rooms.example.org", "boardroom@rooms.example.org"


@pytest.fixture
async def hq(tmp_path: Path) -> AsyncIterator[tuple[Doctored, Exchange]]:
    async with on_premises(tmp_path) as (site, exchange):
        yield site, exchange


@pytest.fixture
async def cloud(tmp_path: Path) -> AsyncIterator[tuple[Doctored, Exchange]]:
    async with in_the_cloud(tmp_path) as (site, exchange):
        yield site, exchange


def grant(exchange: Exchange, *mailboxes: str) -> None:
    """Let the Graph application read these mailboxes alone."""
    reads = frozenset(mailboxes)
    exchange.grant(Account(name=CLIENT_ID, password="simulated", impersonates=reads))


# --- logging in, and what may be read -----------------------------------------------------------


async def test_rooms_of_an_exchange_that_is_set_up_well_want_nobody(
    hq: tuple[Doctored, Exchange],
) -> None:
    site, exchange = hq
    invited(exchange, 1, 2, 3)
    for slug in ("reading", "events", "room_mailboxes", "exchange_online", "exchange_limits"):
        assert {finding.severity for finding in await site.look(slug)} == {OK}, slug
    assert (await site.look("reading"))[0].seen == "2 of 2 rooms read, 6 events"


async def test_a_wrong_password_is_one_error_of_the_calendar(tmp_path: Path) -> None:
    async with on_premises(tmp_path, MANY) as (site, _):
        site.change(f"password = {SERVICE.password}", "password = wrong")
        found = await site.the(ERROR, "reading")
    assert found.subject == "calendar feeds"
    assert found.seen.startswith("12 of 12 rooms unread: 127.0.0.1:")
    assert found.seen.endswith("refuses the login")
    assert found.remedy == (
        "check username and password, or whether the server wants auth = ntlm"
        " (see [calendar:feeds])"
    )


async def test_a_wrong_secret_is_one_error_with_entras_word(
    cloud: tuple[Doctored, Exchange],
) -> None:
    site, _ = cloud
    site.change("client_secret = simulated", "client_secret = wrong")
    found = await site.the(ERROR, "reading")
    assert found.subject == "calendar feeds"
    assert found.seen.startswith("2 of 2 rooms unread: client_secret is wrong: AADSTS7000215")
    assert found.remedy.startswith("write the secret's value, not its id (see [calendar:feeds])")


async def test_missing_impersonation_is_one_error_for_all_rooms_with_what_grants_it(
    tmp_path: Path,
) -> None:
    async with on_premises(tmp_path, MANY) as (site, exchange):
        exchange.grant(replace(SERVICE, impersonates=frozenset()))
        found = await site.the(ERROR, "reading")
    assert found.subject.startswith("rooms room00, room01, ")
    assert found.subject.endswith(" and 4 more")
    assert found.seen == "svc may not act for MAILBOX"
    assert "role ApplicationImpersonation" in found.remedy
    assert "New-CospacedAccount.ps1" in found.remedy
    assert found.remedy.endswith("(see [calendar:feeds]; MAILBOX is each room's own)")


async def test_missing_impersonation_for_one_room_names_its_mailbox(
    hq: tuple[Doctored, Exchange],
) -> None:
    site, exchange = hq
    exchange.grant(replace(SERVICE, impersonates=frozenset({BOARDROOM})))
    found = await site.the(ERROR, "reading")
    assert (found.subject, found.seen) == ("room aula", f"svc may not act for {AULA}")


async def test_missing_permission_of_a_delegate_is_told_with_the_line_that_grants_it(
    hq: tuple[Doctored, Exchange],
) -> None:
    site, exchange = hq
    site.change("auth = basic", "auth = basic\naccess = delegate")
    exchange.grant(replace(SERVICE, delegate_of=frozenset({BOARDROOM})))
    found = await site.the(ERROR, "reading")
    assert found.subject == "room aula"
    line = f"Add-MailboxFolderPermission {AULA}:\\Calendar -User svc -AccessRights Reviewer"
    assert found.remedy.startswith(line)


def test_the_line_that_lets_a_delegate_in_is_quoted_for_powershell() -> None:
    settings = CalendarSettings(
        name="hq", type=SourceType.EXCHANGE, access="delegate", username="EXAMPLE\\svc o'hara"
    )
    fault = explained(ErrorAccessDenied("no"), settings, "o'brien&co@example.org")
    assert fault is not None
    unread = Unread(SimpleNamespace(rooms=(), calendars=(settings,)))  # type: ignore[arg-type]
    unread.add(RoomSettings(name="aula", calendar="hq", mailbox="o'brien&co@example.org"), fault)
    (found,) = unread.findings()
    assert command_of(found.remedy)[0] == (
        "Add-MailboxFolderPermission 'o''brien&co@example.org:\\Calendar'"
        " -User 'EXAMPLE\\svc o''hara' -AccessRights Reviewer"
    )


async def test_missing_graph_permission_is_told_with_what_grants_it(
    cloud: tuple[Doctored, Exchange],
) -> None:
    site, exchange = cloud
    grant(exchange, BOARDROOM)
    found = await site.the(ERROR, "reading")
    assert found.subject == "room aula"
    assert found.seen.startswith(f"the application may not read the calendar of {AULA}")
    assert "Grant-CospacedGraph.ps1" in found.remedy


@pytest.mark.parametrize("served", [on_premises, in_the_cloud])
async def test_a_mailbox_that_does_not_exist_is_an_error_of_its_room(
    tmp_path: Path, served: Served
) -> None:
    async with served(tmp_path) as (site, _):
        site.change(f"mailbox = {AULA}", "mailbox = nobody@rooms.example.org")
        found = await site.the(ERROR, "reading")
    assert found.subject == "room aula"
    assert found.seen.startswith("there is no mailbox nobody@rooms.example.org")
    assert found.remedy == "mend mailbox (see [room:aula] and [calendar:feeds])"


async def test_ews_that_is_forbidden_is_one_error(hq: tuple[Doctored, Exchange]) -> None:
    site, exchange = hq
    exchange.knobs = replace(exchange.knobs, ews_enabled=False)
    found = await site.the(ERROR, "reading")
    assert found.subject == "calendar feeds"
    assert "forbids EWS" in found.seen
    assert "EwsAllowList" in found.remedy


def test_ews_that_is_closed_online_is_told_with_its_dates_and_the_way_out() -> None:
    settings = CalendarSettings(
        name="cloud",
        type=SourceType.EXCHANGE,
        server="https://outlook.office365.com/EWS/Exchange.asmx",
        auth="oauth",
    )
    fault = explained(Forbidden("the server forbids it (status 403)"), settings, AULA)
    assert fault is not None
    unread = Unread(SimpleNamespace(rooms=(), calendars=(settings,)))  # type: ignore[arg-type]
    unread.add(RoomSettings(name="aula", calendar="cloud", mailbox=AULA), fault)
    (found,) = unread.findings()
    assert found.subject == "calendar cloud"
    assert "2026-10-01" in found.seen
    assert "2027-04-01" in found.seen
    assert found.remedy.startswith("read these rooms by a calendar of type graph")


@pytest.mark.parametrize("auth", ["basic", "ntlm"])
def test_exchange_online_that_refuses_a_password_wants_none(auth: str) -> None:
    server = "https://outlook.office365.com/EWS/Exchange.asmx"
    settings = CalendarSettings(name="cloud", type=SourceType.EXCHANGE, server=server, auth=auth)
    fault = explained(UnauthorizedError("no"), settings, AULA)
    assert fault is not None
    assert str(fault).endswith("takes no passwords: read these rooms by a calendar of type graph)")


async def test_a_certificate_that_ran_out_is_one_error_of_all_rooms(
    hq: tuple[Doctored, Exchange], tmp_path: Path
) -> None:
    site, exchange = hq
    old = make_certificate(tmp_path, "localhost", until=datetime.now(UTC) - timedelta(hours=1))
    shown = Identity(certificate=old.file, key=old.key)
    async with serve(exchange, folder=tmp_path, host="localhost", identity=shown) as served:
        url = site.ini.partition("server = ")[2].splitlines()[0]
        site.change(f"server = {url}", f"server = {served.url}\nca_file = {old.file}")
        found = await site.the(ERROR, "reading")
    assert found.subject == "rooms aula, boardroom"
    assert "certificate has expired" in found.seen
    assert found.remedy.startswith("renew the certificate there")


async def test_an_exchange_that_holds_back_is_told_with_the_policy_that_lets_go(
    hq: tuple[Doctored, Exchange],
) -> None:
    site, exchange = hq
    exchange.strike(Fault.SOAP_FAULT, times=None, back_off=1500)
    found = await site.the(ERROR, "reading")
    assert found.subject == "rooms aula, boardroom"
    assert "asks to be asked less often" in found.seen
    command, words = command_of(found.remedy)
    assert command.startswith("New-ThrottlingPolicy -Name Cospaced -ThrottlingPolicyScope Regular")
    assert command.endswith("MAILBOX -ThrottlingPolicy Cospaced")
    assert "MAILBOX is each room's own" in words


@pytest.mark.parametrize(
    ("fault", "seen", "remedy"),
    [
        (GraphFault.ENTRA_SILENT, "did not answer", "see that this machine reaches the server"),
        (GraphFault.ENTRA_PAGE, "not as Entra does", "let no proxy answer in its place"),
        (GraphFault.WEB_PAGE, "a web page", "without a proxy"),
        (GraphFault.ELSEWHERE, "goes on at another host", "mend graph_url"),
        (GraphFault.ENDLESS, "does not end", "[room:"),
        (GraphFault.SERVER_ERROR, "status 500", "service health of Microsoft 365"),
        (GraphFault.POLICY, "by an application access policy", "Get-ApplicationAccessPolicy"),
    ],
)
async def test_a_fault_of_the_cloud_is_one_error_of_all_rooms(
    tmp_path: Path, fault: GraphFault, seen: str, remedy: str
) -> None:
    async with in_the_cloud(tmp_path, MANY) as (site, exchange):
        site.change("[calendar:feeds]\n", "[calendar:feeds]\ntimeout = 6s\n")
        exchange.graph.faults.always = fault
        found = await site.the(ERROR, "reading")
    assert found.subject.startswith("rooms room00, room01, ")
    assert found.subject.endswith(" and 4 more")
    assert seen in found.seen
    assert remedy in found.remedy


# --- what room mailboxes do to invitations ------------------------------------------------------


@pytest.mark.parametrize(
    ("changes", "flags"),
    [
        ({"add_organizer_to_subject": True}, "-AddOrganizerToSubject $false"),
        ({"delete_subject": True}, "-DeleteSubject $false"),
        (
            {"delete_subject": True, "add_organizer_to_subject": True},
            "-AddOrganizerToSubject $false -DeleteSubject $false",
        ),
    ],
)
async def test_spoilt_titles_are_told_with_the_line_that_mends_them(
    hq: tuple[Doctored, Exchange], changes: dict[str, bool], flags: str
) -> None:
    site, exchange = hq
    exchange.scenarios.set_processing(AULA, **changes)
    invited(exchange, 1, 2, 3)
    found = await site.the(WARNING, "room_mailboxes")
    assert found.subject == "room aula"
    assert command_of(found.remedy) == (
        f"Set-CalendarProcessing {AULA} {flags}",
        "it holds for new events; or write organizer_copies = yes in [calendar:feeds]",
    )


@pytest.mark.parametrize(
    ("served", "access", "remedy"),
    [
        (on_premises, "", "ApplicationImpersonation, with a scope that holds their mailboxes"),
        (on_premises, "access = delegate\n", "(Reviewer)"),
        (in_the_cloud, "", "Calendars.Read with a scope that holds the organizers, too"),
    ],
)
async def test_titles_stay_spoilt_where_organizers_may_not_be_read_and_that_is_told(
    tmp_path: Path, served: Served, access: str, remedy: str
) -> None:
    async with served(tmp_path) as (site, exchange):
        site.change("[calendar:feeds]\n", f"[calendar:feeds]\norganizer_copies = yes\n{access}")
        exchange.scenarios.add_person(ADA.address, ADA.name)
        exchange.scenarios.set_processing(AULA, add_organizer_to_subject=True, delete_subject=True)
        invited(exchange, *range(1, MOST_LOOKS + 9))
        everybody = frozenset({EVERYBODY})
        exchange.grant(replace(SERVICE, delegate_of=everybody))
        assert [f.severity for f in await site.look("room_mailboxes")] == [OK]
        rooms = frozenset({AULA, BOARDROOM})
        exchange.grant(replace(SERVICE, impersonates=rooms, delegate_of=rooms))
        grant(exchange, *rooms)
        found = await site.the(WARNING, "room_mailboxes")
    assert found.subject == "room aula"
    assert found.seen.endswith("titles are missing, and organizers' copies could not be read")
    assert remedy in found.remedy
    assert "organizer_copies" not in found.remedy


async def test_a_series_that_is_called_after_its_organizer_is_no_habit_of_the_room(
    hq: tuple[Doctored, Exchange],
) -> None:
    site, exchange = hq
    exchange.scenarios.invite(
        ADA,
        [AULA],
        noon(1),
        wording=Wording(subject=f"{ADA.name} one to one", body="See you"),
        recurrence=Recurrence(pattern=Daily(), number=9),
    )
    assert [f.severity for f in await site.look("room_mailboxes")] == [OK]


async def test_an_event_that_is_private_in_one_room_alone_is_told_of_the_other(
    hq: tuple[Doctored, Exchange],
) -> None:
    site, exchange = hq
    exchange.scenarios.set_processing(BOARDROOM, remove_private_property=True)
    invited(exchange, 1, wording=Wording(subject="Merger", sensitivity=Sensitivity.PRIVATE))
    found = await site.the(WARNING, "room_mailboxes")
    assert found.subject == "room boardroom"
    assert "-RemovePrivateProperty $false" in found.remedy
    assert "Merger" not in found.seen + found.remedy


async def test_many_rooms_with_the_same_settings_are_one_finding(tmp_path: Path) -> None:
    async with in_the_cloud(tmp_path, ("aula", "boardroom", *MANY)) as (site, exchange):
        for room in exchange.state.mailboxes:
            exchange.scenarios.set_processing(room, add_organizer_to_subject=True)
        site.change(f"mailbox = {AULA}\n", f"mailbox = {AULA}\naddress = {AULA}\n")
        invited(exchange, 1, 2, 3, rooms=("aula", "boardroom", *MANY))
        found = await site.the(WARNING, "room_mailboxes")
    assert found.subject.startswith("rooms aula, boardroom, ")
    assert found.remedy.startswith(f"'{AULA}','{BOARDROOM}',")
    command, _ = command_of(found.remedy)
    assert command.endswith("{ Set-CalendarProcessing $_ -AddOrganizerToSubject $false }")


EXPORT = (
    '"Mailbox","AutomateProcessing","AddOrganizerToSubject","DeleteSubject","DeleteComments",'
    '"RemovePrivateProperty"\r\n'
    f'"{AULA}","AutoAccept","False","False","True","False"\r\n'
    f'"{BOARDROOM}","AutoUpdate","False","False","False","False"\r\n'
)


@pytest.mark.parametrize(
    "content",
    [
        EXPORT.encode(),
        codecs.BOM_UTF8 + EXPORT.encode(),
        EXPORT.encode("utf-16"),
        ("#TYPE Selected.System.String\r\n" + EXPORT).encode("utf-16-le"),
        EXPORT.replace(",", ";").encode(),
        EXPORT.replace("Mailbox", "Identity").replace(AULA, "example.org/Rooms/Aula").encode(),
    ],
    ids=["utf-8", "bom", "utf-16", "utf-16 without bom", "semicolons", "identities"],
)
async def test_exported_settings_tell_what_events_do_not(
    hq: tuple[Doctored, Exchange], content: bytes
) -> None:
    site, _ = hq
    site.processing = site.folder / "rooms.csv"
    site.processing.write_bytes(content)
    aula, boardroom = await site.look("room_mailboxes")
    assert (aula.severity, aula.subject) == (WARNING, "room aula")
    assert aula.remedy.startswith(f"Set-CalendarProcessing {AULA} -DeleteComments $false (")
    assert boardroom.subject == "room boardroom"
    assert f"Set-CalendarProcessing {BOARDROOM} -AutomateProcessing AutoAccept" in boardroom.remedy


async def test_what_was_mended_since_is_not_told_by_old_events(
    hq: tuple[Doctored, Exchange],
) -> None:
    site, exchange = hq
    exchange.scenarios.set_processing(AULA, add_organizer_to_subject=True)
    invited(exchange, 1, 2, 3)
    site.processing = site.folder / "rooms.csv"
    lines = EXPORT.replace("True", "False").replace("AutoUpdate", "AutoAccept").splitlines()
    site.processing.write_text("\n".join(lines))
    assert [f.severity for f in await site.look("room_mailboxes")] == [OK]
    site.change(f"password = {SERVICE.password}", "password = wrong")
    assert [f.severity for f in await site.look("room_mailboxes")] == [OK]
    site.processing.write_text("\n".join(lines[:2]))
    found = await site.the(NOTE, "room_mailboxes")
    assert (found.subject, found.seen) == (
        "room boardroom",
        "the exported settings do not hold it",
    )


@pytest.mark.parametrize("content", [None, b"", b"Name,Age\r\nAda,36\r\n", b"\x00\xff\x00"])
async def test_a_file_that_is_no_export_is_an_error_that_names_it(
    hq: tuple[Doctored, Exchange], content: bytes | None
) -> None:
    site, _ = hq
    site.processing = site.folder / "rooms.csv"
    if content is not None:
        site.processing.write_bytes(content)
    found = await site.the(ERROR, "room_mailboxes")
    assert str(site.processing) in found.seen
    assert found.remedy


# --- what the account may do, and what Exchange allows it ---------------------------------------


@pytest.mark.parametrize(
    ("roles", "severity", "words"),
    [
        ((), OK, "no consent in Entra"),
        (("Calendars.Read",), NOTE, "every calendar of the tenant (Calendars.Read)"),
        (("Calendars.ReadBasic.All",), NOTE, "every calendar of the tenant"),
        (("Calendars.Read", "Mail.ReadWrite"), WARNING, "in every mailbox: Mail.ReadWrite"),
        (("Calendars.ReadWrite",), WARNING, "in every mailbox: Calendars.ReadWrite"),
    ],
)
async def test_a_consent_that_is_wider_than_needed_is_told(
    cloud: tuple[Doctored, Exchange], roles: tuple[str, ...], severity: Severity, words: str
) -> None:
    site, exchange = cloud
    exchange.tokens.consented[CLIENT_ID] = roles
    (found,) = await site.look("graph_consent")
    assert (found.severity, found.subject) == (severity, "calendar feeds")
    assert words in found.seen
    assert severity is OK or "RBAC for Applications" in found.remedy


async def test_a_consent_is_not_to_be_narrowed_to_the_rooms_where_organizers_are_read(
    cloud: tuple[Doctored, Exchange],
) -> None:
    site, exchange = cloud
    site.change("[calendar:feeds]\n", "[calendar:feeds]\norganizer_copies = yes\n")
    exchange.tokens.consented[CLIENT_ID] = ("Calendars.Read",)
    (found,) = await site.look("graph_consent")
    assert "the rooms and of those who book them" in found.remedy
    assert "Grant-CospacedGraph" not in found.remedy


async def test_a_token_that_does_not_tell_is_not_judged(cloud: tuple[Doctored, Exchange]) -> None:
    site, _ = cloud
    (found,) = await site.look("graph_consent")
    assert (found.severity, found.seen[:11]) == (NOTE, "not checked")
    site.change("client_secret = simulated", "client_secret = wrong")
    (found,) = await site.look("graph_consent")
    assert (found.severity, "(see Reading)" in found.seen) == (NOTE, True)


async def test_a_delegates_budget_is_a_note_with_the_policy(
    hq: tuple[Doctored, Exchange],
) -> None:
    site, exchange = hq
    exchange.grant(replace(SERVICE, delegate_of=frozenset({EVERYBODY})))
    site.change("auth = basic", "auth = basic\naccess = delegate\nmax_connections = 27")
    found = await site.the(NOTE, "exchange_limits")
    assert "more than Exchange 2010 allows" in found.seen
    assert "Set-ThrottlingPolicyAssociation svc -ThrottlingPolicy Cospaced" in found.remedy


@pytest.mark.parametrize(
    ("server", "rooms", "streams"),
    [
        ("https://mail.example.org/EWS/Exchange.asmx", 600, 0),
        ("https://mail.example.org/EWS/Exchange.asmx", 601, 3),
        ("https://outlook.office365.com/EWS/Exchange.asmx", 601, 0),
        ("https://outlook.office365.com/EWS/Exchange.asmx", 2001, 10),
    ],
)
async def test_more_rooms_than_streams_can_hold_are_a_note(
    server: str, rooms: int, streams: int
) -> None:
    calendar = CalendarSettings(name="hq", type=SourceType.EXCHANGE, server=server)
    many = [RoomSettings(name=f"room{n}", calendar="hq") for n in range(rooms)]
    for notifications in ("streaming", "poll"):
        calendar = replace(calendar, notifications=notifications)
        settings = SimpleNamespace(calendars=(calendar,), rooms=many)
        (found,) = await exchange_limits.look(SimpleNamespace(settings=settings))  # type: ignore[arg-type]
        told = streams and notifications == "streaming"
        assert found.severity is (NOTE if told else OK)
        assert not told or f"{streams} streams of 200 rooms" in found.seen
