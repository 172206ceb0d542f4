"""A calendar that turns good and bad by turns is known as such, and for how long."""

from cospaced.domain.steadiness import REST, WITHIN, Steadiness


def turned(*moments: float) -> Steadiness:
    steadiness = Steadiness()
    for moment in moments:
        steadiness = steadiness.bad(moment, turned=True)
    return steadiness


def test_the_third_turn_within_an_hour_is_flapping_since_the_first() -> None:
    assert not turned(0, 600).flapping
    assert turned(0, 600, 1200).flapping_since == 0
    assert turned(0, 600, 1200).count == 3


def test_turns_over_a_longer_time_are_three_failures_of_their_own() -> None:
    assert not turned(0, 600, 600 + WITHIN).flapping
    assert not turned(0, WITHIN, 2 * WITHIN, 3 * WITHIN).flapping


def test_what_stays_bad_turns_once() -> None:
    steadiness = turned(0)
    for moment in range(60, 1800, 60):
        steadiness = steadiness.bad(moment, turned=False)
    assert not steadiness.flapping


def test_it_rests_when_it_has_been_good_for_a_while_after_the_last_bad_answer() -> None:
    steadiness = turned(0, 120, 240).bad(2000, turned=False)
    assert not steadiness.rested(240 + REST)
    assert not steadiness.rested(2000 + REST - 1)
    assert steadiness.rested(2000 + REST)
    assert not Steadiness().rested(10 * REST), "it never flapped"


def test_it_goes_on_counting_while_it_flaps() -> None:
    steadiness = turned(*range(0, 36_000, 120))
    assert steadiness.flapping_since == 0
    assert steadiness.count == 300
