"""Runs every check at once, each with its deadline; none can cost the others theirs."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass

import structlog

from cospaced.doctor import (
    alarms,
    balancing,
    call_bridges,
    call_leg_routes,
    certificates,
    clock,
    clock_offsets,
    cluster,
    configuration,
    control,
    database,
    events,
    exchange_limits,
    exchange_online,
    graph_consent,
    invitations,
    journal,
    licences,
    load,
    pool,
    reading,
    rights,
    room_mailboxes,
    rooms,
    sizing,
    space_routes,
    state_dir,
    state_file,
    time_zones,
    unit,
    urllib3,
    versions,
    web_bridge,
    write_access,
)
from cospaced.doctor import site_key as site_key_check
from cospaced.doctor.base import Check, Finding, Severity, split_fault
from cospaced.doctor.site import Site
from cospaced.errors import CospacedError


log = structlog.get_logger()

CHECKS: tuple[Check, ...] = tuple(
    module.CHECK
    for module in (
        configuration,
        rooms,
        invitations,
        state_dir,
        site_key_check,
        state_file,
        rights,
        unit,
        control,
        journal,
        clock,
        clock_offsets,
        time_zones,
        reading,
        events,
        room_mailboxes,
        exchange_online,
        exchange_limits,
        graph_consent,
        call_bridges,
        cluster,
        write_access,
        certificates,
        alarms,
        database,
        licences,
        load,
        balancing,
        pool,
        sizing,
        space_routes,
        call_leg_routes,
        web_bridge,
        urllib3,
        versions,
    )
)
"""Every check, in the order in which they are shown; checks of one area stand together."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Examined:
    """One check and what it found."""

    check: Check
    findings: tuple[Finding, ...]


async def examine(site: Site, checks: Sequence[Check] = CHECKS) -> tuple[Examined, ...]:
    """Run the checks and return what they found, in their order; takes the longest deadline."""
    async with asyncio.TaskGroup() as tasks:
        under_way = [tasks.create_task(_examined(check, site), name=check.slug) for check in checks]
    return tuple(task.result() for task in under_way)


async def _examined(check: Check, site: Site) -> Examined:
    try:
        async with asyncio.timeout(check.deadline):
            findings = tuple(await check.look(site))
    except TimeoutError:
        findings = (_failed(f"no answer within {check.deadline:g} s"),)
    except CospacedError as error:
        findings = (_failed(*split_fault(str(error))),)
    except Exception as error:
        # Broad on purpose: a fault in one check must not cost the others.
        log.exception("doctor.check_failed", reason=check.slug)
        seen = f"the check itself failed ({type(error).__name__}: {error})"
        findings = (_failed(seen, "report this as a fault of cospaced"),)
    return Examined(check=check, findings=findings)


def _failed(seen: str, remedy: str = "") -> Finding:
    remedy = remedy or "run it again; if it stays so, see the other findings and the journal"
    return Finding(severity=Severity.WARNING, seen=seen, remedy=remedy)
