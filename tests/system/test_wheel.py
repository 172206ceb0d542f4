"""The wheel: what it carries beside the program, and that the sdist makes the same."""

import subprocess
import sys
from pathlib import Path
from zipfile import ZipFile

from support.machine import ROOT


CARRIED = {
    "lib/systemd/system/cospaced.service": "systemd/cospaced.service",
    "lib/sysusers.d/cospaced.conf": "systemd/cospaced.sysusers",
    "lib/tmpfiles.d/cospaced.conf": "systemd/cospaced.tmpfiles",
    "share/doc/cospaced/examples/cospaced.ini.example": "config/cospaced.ini.example",
    "share/doc/cospaced/examples/rooms.d/example.ini": "config/rooms.d/example.ini",
    "share/doc/cospaced/examples/monitoring/check_cospaced": "contrib/monitoring/check_cospaced",
    **{
        f"share/doc/cospaced/examples/exchange/{name}": f"contrib/exchange/{name}"
        for name in (
            "README.md",
            "Export-RoomProcessing.ps1",
            "Grant-CospacedGraph.ps1",
            "New-CospacedAccount.ps1",
            "Set-RoomProcessing.ps1",
        )
    },
    "share/man/man8/cospaced.8": "contrib/man/cospaced.8",
    "share/man/man5/cospaced.ini.5": "contrib/man/cospaced.ini.5",
    "share/bash-completion/completions/cospaced": "contrib/completion/cospaced.bash",
    "share/fish/vendor_completions.d/cospaced.fish": "contrib/completion/cospaced.fish",
    "share/zsh/site-functions/_cospaced": "contrib/completion/_cospaced",
}
"""Where each lies below the prefix, and in the checkout."""
FOLDERS = ("systemd/*", "contrib/exchange/*", "contrib/man/*.[0-9]", "contrib/completion/*")


def files(wheel: Path) -> dict[str, bytes]:
    with ZipFile(wheel) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_the_wheel_carries_what_an_installation_needs_where_it_goes_below_usr(wheel: Path) -> None:
    data = {
        name.split(".data/data/")[1]: content
        for name, content in files(wheel).items()
        if ".data/" in name
    }
    there = {name: ROOT / source for name, source in CARRIED.items() if (ROOT / source).exists()}
    assert data == {name: path.read_bytes() for name, path in there.items()}
    found = {str(path.relative_to(ROOT)) for each in FOLDERS for path in ROOT.glob(each)}
    assert found - set(CARRIED.values()) == set()


def test_the_sdist_builds_the_same_wheel(wheel: Path, tmp_path: Path) -> None:
    build = [sys.executable, "-m", "build", "--no-isolation", "-o", str(tmp_path), str(ROOT)]
    subprocess.run(build, check=True, capture_output=True)
    (again,) = tmp_path.glob("*.whl")
    assert files(again) == files(wheel)
