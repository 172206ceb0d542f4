"""An adapter with a bug in its writes: it costs the request, not the daemon."""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, cast

import pytest

from cospaced.domain.booking import State
from cospaced.domain.writes import (
    CloseSpace,
    CreateCallProfile,
    CreateParameterSet,
    CreateSpace,
    DialEndpoint,
    EndCall,
    OpenSpace,
    Outcome,
    ShowMessage,
    StartCall,
    StartSync,
    Write,
)
from cospaced.ports import Bridge
from cospaced.settings import ConferenceSettings
from support.site import Site
from support.stories import MINUTE, SECOND, booked, cut_off_before, play, rings


KINDS = (OpenSpace, StartCall, DialEndpoint, ShowMessage, CloseSpace, EndCall)
WARNING = ConferenceSettings(end_warnings=(5 * MINUTE,))


@dataclass
class Buggy:
    """A bridge whose writes of one kind raise, before or after they were carried out."""

    inner: Bridge
    kind: type
    after: bool
    times: int
    met: list[Write] = field(default_factory=list)

    def __getattr__(self, name: str) -> Any:
        return getattr(self.inner, name)

    async def write(self, write: Write) -> Outcome:
        faulty = isinstance(write, self.kind) and len(self.met) < self.times
        if faulty:
            self.met.append(write)
        outcome = None if faulty and not self.after else await self.inner.write(write)
        if faulty or outcome is None:
            raise UnicodeError("a fault of the program")
        return outcome


@pytest.mark.parametrize("after", [False, True], ids=["nothing done", "done"])
@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_a_fault_of_the_program_in_a_write_is_told_once_and_what_was_not_done_is_done(
    tmp_path: Path, kind: type, after: bool
) -> None:
    async def story(site: Site) -> None:
        buggy: list[Buggy] = []

        def wrapped(bridge: Bridge) -> Bridge:
            buggy.append(Buggy(bridge, kind, after, times=2))
            return cast("Bridge", buggy[-1])

        site.wrap_bridge = wrapped
        one = booked(site)
        async with site.running():
            await site.until(one.start + 90 * SECOND)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            await site.until(one.end + 2 * MINUTE)
            assert [b.state for b in site.bookings()] == [State.CLOSED]
        assert any(one.met for one in buggy)
        assert not cut_off_before(site, one.end)

    site = play(tmp_path, story, terms=WARNING)
    assert len(site.happened("booking.fault")) == 1
    assert rings(site, "aula", "boardroom") == [1, 1]
    site.assert_all_closed()


def test_a_write_that_never_succeeds_costs_its_booking_alone(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        def wrapped(bridge: Bridge) -> Bridge:
            return cast("Bridge", Cursed(bridge, OpenSpace, after=False, times=10_000))

        class Cursed(Buggy):
            async def write(self, write: Write) -> Outcome:
                if isinstance(write, OpenSpace) and write.form.name != "Cursed":
                    return await self.inner.write(write)
                return await super().write(write)

        site.wrap_bridge = wrapped
        one = booked(site)
        booked(site, uid="cursed@example.org", title="Cursed", rooms=("cellar", "boardroom"))
        async with site.running():
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            assert site.endpoint("boardroom").connected
            assert not site.endpoint("cellar").connected
            await site.until(one.end + 2 * MINUTE)

    site = play(tmp_path, story)
    assert len(site.happened("booking.fault")) == 1
    (told,) = site.happened("booking.not_opened")
    assert "UnicodeError" in told["reason"]
    site.assert_all_closed()


@pytest.mark.parametrize("after", [False, True], ids=["nothing done", "done"])
@pytest.mark.parametrize(
    "kind", [CreateCallProfile, CreateParameterSet, StartSync], ids=lambda kind: kind.__name__
)
def test_a_fault_in_making_the_pool_is_told_and_the_pool_made_all_the_same(
    tmp_path: Path, kind: type, after: bool
) -> None:
    async def story(site: Site) -> None:
        site.wrap_bridge = lambda bridge: cast("Bridge", Buggy(bridge, kind, after, times=2))
        one = booked(site)
        async with site.running():
            await site.until(one.start + MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + 2 * MINUTE)

    site = play(tmp_path, story)
    assert len(site.happened("pool.fault")) == 1
    site.assert_all_closed()


def test_a_fault_in_mending_the_pool_leaves_the_conference_that_is_held(tmp_path: Path) -> None:
    async def story(site: Site) -> None:
        site.wrap_bridge = lambda bridge: cast(
            "Bridge", Buggy(bridge, CreateSpace, after=False, times=10_000)
        )
        one = booked(site)
        async with site.running():
            await site.until(one.start + MINUTE)
            gone = next(n for n in site.settings.pool.numbers if n != site.bookings()[0].number)
            site.cluster.scenarios.operator_deletes(str(gone))
            assert site.machine is not None
            site.machine.timing.carrier.on_gone()
            await site.until(one.start + 5 * MINUTE)
            assert site.endpoint("aula").connected
            await site.until(one.end + 2 * MINUTE)

    site = play(tmp_path, story)
    assert len(site.happened("pool.fault")) == 1
    assert rings(site, "aula") == [1]
