"""The host layer and the unit file, under a systemd of their own."""

import json
import time

import pytest

from support.machine import PREFIX, Machine, interpreter, wait_until


pytestmark = pytest.mark.real_systemd

CONFIGURATION = "/etc/cospaced/cospaced.ini"
ASK = (
    "import json, sys; from pathlib import Path; from cospaced.host.control import ask; "
    "print(json.dumps(ask(Path('/run/cospaced/control'), json.load(sys.stdin))))"
)


@pytest.fixture(scope="module")
def installed(rig: Machine) -> Machine:
    """Install the small daemon as /usr/bin/cospaced, and a watchdog that waits less."""
    rig.install_command(str(PREFIX / "tests" / "system" / "rig_daemon.py"))
    rig.drop_in("rig", "[Service]\nWatchdogSec=1\n")
    return rig


@pytest.fixture
def running(installed: Machine) -> Machine:
    """Have the small daemon run under the real unit."""
    installed.write(CONFIGURATION, "", "0640")
    installed.exec("systemctl", "start", "cospaced")
    return installed


def asked(rig: Machine, *prefix: str, **request: str) -> dict[str, object]:
    """Ask the daemon from inside the machine."""
    environment = f"PYTHONPATH={PREFIX / 'source'}:{PREFIX / 'dependencies'}"
    command = (*prefix, "env", environment, str(interpreter()), "-c", ASK)
    answer: dict[str, object] = json.loads(rig.exec(*command, given=json.dumps(request)).stdout)
    return answer


def active_again(rig: Machine, before: str) -> bool:
    """Whether another process than `before` is the daemon, and ready."""
    unit = rig.unit()
    return unit["MainPID"] not in ("0", before) and unit["SubState"] == "running"


def test_the_unit_starts_as_its_own_user_and_tells_its_status_in_ascii(running: Machine) -> None:
    unit = running.unit()
    assert (unit["ActiveState"], unit["SubState"]) == ("active", "running")
    assert unit["StatusText"] == "3 rooms, Malaga ??"
    assert asked(running, command="status")["uid"] != 0
    assert running.exec("stat", "-c", "%U %G %a", "/var/lib/cospaced").stdout == (
        "cospaced cospaced 700\n"
    )
    assert running.exec("stat", "-c", "%U %G %a", "/run/cospaced").stdout == (
        "cospaced cospaced 750\n"
    )
    assert running.exec("stat", "-c", "%G %a", "/run/cospaced/control").stdout == "cospaced 660\n"
    assert running.exec("stat", "-c", "%G %a", "/var/lib/cospaced/lock").stdout == "cospaced 600\n"


def test_systemd_has_no_warning_about_the_running_unit(running: Machine) -> None:
    running.exec("systemctl", "restart", "cospaced")
    this_run = f"INVOCATION_ID={running.unit()['InvocationID']}"
    assert running.journal("UNIT=cospaced.service", this_run)
    assert running.journal("UNIT=cospaced.service", this_run, "-p", "warning") == []


def test_records_are_found_by_their_own_fields(running: Machine) -> None:
    reason = "first line\nsecond line"
    room = f"boardroom-{time.monotonic_ns()}"
    asked(running, command="log", room=room, reason=reason)
    (record,) = wait_until(lambda: running.journal(f"ROOM={room}"), 5, "the record is there")
    assert record["EVENT"] == "leg.gave_up"
    assert record["REASON"] == reason
    assert record["PRIORITY"] == "4"
    assert record["SYSLOG_IDENTIFIER"] == "cospaced"
    assert record["PASSCODE"] == "********"
    assert record["MESSAGE"] == (
        f"Gave up dialling board@example.com in room {room}: first line\\nsecond line"
    )
    assert record["_SYSTEMD_UNIT"] == "cospaced.service"


def test_a_field_of_a_megabyte_arrives_whole(running: Machine) -> None:
    room = f"large-{time.monotonic_ns()}"
    asked(running, command="log", room=room, reason="0123456789abcdef", times=str(1 << 16))
    (record,) = wait_until(lambda: running.journal(f"ROOM={room}"), 5, "the record is there")
    assert record["REASON"] == "0123456789abcdef" * (1 << 16)
    assert len(str(record["MESSAGE"])) < 5_000


def test_a_killed_daemon_is_back_within_two_seconds(running: Machine) -> None:
    before = running.unit()["MainPID"]
    begin = time.monotonic()
    running.exec("systemctl", "kill", "-s", "KILL", "cospaced")
    wait_until(lambda: active_again(running, before), 5, "another process is ready")
    assert time.monotonic() - begin < 2


def test_a_hung_daemon_is_ended_by_the_watchdog_and_started_again(running: Machine) -> None:
    before = running.unit()["MainPID"]
    running.exec("systemctl", "kill", "-s", "USR1", "cospaced")
    wait_until(lambda: active_again(running, before), 6, "another process is ready")
    told = [str(record["MESSAGE"]) for record in running.journal("UNIT=cospaced.service")]
    assert any("Watchdog timeout" in line for line in told)
    # Where it hung is told by the traceback that SIGABRT draws.
    said = [str(record["MESSAGE"]) for record in running.journal("_SYSTEMD_UNIT=cospaced.service")]
    assert any("Fatal Python error: Aborted" in line for line in said)


def test_a_reload_keeps_the_process_and_waits_until_it_is_done(running: Machine) -> None:
    before = running.unit()["MainPID"]
    count = len(running.journal("EVENT=config.reloaded"))
    running.exec("systemctl", "reload", "cospaced")
    unit = wait_until(
        lambda: (u := running.unit())["SubState"] == "running" and u, 2, "the reload is done"
    )
    assert unit["MainPID"] == before
    assert len(running.journal("EVENT=config.reloaded")) == count + 1


def test_a_stop_ends_in_exit_0_and_is_no_reason_to_start_again(running: Machine) -> None:
    begin = time.monotonic()
    running.exec("systemctl", "stop", "cospaced")
    assert time.monotonic() - begin < 5
    unit = running.unit()
    assert (unit["ActiveState"], unit["Result"], unit["ExecMainStatus"]) == (
        "inactive",
        "success",
        "0",
    )


def test_a_stop_is_told_to_the_daemon_alone_and_leaves_no_child(running: Machine) -> None:
    child = asked(running, command="child")
    assert child["ready"] == "ready"
    inside = f"/proc/{child['pid']}"
    assert running.exec("test", "-d", inside, check=False).returncode == 0
    running.exec("systemctl", "stop", "cospaced")
    assert running.exec("test", "-d", inside, check=False).returncode == 1
    left = running.exec("ls", "/var/lib/cospaced").stdout.split()
    assert "lock" in left
    assert "signalled" not in left


def test_a_wrong_configuration_is_not_tried_again(running: Machine) -> None:
    running.exec("systemctl", "stop", "cospaced")
    running.exec("rm", CONFIGURATION)
    assert running.exec("systemctl", "start", "cospaced", check=False).returncode != 0
    unit = wait_until(
        lambda: (u := running.unit())["ActiveState"] == "failed" and u, 3, "it has failed"
    )
    assert (unit["ExecMainStatus"], unit["NRestarts"]) == ("2", "0")


def test_the_sandbox_holds_and_lets_the_libraries_work(running: Machine) -> None:
    assert asked(running, command="write")["error_of_write"] == "Read-only file system"
    assert asked(running, command="libraries")["worker"] == str(1 << 30)
    capabilities = asked(running, command="capabilities")["capabilities"]
    assert isinstance(capabilities, list)
    assert {line.split()[1] for line in capabilities} == {"0" * 16}


def test_a_member_of_the_group_may_ask_and_nobody_else(running: Machine) -> None:
    member = ("setpriv", "--reuid=nobody", "--regid=cospaced", "--clear-groups")
    assert asked(running, *member, command="status")["pid"] == int(running.unit()["MainPID"])
    stranger = ("setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups")
    with pytest.raises(AssertionError, match="no permission to ask"):
        asked(running, *stranger, command="status")


def test_a_second_daemon_on_the_same_state_is_told_who_holds_it(running: Machine) -> None:
    done = running.exec(
        *("setpriv", "--reuid=cospaced", "--regid=cospaced", "--clear-groups"),
        *("/usr/bin/cospaced", "run", "-c", CONFIGURATION),
        check=False,
    )
    assert done.returncode == 1
    assert f"another cospaced (pid {running.unit()['MainPID']})" in done.stderr
