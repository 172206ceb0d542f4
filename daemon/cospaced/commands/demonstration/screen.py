"""The board on a terminal, drawn anew several times a second; good from 80 columns by 24 lines."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from rich.console import Console, Group, RenderableType
from rich.layout import Layout
from rich.live import Live
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from cospaced.commands.demonstration.board import Board, Conference, Line, Voice
from cospaced.commands.demonstration.excerpt import excerpt
from cospaced.commands.demonstration.service import Mode
from cospaced.commands.demonstration.site import POOL_DOMAIN, endpoint_of
from cospaced.commands.demonstration.witness import Kind, Presence
from cospaced.ports import Clock


_REDRAW = 0.12
_WIDE = 110  # columns from which there is room for two panels side by side
_SPACIOUS = 66
"""Columns of the upper panel that show a conference's whole URI."""
_HEAD = 5
_MARGIN = 18
"""Columns before the text of a line: time and voice."""
_LEAST, _LEAST_TALL = 8, 10
"""Lines of the upper panel with both conferences in it."""
_STATES = {
    "invited": "dim",
    "planned": "cyan",
    "open": "bold green",
    "closing": "yellow",
    "closed": "dim",
}
_PRESENCES = {
    Presence.OUT: "dim",
    Presence.CALLED: "yellow",
    Presence.BUSY: "red",
    Presence.RINGING: "bold yellow",
    Presence.IN: "green",
    Presence.LEFT: "dim",
}
_MODES = {
    Mode.ABSENT: "dim",
    Mode.STARTING: "yellow",
    Mode.RUNNING: "green",
    Mode.KILLED: "bold white on red",
    Mode.STOPPED: "dim",
}
_VOICES = {
    Voice.PEOPLE: "bold cyan",
    Voice.DAEMON: "",
    Voice.ROOM: "magenta",
    Voice.HOST: "bold",
}
_LEVELS = {"warning": "yellow", "error": "bold red"}


class Screen:
    """Draws the board on a console until it is cancelled."""

    def __init__(self, board: Board, clock: Clock, console: Console) -> None:
        self._board = board
        self._clock = clock
        self._console = console
        self._plain_glyphs = console.options.ascii_only

    async def watch(self) -> None:
        """Draw until cancelled."""
        with Live(console=self._console, screen=True, auto_refresh=False) as live:
            while True:
                live.update(self.picture(), refresh=True)
                await self._clock.sleep(_REDRAW)

    def picture(self) -> RenderableType:
        """Return the board as it is now, for the console's size."""
        width, height = self._console.size
        rows = height - _HEAD - 1
        body = Layout()
        if width >= _WIDE:
            left, right = width // 2, width - width // 2
            upper = self._upper(left - 4, tall=True)
            column = Layout(size=left)
            column.split_column(
                Layout(
                    _panel(upper, self._upper_title(), self._upper_border()), size=len(upper) + 2
                ),
                Layout(self._writes(rows - len(upper) - 4)),
            )
            body.split_row(column, Layout(self._log(right - 4, rows - 2)))
        else:
            upper = self._upper(width - 4, tall=False)
            body.split_column(
                Layout(
                    _panel(upper, self._upper_title(), self._upper_border()), size=len(upper) + 2
                ),
                Layout(self._log(width - 4, rows - len(upper) - 4)),
            )
        whole = Layout()
        whole.split_column(Layout(self._head(), size=_HEAD), body, Layout(self._foot(), size=1))
        return whole

    # --- head and foot ----------------------------------------------------------------------

    def _head(self) -> RenderableType:
        scene = self._board.scene
        now = self._clock.now().astimezone()
        top = Table.grid(expand=True)
        top.add_column()
        top.add_column(justify="right")
        step = f"scene {scene.number} of {scene.of}" if scene else "starting"
        top.add_row(
            Text("cospaced: from room calendars to Cisco Meeting Server", "bold"),
            Text(f"{step}   {now:%H:%M:%S}", "dim"),
        )
        style = "bold white on red" if self._dead else "bold white on blue"
        title = Text(scene.title if scene else "", style, no_wrap=True, overflow="ellipsis")
        title.pad(1)
        text = Text(scene.text if scene else "", no_wrap=True, overflow="ellipsis")
        text.pad_left(1)
        return Group(top, Text(), title, text)

    def _foot(self) -> RenderableType:
        service, witness = self._board.service, self._board.witness
        mode = service.mode if service is not None else Mode.ABSENT
        pid = f" (pid {service.pid})" if service is not None and service.pid else ""
        writes = len(witness.writes)
        row = Table.grid(expand=True)
        row.add_column()
        row.add_column(justify="right")
        requests = self._board.requests()
        row.add_row(
            Text.assemble("daemon ", (f" {mode}{pid} ", _MODES[mode])),
            Text(f"CMS: {requests} requests, {writes} of them writes", "dim"),
        )
        return row

    # --- the upper panel: the administrator's file, then the conferences ---------------------

    def _upper(self, width: int, *, tall: bool) -> list[Text]:
        """Return its lines; at least as many as the story will need, so that nothing jumps."""
        if not self._board.conferences:
            return excerpt(self._board.configuration, tall=tall)
        lines = []
        for one in self._board.conferences:
            lines += self._conference(one, width, tall=tall)
            lines += [self._room(one, room) for room in one.sent.rooms]
        least = _LEAST_TALL if tall else _LEAST
        return lines + [Text()] * (least - len(lines))

    def _upper_title(self) -> str:
        if not self._board.conferences:
            return "cospaced.ini, the heart of it"
        return "Conferences on CMS; nobody watches them" if self._dead else "Conferences"

    def _upper_border(self) -> str:
        return "red" if self._dead else "bright_black"

    @property
    def _dead(self) -> bool:
        service = self._board.service
        return service is not None and service.mode is Mode.KILLED

    def _conference(self, one: Conference, width: int, *, tall: bool) -> list[Text]:
        now = self._clock.now()
        number = str(one.number)
        if tall and width >= _SPACIOUS:
            number += f"@{POOL_DOMAIN}"
        head = Text.assemble(
            (f"{one.invitation.title:<16}", "bold"),
            f" {number if one.number else '':<{len(number)}}",
            (f" {one.state:<8}", _STATES.get(one.state, "red")),
        )
        countdown = f"{_countdown(one, now):>15}"
        if tall:
            head.pad_right(width - head.cell_len - len(countdown))
            return [head.append(countdown, "dim"), self._bar(one, now, width)]
        head.append(" ").append_text(
            self._bar(one, now, width - head.cell_len - len(countdown) - 1)
        )
        return [head.append(countdown, "dim")]

    def _bar(self, one: Conference, now: datetime, width: int) -> Text:
        """Draw the time from early opening to the end; the mark is the start."""
        whole = one.invitation.end - one.opens
        done = min(1.0, max(0.0, (now - one.opens) / whole))
        filled = round(done * width)
        start = round((one.invitation.start - one.opens) / whole * width)
        line, mark = ("-", "|") if self._plain_glyphs else ("━", "┿")
        bar = Text()
        for place in range(width):
            glyph = mark if place == start else line
            bar.append(glyph, "green" if place < filled else "bright_black")
        return bar

    def _room(self, one: Conference, room: str) -> Text:
        witness = self._board.witness
        if not one.number:
            return Text(f"  {room}", "dim")
        uri = endpoint_of(room)
        presence = witness.presence(uri, one.number)
        style = _PRESENCES[presence]
        glyph = (
            ("o" if presence is Presence.OUT else "*")
            if self._plain_glyphs
            else ("○" if presence in (Presence.OUT, Presence.LEFT) else "●")
        )
        text = Text.assemble((f"  {glyph} ", style), f"{room:<11} ", (f"{presence:<15}", style))
        space = witness.space(one.number)
        rings = sum(i.rang for i in witness.endpoint(uri).invites if i.space == space)
        if rings:
            text.append(f"rung {'once' if rings == 1 else f'{rings} times'}", "dim")
        elif presence in (Presence.IN, Presence.LEFT):
            text.append("dialled in, never rung", "dim")
        return text

    # --- what was said ----------------------------------------------------------------------

    def _log(self, width: int, rows: int) -> RenderableType:
        """Show the latest lines, wrapped here so that the last one is always to be seen."""
        shown: list[Text] = []
        for line in reversed(self._board.lines):
            if len(shown) >= rows:
                break
            shown = [*self._said(line, width), *shown]
        return _panel(shown[-max(0, rows) :], "What happens")

    def _said(self, line: Line, width: int) -> list[Text]:
        style = _LEVELS.get(line.level, _VOICES[line.voice])
        said = Text(line.text, style).wrap(self._console, max(20, width - _MARGIN))
        head = Text.assemble(
            (f"{line.at.astimezone():%H:%M:%S} ", "dim"), (f"{line.voice:<9}", style or "dim")
        )
        margins = [head, *(Text(" " * _MARGIN) for _ in said[1:])]
        return [margin.append_text(part) for margin, part in zip(margins, said, strict=True)]

    def _writes(self, rows: int) -> RenderableType:
        writes = self._board.witness.writes
        lines = [
            Text(
                f"{one.at.astimezone():%H:%M:%S} {one.text}",
                "dim" if one.kind is Kind.POOL else "",
                no_wrap=True,
                overflow="ellipsis",
            )
            for one in writes[len(writes) - max(0, rows) if len(writes) > rows else 0 :]
        ]
        return _panel(lines, "Everything that is written to CMS")


def _panel(lines: Sequence[Text], title: str, border: str = "bright_black") -> Panel:
    return Panel(Group(*lines), title=title, border_style=border)


def _countdown(one: Conference, now: datetime) -> str:
    if one.state in ("closed", "closing"):
        return "over"
    for word, moment in (
        ("opens", one.opens),
        ("starts", one.invitation.start),
        ("ends", one.invitation.end),
    ):
        if now < moment:
            return f"{word} in {_seconds(moment - now)}"
    return "ends now"


def _seconds(span: timedelta) -> str:
    return f"{span.total_seconds():.0f} s"
