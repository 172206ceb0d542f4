"""What there is to see: the scene, the conferences, what was said, and by whom.

It only holds; `screen` and `plain` show it, `story` and the daemon's log change it.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from cospaced.commands.demonstration.service import Service
from cospaced.commands.demonstration.site import EARLY_JOIN, Invitation
from cospaced.commands.demonstration.witness import Witness


_REMEMBERED = 200


class Voice(StrEnum):
    """Who says a line."""

    PEOPLE = "people"
    DAEMON = "cospaced"
    ROOM = "room"
    HOST = "host"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Something that happened."""

    at: datetime
    voice: Voice
    text: str
    level: str = "info"


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """A step of the story: what happens, and what to look at."""

    number: int
    of: int
    title: str
    text: str


@dataclass(slots=True, kw_only=True)
class Conference:
    """A booking as the daemon holds it, by what it logs."""

    invitation: Invitation
    """As the daemon knows it."""
    sent: Invitation
    """As it stands in the calendars."""
    booking: str
    state: str = "invited"
    number: int = 0

    @property
    def opens(self) -> datetime:
        """When the space opens."""
        return self.invitation.start - EARLY_JOIN


@dataclass(slots=True, kw_only=True)
class Board:
    """Everything that is shown."""

    witness: Witness
    requests: Callable[[], int]
    """How many requests CMS was asked."""
    configuration: str = ""
    """The INI file; shown until there is a conference."""
    file: str = ""
    service: Service | None = None
    scene: Scene | None = None
    conferences: list[Conference] = field(default_factory=list)
    lines: deque[Line] = field(default_factory=lambda: deque(maxlen=_REMEMBERED))
    on_line: Callable[[Line], None] = lambda _: None
    on_scene: Callable[[Scene], None] = lambda _: None

    def say(self, line: Line) -> None:
        """Add a line."""
        self.lines.append(line)
        self.on_line(line)

    def play(self, scene: Scene) -> None:
        """Begin a scene."""
        self.scene = scene
        self.on_scene(scene)

    def conference(self, booking: str) -> Conference | None:
        """Return the conference of a booking id."""
        return next((one for one in self.conferences if one.booking == booking), None)
