from cospaced.host.backlog import Backlog


def held(backlog: Backlog) -> list[bytes]:
    """Empty the backlog and return what was in it, in order."""
    found = []
    while (payload := backlog.first()) is not None:
        found.append(payload)
        backlog.drop_first()
    return found


def test_what_goes_in_comes_out_in_order_whatever_its_weight() -> None:
    backlog = Backlog()
    for number in range(10):
        backlog.push(b"%d" % number, minor=number % 3 == 0)
    assert held(backlog) == [b"%d" % number for number in range(10)]
    assert backlog.lost == 0


def test_a_full_backlog_gives_up_the_oldest_minor_record_for_any_new_one() -> None:
    backlog = Backlog(records=3)
    backlog.push(b"info 1", minor=True)
    backlog.push(b"error 1", minor=False)
    backlog.push(b"info 2", minor=True)
    backlog.push(b"error 2", minor=False)
    backlog.push(b"info 3", minor=True)
    assert backlog.lost == 2
    assert held(backlog) == [b"error 1", b"error 2", b"info 3"]


def test_with_only_errors_held_the_first_ones_stay() -> None:
    backlog = Backlog(records=2)
    for text in (b"cause", b"effect", b"echo"):
        backlog.push(text, minor=False)
    backlog.push(b"info", minor=True)
    assert backlog.lost == 2
    assert held(backlog) == [b"cause", b"effect"]


def test_bytes_are_bounded_too_and_a_record_larger_than_all_is_lost_alone() -> None:
    backlog = Backlog(size=100)
    backlog.push(b"e" * 60, minor=False)
    backlog.push(b"x" * 101, minor=False)
    backlog.push(b"f" * 40, minor=False)
    assert backlog.lost == 1
    assert [len(payload) for payload in held(backlog)] == [60, 40]
    backlog.push(b"g" * 100, minor=False)
    assert len(backlog) == 1
