"""The doctor as a whole: a site that is set up well, and what must hold whatever it finds."""

import asyncio
import json
from pathlib import Path

import cospaced.doctor
from cospaced.doctor.base import Area, Check, Finding, Severity, ok
from cospaced.doctor.examination import CHECKS
from cospaced.doctor.rendering import document, text, worst
from cospaced.doctor.site import Site
from cospaced.errors import StoreUnusable
from cospaced.host.clock import SystemClock
from support.doctored import doctored, make_state


HELPERS = {
    "__init__",
    "base",
    "examination",
    "rendering",
    "servers",
    "shared",
    "site",
    "processing_file",
    "unread",
}


def a_check(slug: str, look, deadline: float = 5.0) -> Check:
    return Check(slug=slug, title=slug, area=Area.MACHINE, look=look, deadline=deadline)


async def test_nothing_above_a_note_is_found_where_all_is_set_up_well(tmp_path: Path) -> None:
    async with doctored(tmp_path) as site:
        examined = await site.examined()
    wrong = [(e.check.slug, f) for e in examined for f in e.findings if f.severity > Severity.NOTE]
    assert wrong == []
    assert len(examined) == len(CHECKS) > 30
    assert all(one.findings for one in examined)
    assert text(examined, width=100, coloured=False).endswith("notes.")


async def test_it_writes_nothing_to_cms_and_touches_no_file(tmp_path: Path) -> None:
    async with doctored(tmp_path) as site:
        await make_state(site.state)
        files = (*site.state.rglob("*"), site.state)
        before = [(path, path.stat().st_mtime_ns) for path in sorted(files)]
        await site.examined()
        assert {logged.method for logged in site.cluster.requests} == {"GET"}
        files = (*site.state.rglob("*"), site.state)
        assert [(path, path.stat().st_mtime_ns) for path in sorted(files)] == before
        assert {path.name for path, _ in before} == {"state", "state.db", "site.key"}


def test_every_check_is_a_module_of_its_own_name_and_is_run() -> None:
    folder = Path(cospaced.doctor.__file__).parent
    modules = {path.stem for path in folder.glob("*.py")} - HELPERS
    assert {check.slug for check in CHECKS} == modules
    assert len({check.title for check in CHECKS}) == len(CHECKS)


def test_checks_of_one_area_stand_together() -> None:
    areas = [check.area for check in CHECKS]
    assert list(dict.fromkeys(areas)) == list(Area)
    assert areas == sorted(areas, key=list(Area).index)


async def test_a_check_that_fails_or_hangs_costs_itself_alone(tmp_path: Path) -> None:
    async def hangs(_: Site) -> list[Finding]:
        await asyncio.Event().wait()
        return []

    async def refuses(_: Site) -> list[Finding]:
        raise StoreUnusable("the disk is full; make room")

    async def breaks(_: Site) -> list[Finding]:
        raise KeyError("oops")

    async def works(_: Site) -> list[Finding]:
        return [ok("fine")]

    looks = {"hangs": hangs, "refuses": refuses, "breaks": breaks, "works": works}
    async with doctored(tmp_path) as site:
        checks = [a_check(slug, look, 0.2) for slug, look in looks.items()]
        examined = await site.examined(*checks)
    found = {one.check.slug: one.findings[0] for one in examined}
    assert [finding.severity for finding in found.values()] == [Severity.WARNING] * 3 + [
        Severity.OK
    ]
    assert "no answer within 0.2 s" in found["hangs"].seen
    assert found["refuses"].remedy == "make room"
    assert "KeyError" in found["breaks"].seen


async def test_who_gives_up_waiting_for_a_shared_look_takes_nothing_from_the_others(
    tmp_path: Path,
) -> None:
    release = asyncio.Event()
    taken = []

    async def work() -> str:
        taken.append(1)
        await release.wait()
        return "seen"

    async def hurries(site: Site) -> list[Finding]:
        return [ok(await site.shared.look("slow", work))]

    async def waits(site: Site) -> list[Finding]:
        asyncio.get_running_loop().call_later(0.2, release.set)
        return [ok(await site.shared.look("slow", work))]

    async with doctored(tmp_path) as site:
        examined = await site.examined(a_check("hurries", hurries, 0.05), a_check("waits", waits))
    assert "no answer" in examined[0].findings[0].seen
    assert examined[1].findings == (ok("seen"),)
    assert taken == [1]


async def test_the_document_for_monitoring_has_every_finding_and_their_counts(
    tmp_path: Path,
) -> None:
    async with doctored(tmp_path) as site:
        site.change("rooms.example.org\naddress", "elsewhere.example.org\naddress")
        examined = await site.examined()
    shown = json.loads(json.dumps(document(examined, SystemClock().now())))
    assert shown["worst"] == "error"
    assert worst(examined) is Severity.ERROR
    assert sum(shown["counts"].values()) == len(shown["findings"])
    (routes,) = [one for one in shown["findings"] if one["severity"] == "error"]
    assert routes["check"] == "call_leg_routes"
    assert routes["subject"] == "domain elsewhere.example.org"
    told = {"check", "title", "area", "severity", "subject", "seen", "remedy", "command"}
    assert set(routes) == told


async def test_colours_are_for_terminals_and_remedies_stand_below(tmp_path: Path) -> None:
    async with doctored(tmp_path) as site:
        site.change("rooms.example.org\naddress", "elsewhere.example.org\naddress")
        examined = await site.examined()
    plain = text(examined, width=80, coloured=False)
    assert "\x1b" not in plain
    assert "\x1b[31;1mERROR" in text(examined, width=80, coloured=True)
    assert "          -> Web Admin, Configuration > Outbound calls" in plain
    assert plain.splitlines()[-1].startswith(f"{len(CHECKS)} checks: 1 error, ")
    assert max(map(len, plain.splitlines())) <= 80
