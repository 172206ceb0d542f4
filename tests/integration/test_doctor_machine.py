"""What the doctor finds on the machine and in the configuration, one fault at a time."""

import os
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from cospaced import __version__
from cospaced.doctor import control, time_zones
from cospaced.doctor.base import Severity
from cospaced.host import access
from cospaced.host.control import ControlServer, Request
from cospaced.host.lock import StateLock
from cospaced.host.unit import Unit
from support.doctored import Doctored, doctored, make_state


ERROR, WARNING, NOTE, OK = Severity.ERROR, Severity.WARNING, Severity.NOTE, Severity.OK
as_root = pytest.mark.skipif(os.geteuid() != 0, reason="only root may ask for another user")


@pytest.fixture
async def site(tmp_path: Path) -> AsyncIterator[Doctored]:
    async with doctored(tmp_path, bridges=1) as site:
        yield site


@pytest.fixture
async def others() -> AsyncIterator[Doctored]:
    """A site whose daemon runs as `nobody`, in a directory that everybody may search."""
    with TemporaryDirectory(prefix="cospaced-") as name:
        folder = Path(name)
        folder.chmod(0o755)
        async with doctored(folder, bridges=1) as site:
            (folder / "tls").chmod(0o755)
            site.host = replace(site.host, unit=lambda: Unit(user="nobody"))
            yield site


async def test_a_secret_that_others_can_read_is_a_warning_with_the_chmod(site: Doctored) -> None:
    secret = site.folder / "cms.password"
    secret.write_text("simulated")
    secret.chmod(0o644)
    site.change("password = simulated", "password_file = cms.password")
    found = await site.the(WARNING, "configuration")
    assert "every user of this machine can read it" in found.seen
    assert found.remedy == f"chown root:cospaced {secret}; chmod 0640 {secret}"


async def test_an_endpoint_of_two_rooms_and_a_room_without_any_are_notes(site: Doctored) -> None:
    site.change("endpoints = boardroom@", "endpoints = sip:AULA@")
    site.ini += "[room:foyer]\ncalendar = feeds\nurl = foyer.ics\n"
    shared, without = [f for f in await site.look("rooms") if f.severity is NOTE]
    assert shared.subject == "endpoint aula@rooms.example.org"
    assert "aula, boardroom share it" in shared.seen
    assert without.subject == "room foyer"
    assert "endpoints =" in without.remedy


async def test_random_passcodes_without_a_join_link_are_a_warning_to_invite(site: Doctored) -> None:
    site.change("[conferences]", "[conferences]\npasscode = random:6")
    reminded = await site.the(NOTE, "invitations")
    assert "cospaced invite BOOKING" in reminded.remedy
    site.change("web_bridge = ", "# ")
    found = await site.the(WARNING, "invitations")
    assert "guests must be told" in found.seen
    assert "cospaced invite BOOKING" in found.remedy


async def test_a_state_dir_that_is_missing_is_an_error_with_the_command(site: Doctored) -> None:
    site.state.rmdir()
    found = await site.the(ERROR, "state_dir")
    assert found.remedy == f"install -d -m 0700 -o root {site.state}"


@as_root
async def test_a_state_dir_that_its_user_cannot_write_is_an_error_though_root_can(
    others: Doctored,
) -> None:
    found = await others.the(ERROR, "state_dir")
    assert "user nobody, as which the daemon runs, cannot write it (owner root)" in found.seen
    assert found.remedy.startswith(f"chown -R nobody: {others.state}")


async def test_a_state_dir_open_to_others_is_a_warning(site: Doctored) -> None:
    site.state.chmod(0o755)
    assert (await site.the(WARNING, "state_dir")).remedy == f"chmod 0700 {site.state}"


async def test_a_state_dir_that_the_unit_keeps_read_only_is_an_error(site: Doctored) -> None:
    unit = Unit(user="root", strict=True, writable=(Path("/var/lib/cospaced"),))
    site.host = replace(site.host, unit=lambda: unit)
    found = await site.the(ERROR, "state_dir")
    assert found.remedy.endswith(f"ReadWritePaths={site.state}")
    site.host = replace(site.host, unit=lambda: replace(unit, writable=(site.folder,)))
    assert (await site.look("state_dir"))[0].severity is OK


async def test_a_disk_that_is_nearly_full_is_told(
    site: Doctored, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.statvfs

    def nearly_full(path: Path) -> os.statvfs_result:
        fields = list(real(path))
        fields[1], fields[4] = 1_000_000, 20
        return os.statvfs_result(fields)

    monkeypatch.setattr(os, "statvfs", nearly_full)
    found = await site.the(ERROR, "state_dir")
    assert found.seen == "only 20 MB are free"
    assert f"df -h {site.state}" in found.remedy


async def test_a_site_key_is_private_and_whole_or_an_error(site: Doctored) -> None:
    assert "first start" in (await site.the(NOTE, "site_key")).seen
    await make_state(site.state)
    assert "back it up" in (await site.the(OK, "site_key")).seen
    key = site.state / "site.key"
    key.chmod(0o640)
    assert (await site.the(ERROR, "site_key")).remedy == f"chmod 0600 {key}"
    key.write_bytes(b"short")
    found = await site.the(ERROR, "site_key")
    assert "holds 5 bytes instead of 32" in found.seen
    assert "from a backup" in found.remedy


async def test_a_state_file_of_a_newer_release_is_an_error(site: Doctored) -> None:
    import sqlite3

    await make_state(site.state)
    assert "0 bookings" in (await site.the(OK, "state_file")).seen
    with sqlite3.connect(site.state / "state.db") as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    found = await site.the(ERROR, "state_file")
    assert "written by a newer cospaced" in found.seen
    assert "install that release again" in found.remedy


@as_root
async def test_a_file_that_the_daemons_user_cannot_read_is_an_error_though_root_can(
    others: Doctored,
) -> None:
    found = await others.the(ERROR, "rights")
    assert found.subject == f"file {others.file}"
    assert "user nobody" in found.seen
    assert found.remedy == f"chown root:nobody {others.file}; chmod 0640 {others.file}"


@as_root
async def test_a_room_file_that_the_unit_hides_is_an_error_though_it_can_be_read(
    site: Doctored,
) -> None:
    site.change("url = aula.ics", "path = /home/calendars/aula.ics")
    site.host = replace(site.host, unit=lambda: Unit(user="root", hides_home=True))
    found = await site.the(ERROR, "rights")
    assert found.subject == "file /home/calendars/aula.ics"
    assert "ProtectHome" in found.seen
    assert "BindReadOnlyPaths=/home/calendars" in found.remedy


async def test_without_unit_and_user_the_owner_of_the_state_stands_for_the_daemon(
    site: Doctored,
) -> None:
    asked = []

    def allowed(user, how, paths):
        asked.append(user.name)
        return dict.fromkeys(paths, True)

    owner = access.Account(name="ada", uid=12345, gid=12345)
    site.host = replace(
        site.host,
        unit=lambda: None,
        account=lambda _: None,
        owner=lambda path: owner if path == site.state else None,
        allowed=allowed,
    )
    assert "user ada can read" in (await site.the(OK, "rights")).seen
    assert asked == ["ada"]


async def test_whoever_is_not_root_is_told_to_become_root(site: Doctored) -> None:
    stranger = access.Account(name="cospaced", uid=12345, gid=12345)
    site.host = replace(site.host, account=lambda _: stranger, allowed=lambda *_: None)
    for slug in ("rights", "state_dir"):
        assert "as root" in (await site.the(NOTE, slug)).remedy


@pytest.mark.parametrize(
    ("unit", "severity", "remedy"),
    [
        (Unit(load="not-found", active="inactive"), WARNING, "systemctl enable --now cospaced"),
        (Unit(active="failed"), ERROR, "journalctl -u cospaced -n 50"),
        (Unit(active="inactive"), ERROR, "systemctl start cospaced"),
        (Unit(enabled="disabled"), WARNING, "systemctl enable cospaced"),
        (Unit(outdated=True), WARNING, "systemctl daemon-reload"),
    ],
)
async def test_a_unit_that_does_not_run_the_daemon_is_told(
    site: Doctored, unit: Unit, severity: Severity, remedy: str
) -> None:
    site.host = replace(site.host, unit=lambda: unit)
    found = await site.the(severity, "unit")
    assert found.subject == "unit cospaced.service"
    assert remedy in found.remedy


async def test_without_systemd_the_unit_is_not_checked(site: Doctored) -> None:
    site.host = replace(site.host, unit=lambda: None)
    assert "not checked" in (await site.the(NOTE, "unit")).seen


async def told_by_a_daemon(site: Doctored, **answer: object) -> None:
    """Let a daemon of these words answer while the check looks."""

    async def status(_: Request) -> dict[str, object]:
        read_at = f"{datetime.now(UTC) + timedelta(hours=1):%Y-%m-%dT%H:%M:%SZ}"
        told = {"version": __version__, "configuration": {"read_at": read_at}}
        return told | answer

    server = ControlServer(site.state / "control", status)
    await server.start()
    try:
        site.last = await site.look("control")
    finally:
        await server.close()


async def test_a_running_daemon_is_asked_for_its_release_and_its_troubles(site: Doctored) -> None:
    await told_by_a_daemon(site)
    assert [f.severity for f in site.last] == [OK]
    since = "2026-11-23T08:00:00Z"
    failing = {"room": "aula", "failing_since": since, "reason": "no such host"}
    await told_by_a_daemon(site, version="0.0.9", store_failing_since=since, calendars=[failing])
    release, store, room = site.last
    assert [f.severity for f in site.last] == [WARNING, ERROR, WARNING]
    assert f"release 0.0.9 runs, and {__version__} is installed" in release.seen
    assert "systemctl restart" in release.remedy
    assert since in store.seen
    assert room.subject == "room aula"
    assert "no such host" in room.seen


async def test_a_file_changed_after_the_daemon_read_it_wants_a_reload(site: Doctored) -> None:
    await told_by_a_daemon(site, configuration={"read_at": "2026-01-01T00:00:00Z"})
    (found,) = site.last
    assert found.severity is WARNING
    assert found.subject == f"file {site.file}"
    assert found.remedy == "systemctl reload cospaced"


async def test_a_daemon_that_holds_the_state_and_does_not_answer_is_a_warning(
    site: Doctored,
) -> None:
    assert "no daemon runs" in (await site.the(NOTE, "control")).seen
    with StateLock(site.state):
        found = await site.the(WARNING, "control")
        assert f"(pid {os.getpid()}) holds {site.state}" in found.seen
    assert "no daemon runs" in (await site.the(NOTE, "control")).seen
    assert control.CHECK.deadline > 10


async def test_a_journal_that_a_restart_loses_is_a_note(site: Doctored) -> None:
    site.host = replace(site.host, journal_kept=lambda: False)
    assert "mkdir -p /var/log/journal" in (await site.the(NOTE, "journal")).remedy


async def test_a_clock_that_nothing_holds_is_a_warning(site: Doctored) -> None:
    site.host = replace(site.host, synchronised=lambda: False)
    assert "timedatectl set-ntp true" in (await site.the(WARNING, "clock")).remedy
    site.host = replace(site.host, synchronised=lambda: None)
    assert "not checked" in (await site.the(NOTE, "clock")).seen


@pytest.mark.parametrize(
    ("seconds", "severity", "side"),
    [(10, WARNING, "ahead of"), (-10, WARNING, "behind"), (-400, ERROR, "behind")],
)
async def test_a_calendar_server_with_another_time_is_told(
    site: Doctored, seconds: int, severity: Severity, side: str
) -> None:
    site.date = lambda: datetime.now(UTC) + timedelta(seconds=seconds)
    found = await site.the(severity, "clock_offsets")
    assert found.subject.startswith("http://localhost:")
    assert f"its clock is {abs(seconds)} s {side} this machine's" in found.seen


@pytest.mark.parametrize(
    ("behind", "severity"), [(20.0, WARNING), (-10.0, WARNING), (600.0, ERROR)]
)
async def test_a_bridge_with_another_time_is_told_and_its_usual_lag_is_not(
    site: Doctored, behind: float, severity: Severity
) -> None:
    assert (await site.look("clock_offsets"))[0].severity is OK
    site.cluster.knobs = replace(site.cluster.knobs, cdr_time_behind=behind)
    found = await site.the(severity, "clock_offsets")
    assert found.subject.startswith("bridge 127.0.0.1:")
    assert "ntp server add" in found.remedy


async def test_time_zone_rules_of_years_ago_are_a_warning(
    site: Doctored, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    assert (await site.look("time_zones"))[0].subject == "zone Europe/Berlin"
    (tmp_path / "zones").mkdir()
    (tmp_path / "zones" / "UTC").touch()
    (tmp_path / "zones" / "tzdata.zi").write_text("# version 2019c\n")
    found = time_zones.release_in([str(tmp_path / "none"), str(tmp_path / "zones")])
    assert found == "2019c"
    monkeypatch.setattr(time_zones, "release_in", lambda _: "2019c")
    told = await site.the(WARNING, "time_zones")
    assert "rules are of 2019c" in told.seen
    assert "tzdata" in told.remedy


async def test_another_library_in_urllib3s_place_is_a_warning(site: Doctored) -> None:
    site.host = replace(site.host, shadow=lambda: "urllib3 is not urllib3 (pip install it anew)")
    found = await site.the(WARNING, "urllib3")
    assert (found.seen, found.remedy) == ("urllib3 is not urllib3", "pip install it anew")


async def test_versions_are_a_note_for_reports(site: Doctored) -> None:
    system, libraries = await site.look("versions")
    assert system.severity is libraries.severity is NOTE
    assert f"cospaced {__version__}" in system.seen
    assert "icalendar 7." in libraries.seen
