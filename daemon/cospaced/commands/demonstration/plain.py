"""The demo as plain lines: for a pipe, a log of a build, or who likes it so."""

from collections.abc import Callable

from cospaced.commands.demonstration.board import Board, Line, Scene


class Plain:
    """Writes a line for each thing that happens, through `echo`."""

    def __init__(self, board: Board, echo: Callable[[str], None]) -> None:
        self._board = board
        self._echo = echo
        board.on_line = self.line
        board.on_scene = self.scene

    def scene(self, scene: Scene) -> None:
        """Write what comes now."""
        self._echo(f"\n{scene.number}/{scene.of}  {scene.title}\n      {scene.text}")
        if scene.number == 1:
            self._echo("")
            for row in self._board.configuration.splitlines():
                self._echo(f"      | {row}".rstrip())
            self._echo("")

    def line(self, line: Line) -> None:
        """Write what happened."""
        mark = f"{line.level}: " if line.level in ("warning", "error") else ""
        self._echo(f"{line.at.astimezone():%H:%M:%S}  {line.voice:<8}  {mark}{line.text}")

    async def watch(self) -> None:
        """Return at once: lines are written as they come."""
