"""The daemon tells at its start where its urllib3 is not the one that was installed."""

import os
import sys
from pathlib import Path

from support.configurations import CMS, POOL, write
from support.process import Program


def test_a_daemon_on_an_overwritten_urllib3_warns_with_the_remedy(tmp_path: Path):
    daemon = "[daemon]\nstate_dir = .\nlog_format = json\n"
    write(tmp_path, daemon + CMS.replace("cms.example.org", "127.0.0.1:9") + POOL)
    (tmp_path / "over/urllib3").mkdir(parents=True)
    (tmp_path / "over/urllib3/__init__.py").write_text("__version__ = '2.25.904'\n")
    paths = [str(tmp_path / "over"), *(path for path in sys.path if path)]
    with Program(
        sys.executable, "-m", "cospaced", "run", "-c", "cospaced.ini",
        environment={"PATH": os.environ["PATH"], "PYTHONPATH": os.pathsep.join(paths)},
        cwd=tmp_path,
    ) as program:  # fmt: skip
        told = program.event("library.warned")
        assert told["library"] == "urllib3"
        assert told["reason"].startswith("urllib3 is 2.25.904 where ")
