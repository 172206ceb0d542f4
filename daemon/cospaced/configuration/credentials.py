"""Secrets: from the file itself, from a file of their own, or from a systemd credential.

No sentence made here holds a secret's value.
"""

import stat
from collections.abc import Mapping
from pathlib import Path

from cospaced.configuration.findings import Findings
from cospaced.configuration.ini import Entry, Section
from cospaced.configuration.values import has_control
from cospaced.settings import Secret


_LARGEST = 64 * 1024


def credential_name(section: Section, key: str) -> str:
    """Return the name of the systemd credential for a key: `calendar.hq.password`."""
    return f"{section.title.replace(':', '.', 1)}.{key}"


def missing(section: Section, key: str, because: str = "") -> str:
    """Return the sentence that tells the three ways to give a secret."""
    return (
        f"is missing{because} (write {key} = …, or {key}_file = FILE, or give the unit the systemd "
        f"credential {credential_name(section, key)}, which only the service itself can see)"
    )


class Vault:
    """Finds the secrets of sections."""

    def __init__(self, environment: Mapping[str, str], findings: Findings) -> None:
        directory = environment.get("CREDENTIALS_DIRECTORY", "")
        self._directory = Path(directory) if directory else None
        self._findings = findings

    def find(self, section: Section, key: str) -> tuple[Secret | None, bool]:
        """Return one secret (None: given in no way) and whether it is sound.

        What is wrong has been told then.
        """
        credential = self._credential(section, key)
        literal, named = _filled(section, key), _filled(section, f"{key}_file")
        ways = {
            key: literal is not None,
            f"{key}_file": named is not None,
            f"the systemd credential {credential_name(section, key)}": credential is not None,
        }
        given = [way for way, is_given in ways.items() if is_given]
        if len(given) > 1:
            at = given[0] if named is None or literal is None else f"{key}_file"
            self._findings.key(section, at, f"{' and '.join(given)} are given (keep one of them)")
            return None, False
        if named is not None:
            return self._from_file(section, f"{key}_file", named.file.parent / named.value)
        if credential is not None:
            return self._from_file(section, key, credential)
        if literal is None:
            return None, True
        self._warn_of_readers(literal.file, "holds a secret")
        return Secret(literal.value), True

    def _credential(self, section: Section, key: str) -> Path | None:
        name = credential_name(section, key)
        if self._directory is None or "/" in name:
            return None
        file = self._directory / name
        try:
            return file if file.is_file() else None
        except OSError:
            return file  # reading it will tell why it cannot be read

    def _from_file(self, section: Section, key: str, file: Path) -> tuple[Secret | None, bool]:
        fault, value = _content(file)
        if fault:
            self._findings.key(section, key, fault)
            return None, False
        if key.endswith("_file"):
            self._warn_of_readers(file, "is a secret")
        return Secret(value), True

    def _warn_of_readers(self, file: Path, what: str) -> None:
        try:
            mode = file.stat().st_mode
        except OSError:
            return
        if mode & stat.S_IROTH:
            self._findings.warn(
                f"{file} {what} and every user of this machine can read it "
                f"(chown root:cospaced {file}; chmod 0640 {file})"
            )


def _filled(section: Section, key: str) -> Entry | None:
    entry = section.entry(key)
    return entry if entry and entry.value else None


def _content(file: Path) -> tuple[str, str]:
    """Return what is wrong with a file that holds one secret, and else the secret."""
    try:
        with file.open("rb") as stream:
            content = stream.read(_LARGEST)
        value = content.decode("utf-8").rstrip("\r\n")
    except UnicodeDecodeError:
        return f"{file} is not UTF-8 (save it as UTF-8)", ""
    except (OSError, ValueError) as error:
        reason = getattr(error, "strerror", None) or "no possible name of a file"
        return f"{file} cannot be read: {reason} (name a file that the service can read)", ""
    if not value:
        return f"{file} is empty (write the secret into it)", ""
    if has_control(value):
        return f"{file} holds more than one line or control characters (write one line)", ""
    return "", value
