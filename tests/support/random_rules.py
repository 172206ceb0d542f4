"""Random recurrence rules, each of which RFC 5545, section 3.3.10 gives a meaning."""

from collections.abc import Callable
from dataclasses import replace
from datetime import datetime

from hypothesis import strategies as st

from support.naive_rules import Rule


Draw = Callable[[st.SearchStrategy], object]


def some(elements: st.SearchStrategy, most: int = 3) -> st.SearchStrategy:
    return st.lists(elements, min_size=1, max_size=most, unique=True).map(
        lambda x: tuple(sorted(x))
    )


def either_sign(largest: int) -> st.SearchStrategy:
    return st.integers(1, largest) | st.integers(-largest, -1)


@st.composite
def rules(draw: Draw, freq: str, start: datetime, *, all_day: bool) -> Rule:
    """Draw a rule of which RFC 5545, section 3.3.10 knows what it means."""

    def perhaps(values: st.SearchStrategy, often: int = 4) -> tuple:
        return draw(values) if draw(st.integers(1, often)) == 1 else ()

    weekday = start.weekday()
    plain = st.integers(0, 6).map(lambda day: (0, day)) | st.just((0, weekday))
    ordinals = st.tuples(either_sign(5), st.integers(0, 6) | st.just(weekday))
    rule = Rule(
        freq=freq,
        interval=draw(st.sampled_from(_intervals(freq))),
        count=draw(st.none() | st.integers(1, 40)),
        wkst=draw(st.sampled_from((0, 0, 6, 2))),
        by_month=perhaps(some(st.integers(1, 12) | st.just(start.month))),
        by_day=perhaps(some(plain | ordinals if freq in ("YEARLY", "MONTHLY") else plain), 2),
    )
    if freq != "WEEKLY":
        days = some(either_sign(31) | st.just(start.day))
        rule = replace(rule, by_month_day=perhaps(days))
    if freq == "YEARLY" and not rule.by_month and not rule.by_month_day:
        rule = draw(_by_year(rule, start))
    if not all_day:
        rule = replace(
            rule,
            by_hour=perhaps(some(st.integers(0, 23) | st.sampled_from((2, 3)))),
            by_minute=perhaps(some(st.sampled_from((0, 10, 30, 45)))),
        )
    if rule != replace(rule, by_set_pos=(1,), by_day=(), by_month_day=(), by_hour=(), by_minute=()):
        rule = replace(rule, by_set_pos=perhaps(some(either_sign(4), 2), 3))
    return rule


@st.composite
def _by_year(draw: Draw, rule: Rule, start: datetime) -> Rule:
    match draw(st.integers(0, 3)):
        case 0:
            own = start.timetuple().tm_yday
            return replace(rule, by_year_day=draw(some(either_sign(366) | st.just(own))))
        case 1:
            days = tuple((0, day) for _, day in rule.by_day)
            weeks = draw(some(st.integers(2, 51) | st.integers(-51, -3)))
            return replace(rule, by_week_no=weeks, by_day=tuple(sorted(set(days))))
    return rule


def _intervals(freq: str) -> tuple[int, ...]:
    special = {"YEARLY": (1, 1, 2, 3), "MINUTELY": (7, 15, 60, 90), "SECONDLY": (600, 900, 5400)}
    return special.get(freq, (1, 1, 1, 2, 3, 5))
