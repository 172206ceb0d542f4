"""Fixtures of the system tests: a machine with a real systemd, and the wheel."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from support.installed_site import simulated_cms
from support.machine import ROOT, Machine, why_not


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Skip what needs a machine of its own where none can be booted, and say why."""
    marked = [item for item in items if item.get_closest_marker("real_systemd")]
    if marked and (reason := why_not()):
        for item in marked:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(scope="module")
def rig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Machine]:
    """Boot a machine for the tests of one module, with our unit and user installed."""
    machine = Machine(f"rig{os.getpid()}", tmp_path_factory.mktemp("rig"))
    try:
        machine.install_unit()
        yield machine
    finally:
        machine.close()


@pytest.fixture(scope="module")
def cms(rig: Machine, wheel: Path) -> Iterator[Machine]:
    """Install the wheel and start a simulated CMS inside the machine."""
    rig.install_wheel(wheel)
    with simulated_cms(rig):
        yield rig


@pytest.fixture(scope="session")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the wheel of this checkout; needs build and hatchling, but no network."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "-o", str(out), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="session")
def deb(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the Debian package of this checkout, as `make deb` does; about half a minute."""
    missing = [tool for tool in ("dpkg-deb", "dpkg-shlibdeps") if not shutil.which(tool)]
    if missing:
        pytest.skip(f"not installed: {', '.join(missing)} (package dpkg-dev)")
    if not Path("/usr/bin/python3").exists():
        pytest.skip("no Python of the distribution: install the package python3")
    out = tmp_path_factory.mktemp("deb")
    build = [sys.executable, str(ROOT / "contrib" / "debian" / "build.py"), str(out)]
    done = subprocess.run(build, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    return next(out.glob("*.deb"))
