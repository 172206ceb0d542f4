"""The wheel, installed where a unit of a real systemd can see it."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.machine import PREFIX, ROOT, Machine


pytestmark = pytest.mark.real_systemd

VENV = PREFIX / "venv"
PYTHON = VENV / "bin" / "python"


@pytest.fixture
def bare(tmp_path: Path, wheel: Path) -> Iterator[Machine]:
    """Boot a machine that has the wheel, and nothing else of the project."""
    machine = Machine(f"bare{os.getpid()}", tmp_path)
    try:
        machine.install_wheel(wheel)
        yield machine
    finally:
        machine.close()


def by_hand() -> list[str]:
    """Return what README tells to do once pip has installed the wheel, for the rig's own place."""
    block = next(
        block
        for block in (ROOT / "README.md").read_text().split("```")
        if "/opt/cospaced/bin/pip install" in block
    )
    lines = [line.strip() for line in block.splitlines() if line.strip()]
    after = [line for line in lines if " -m venv " not in line and "/pip " not in line]
    return [line.replace("/opt/cospaced/", f"{VENV}/") for line in after]


def test_the_wheel_runs_where_the_unit_can_see_it(rig: Machine, wheel: Path) -> None:
    rig.install_wheel(wheel)
    found = rig.exec(str(PYTHON), "-c", "import cospaced; print(cospaced.__file__)").stdout
    assert found.startswith(f"{VENV}/")
    assert rig.exec("head", "-1", "/usr/bin/cospaced").stdout == f"#!{PYTHON}\n"


def test_what_readme_tells_to_do_by_hand_needs_no_more_than_the_wheel(bare: Machine) -> None:
    bare.exec("rm", "/usr/bin/cospaced")
    steps = by_hand()
    assert len(steps) > 2
    for step in steps:
        bare.exec("sh", "-c", step)
    bare.exec("systemctl", "daemon-reload")
    unit = bare.unit()
    assert unit["FragmentPath"] == "/usr/local/lib/systemd/system/cospaced.service"
    bare.exec("systemd-analyze", "verify", "cospaced.service")
    assert bare.exec("stat", "-c", "%U %a", "/etc/cospaced").stdout == "root 755\n"
    assert bare.exec("getent", "passwd", "cospaced").stdout.startswith("cospaced:")
    example = VENV / "share/doc/cospaced/examples/cospaced.ini.example"
    assert "/etc/cospaced/cospaced.ini" in bare.exec("cat", str(example)).stdout
