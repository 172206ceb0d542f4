"""The unit file as systemd's own tools judge it, without running it."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from support.machine import ROOT


UNIT = ROOT / "systemd" / "cospaced.service"
EXPOSURE = 1.5

needs_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not installed"
)


@pytest.fixture
def unit(tmp_path: Path) -> Path:
    """Copy the unit, with a program that exists: whether ours is installed is not the question."""
    text = UNIT.read_text()
    assert text.count("/usr/bin/cospaced ") == 1
    copy = tmp_path / UNIT.name
    copy.write_text(text.replace("/usr/bin/cospaced ", "/bin/true "))
    return copy


def analyze(*argv: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        ["systemd-analyze", *argv], check=False, capture_output=True, text=True, timeout=20
    )


@needs_analyze
def test_systemd_reads_the_unit_without_a_word(unit: Path) -> None:
    # An unknown or misspelt key is only told on stderr; the exit status stays 0.
    done = analyze("verify", str(unit))
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")


@needs_analyze
def test_the_unit_is_hardly_exposed(unit: Path) -> None:
    done = analyze("security", "--offline=true", str(unit))
    found = re.search(r"exposure level for \S+: ([0-9.]+)", done.stdout)
    assert found is not None, done.stdout + done.stderr
    assert float(found[1]) <= EXPOSURE


def test_every_line_that_can_hurt_says_so_just_above() -> None:
    lines = UNIT.read_text().splitlines()
    hurting = ("ProtectSystem", "ProtectHome", "PrivateTmp", "MemoryDeny", "SystemCallFilter=@")
    for start in (*hurting, "CapabilityBoundingSet", "ProtectProc", "PrivateUsers"):
        (at,) = [number for number, line in enumerate(lines) if line.startswith(start)]
        comment = []
        while lines[at - 1 - len(comment)].startswith("#"):
            comment.append(lines[at - 1 - len(comment)])
        assert any("Can hurt:" in line for line in comment), start


def test_user_and_directories_are_named_as_the_unit_names_them() -> None:
    unit = UNIT.read_text()
    user = re.search(r"^User=(\S+)$", unit, re.MULTILINE)
    assert user is not None
    sysusers = (ROOT / "systemd" / "cospaced.sysusers").read_text()
    assert re.search(rf"^u +{user[1]} ", sysusers, re.MULTILINE)
    assert "/etc/cospaced/cospaced.ini" in unit
    tmpfiles = (ROOT / "systemd" / "cospaced.tmpfiles").read_text()
    assert re.search(r"^z +/etc/cospaced/cospaced.ini +0640 root cospaced", tmpfiles, re.MULTILINE)
