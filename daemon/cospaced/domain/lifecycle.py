"""The life of a booking as a table: which event leads from which state to which.

Everything about legal steps is here and nowhere else; `docs` of the table in README are made by
`diagram`. What a booking *does* in a state is decided in `domain.plan`.
"""

from dataclasses import replace
from enum import StrEnum

from cospaced.domain.booking import Booking, State


class Step(StrEnum):
    """What can happen to a booking as a whole."""

    OPEN = "open"
    """Its moment has come: the intention to open is stored, the PUT follows."""
    CLOSE = "close"
    """The space is locked and no Call Bridge shows a call any more."""
    CANCEL = "cancel"
    """The calendars no longer hold it."""
    REFUSE = "refuse"
    """No slot is free in its window."""
    PLACE = "place"
    """A slot was found after all."""
    MISS = "miss"
    """Its time passed while no Call Bridge could be reached."""
    REVIVE = "revive"
    """The calendars hold it again, or later."""
    ADOPT = "adopt"
    """Its space was found open on CMS, and we did not know."""


TABLE: dict[tuple[State, Step], State] = {
    (State.PLANNED, Step.OPEN): State.OPEN,
    (State.PLANNED, Step.CANCEL): State.CANCELLED,
    (State.PLANNED, Step.REFUSE): State.REFUSED,
    (State.PLANNED, Step.MISS): State.MISSED,
    (State.PLANNED, Step.ADOPT): State.OPEN,
    (State.REFUSED, Step.PLACE): State.PLANNED,
    (State.REFUSED, Step.CANCEL): State.CANCELLED,
    (State.REFUSED, Step.ADOPT): State.OPEN,
    (State.CANCELLED, Step.REVIVE): State.PLANNED,
    (State.MISSED, Step.REVIVE): State.PLANNED,
    (State.OPEN, Step.CLOSE): State.CLOSED,
}

FINISHED = (State.CLOSED, State.CANCELLED, State.MISSED)
"""States in which nothing is held on CMS and no slot is kept."""


class IllegalStep(ValueError):
    """A step that the table does not know; names both sides."""

    def __init__(self, state: State, step: Step) -> None:
        super().__init__(f"a booking that is {state} cannot {step}")


def step(booking: Booking, event: Step, reason: str = "") -> Booking:
    """Return the booking after the event; raises IllegalStep for a pair not in the table."""
    try:
        state = TABLE[booking.state, event]
    except KeyError:
        raise IllegalStep(booking.state, event) from None
    return replace(booking, state=state, reason=reason)


def diagram() -> str:
    """Draw the table as Markdown, one row for each step; the documentation is made of it."""
    rows = [f"| {state} | {event} | {after} |" for (state, event), after in TABLE.items()]
    return "\n".join(["| state | step | then |", "|---|---|---|", *rows])
