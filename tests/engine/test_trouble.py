"""What keeps a conference from being held is told by every command that one asks about it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cospaced.commands import status as page
from cospaced.commands.terminal import Terminal
from cospaced.engine.questions import Questions
from cospaced.engine.report import status
from cospaced.simulator.faults import Fault
from support.monitoring import plugin
from support.site import Site
from support.stories import MINUTE, SECOND, booked, play


@dataclass(frozen=True)
class Told:
    """What status (as a page), the monitoring check, `why` and `invite` say of all that is held."""

    status: str
    check: tuple[int, list[str]]
    dials: list[str]
    warning: str


async def told(site: Site, room: str = "aula") -> Told:
    assert site.machine is not None
    now = site.clock.now()
    questions = Questions(
        rows=site.machine.ledger.all,
        story=site.machine.ledger.story,
        settings=lambda: site.settings,
        now=site.clock.now,
    )
    why: Any = await questions.answer("why", room)
    invite = await questions.answer("invite", room)
    shown = status(site.machine, now)
    return Told(
        status=page.rendered(shown, site.settings, now, Terminal()),
        check=plugin().judge(shown),
        dials=[dial["text"] for dial in why["dials"]],
        warning=invite["warning"],
    )


def test_an_opening_that_cms_refuses_is_told_everywhere_until_it_is_taken(tmp_path: Path) -> None:
    found: list[Told] = []

    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.clock.sleep(90)
            found.append(await told(site))
            rule = site.cluster.faults.next(
                "PUT", "coSpaces/*", Fault.REFUSED, times=None, reason="parameterError"
            )
            await site.until(one.start + 30 * SECOND)
            found.append(await told(site))
            rule.cancel()
            await site.until(one.start + MINUTE)
            found.append(await told(site))

    play(tmp_path, story)
    before, refused, after = found
    reason = "its space is not open on CMS: parameterError"
    assert f"aula, boardroom: {reason}" in refused.status.partition("Trouble")[2]
    assert refused.check == (1, [f"aula, boardroom: {reason}"])
    assert refused.dials == [f"not dialled: {reason}"] * 2
    assert refused.warning == f"nobody can join it now: {reason}"
    for well in (before, after):
        assert "Trouble" not in well.status
        assert (well.check, well.warning) == ((0, []), "")
    assert after.dials == ["connected at attempt 1"] * 2


def test_an_opening_without_an_answer_is_told_after_a_few_seconds(tmp_path: Path) -> None:
    found: list[Told] = []

    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.clock.sleep(90)
            opens = one.start - site.terms.early_join
            site.cluster.faults.next("PUT", "coSpaces/*", Fault.SLOW, times=None, before=60)
            await site.until(opens + SECOND)
            found.append(await told(site))
            await site.until(opens + 30 * SECOND)
            found.append(await told(site))

    play(tmp_path, story)
    first, later = found
    assert first.check == (0, [])
    assert later.check[1][0].endswith(
        "is not open on CMS: core1.example.com did not answer within 2 s"
    )
    assert later.warning.startswith("nobody can join it now: ")


def test_a_call_that_cms_refuses_is_told_until_people_have_started_it(tmp_path: Path) -> None:
    found: list[Told] = []

    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.clock.sleep(90)
            site.cluster.faults.next("POST", "calls", Fault.REFUSED, times=None, reason="noWay")
            await site.until(one.start + 10 * SECOND)
            found.append(await told(site))
            space = site.cluster.state.database.by_uri("8001")
            assert space is not None
            site.cluster.scenarios.dial_in("boardroom@rooms.example.org", space.id)
            await site.until(one.start + MINUTE)
            found.append(await told(site))

    play(tmp_path, story)
    refused, after = found
    assert refused.warning == "its call is not started: noWay"
    assert refused.check[1] == ["aula, boardroom: its call is not started: noWay"]
    assert (after.check, after.warning) == ((0, []), "")


def test_a_close_that_cms_refuses_is_told(tmp_path: Path) -> None:
    found: list[Told] = []

    async def story(site: Site) -> None:
        one = booked(site)
        async with site.running():
            await site.until(one.start + MINUTE)
            site.cluster.faults.next("PUT", "coSpaces/*", Fault.REFUSED, times=None, reason="noWay")
            await site.until(one.end + 10 * SECOND)
            found.append(await told(site))

    play(tmp_path, story)
    assert found[0].check[1] == ["aula, boardroom: it is not closed on CMS yet: noWay"]
