"""The table of a booking's life: every state with every step."""

from datetime import UTC, datetime, timedelta

import pytest

from cospaced.domain.booking import Booking, State
from cospaced.domain.lifecycle import FINISHED, TABLE, IllegalStep, Step, diagram, step


NOW = datetime(2026, 11, 23, 9, 0, tzinfo=UTC)
LEGAL = {
    ("planned", "open"): "open",
    ("planned", "cancel"): "cancelled",
    ("planned", "refuse"): "refused",
    ("planned", "miss"): "missed",
    ("planned", "adopt"): "open",
    ("refused", "place"): "planned",
    ("refused", "cancel"): "cancelled",
    ("refused", "adopt"): "open",
    ("cancelled", "revive"): "planned",
    ("missed", "revive"): "planned",
    ("open", "close"): "closed",
}


def _row(state: State) -> Booking:
    end = NOW + timedelta(minutes=30)
    return Booking(id="b", uid="u", start=NOW, end=end, state=state, created_at=NOW)


@pytest.mark.parametrize("event", list(Step), ids=str)
@pytest.mark.parametrize("state", list(State), ids=str)
def test_each_state_with_each_step_is_in_the_table_or_an_error_that_names_both(
    state: State, event: Step
) -> None:
    after = LEGAL.get((str(state), str(event)))
    if after is None:
        with pytest.raises(IllegalStep, match=f"{state} cannot {event}"):
            step(_row(state), event)
        return
    stepped = step(_row(state), event, "because")
    assert (str(stepped.state), stepped.reason) == (after, "because")


def test_nothing_leaves_closed_and_the_finished_states_hold_no_number() -> None:
    assert not [event for state, event in TABLE if state is State.CLOSED]
    assert set(FINISHED) == {State.CLOSED, State.CANCELLED, State.MISSED}


def test_the_diagram_has_a_row_for_each_step() -> None:
    assert len(diagram().splitlines()) == len(TABLE) + 2
