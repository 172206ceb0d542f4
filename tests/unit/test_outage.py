"""When one more room of a server that is away is an error."""

from cospaced.domain.outage import QUIET, Outage


def test_the_first_is_an_error_and_no_other_while_nobody_is_answered() -> None:
    outage = Outage(begun=100.0)
    assert outage.loud("failed", 100.0)
    told = outage.telling("failed", 100.0)
    assert not told.loud("failed", 100.0 + 100 * QUIET)
    assert told.loud("stale", 100.0), "each stage has an error of its own"


def test_where_some_rooms_are_answered_another_error_comes_after_a_while() -> None:
    told = Outage(begun=100.0, answered=90.0).telling("failed", 100.0)
    assert not told.loud("failed", 100.0 + QUIET), "that answer was before"
    told = Outage(begun=100.0, answered=110.0).telling("failed", 100.0)
    assert not told.loud("failed", 99.0 + QUIET)
    assert told.loud("failed", 100.0 + QUIET)
    assert not told.telling("failed", 100.0 + QUIET).loud("failed", 101.0 + QUIET)


def test_it_begins_with_the_first_of_its_rooms_and_counts_those_that_were_told() -> None:
    outage = Outage(begun=100.0).joined("aula", 90.0, met=True).joined("den", 120.0, met=False)
    assert (outage.begun, outage.failing, outage.met) == (90.0, {"aula", "den"}, {"aula"})
    assert (outage.left("aula").failing, outage.left("aula").met) == ({"den"}, {"aula"})
