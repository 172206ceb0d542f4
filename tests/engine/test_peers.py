"""The other Call Bridges of a cluster are found, remembered, and used only once they answered."""

from collections.abc import Callable, Coroutine
from datetime import timedelta
from pathlib import Path
from typing import Any

from cospaced.cms.bridge import CmsBridge
from cospaced.cms.peers import FACT, Peers
from cospaced.host.web import Web
from cospaced.ports import Bridge
from cospaced.settings import Secret
from support.site import Invitation, Site
from support.virtual import VirtualClock, run_virtually


def play(folder: Path, story: Callable[[Site, Peers, Bridge], Coroutine[Any, Any, None]]) -> None:
    """Tell a story on a site of three bridges of which the daemon is told the first."""

    async def main(clock: VirtualClock) -> None:
        site = Site(clock, folder, bridges=("core1", "core2", "core3"))

        def make(name: str, address: str) -> Bridge:
            web = Web(transport=site.cluster.transport())
            return CmsBridge(name, address, "admin", Secret("simulated"), web=web, clock=clock)

        first = site.cluster.bridges[0]
        own = make("configured", first.address)
        await story(site, Peers(make, site.store, [own], first.address), own)

    run_virtually(main)


def test_the_others_are_found_once_and_the_asked_one_is_not_doubled(tmp_path: Path) -> None:
    async def story(site: Site, peers: Peers, own: Bridge) -> None:
        assert [bridge.name for bridge in await peers.find(own)] == ["core2", "core3"]
        assert await peers.find(own) == []
        assert await site.store.fact(FACT) == "\n".join(
            f"{bridge.name} {bridge.address}" for bridge in site.cluster.bridges[1:]
        )

    play(tmp_path, story)


def test_one_that_does_not_answer_is_left_out_until_it_does(tmp_path: Path) -> None:
    async def story(site: Site, peers: Peers, own: Bridge) -> None:
        site.cluster.scenarios.cut_off("core3", silent=False)
        assert [bridge.name for bridge in await peers.find(own)] == ["core2"]
        site.cluster.scenarios.reconnect("core3")
        assert [bridge.name for bridge in await peers.find(own)] == ["core3"]

    play(tmp_path, story)


def test_what_was_used_once_is_remembered_by_the_next_run(tmp_path: Path) -> None:
    async def story(site: Site, peers: Peers, own: Bridge) -> None:
        await peers.find(own)
        make = lambda name, address: own  # noqa: E731 - which bridge it is does not matter here
        again = Peers(make, site.store, [own], site.cluster.bridges[0].address)
        assert len(await again.remembered()) == 2
        assert await again.find(own) == []

    play(tmp_path, story)


def test_a_bridge_found_while_running_is_looked_at_like_the_others(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        site = Site(clock, tmp_path, bridges=("core1", "core2"))
        site.searched = True
        start = clock.now() + timedelta(minutes=10)
        site.invite(Invitation("found@example.org", start, start + timedelta(minutes=30)))
        async with site.running():
            await site.until(start - timedelta(minutes=2))
            assert site.machine is not None
            assert site.machine.bridges.reachable == ("core1", "core2")
            number = str(site.bookings()[0].number)
            assert site.cluster.scenarios.dial_in("aula@rooms.example.org", number, bridge="core2")
            await site.until(start + timedelta(minutes=1))
            assert site.endpoint("boardroom").connected
            await site.until(start + timedelta(minutes=32))
        assert not site.endpoint("aula").rings
        site.assert_all_closed()

    run_virtually(main)
