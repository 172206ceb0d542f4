"""When one more room of a server that is away is an error."""

from dataclasses import replace

from cospaced.domain.outage import QUIET, Outage


def test_the_first_is_an_error_and_no_other_while_nobody_is_answered() -> None:
    outage = Outage(begun=100.0)
    assert outage.loud("failed", 100.0, 12)
    told = outage.telling("failed", 100.0, 12)
    assert not told.loud("failed", 100.0 + 100 * QUIET, 12)
    assert told.loud("stale", 100.0, 12), "each stage has an error of its own"


def test_where_some_rooms_are_answered_another_error_comes_after_a_while() -> None:
    told = Outage(begun=100.0, answered=90.0).telling("failed", 100.0, 12)
    assert not told.loud("failed", 100.0 + QUIET, 12), "that answer was before"
    told = Outage(begun=100.0, answered=110.0).telling("failed", 100.0, 12)
    assert not told.loud("failed", 99.0 + QUIET, 12)
    assert told.loud("failed", 100.0 + QUIET, 12)
    assert not told.telling("failed", 100.0 + QUIET, 12).loud("failed", 101.0 + QUIET, 12)


def test_that_most_rooms_fail_is_told_at_once_where_one_was_told_before() -> None:
    rooms = [f"room{n}" for n in range(6)]
    told = Outage(begun=100.0, failing=frozenset({"aula"})).telling("failed", 100.0, 12)
    answered = replace(told, answered=130.0, failing=frozenset(rooms[:5]))
    assert not answered.loud("failed", 140.0, 12)
    most = replace(answered, failing=frozenset(rooms))
    assert most.loud("failed", 140.0, 12)
    again = replace(most.telling("failed", 140.0, 12), answered=150.0)
    assert not again.loud("failed", 160.0, 12), "that is known by now"


def test_it_begins_with_the_first_of_its_rooms_and_counts_those_that_were_told() -> None:
    outage = Outage(begun=100.0).joined("aula", 90.0, met=True).joined("den", 120.0, met=False)
    assert (outage.begun, outage.failing, outage.met) == (90.0, {"aula", "den"}, {"aula"})
    assert (outage.left("aula").failing, outage.left("aula").met) == ({"den"}, {"aula"})
