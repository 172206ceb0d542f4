"""Who may log in, in virtual time: how often a login that is refused is tried, and by whom."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Sequence

import pytest

from cospaced.calendars.login_gate import (
    AT_ONCE,
    FIRST_PAUSE,
    LATER,
    LONGEST_PAUSE,
    LoginGate,
    ServerGates,
)
from cospaced.errors import CalendarError
from cospaced.settings import CalendarSettings, Secret, SourceType
from support.virtual import VirtualClock, run_virtually


PATIENCE = 30.0
ROOMS = [f"room {n}" for n in range(40)]


class Server:
    """A server; `wrong` are rooms whose login it refuses.

    It takes `seconds` for each login, and for those of rooms in `hanging` all that a poll has.
    """

    def __init__(self, clock: VirtualClock, gate: LoginGate) -> None:
        self.clock = clock
        self.gate = gate
        self.wrong: set[str] = set()
        self.away: set[str] = set()
        self.hanging: set[str] = set()
        self.seconds = 1.0
        self.logins: list[str] = []
        self.most_at_once = 0
        self._at_once = 0

    async def login(self, room: str) -> str:
        self._at_once += 1
        self.most_at_once = max(self.most_at_once, self._at_once)
        self.logins.append(room)
        try:
            await self.clock.sleep(PATIENCE if room in self.hanging else self.seconds)
        finally:
            self._at_once -= 1
        if room in self.hanging:
            raise CalendarError("timeout", "it hangs")
        if room in self.away:
            raise CalendarError("unreachable", "it is away")
        if room in self.wrong:
            raise CalendarError("login", "it is refused", shared=True)
        return "read"

    async def poll(self, room: str, named: str = "") -> str:
        try:
            return await self.gate.first(lambda: self.login(room), named)
        except CalendarError as error:
            return error.kind

    async def poll_by_token(self, room: str) -> str:
        """Be issued a token, and log in by it."""
        try:
            with self.gate.attempt():
                with self.gate.attempt(proves=False):
                    await self.clock.sleep(0)
                return await self.login(room)
        except CalendarError as error:
            return error.kind

    async def polls(self, rooms: Sequence[str] = ROOMS, *, named: bool = False) -> Counter[str]:
        """Poll rooms all at once, and return how many ended in what."""
        self.logins.clear()
        self.most_at_once = 0
        ends = await asyncio.gather(*(self.poll(one, one if named else "") for one in rooms))
        return Counter(ends)


def _run(main: Callable[[Server, VirtualClock], Awaitable[None]]) -> None:
    async def wrapped(clock: VirtualClock) -> None:
        await main(Server(clock, LoginGate(clock, PATIENCE)), clock)

    run_virtually(wrapped)


def test_a_login_is_tried_by_one_and_then_used_by_all_at_once() -> None:
    async def main(server: Server, clock: VirtualClock) -> None:
        assert await server.polls() == {"read": 40}
        assert clock.monotonic() == pytest.approx(2)
        assert server.most_at_once == 39

    _run(main)


def test_a_refused_login_is_tried_once_for_all_and_once_after_each_pause() -> None:
    async def main(server: Server, clock: VirtualClock) -> None:
        server.wrong.update(ROOMS)
        pause = FIRST_PAUSE
        for _ in range(6):
            assert await server.polls() == {"login": 40}
            assert len(server.logins) == 1
            await clock.sleep(pause - 1)
            assert await server.polls() == {"login": 40}
            assert server.logins == []
            await clock.sleep(1)
            pause = min(2 * pause, LONGEST_PAUSE)
        server.wrong.clear()
        await clock.sleep(pause)
        assert await server.polls() == {"read": 40}

    _run(main)


def test_a_login_that_turns_wrong_under_many_polls_counts_as_one_refusal() -> None:
    async def main(server: Server, clock: VirtualClock) -> None:
        await server.polls()
        server.wrong.update(ROOMS)
        await server.polls(ROOMS[:4])
        assert len(server.logins) == 4
        await clock.sleep(FIRST_PAUSE - 1)
        await server.polls()
        assert server.logins == []
        await clock.sleep(1)
        await server.polls()
        assert len(server.logins) == 1

    _run(main)


def test_what_was_let_in_before_a_refusal_does_not_end_the_pause() -> None:
    async def main(server: Server, clock: VirtualClock) -> None:
        await server.polls()
        server.wrong.add("room 0")
        refused = asyncio.create_task(server.poll("room 0"))
        await clock.sleep(0.5)
        assert await server.poll("room 1") == "read"
        assert await refused == "login"
        assert not server.gate.proven.is_set()
        assert await server.polls() == {"login": 40}
        assert server.logins == []

    _run(main)


def test_a_server_that_is_away_proves_nothing_and_each_room_tries_in_its_turn() -> None:
    async def main(server: Server, _: VirtualClock) -> None:
        server.away.update(ROOMS[:2])
        server.wrong.update(ROOMS[2:])
        assert await server.polls() == {"unreachable": 2, "login": 38}
        assert server.logins == ROOMS[:3]
        assert server.most_at_once == 1

    _run(main)


def test_nobody_waits_for_longer_than_a_poll_may_take() -> None:
    async def main(server: Server, clock: VirtualClock) -> None:
        slow = [
            asyncio.create_task(server.gate.first(lambda: clock.sleep(10 * PATIENCE)))
            for _ in range(AT_ONCE)
        ]
        await clock.sleep(0)
        assert await server.poll("room 1") == "timeout"
        assert clock.monotonic() == pytest.approx(PATIENCE)
        for task in slow:
            task.cancel()
        assert await server.polls() == {"read": 40}

    _run(main)


@pytest.mark.parametrize("hanging", [1, 2])
def test_a_room_that_hangs_keeps_no_other_room_unread(hanging: int) -> None:
    async def main(server: Server, _: VirtualClock) -> None:
        server.hanging.update(ROOMS[:hanging])
        assert await server.polls() == {"timeout": hanging, "read": 40 - hanging}

    _run(main)


def test_where_all_hang_not_many_try_at_once() -> None:
    async def main(server: Server, _: VirtualClock) -> None:
        server.hanging.update(ROOMS)
        for _ in range(3):
            assert await server.polls() == {"timeout": 40}
            assert server.most_at_once == AT_ONCE

    _run(main)


@pytest.mark.parametrize("named", [False, True])
def test_a_wrong_login_is_refused_slowly_no_more_than_a_few_times(named: bool) -> None:
    async def main(server: Server, clock: VirtualClock) -> None:
        server.wrong.update(ROOMS)
        server.seconds = PATIENCE / 2
        assert await server.polls(named=named) == {"login": 40}
        assert len(server.logins) <= AT_ONCE
        assert await server.polls(named=named) == {"login": 40}
        assert server.logins == []
        await clock.sleep(FIRST_PAUSE)
        server.seconds = 1
        await server.polls(named=named)
        assert len(server.logins) == 1

    _run(main)


def test_a_token_that_was_issued_does_not_end_the_pause_of_who_refuses_it() -> None:
    async def main(server: Server, clock: VirtualClock) -> None:
        server.wrong.add("room 0")
        pause = FIRST_PAUSE
        for _ in range(3):
            assert await server.poll_by_token("room 0") == "login"
            assert not server.gate.proven.is_set()
            await clock.sleep(pause - 1)
            assert await server.polls() == {"login": 40}
            await clock.sleep(1)
            pause *= 2

    _run(main)


def test_who_doubts_a_login_has_it_tried_by_one_again() -> None:
    async def main(server: Server, _: VirtualClock) -> None:
        await server.polls()
        server.gate.proven.clear()
        server.wrong.update(ROOMS)
        await server.polls()
        assert len(server.logins) == 1

    _run(main)


# --- rooms that may be refused by themselves ----------------------------------------------------


def test_a_refusal_that_is_one_rooms_own_leaves_the_others_alone() -> None:
    async def main(server: Server, clock: VirtualClock) -> None:
        await server.polls(named=True)
        server.wrong.update(ROOMS[:2])
        assert await server.polls(named=True) == {"login": 2, "read": 38}
        assert await server.polls(named=True) == {"login": 2, "read": 38}
        assert len(server.logins) == 38
        await clock.sleep(FIRST_PAUSE + LATER)
        assert await server.polls(named=True) == {"login": 2, "read": 38}
        assert len(server.logins) == 40
        server.wrong.clear()
        await clock.sleep(2 * FIRST_PAUSE + LATER)
        assert await server.polls(named=True) == {"read": 40}

    _run(main)


def test_a_room_that_was_refused_first_lets_another_one_try_next() -> None:
    async def main(server: Server, _: VirtualClock) -> None:
        server.wrong.add("room 0")
        assert await server.polls(named=True) == {"login": 1, "read": 39}
        assert server.logins[:2] == ROOMS[:2]

    _run(main)


def test_two_rooms_that_were_refused_first_are_taken_for_the_login_until_it_is_tried_again() -> (
    None
):
    async def main(server: Server, clock: VirtualClock) -> None:
        server.wrong.update(ROOMS[:2])
        assert await server.polls(named=True) == {"login": 40}
        assert server.logins == ROOMS[:2]
        await clock.sleep(FIRST_PAUSE)
        assert await server.polls(named=True) == {"login": 2, "read": 38}

    _run(main)


def test_a_wrong_login_is_tried_once_for_all_where_rooms_are_told_apart() -> None:
    async def main(server: Server, clock: VirtualClock) -> None:
        await server.polls(named=True)
        server.wrong.update(ROOMS)
        await server.polls(ROOMS[:4], named=True)
        assert len(server.logins) == 4
        await server.polls(named=True)
        assert len(server.logins) == 1
        await clock.sleep(FIRST_PAUSE)
        await server.polls(named=True)
        assert len(server.logins) == 1

    _run(main)


@pytest.mark.parametrize(("username", "tried"), [("jo", 4), ("", 6)])
def test_each_server_has_its_own_gate_and_who_logs_in_nowhere_has_none(
    username: str, tried: int
) -> None:
    async def main(clock: VirtualClock) -> None:
        kind, secret = SourceType.CALDAV, Secret("x")
        gates = ServerGates(
            CalendarSettings(name="dav", type=kind, username=username, password=secret), clock
        )
        logins = []

        async def login() -> None:
            logins.append(clock.monotonic())
            raise CalendarError("login", "it is refused", shared=True)

        async def poll(url: str) -> None:
            with pytest.raises(CalendarError) as caught:
                await gates.first(url, login)
            # Another server of the calendar may let it in.
            assert not caught.value.shared

        urls = [f"https://{host}.example.org/{n}" for host in "ab" for n in range(3)]
        await asyncio.gather(*map(poll, urls))
        assert len(logins) == tried

    run_virtually(main)
