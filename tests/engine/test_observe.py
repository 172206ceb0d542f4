"""`run --observe`: everything is planned and logged, and not one write reaches CMS."""

from datetime import timedelta
from pathlib import Path

from cospaced.cms.observing import ObservingBridge
from cospaced.cms.shadow import Shadow
from cospaced.domain.booking import State
from cospaced.ports import Bridge
from support.site import Invitation, Site
from support.virtual import VirtualClock, run_virtually


def test_a_pilot_follows_a_conference_to_its_end_and_writes_nothing(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        site = Site(clock, tmp_path, bridges=("core1", "core2"))
        shadow = Shadow(clock)

        def observing(bridge: Bridge) -> Bridge:
            return ObservingBridge(bridge, shadow)

        site.wrap_bridge = observing
        start = clock.now() + timedelta(minutes=10)
        site.invite(Invitation("pilot@example.org", start, start + timedelta(minutes=30)))
        async with site.running():
            await site.until(start + timedelta(minutes=20))
            assert [b.state for b in site.bookings()] == [State.OPEN]
            await site.until(start + timedelta(minutes=31))
            assert [b.state for b in site.bookings()] == [State.CLOSED]
        assert site.writes() == []
        assert not site.endpoint("aula").rings
        withheld = [str(keys) for keys in site.happened("observe.withheld")]
        assert sum("callLegs" in text for text in withheld) == 2
        assert len(site.happened("leg.connected")) == 2

    run_virtually(main)
