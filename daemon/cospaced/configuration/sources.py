"""Gathers the sections of the main file and of the files it includes."""

import glob
import os.path
from dataclasses import replace
from pathlib import Path

from cospaced.configuration.findings import Findings
from cospaced.configuration.ini import Entry, Section, read
from cospaced.configuration.schema import MAIN_FILE_ONLY, NAMED, SINGLE
from cospaced.configuration.values import closest, has_control


def gather(file: Path, findings: Findings) -> tuple[Section, ...]:
    """Return the known sections of all files, each title once, the main file's first."""
    sections = _known(_sections_of(file, findings), findings)
    main = _merged(sections, findings)
    daemon = next((section for section in main if section.kind == "daemon"), None)
    include = daemon.entry("include") if daemon else None
    if daemon is None or include is None or not include.value:
        return main
    more: list[Section] = []
    for included in _matches(daemon, include):
        more.extend(_allowed(_known(_sections_of(included, findings), findings), file, findings))
    return _merged((*main, *more), findings)


def files_of(file: Path) -> tuple[tuple[Path, ...], tuple[Path, ...]]:
    """Return every file that a configuration is read from, and those that hold a secret each.

    Of a file with problems, as many as could be found.
    """
    findings = Findings()
    sections = gather(file, findings)
    named = [
        entry.file.parent / entry.value
        for section in sections
        for entry in section.entries
        if entry.key in ("password_file", "client_secret_file") and entry.value
    ]
    return tuple(map(Path, findings.files)), tuple(dict.fromkeys(named))


def _sections_of(file: Path, findings: Findings) -> tuple[Section, ...]:
    findings.files.append(str(file))
    content = read(file)
    findings.add(*content.problems)
    return content.sections


def _matches(daemon: Section, include: Entry) -> tuple[Path, ...]:
    folder = include.file.parent
    pattern = include.value
    if has_control(pattern):
        return ()
    if not Path(pattern).is_absolute():
        pattern = str(Path(glob.escape(str(folder))) / pattern)
    if not glob.has_magic(include.value):
        return (Path(folder / include.value),)
    # Path.glob takes no absolute pattern, and would find hidden files.
    found = [Path(match) for match in sorted(glob.glob(pattern))]  # noqa: PTH207
    return tuple(match for match in found if _is_file(match) and not _same(match, daemon.file))


def _same(one: Path, other: Path) -> bool:
    return os.path.realpath(one) == os.path.realpath(other)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except OSError:
        return True  # reading it will tell why it cannot be read


def _known(sections: tuple[Section, ...], findings: Findings) -> tuple[Section, ...]:
    known = []
    for section in sections:
        fault = _fault_of_title(section)
        if fault:
            findings.section(section, fault)
        else:
            known.append(section)
    return tuple(known)


def _fault_of_title(section: Section) -> str:
    if section.kind in SINGLE:
        return f"takes no name (write [{section.kind}])" if section.name else ""
    if section.kind in NAMED:
        return "" if section.name else f"has no name (write [{section.kind}:NAME])"
    forms = [f"[{kind}]" for kind in SINGLE] + [f"[{kind}:NAME]" for kind in NAMED]
    meant = closest(section.kind, [*SINGLE, *NAMED])
    if meant is None:
        return f"is no section of this file (write one of {', '.join(forms)})"
    title = f"{meant}:{section.name or 'NAME'}" if meant in NAMED else meant
    return f"is no section of this file (write [{title}])"


def _allowed(sections: tuple[Section, ...], main: Path, findings: Findings) -> tuple[Section, ...]:
    for section in sections:
        if section.kind in MAIN_FILE_ONLY:
            findings.section(
                section,
                "may not stand in an included file, where only calendars and rooms may "
                f"(move it to {main})",
            )
    return tuple(section for section in sections if section.kind not in MAIN_FILE_ONLY)


def _merged(sections: tuple[Section, ...], findings: Findings) -> tuple[Section, ...]:
    """Tell duplicates, and join them so that nothing else is told of their two halves."""
    merged: dict[str, Section] = {}
    for section in sections:
        first = merged.get(section.title)
        if first is None:
            merged[section.title] = section
            continue
        where = f"line {first.line}" if first.file == section.file else f"{first.file}:{first.line}"
        findings.section(section, f"stands twice, first in {where} (join the two or rename one)")
        merged[section.title] = _joined(first, section, findings)
    return tuple(merged.values())


def _joined(first: Section, second: Section, findings: Findings) -> Section:
    new = []
    for entry in second.entries:
        known = first.entry(entry.key)
        if known is None:
            new.append(entry)
        elif known.value != entry.value:
            where = f"{known.file}:{known.line}"
            findings.key(second, entry.key, f"is given twice, first in {where} (keep one)")
    return replace(first, entries=(*first.entries, *new))
