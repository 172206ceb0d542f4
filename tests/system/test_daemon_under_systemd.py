"""The installed wheel, run by its own unit under a real systemd, beside a simulated CMS."""

import pytest

from support.installed_site import CONFIGURATION, INI, book, configure, told
from support.machine import ROOT, Machine, wait_until


pytestmark = [pytest.mark.real_systemd, pytest.mark.timeout(120)]


def test_a_conference_is_held_and_survives_kill_9_under_the_hardened_unit(cms: Machine) -> None:
    book(cms)
    cms.exec("systemctl", "start", "cospaced", seconds=40)
    assert cms.unit()["SubState"] == "running"
    wait_until(lambda: told(cms, "EVENT=leg.connected", "ROOM=aula"), 30, "the room is connected")
    opened = told(cms, "EVENT=booking.opened")[0]
    assert opened["NUMBER"] in {"8001", "8002", "8003"}
    assert int(str(opened["LATE_MS"])) >= 0
    assert opened["PRIORITY"] == "6"
    wait_until(lambda: cms.unit()["StatusText"].startswith("1 open"), 10, "STATUS tells of it")
    shown = cms.exec("cospaced", "status").stdout
    assert "aula connected" in shown

    dark = next(line for line in questions() if "ROOM=boardroom" in line)
    answered = cms.exec("sh", "-c", dark.replace("boardroom", "aula")).stdout
    assert "Dialled aula@r.example in room aula, attempt 1" in answered

    before = cms.unit()["MainPID"]
    cms.exec("kill", "-9", before)
    wait_until(
        lambda: cms.unit()["SubState"] == "running" and cms.unit()["MainPID"] not in ("0", before),
        20,
        "systemd starts it again",
    )
    wait_until(lambda: len(told(cms, "EVENT=pool.found")) == 1, 20, "it finds its pool again")

    cms.exec("systemctl", "reload", "cospaced")
    wait_until(lambda: told(cms, "EVENT=config.reloaded"), 10, "the file is read again")
    cms.exec("systemctl", "stop", "cospaced", seconds=20)
    unit = cms.unit()
    assert (unit["Result"], unit["ExecMainStatus"]) == ("success", "0")
    assert len(told(cms, "EVENT=leg.dialled")) == 1
    assert told(cms, "EVENT=booking.closed") == []


def questions() -> list[str]:
    """Return what the README asks the journal."""
    lines = (line.strip() for line in (ROOT / "README.md").read_text().splitlines())
    return [f"{line} --no-pager" for line in lines if line.startswith("journalctl -u cospaced ")]


def test_every_question_of_the_readme_is_one_that_the_journal_takes(cms: Machine) -> None:
    assert len(questions()) >= 10
    for line in questions():
        done = cms.exec("sh", "-c", line)
        assert done.stderr == "", line


def test_a_bad_file_stops_the_unit_with_status_2_and_no_second_try(cms: Machine) -> None:
    configure(cms, INI.replace("[pool]", "[pol]"))
    cms.exec("systemctl", "start", "cospaced", check=False)
    unit = cms.unit()
    assert (unit["ActiveState"], unit["ExecMainStatus"]) == ("failed", "2")
    lines = [
        str(line["MESSAGE"]) for line in told(cms, f"_SYSTEMD_INVOCATION_ID={unit['InvocationID']}")
    ]
    assert any(line.startswith(f"{CONFIGURATION}:") and "[pol]" in line for line in lines), lines
