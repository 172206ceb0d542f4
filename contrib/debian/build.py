"""Build cospaced_VERSION_ARCH.deb: the wheel in an environment of the distribution's Python.

    .venv/bin/python contrib/debian/build.py [DIRECTORY]

The libraries come at the versions of the environment that runs this: those on which the tests ran.
Needs dpkg-dev and a python3 (3.11 or newer) of the distribution on which the package shall run; no
root. With SOURCE_DATE_EPOCH in the environment (else the last commit's time is taken) two runs give
the same bytes.
"""

import csv
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from email.utils import format_datetime
from gzip import GzipFile
from importlib.metadata import Distribution, distributions
from pathlib import Path


SHADOW = "from cospaced.host.urllib3_shadow import shadow; print(shadow())"
HERE = Path(__file__).resolve().parent
ROOT = HERE.parents[1]
PREFIX = Path("usr/lib/cospaced")
OLDEST_PYTHON = (3, 11)
REVISION = "1"
SCRIPTS = ("postinst", "prerm", "postrm")
ALONE = ("caldav",)
"""What is installed without what it asks for: the extra in pyproject.toml says why."""


def run(*argv: str | Path, **options: object) -> str:
    """Run a program and return what it printed; what went wrong is on stderr already."""
    done = subprocess.run(argv, check=True, text=True, stdout=subprocess.PIPE, **options)  # type: ignore[call-overload]
    return str(done.stdout).strip()


def debian_version(version: str) -> str:
    """Return a Python version (PEP 440) so that dpkg sorts it alike: 1.0rc1 comes before 1.0."""
    return re.sub(r"\.?(dev|a|b|rc)(?=\d)", r"~\1", version) + f"-{REVISION}"


def interpreter() -> Path:
    """Return the distribution's Python by its full name, which an upgrade of python3 leaves."""
    python = Path("/usr/bin/python3").resolve()
    version = tuple(int(part) for part in python.name.removeprefix("python").split("."))
    if version < OLDEST_PYTHON:
        sys.exit(f"{python} is too old: cospaced needs Python 3.11 or newer")
    return python


def epoch() -> int:
    """Return the moment that every file and the package bear, in seconds since 1970."""
    given = os.environ.get("SOURCE_DATE_EPOCH")
    if given is None and (ROOT / ".git").exists():
        given = run("git", "-C", ROOT, "log", "-1", "--format=%ct")
    return int(given or (ROOT / "CHANGELOG.md").stat().st_mtime)


def fill(environment: Path, python: Path, work: Path) -> None:
    """Install the wheel of this checkout, with every extra, into a new environment."""
    build = (sys.executable, "-m", "build", "--wheel", "--no-isolation")
    run(*build, "--outdir", work, ROOT, stderr=subprocess.DEVNULL)
    (wheel,) = work.glob("*.whl")
    run(python, "-m", "venv", "--without-pip", environment)
    pip = (sys.executable, "-m", "pip", "--disable-pip-version-check")
    tested = work / "tested.txt"
    tested.write_text(run(*pip, "freeze", "--exclude-editable") + "\n")
    inside = environment / "bin" / "python"
    install = ("install", "--quiet", "--no-compile", "--constraint", tested)
    run(*pip, "--python", inside, *install, f"{wheel}[all]")
    run(*pip, "--python", inside, *install, "--no-deps", *ALONE)
    if shadow := run(inside, "-c", SHADOW):
        sys.exit(shadow)


def move_shared(environment: Path, site: Path, usr: Path) -> None:
    """Move what the wheel carries beside the program to where the system looks for it."""
    (record,) = site.glob("cospaced-*.dist-info/RECORD")
    with record.open(newline="") as lines:
        names = [Path(row[0]) for row in csv.reader(lines)]
    for name in names:
        source = Path(os.path.normpath(site / name))
        if source.is_relative_to(site) or source.is_relative_to(environment / "bin"):
            continue
        target = usr / source.relative_to(environment)
        if target.parent.name == "site-functions":  # Debian's zsh looks beside it
            target = target.parent.with_name("vendor-completions") / target.name
        target.parent.mkdir(parents=True, exist_ok=True)
        source.rename(target)
        if target.parent.parent.name == "man":
            compress(target.read_bytes(), target.with_name(f"{target.name}.gz"))
            target.unlink()


def settle(environment: Path, site: Path, python: Path) -> None:
    """Take out of the environment what speaks of this build, or only serves people in it."""
    for path in (environment / "share", environment / "include", *environment.glob("lib/*.d")):
        shutil.rmtree(path, ignore_errors=True)
    shutil.rmtree(environment / "lib" / "systemd")
    (environment / "lib64").unlink(missing_ok=True)
    binaries = environment / "bin"
    for path in binaries.iterdir():
        if path.name != "cospaced":
            path.unlink()
    for name in ("python", "python3", python.name):
        (binaries / name).symlink_to(f"../../../bin/{python.name}")
    script = binaries / "cospaced"
    body = script.read_text().split("\n", 1)[1]
    script.write_text(f"#!/{PREFIX}/bin/python\n{body}")
    settings = environment / "pyvenv.cfg"
    lines = settings.read_text().splitlines(keepends=True)
    settings.write_text("".join(line for line in lines if not line.startswith("command")))
    for about in site.glob("*.dist-info"):
        # Without RECORD pip leaves a distribution alone: it is dpkg's.
        for name in ("RECORD", "REQUESTED", "direct_url.json"):
            (about / name).unlink(missing_ok=True)
        (about / "INSTALLER").write_text("dpkg\n")


def compress(text: bytes, target: Path) -> None:
    """Write a file as Debian wants manuals and changelogs: gzip -9n."""
    with target.open("wb") as raw, GzipFile("", "wb", 9, raw, 0) as file:
        file.write(text)


def licence(one: Distribution) -> str:
    """Return what a distribution says of its licence, in a line."""
    about = one.metadata
    said = about["License-Expression"] or about["License"] or ""
    classes = [c.split(" :: ")[-1] for c in about.get_all("Classifier") or [] if "License" in c]
    return said if said and "\n" not in said else ", ".join(classes) or "see there"


def document(site: Path, control: Path, documents: Path) -> None:
    """Write changelogs and copyright; dpkg's tools read the version from the changelog."""
    libraries = sorted(distributions(path=[str(site)]), key=lambda one: one.name.lower())
    (version,) = [one.version for one in libraries if one.name == "cospaced"]
    told = (HERE / "control").read_text().splitlines()
    (maintainer,) = [line.split(": ", 1)[1] for line in told if line.startswith("Maintainer: ")]
    changelog = (
        f"cospaced ({debian_version(version)}) unstable; urgency=medium\n\n"
        "  * What a user can notice is in changelog.gz.\n\n"
        f" -- {maintainer}  {format_datetime(datetime.fromtimestamp(epoch(), UTC))}\n"
    )
    (control / "changelog").write_text(changelog)
    documents.mkdir(parents=True, exist_ok=True)
    compress(changelog.encode(), documents / "changelog.Debian.gz")
    compress((ROOT / "CHANGELOG.md").read_bytes(), documents / "changelog.gz")
    shutil.copyfile(ROOT / "README.md", documents / "README.md")
    listed = (f"  {one.name} {one.version}: {licence(one)}\n" for one in libraries)
    heading = (HERE / "copyright").read_text()
    (documents / "copyright").write_text(heading + "".join(listed))
    overrides = documents.parents[1] / "lintian" / "overrides" / "cospaced"
    overrides.parent.mkdir(parents=True)
    shutil.copyfile(HERE / "lintian-overrides", overrides)


def describe(stage: Path, control: Path, python: Path) -> None:
    """Write DEBIAN/: control with its computed dependencies, scripts and checksums."""
    shutil.copyfile(HERE / "control", control / "control")
    work = control.parent
    target = stage / "DEBIAN"
    target.mkdir()
    compiled = [path for path in stage.rglob("*.so*") if path.is_file()]
    run("dpkg-shlibdeps", "--warnings=0", *compiled, cwd=work)
    depends = f"-Vpython:Depends={python.name}"
    run("dpkg-gencontrol", f"-P{stage}", depends, cwd=work, stderr=subprocess.DEVNULL)
    for name in SCRIPTS:
        shutil.copyfile(HERE / name, target / name)
        (target / name).chmod(0o755)
    files = [path for path in sorted(stage.rglob("*")) if path.is_file() and not path.is_symlink()]
    sums = (
        f"{hashlib.md5(path.read_bytes(), usedforsecurity=False).hexdigest()}  "
        f"{path.relative_to(stage)}\n"
        for path in files
        if target not in path.parents
    )
    (target / "md5sums").write_text("".join(sums))


def main(out: Path) -> None:
    """Build the package and print its path."""
    os.umask(0o022)
    when = epoch()
    os.environ["SOURCE_DATE_EPOCH"] = str(when)
    python = interpreter()
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as name:
        work = Path(name)
        control = work / "debian"
        stage = control / "cospaced"
        environment = stage / PREFIX
        (stage / "etc" / "cospaced").mkdir(parents=True)
        (stage / "usr" / "bin").mkdir(parents=True)
        (stage / "usr" / "bin" / "cospaced").symlink_to("../lib/cospaced/bin/cospaced")
        fill(environment, python, work)
        site = environment / "lib" / python.name / "site-packages"
        move_shared(environment, site, stage / "usr")
        document(site, control, stage / "usr" / "share" / "doc" / "cospaced")
        settle(environment, site, python)
        for path in stage.rglob("*"):
            os.utime(path, (when, when), follow_symlinks=False)
        # By the times of the sources, which dpkg keeps: root never has to write a cache there.
        strip = ("-s", stage, "-p", "/", "--invalidation-mode", "timestamp")
        run(python, "-m", "compileall", "-q", "-j", "0", *strip, site)
        describe(stage, control, python)
        build = ("dpkg-deb", "--root-owner-group", "-Zxz", "-z0", "--build", stage, out)
        print(run(*build).split("'")[-2])


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ROOT / "dist")
