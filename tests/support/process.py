"""Programs of the project as processes of their own, and what they log as JSON."""

import json
import queue
import subprocess
import threading
from collections.abc import Mapping
from pathlib import Path
from types import TracebackType
from typing import Any, Self


class Program:
    """A running program; its stderr is read line by line, and kept."""

    def __init__(self, *argv: str, environment: Mapping[str, str], cwd: Path) -> None:
        self.lines: list[str] = []
        self._new: queue.Queue[str | None] = queue.Queue()
        self.process = subprocess.Popen(
            argv,
            cwd=cwd,
            env=dict(environment),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
        )
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        assert self.process.stdout is not None
        for line in self.process.stdout:
            self.lines.append(line.rstrip("\n"))
            self._new.put(self.lines[-1])
        self._new.put(None)

    def line(self, holding: str, within: float = 20.0) -> str:
        """Wait for a line that holds a text, and return it."""
        while True:
            try:
                line = self._new.get(timeout=within)
            except queue.Empty:
                line = None
            if line is None:
                raise AssertionError(f"no line with {holding!r} in:\n" + "\n".join(self.lines))
            if holding in line:
                return line

    def event(self, name: str, within: float = 20.0) -> dict[str, Any]:
        """Wait for a log record of an event, and return its keys."""
        found: dict[str, Any] = json.loads(self.line(f'"{name}"', within))
        return found

    def signal(self, number: int) -> None:
        """Send a signal."""
        self.process.send_signal(number)

    def wait(self, within: float = 10.0) -> int:
        """Wait for its end and return the exit status."""
        status = self.process.wait(within)
        self._reader.join(within)
        return status

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self._reader.join(5)
        assert self.process.stdout is not None
        self.process.stdout.close()
