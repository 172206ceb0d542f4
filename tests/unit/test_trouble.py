"""What keeps a booking from being held, by its row alone."""

from dataclasses import replace
from datetime import timedelta

from cospaced.domain.booking import Booking, State
from cospaced.domain.display import space_form
from cospaced.domain.plan import OVERDUE
from cospaced.domain.trouble import trouble, undialled
from support.rows import NINE, a_booking


def opened(**changes: object) -> Booking:
    one = a_booking(state=State.OPEN, number=8001, opened_at=NINE)
    return replace(replace(one, form=space_form(one)), **changes)


def test_an_open_booking_that_cms_has_confirmed_is_in_no_trouble() -> None:
    assert trouble(opened(), NINE) == ""
    assert trouble(opened(closing="its end has come"), NINE) == ""


def test_an_opening_may_take_some_seconds() -> None:
    fresh = a_booking(state=State.OPEN, number=8001)
    assert trouble(fresh, NINE) == ""
    assert trouble(fresh, NINE + OVERDUE) == "its space is not open on CMS: no answer yet"
    early = replace(fresh, created_at=NINE - timedelta(days=1))
    assert trouble(early, NINE) == "its space is not open on CMS: no answer yet"


def test_a_space_that_is_gone_or_differs_is_trouble_and_a_change_under_way_is_none() -> None:
    assert trouble(opened(edited=True, form=None), NINE) == "its space is gone from CMS"
    assert trouble(opened(title="New"), NINE) == ""
    assert trouble(opened(title="New", reason="noWay"), NINE) == (
        "its space is not as it should be on CMS: noWay"
    )


def test_why_nobody_was_dialled_is_told_of_what_is_over() -> None:
    assert undialled(opened(), NINE) == ""
    assert undialled(opened(closing="cancelled"), NINE) == "cancelled"
    closed = opened(state=State.CLOSED, reason="closed by close-all")
    assert undialled(closed, NINE) == "closed by close-all"
    assert undialled(replace(closed, opened_at=None), NINE) == "its space was never opened"


def test_a_space_that_is_open_without_a_refused_title_is_as_it_can_be() -> None:
    bare = opened(title="New", refused_texts=("New",), reason="noWay")
    assert trouble(bare, NINE) == "its call is not started: noWay"


def test_what_is_over_is_in_no_trouble_any_more() -> None:
    assert trouble(a_booking(state=State.CLOSED, reason="its end has come"), NINE) == ""
