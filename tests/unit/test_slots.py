import random
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from cospaced.domain.slots import LastUsed, Slot, Trimmed, Windows, choose, index_of, trim
from cospaced.domain.timespan import Timespan
from cospaced.settings import NumberChoice


DAY = datetime(2026, 11, 23, tzinfo=UTC)
NONE = timedelta(0)
EARLY = timedelta(minutes=5)
POOL = range(8000, 8004)


def at(hours: float) -> datetime:
    return DAY + timedelta(hours=hours)


def span(start: float, end: float) -> Timespan:
    return Timespan(at(start), at(end))


def held(*holds: tuple[int, float, float, str]) -> Windows:
    """Make an index of (number, start, end, uid); the booking's id is its place."""
    windows = Windows()
    for place, (number, start, end, uid) in enumerate(holds):
        windows.add(number, span(start, end), f"b{place}", uid=uid)
    return windows


def chosen(
    windows: Windows,
    start: float,
    end: float,
    *,
    numbers: Sequence[int] = POOL,
    first: int = 0,
    uid: str = "mine",
    choice: NumberChoice = NumberChoice.STABLE,
    early: timedelta = NONE,
    close_after: timedelta = NONE,
    last_used: LastUsed | None = None,
    now: datetime = DAY,
) -> Slot | None:
    return choose(
        windows,
        numbers,
        span(start, end),
        early_join=early,
        close_after=close_after,
        choice=choice,
        first=first,
        uid=uid,
        last_used=last_used or {},
        now=now,
    )


def number(slot: Slot | None) -> int | None:
    return None if slot is None else slot.number


def test_a_free_pool_gives_the_number_where_the_series_is_at_home() -> None:
    assert chosen(Windows(), 9, 10, first=2) == Slot(number=8002, early=True, reserved=True)


def test_the_search_goes_upwards_from_home_and_wraps() -> None:
    windows = held((8003, 9, 10, "x"), (8000, 9, 10, "y"))
    assert number(chosen(windows, 9, 10, first=3)) == 8001


def test_lowest_gives_the_lowest_free_number_whatever_rests() -> None:
    windows = held((8000, 9, 10, "x"), (8001, 7, 9, "y"))
    found = chosen(windows, 9, 10, first=3, choice=NumberChoice.LOWEST)
    assert number(found) == 8001


def test_lowest_passes_over_a_number_without_the_reserve_where_another_has_it() -> None:
    windows = held((8000, 10.5, 11, "x"))
    assert chosen(windows, 9, 10, choice=NumberChoice.LOWEST) == Slot(
        number=8001, early=True, reserved=True
    )


def test_lowest_does_without_the_reserve_where_no_number_has_it() -> None:
    windows = held(*[(n, 10.5, 11, f"x{n}") for n in POOL])
    assert chosen(windows, 9, 10, choice=NumberChoice.LOWEST) == Slot(
        number=8000, early=True, reserved=False
    )


def test_an_occurrence_keeps_the_number_of_its_series_before_rest_and_reserve() -> None:
    windows = held((8002, 33, 34, "mine"), (8002, 8, 9, "x"), (8002, 10, 11, "y"))
    assert chosen(windows, 9, 10) == Slot(number=8002, early=True, reserved=False)


def test_an_occurrence_keeps_the_number_that_its_series_had_last() -> None:
    assert number(chosen(Windows(), 9, 10, last_used={8003: (at(0), "mine")})) == 8003


def test_a_series_with_several_numbers_tries_the_one_at_home_first() -> None:
    windows = held((8001, 33, 34, "mine"), (8003, 57, 58, "mine"))
    assert number(chosen(windows, 9, 10, first=2)) == 8003
    assert number(chosen(windows, 9, 10, first=0)) == 8001


def test_a_series_whose_number_is_taken_goes_elsewhere() -> None:
    windows = held((8002, 33, 34, "mine"), (8002, 9, 10, "x"))
    assert number(chosen(windows, 9, 10)) == 8000


def test_a_series_does_not_keep_a_number_that_cannot_be_used_any_more() -> None:
    windows = held((8002, 33, 34, "mine"))
    assert number(chosen(windows, 9, 10, numbers=[8000, 8001, 8003])) == 8000


def test_a_number_rests_a_day_after_another_booking_while_a_rested_one_is_free() -> None:
    assert number(chosen(held((8000, 8, 9, "x")), 10, 11)) == 8001
    assert number(chosen(held((8000, 8, 9, "x")), 33, 34)) == 8000


def test_a_number_rests_a_day_after_a_use_that_is_over() -> None:
    assert number(chosen(Windows(), 10, 11, last_used={8000: (at(9), "x")})) == 8001
    assert number(chosen(Windows(), 33, 34, last_used={8000: (at(9), "x")})) == 8000


def test_a_number_is_not_put_before_another_booking_that_would_lose_its_rest() -> None:
    windows = held((8000, 20, 21, "x"))
    assert number(chosen(windows, 10, 11)) == 8001


def test_a_rested_number_without_quiet_behind_goes_before_one_that_has_not_rested() -> None:
    windows = held((8000, 8, 9, "x"), (8001, 20, 21, "y"), *[(n, 9, 12, "z") for n in (8002, 8003)])
    assert chosen(windows, 10, 11) == Slot(number=8001, early=True, reserved=True)


def test_a_rested_number_with_the_reserve_goes_before_one_without() -> None:
    windows = held(*[(n, 11.5, 12, f"x{n}") for n in (8000, 8001, 8003)], (8002, 12, 13, "y"))
    assert chosen(windows, 10, 11) == Slot(number=8002, early=True, reserved=True)


def test_rest_goes_before_reserve() -> None:
    windows = held((8000, 8, 9, "x"), (8001, 11.5, 12, "y"))
    found = chosen(windows, 10, 11, numbers=[8000, 8001])
    assert found == Slot(number=8001, early=True, reserved=False)


def test_a_number_that_has_not_rested_is_better_than_none() -> None:
    windows = held((8000, 8, 9, "x"), (8000, 11.5, 12, "y"), (8001, 8, 9, "z"))
    found = chosen(windows, 10, 11, numbers=[8000, 8001])
    assert found == Slot(number=8001, early=True, reserved=True)
    found = chosen(windows, 10, 11, numbers=[8000])
    assert found == Slot(number=8000, early=True, reserved=False)


def test_early_join_is_given_up_last() -> None:
    windows = held((8000, 8, 10, "x"))
    found = chosen(windows, 10, 11, numbers=[8000], early=EARLY)
    assert found == Slot(number=8000, early=False, reserved=True)
    windows.add(8001, span(8, 9.9), "b", uid="y")
    windows.add(8001, span(11, 12), "c", uid="y")
    found = chosen(windows, 10, 11, numbers=[8000, 8001], early=EARLY)
    assert found == Slot(number=8001, early=True, reserved=False)


def test_no_number_is_given_out_where_none_is_free() -> None:
    windows = held(*[(n, 9.5, 9.6, f"x{n}") for n in POOL])
    assert chosen(windows, 9, 10, early=EARLY) is None
    assert chosen(windows, 9, 10, choice=NumberChoice.LOWEST) is None
    assert chosen(Windows(), 9, 10, numbers=[]) is None


def test_bookings_that_touch_share_a_number_where_they_must() -> None:
    windows = held((8000, 9, 10, "x"))
    assert number(chosen(windows, 10, 11, numbers=[8000])) == 8000


def test_close_after_belongs_to_the_window() -> None:
    windows = held((8000, 10, 11, "x"))
    late = timedelta(minutes=1)
    assert chosen(windows, 9, 10, numbers=[8000], close_after=late) is None


def test_rest_counts_from_now_where_the_booking_should_have_begun() -> None:
    used = {8000: (at(8), "x")}
    assert number(chosen(Windows(), 31, 34, last_used=used, now=at(31))) == 8001
    assert number(chosen(Windows(), 31, 34, last_used=used, now=at(32))) == 8000


def test_home_is_the_next_usable_number_where_it_cannot_be_used_itself() -> None:
    assert index_of([8000, 8002, 8003], 8001) == 1
    assert index_of([8000, 8002, 8003], 8002) == 1
    assert index_of([8000, 8002, 8003], 8009) == 0
    assert index_of([], 8001) == 0


def next_behind() -> Windows:
    """8000: ours 9-10, then one from 11 that opens a quarter early, then one from 13."""
    windows = Windows()
    windows.add(8000, span(8.75, 10), "ours", uid="a", early=timedelta(minutes=15))
    windows.add(8000, span(10.75, 12), "next", uid="b", early=timedelta(minutes=15))
    windows.add(8000, span(12.75, 14), "later", uid="c", early=timedelta(minutes=15))
    return windows


@pytest.mark.parametrize(
    ("wanted", "end", "late_openers"),
    [
        (10.5, 10.5, ()),
        (10.75, 10.75, ()),
        (10.8, 10.8, ("next",)),
        (11, 11, ("next",)),
        (15, 11, ("next",)),
        (9.5, 9.5, ()),
    ],
)
def test_an_extension_takes_the_early_join_of_the_next_but_never_its_start(
    wanted: float, end: float, late_openers: tuple[str, ...]
) -> None:
    trimmed = trim(next_behind(), 8000, "ours", at(wanted), NONE)
    assert trimmed == Trimmed(end=at(end), late_openers=late_openers)


def test_what_closes_after_the_end_is_kept_free_too() -> None:
    trimmed = trim(next_behind(), 8000, "ours", at(15), timedelta(minutes=6))
    assert trimmed == Trimmed(end=at(10.9), late_openers=("next",))


def test_an_extension_is_not_trimmed_by_who_came_before_or_holds_another_number() -> None:
    windows = held((8000, 7, 9.2, "x"), (8001, 10, 11, "y"))
    windows.add(8000, span(9, 10), "ours")
    assert trim(windows, 8000, "ours", at(20), NONE) == Trimmed(end=at(20), late_openers=())


def test_trimming_takes_nothing_away_that_a_booking_holds_already() -> None:
    windows = held((8000, 9.5, 11, "x"))
    windows.add(8000, span(9, 10), "ours")
    assert trim(windows, 8000, "ours", at(20), NONE).end == at(10)


def test_a_booking_that_holds_nothing_cannot_be_trimmed() -> None:
    with pytest.raises(KeyError, match="ours"):
        trim(Windows(), 8000, "ours", at(9), NONE)


@dataclass(frozen=True)
class Wish:
    start: int
    minutes: int
    uid: str
    first: int


wishes = st.lists(
    st.builds(
        Wish,
        start=st.integers(0, 3 * 24 * 12).map(lambda fives: fives * 5),
        minutes=st.integers(1, 36).map(lambda fives: fives * 5),
        uid=st.sampled_from([f"series-{n}" for n in range(8)]),
        first=st.integers(0, 5),
    ),
    max_size=40,
)


def placed(
    wish: Wish,
    windows: Windows,
    numbers: Sequence[int],
    choice: NumberChoice,
    last_used: LastUsed,
) -> Slot | None:
    start = DAY + timedelta(minutes=wish.start)
    return choose(
        windows,
        numbers,
        Timespan(start, start + timedelta(minutes=wish.minutes)),
        early_join=EARLY,
        close_after=timedelta(minutes=2),
        choice=choice,
        first=wish.first,
        uid=wish.uid,
        last_used=last_used,
        now=DAY,
    )


def window_of(wish: Wish, slot: Slot) -> Timespan:
    start = DAY + timedelta(minutes=wish.start)
    end = start + timedelta(minutes=wish.minutes)
    return Timespan(start, end).widened(EARLY if slot.early else NONE, timedelta(minutes=2))


@settings(deadline=None)
@given(wishes, st.sampled_from(NumberChoice), st.sampled_from([range(70, 74), [71, 72, 75, 90]]))
def test_bookings_that_overlap_never_share_a_number(
    wanted: list[Wish], choice: NumberChoice, numbers: Sequence[int]
) -> None:
    windows, got = Windows(), []
    for place, wish in enumerate(wanted):
        slot = placed(wish, windows, numbers, choice, {})
        if slot is None:
            continue
        assert slot.number in numbers
        window = window_of(wish, slot)
        windows.add(slot.number, window, f"b{place}", uid=wish.uid)
        got.append((slot.number, window))
    for place, (taken, window) in enumerate(got):
        others = [other for number, other in got[place + 1 :] if number == taken]
        assert not any(window.overlaps(other) for other in others)


def by_the_rules(
    wish: Wish,
    holds: list[tuple[int, Timespan, str]],
    numbers: Sequence[int],
    choice: NumberChoice,
    last_used: LastUsed,
) -> tuple[int, bool] | None:
    """Choose as the module's docstring says, number by number and without any index."""
    at_home = wish.first % len(numbers)
    order = list(numbers)
    if choice is NumberChoice.STABLE:
        order = order[at_home:] + order[:at_home]
    for early in (True, False):
        window = window_of(wish, Slot(number=0, early=early, reserved=False))
        rules = Rules(uid=wish.uid, window=window, holds=holds, last_used=last_used)
        for rule in rules.stable() if choice is NumberChoice.STABLE else rules.lowest():
            for number_ in order:
                if rules.clear(number_, NONE) and rule(number_):
                    return number_, early
    return None


@dataclass(frozen=True)
class Rules:
    uid: str
    window: Timespan
    holds: list[tuple[int, Timespan, str]]
    last_used: LastUsed

    def clear(self, number_: int, behind: timedelta) -> bool:
        wide = self.window.widened(NONE, behind)
        return not any(n == number_ and held.overlaps(wide) for n, held, _ in self.holds)

    def rested(self, number_: int) -> bool:
        since = max(self.window.start, DAY) - timedelta(hours=24)
        before = [
            (held.end, uid)
            for n, held, uid in self.holds
            if n == number_ and held.end <= self.window.start
        ]
        uses = [max(before)] if before else []
        uses += [self.last_used[number_]] if number_ in self.last_used else []
        return all(end <= since or uid == self.uid for end, uid in uses)

    def own(self, number_: int) -> bool:
        users = [uid for n, _, uid in self.holds if n == number_]
        users += [self.last_used[number_][1]] if number_ in self.last_used else []
        return self.uid in users

    def stable(self) -> list[Callable[[int], bool]]:
        day, hour = timedelta(hours=24), timedelta(hours=1)
        return [
            self.own,
            lambda n: self.rested(n) and self.clear(n, day),
            lambda n: self.rested(n) and self.clear(n, hour),
            self.rested,
            *self.lowest(),
        ]

    def lowest(self) -> list[Callable[[int], bool]]:
        return [lambda n: self.clear(n, timedelta(hours=1)), lambda n: self.clear(n, NONE)]


@settings(deadline=None)
@example(
    # It would open before now: rest is measured from now.
    [Wish(start=0, minutes=5, uid="series-0", first=0)],
    NumberChoice.STABLE,
    range(70, 74),
    {70: (DAY - timedelta(hours=24), "series-9")},
)
@given(
    wishes,
    st.sampled_from(NumberChoice),
    st.sampled_from([range(70, 74), [71, 72, 75, 90]]),
    st.dictionaries(
        st.sampled_from([70, 71, 72]),
        st.tuples(
            st.integers(-30, 5).map(lambda hours: DAY + timedelta(hours=hours)),
            st.sampled_from(["series-0", "series-9"]),
        ),
    ),
)
def test_a_choice_is_what_the_rules_say_number_by_number(
    wanted: list[Wish],
    choice: NumberChoice,
    numbers: Sequence[int],
    last_used: LastUsed,
) -> None:
    windows, holds = Windows(), []
    for place, wish in enumerate(wanted):
        slot = placed(wish, windows, numbers, choice, last_used)
        rules_say = by_the_rules(wish, holds, numbers, choice, last_used)
        assert (slot and (slot.number, slot.early)) == rules_say
        if slot is None:
            continue
        window = window_of(wish, slot)
        windows.add(slot.number, window, f"b{place}", uid=wish.uid)
        holds.append((slot.number, window, wish.uid))


@settings(deadline=None)
@given(wishes, st.randoms(use_true_random=False))
def test_an_index_says_the_same_however_it_came_to_its_content(
    wanted: list[Wish], chance: random.Random
) -> None:
    holds = []
    for place, wish in enumerate(wanted):
        start = DAY + timedelta(minutes=wish.start, seconds=place)
        end = start + timedelta(minutes=wish.minutes)
        holds.append((70 + wish.first, Timespan(start, end), f"b{place}", wish.uid))
    one, other = Windows(), Windows()
    for number_, window, booking, uid in holds:
        one.add(number_, window, booking, uid=uid)
    for number_, window, booking, uid in chance.sample(holds, len(holds)):
        other.add(number_ - 60, span(0, 100), booking, uid="was elsewhere")
        other.add(number_, window, booking, uid=uid)
        other.add(number_ + 5, span(0, 100), f"gone {booking}", uid=uid)
    for number_, _, booking, _ in holds:
        other.remove(number_ + 5, f"gone {booking}")
    probes = range(70, 76)
    assert len(one) == len(other)
    for probe in probes:
        assert one.holds(probe) == other.holds(probe)
    for hour in range(0, 72, 5):
        window = span(hour, hour + 1.3)
        assert one.open_numbers(probes, window) == other.open_numbers(probes, window)
        for probe in probes:
            assert one.free(probe, window) == other.free(probe, window)
            brute = not any(n == probe and w.overlaps(window) for n, w, _, _ in holds)
            assert one.free(probe, window) == brute
            assert not brute or one.open_numbers(probes, window)[probe - 70] == "0"
            starts = [w.start for n, w, _, _ in holds if n == probe and w.start >= at(hour)]
            assert one.next_after(probe, at(hour)) == min(starts, default=None)


def test_removing_a_hold_on_another_number_changes_nothing() -> None:
    windows = held((8000, 9, 10, "x"))
    windows.remove(8001, "b0")
    windows.remove(8000, "unknown")
    assert windows.hold_of("b0") is not None
    windows.remove(8000, "b0")
    assert len(windows) == 0
    assert windows.numbers_of("x") == []
