"""Makes Settings of the configuration file, or tells everything that is wrong with it."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from cospaced.configuration import room_rules, rules
from cospaced.configuration.checking import Part, check, source_type
from cospaced.configuration.credentials import Vault
from cospaced.configuration.findings import Findings
from cospaced.configuration.ini import Section
from cospaced.configuration.keys import arguments, needed
from cospaced.configuration.schema import SINGLE
from cospaced.configuration.sources import gather
from cospaced.configuration.zones import machine_zone
from cospaced.errors import ConfigurationError
from cospaced.settings import (
    BridgeSettings,
    CalendarSettings,
    CmsSettings,
    ConferenceSettings,
    DaemonSettings,
    PoolSettings,
    RoomSettings,
    Settings,
)


def load(file: Path, *, environment: Mapping[str, str]) -> Settings:
    """Read the configuration.

    `environment` tells TZ and CREDENTIALS_DIRECTORY. Raises ConfigurationError with every problem
    of every file, in the order of files and lines. Blocks on small files; ask Offload for it
    where a loop runs.
    """
    findings = Findings()
    sections = gather(file, findings)
    if sections or not findings.in_order():
        _tell_missing_sections(sections, findings)
    parts = _Parts(sections, Vault(environment, findings), findings)
    parts.tell_rules()
    problems = findings.in_order()
    if problems:
        raise ConfigurationError(problems)
    settings = _with_zone(parts.settings(file), environment, findings)
    return replace(settings, warnings=tuple(findings.warnings))


def _with_zone(settings: Settings, environment: Mapping[str, str], findings: Findings) -> Settings:
    """Put the machine's zone where the file names none."""
    if settings.daemon.time_zone:
        return settings
    zone = machine_zone(environment)
    if zone is None:
        zone = DaemonSettings().time_zone
        findings.warn(
            f"{settings.file}: the machine does not say its time zone, so floating times count as "
            f"{zone} (write [daemon] time_zone = Europe/Berlin, or what it is)"
        )
    return replace(settings, daemon=replace(settings.daemon, time_zone=zone))


def _tell_missing_sections(sections: Sequence[Section], findings: Findings) -> None:
    kinds = [section.kind for section in sections]
    for kind, keys in SINGLE.items():
        if needed(keys) and kind not in kinds:
            findings.absent(
                kind, f"the section is missing (write [{kind}] with {', '.join(needed(keys))})"
            )


class _Parts:
    """All sections, checked one by one."""

    def __init__(self, sections: Sequence[Section], vault: Vault, findings: Findings) -> None:
        self._findings = findings
        self._parts = [check(section, vault, findings) for section in sections]

    def tell_rules(self) -> None:
        """Tell what is wrong between keys and between sections, and warn."""
        for part in self._parts:
            if part.section.kind == "daemon":
                rules.daemon(part, self._findings)
            elif part.section.kind == "pool":
                rules.pool(part, self._findings)
            elif part.section.kind == "cms":
                rules.trust(part, self._findings)
            elif part.section.kind == "calendar":
                rules.trust(part, self._findings)
                rules.calendar(part, source_type(part.section), self._findings)
        rooms, calendars = self._all("room"), self._calendars()
        room_rules.rooms(rooms, calendars, self._single("pool"), self._findings)
        conferences = self._single("conferences")
        default = ConferenceSettings().min_rooms
        min_rooms = conferences.value("min_rooms") if conferences else default
        room_rules.counts(rooms, calendars, min_rooms, self._findings)

    def settings(self, file: Path) -> Settings:
        """Make the settings, without a zone where none is named; only where all is sound."""
        daemon = {"time_zone": ""} | self._arguments("daemon")
        bridges = tuple(
            BridgeSettings(name=part.section.name, **arguments(part.model))
            for part in self._all("bridge")
        )
        calendars = self._calendars()
        return Settings(
            file=file,
            daemon=DaemonSettings(**daemon),
            cms=CmsSettings(bridges=bridges, **self._arguments("cms")),
            pool=PoolSettings(**self._arguments("pool")),
            conferences=ConferenceSettings(**self._arguments("conferences")),
            calendars=tuple(
                CalendarSettings(name=part.section.name, **arguments(part.model))
                for part in self._all("calendar")
            ),
            rooms=tuple(_room(part, calendars) for part in self._all("room")),
        )

    def _all(self, kind: str) -> list[Part]:
        return [part for part in self._parts if part.section.kind == kind]

    def _single(self, kind: str) -> Part | None:
        return next(iter(self._all(kind)), None)

    def _calendars(self) -> dict[str, Part]:
        return {part.section.name: part for part in self._all("calendar")}

    def _arguments(self, kind: str) -> dict[str, Any]:
        part = self._single(kind)
        return arguments(part.model) if part else {}


def _room(part: Part, calendars: Mapping[str, Part]) -> RoomSettings:
    url = room_rules.joined_url(part, calendars[part.value("calendar")])
    return RoomSettings(name=part.section.name, **(arguments(part.model) | {"url": url}))
