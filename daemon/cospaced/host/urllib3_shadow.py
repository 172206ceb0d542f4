"""Whether this interpreter's urllib3 has been overwritten by another library.

urllib3-future installs its files over those of urllib3, and a hook in site-packages that is run at
each start of the interpreter to do so again. niquests brings it, and caldav names niquests among
what it needs though it does without. exchangelib then runs on a library that nobody chose, and
that cannot repair itself where the file system is read-only, as it is for the daemon.
"""

import importlib
import sysconfig
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path


HOOK = "urllib3_future.pth"
REMEDY = (
    "pip uninstall niquests urllib3-future; pip install --force-reinstall --no-deps urllib3 "
    "(caldav does without niquests: pip install --no-deps 'caldav>=3.6,<4')"
)


def shadow() -> str:
    """Return what is wrong with urllib3 here and the remedy, in a sentence; empty: nothing."""
    hooks = [str(file) for folder in _folders() if (file := folder / HOOK).exists()]
    return told(_said(), _found(), hooks)


def told(said: str, found: str, hooks: list[str]) -> str:
    """Return the sentence for a version that is said, one that is found, and hooks that exist.

    `said` is that of the installed distribution, `found` that of the module; empty: there is none.
    """
    if said != found:
        what = f"urllib3 is {found or 'missing'} where {said or 'none'} is installed"
        return f"{what}: urllib3-future has overwritten it ({REMEDY})"
    if hooks:
        return f"{hooks[0]} overwrites urllib3 at each start of Python ({REMEDY})"
    return ""


def _folders() -> set[Path]:
    return {Path(sysconfig.get_path(name)) for name in ("purelib", "platlib")}


def _said() -> str:
    try:
        return version("urllib3")
    except PackageNotFoundError:
        return ""


def _found() -> str:
    try:
        return str(importlib.import_module("urllib3").__version__)
    except ImportError:
        return ""
