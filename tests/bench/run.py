"""Run the benchmarks, each as a process of its own: `python tests/bench/run.py [NAME…]`.

Nothing here passes or fails by a time: each table puts what was measured beside the limit, or the
bare library, measured in the same run on the same machine. Exit status 1 where one broke down.
"""

import ast
import os
import subprocess
import sys
from pathlib import Path
from time import perf_counter

from report import tell


HERE = Path(__file__).parent
ROOT = HERE.parents[1]
LONGEST = 180
"""Seconds after which a benchmark is ended."""
LONG = {"bare_libraries": 900}
"""Those that are run only by their names, and their seconds."""
NAMES = (
    "requests",
    "storm",
    "cms_client",
    "memory",
    "calendars",
    "caldav",
    "listening",
    "exchange",
    "log",
    "slots",
    "store",
)


def run(name: str) -> bool:
    """Run one benchmark; return whether it came to its end."""
    file = HERE / f"bench_{name}.py"
    about = (ast.get_docstring(ast.parse(file.read_text())) or "").partition("\n")[0]
    tell(f"=== {name}: {about}")
    began, longest = perf_counter(), LONG.get(name, LONGEST)
    try:
        done = subprocess.run(
            [sys.executable, str(file)], check=False, timeout=longest, env=_environment()
        )
    except subprocess.TimeoutExpired:
        tell(f"--- {name} was ended after {longest} s\n")
        return False
    tell(f"--- {perf_counter() - began:.0f} s, exit status {done.returncode}\n")
    return done.returncode == 0


def _environment() -> dict[str, str]:
    paths = (ROOT / "daemon", ROOT / "tests", HERE)
    return {**os.environ, "PYTHONPATH": os.pathsep.join(str(path) for path in paths)}


def main(names: list[str]) -> int:
    """Run those named, or all."""
    known = (*NAMES, *LONG)
    unknown = [name for name in names if name not in known]
    if unknown:
        tell(f"no benchmark is called {', '.join(unknown)}; there are: {', '.join(known)}")
        return 2
    failed = [name for name in names or NAMES if not run(name)]
    if failed:
        tell(f"broke down: {', '.join(failed)}")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
