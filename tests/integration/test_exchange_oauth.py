"""The `exchange` source over TLS with OAuth: tokens, certificates, servers that send elsewhere."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from cospaced.calendars.exchange.source import ExchangeSource
from cospaced.calendars.login_gate import FIRST_PAUSE
from cospaced.domain.calendar import Reading
from cospaced.errors import CalendarError
from cospaced.exchange_simulator.access import Challenge
from cospaced.exchange_simulator.connection import Connection
from cospaced.exchange_simulator.faults import Fault
from cospaced.exchange_simulator.serve import Identity
from cospaced.settings import Secret
from cospaced.simulator.certificates import LOOPBACK, Certificates, make_certificates
from support import exchange_items
from support.exchange_calendars import SERVICE, Server, exchange_source, server
from support.icalendar_writer import address_of
from support.situations import NOW, PLAIN, WINDOW
from support.source_writers import SetClock


APPLICATION = replace(SERVICE, name="66666666-7777-8888-9999-000000000000", password="s3cret~word")


def shown(made: Certificates) -> Identity:
    return Identity(certificate=made.file, key=made.key)


@pytest.fixture(scope="module")
def trust(tmp_path_factory: pytest.TempPathFactory) -> Certificates:
    return make_certificates(tmp_path_factory.mktemp("trust"), LOOPBACK, datetime.now(UTC))


class Site:
    """A server with one room, an application that reads it, and the daemon's source for it."""

    def __init__(self, running: Server, source: ExchangeSource, clock: SetClock) -> None:
        self.server = running
        self.exchange = running.exchange
        self.source = source
        self.clock = clock
        self.reading: Reading | None = None
        self.room = running.add_room("aula")

    async def poll(self) -> Reading:
        self.reading = await self.source.poll(self.room, self.reading, WINDOW)
        return self.reading

    async def refused(self) -> CalendarError:
        with pytest.raises(CalendarError) as caught:
            await self.poll()
        return caught.value

    def put(self, uid: str) -> None:
        state = self.exchange.state
        box = state.mailbox(address_of("aula"))
        exchange_items.put(state, box, replace(PLAIN, id=uid))

    def patient_no_more(self) -> None:
        self.clock.leap(FIRST_PAUSE)


def application(running: Server, made: Certificates) -> dict[str, Any]:
    """Settings of a daemon that logs in as the application."""
    running.exchange.grant(APPLICATION)
    return {
        "auth": "oauth",
        "tenant_id": "tenant",
        "client_id": APPLICATION.name,
        "client_secret": Secret(APPLICATION.password),
        "authority": running.settings.server.removesuffix("/EWS/Exchange.asmx"),
        "ca_file": made.ca_file,
    }


@pytest.fixture
async def site(tmp_path: Path, trust: Certificates) -> AsyncIterator[Site]:
    clock = SetClock(NOW)
    async with server(tmp_path, clock, identity=shown(trust)) as running:
        settings = application(running, trust)
        async with exchange_source(running, clock, **settings) as source:
            yield Site(running, source, clock)


# --- tokens -------------------------------------------------------------------------------------


async def test_one_token_serves_every_poll(site: Site) -> None:
    site.put("one@example.org")
    await site.poll()
    reading = await site.poll()
    assert (reading.unchanged, reading.requests) == (True, 1)
    assert site.exchange.tokens.issued == 1


async def test_a_token_that_expired_is_renewed_within_the_poll(site: Site) -> None:
    site.put("one@example.org")
    await site.poll()
    site.exchange.tokens.expire()
    site.put("two@example.org")
    assert len((await site.poll()).occurrences) == 2
    assert site.exchange.tokens.issued == 2


async def test_a_token_that_expires_in_the_middle_of_a_poll_is_renewed(site: Site) -> None:
    site.put("one@example.org")

    def expire(logged: Any) -> None:
        if logged.operation == "FindItem" and site.exchange.tokens.issued == 1:
            site.exchange.tokens.expire()

    site.exchange.requests.listeners.append(expire)
    assert len((await site.poll()).occurrences) == 1
    assert site.exchange.tokens.issued == 2


async def test_a_token_that_is_told_to_be_short_lived_is_no_reason_to_ask_without_end(
    site: Site,
) -> None:
    site.exchange.knobs = replace(site.exchange.knobs, token_seconds=0.0)
    error = await site.refused()
    assert (error.kind, error.shared) == ("login", True)
    assert site.exchange.tokens.issued <= 2


async def test_what_the_server_takes_is_good_whatever_this_machines_clock_says(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    site.exchange.knobs = replace(site.exchange.knobs, token_seconds=-60.0)
    monkeypatch.setattr(site.exchange.tokens, "holder", lambda _: APPLICATION)
    await site.poll()
    assert (await site.poll()).unchanged
    assert site.exchange.tokens.issued == 1


async def test_a_server_that_refuses_every_token_is_told_once_and_left_alone(
    site: Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    await site.poll()
    monkeypatch.setattr(site.exchange.access, "login", _nobody)
    site.exchange.requests.clear()
    error = await site.refused()
    assert (error.kind, error.shared) == ("login", True)
    assert "client_secret" in str(error)
    assert site.exchange.tokens.issued <= 3
    asked = site.exchange.requests.count()
    assert str(await site.refused()) == str(error)
    assert site.exchange.requests.count() == asked


def _nobody(_: str, __: Connection) -> Challenge:
    return Challenge(("Bearer",))


async def test_a_wrong_secret_is_told_once_with_its_remedy(
    tmp_path: Path, trust: Certificates
) -> None:
    clock = SetClock(NOW)
    async with server(tmp_path, clock, identity=shown(trust)) as running:
        settings = application(running, trust) | {"client_secret": Secret("wr0ng")}
        async with exchange_source(running, clock, **settings) as source:
            site = Site(running, source, clock)
            error = await site.refused()
            assert (error.kind, error.shared) == ("login", True)
            assert "client_secret is wrong" in str(error)
            assert "AADSTS7000215" in str(error)
            assert "wr0ng" not in str(error)
            running.exchange.grant(replace(APPLICATION, password="wr0ng"))
            site.room = running.add_room("boardroom")
            assert str(await site.refused()) == str(error)
            site.patient_no_more()
            assert (await site.poll()).occurrences == ()


async def test_a_secret_that_expires_is_told_when_the_token_does(site: Site) -> None:
    await site.poll()
    site.exchange.tokens.expired.add(APPLICATION.name)
    await site.poll()
    site.exchange.tokens.expire()
    error = await site.refused()
    assert (error.kind, error.shared) == ("login", True)
    assert "client_secret has expired" in str(error)
    site.exchange.tokens.expired.clear()
    site.patient_no_more()
    await site.poll()


async def _without_token(folder: Path, made: Certificates, **changes: Any) -> CalendarError:
    """Return what is told where the authority gives no token."""
    clock = SetClock(NOW)
    async with server(folder, clock, identity=shown(made)) as running:
        settings = application(running, made)
        settings["authority"] += changes.pop("below", "")
        async with exchange_source(running, clock, **settings | changes) as source:
            error = await Site(running, source, clock).refused()
        assert running.exchange.requests.count("SyncFolderItems") == 0
    return error


async def test_an_authority_that_is_away_is_no_refusal(tmp_path: Path, trust: Certificates) -> None:
    error = await _without_token(tmp_path, trust, authority="https://127.0.0.1:9")
    assert (error.kind, error.shared) == ("unreachable", False)
    assert "https://127.0.0.1:9" in str(error)


async def test_an_authority_that_is_none_is_told(tmp_path: Path, trust: Certificates) -> None:
    error = await _without_token(tmp_path, trust, below="/nowhere?at=")
    assert (error.kind, error.shared) == ("unreachable", False)
    assert "check authority" in str(error)


async def test_an_authority_whose_certificate_is_unknown_is_told(
    tmp_path: Path, trust: Certificates
) -> None:
    other = make_certificates(tmp_path / "other", LOOPBACK, datetime.now(UTC))
    error = await _without_token(tmp_path, trust, ca_file=other.ca_file)
    assert (error.kind, error.shared) == ("certificate", False)


# --- certificates -------------------------------------------------------------------------------


async def test_a_certificate_of_an_unknown_authority_is_told(
    tmp_path: Path, trust: Certificates
) -> None:
    other = make_certificates(tmp_path / "other", LOOPBACK, datetime.now(UTC))
    for changes in ({"ca_file": other.ca_file}, {"ca_file": None}):
        error = await _refused_over_tls(tmp_path, trust, changes)
        assert (error.kind, error.shared) == ("certificate", False)
        assert "ca_file" in str(error)


async def test_a_certificate_that_has_expired_is_told_as_that(tmp_path: Path) -> None:
    long_ago = datetime.now(UTC) - timedelta(days=500)
    old = make_certificates(tmp_path / "old", LOOPBACK, long_ago)
    error = await _refused_over_tls(tmp_path, old, {"ca_file": old.ca_file})
    assert error.kind == "certificate"
    assert "renew" in str(error)


async def test_a_certificate_of_another_name_is_told_as_that(tmp_path: Path) -> None:
    other = make_certificates(tmp_path / "named", ["mail.example.org"], datetime.now(UTC))
    error = await _refused_over_tls(tmp_path, other, {"ca_file": other.ca_file})
    assert error.kind == "certificate"
    assert "the name that stands in the certificate" in str(error)


async def test_a_certificate_that_nobody_checks_is_taken(
    tmp_path: Path, trust: Certificates
) -> None:
    clock = SetClock(NOW)
    async with (
        server(tmp_path, clock, identity=shown(trust)) as running,
        exchange_source(running, clock, verify=False) as source,
    ):
        assert (await Site(running, source, clock).poll()).occurrences == ()


async def _refused_over_tls(
    folder: Path, made: Certificates, changes: dict[str, Any]
) -> CalendarError:
    clock = SetClock(NOW)
    async with server(folder, clock, identity=shown(made)) as running:
        async with exchange_source(running, clock, **changes) as source:
            error = await Site(running, source, clock).refused()
        assert running.exchange.requests.count() == 0
    return error


# --- servers that send elsewhere ----------------------------------------------------------------


async def test_a_mailbox_that_another_server_holds_is_told_and_the_others_are_read(
    site: Site,
) -> None:
    there = "https://mail2.example.org/EWS/Exchange.asmx"
    site.exchange.strike(Fault.REDIRECTED, mailbox=site.room.mailbox, times=None, target=there)
    error = await site.refused()
    assert (error.kind, error.shared) == ("redirect", False)
    assert there in str(error)
    site.room = site.server.add_room("boardroom")
    assert (await site.poll()).occurrences == ()
