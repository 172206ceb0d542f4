"""Collects problems and warnings while a configuration is looked at."""

from cospaced.configuration.ini import Section
from cospaced.errors import Problem


class Findings:
    """Everything found so far; `files` are the names of the files read, the main one first."""

    def __init__(self) -> None:
        self.files: list[str] = []
        self.warnings: list[str] = []
        self._problems: list[Problem] = []

    def add(self, *problems: Problem) -> None:
        """Take problems as they are."""
        self._problems.extend(problems)

    def section(self, section: Section, text: str) -> None:
        """Tell a problem of a whole section, at its header."""
        self.add(
            Problem(
                file=str(section.file), line=section.line, section=section.title, key="", text=text
            )
        )

    def key(self, section: Section, key: str, text: str) -> None:
        """Tell a problem of one key, at its line; at the section's header where it is missing."""
        entry = section.entry(key)
        file, line = (entry.file, entry.line) if entry else (section.file, section.line)
        self.add(Problem(file=str(file), line=line, section=section.title, key=key, text=text))

    def absent(self, title: str, text: str) -> None:
        """Tell that a section is missing from the main file."""
        self.add(Problem(file=self.files[0], line=0, section=title, key="", text=text))

    def warn(self, text: str) -> None:
        """Keep a sentence that every start logs, once."""
        if text not in self.warnings:
            self.warnings.append(text)

    def in_order(self) -> tuple[Problem, ...]:
        """Return the problems by file as read, then by line."""
        place = {file: index for index, file in enumerate(self.files)}
        return tuple(sorted(self._problems, key=lambda p: (place.get(p.file, len(place)), p.line)))
