"""`run --observe`: everything is planned and logged, and not one write reaches CMS."""

from datetime import timedelta
from pathlib import Path
from typing import Any

from cospaced.cms.observing import ObservingBridge
from cospaced.cms.shadow import Shadow
from cospaced.commands import why as why_page
from cospaced.commands.status import rendered
from cospaced.commands.terminal import Terminal
from cospaced.domain.booking import State
from cospaced.engine.questions import Questions
from cospaced.engine.report import status, status_line
from cospaced.ports import Bridge
from support.site import Invitation, Site
from support.virtual import VirtualClock, run_virtually


def observed(clock: VirtualClock, folder: Path) -> Site:
    """Make a site whose daemon only observes."""
    site = Site(clock, folder, bridges=("core1", "core2"))
    shadow = Shadow(clock)

    def observing(bridge: Bridge) -> Bridge:
        return ObservingBridge(bridge, shadow)

    site.wrap_bridge = observing
    return site


def test_a_pilot_follows_a_conference_to_its_end_and_writes_nothing(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> None:
        site = observed(clock, tmp_path)
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


def test_what_is_told_of_a_pilot_says_that_it_only_observes(tmp_path: Path) -> None:
    async def main(clock: VirtualClock) -> tuple[dict[str, Any], list[str], list[str]]:
        site = observed(clock, tmp_path)
        start = clock.now() + timedelta(minutes=10)
        site.invite(Invitation("pilot@example.org", start, start + timedelta(minutes=30)))
        async with site.running():
            await site.until(start + timedelta(minutes=20))
            assert site.machine is not None
            questions = Questions(
                rows=site.machine.ledger.all,
                story=site.machine.ledger.story,
                settings=lambda: site.settings,
                now=clock.now,
                observing=True,
            )
            invite = await questions.answer("invite", "aula")
            why = await questions.answer("why", "aula")
            shown = status(site.machine, clock.now(), observing=True)
            assert status_line(site.machine, observing=True).startswith("only observing; 1 open")
            assert not status(site.machine, clock.now())["observing"]
            page = rendered(shown, site.settings, clock.now(), Terminal())
            await site.until(start + timedelta(minutes=32))
            over = await questions.answer("invite", site.bookings()[0].id)
        story = why_page.rendered(why, site.settings, Terminal())
        return shown, [page, story], [invite["warning"], over["warning"]]

    shown, (page, story), (warning, over) = run_virtually(main)
    assert shown["observing"] is True
    assert "(only observing): 1 open" in page.splitlines()[0]
    assert story.splitlines()[2] == why_page.OBSERVING
    answers = [line for line in story.splitlines() if "  answered  " in line]
    assert len(answers) == 4
    assert all(": not sent, taken as done, for the daemon only observes" in one for one in answers)
    assert warning == "nobody can join it: the daemon only observes, and opens nothing on CMS"
    assert over == "nobody can join it: it is closed (its end has come)"
