"""What an answer of EWS says, read strictly; exchangelib forgives, and overlooks.

- It reads byte by byte, with a parser that takes an answer which a proxy cut short, or damaged in
  the middle, for a shorter list: `parts`.
- It hears only in a SOAP fault for how long a busy server asks to be left alone: `error_told`.
"""

import re
import sys
from typing import Any

import lxml.etree
import requests
from exchangelib.errors import ErrorServerBusy, EWSWarning, ResponseMessageError, SOAPError
from exchangelib.services.common import EWSService
from exchangelib.util import SOAPNS, TNS


_ENVELOPE = f"{{{SOAPNS}}}Envelope"
_ILLEGAL = re.compile("[^\t\n\r\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
"""Characters that no XML may hold (XML 1.0, section 2.2)."""
_REFERENCE = re.compile("&#(?:x([0-9a-fA-F]{1,8})|([0-9]{1,9}));")
_HEAD = 1000
_DIGITS = 9
"""Of a time; more than are meant."""
_told = EWSService._get_exception  # noqa: SLF001 - what it tells is only added to


class Truncated(SOAPError):  # type: ignore[misc] # exchangelib has no types
    """An answer that ends before its envelope does, or that lost a part of it."""


def parts(_: type[EWSService], response: requests.Response) -> tuple[Any, Any]:
    """Return header and body of an answer that is whole."""
    content = response.content.strip()
    if not content:
        raise Truncated("the answer is empty")
    root = _parsed(content)
    if root.tag != _ENVELOPE:
        raise SOAPError("the answer is no SOAP envelope")
    header, body = (root.find(f"{{{SOAPNS}}}{name}") for name in ("Header", "Body"))
    if body is None:
        raise SOAPError("the answer has no body")
    return header, body


def _parsed(content: bytes) -> Any:
    """Parse an answer; characters that XML may not hold are replaced, for a subject has some."""
    try:
        return _well_formed(content)
    except lxml.etree.XMLSyntaxError:
        text = _ILLEGAL.sub(lambda found: _fit(found[0]), content.decode(errors="replace"))
    try:
        return _well_formed(_REFERENCE.sub(_referred, text).encode())
    except lxml.etree.XMLSyntaxError as error:
        if b"Envelope" not in content[:_HEAD]:
            raise SOAPError("the answer is no SOAP envelope") from error
        raise Truncated("the answer breaks off before its end, or lacks a part of it") from error


def _well_formed(content: bytes) -> Any:
    # Without `huge_tree`, one text of more than 10 MB would be an error of the whole answer.
    parser = lxml.etree.XMLParser(resolve_entities=False, no_network=True, huge_tree=True)
    return lxml.etree.fromstring(content, parser)


def _referred(reference: re.Match[str]) -> str:
    """Return a reference to a character as it is, or what stands for one that XML may not hold."""
    hexadecimal, decimal = reference.groups()
    number = int(hexadecimal, 16) if hexadecimal else int(decimal)
    named = chr(number) if number <= sys.maxunicode else "\0"
    return _fit(named) if _ILLEGAL.match(named) else reference[0]


def _fit(character: str) -> str:
    """Return what `clean_text` makes of such a character, too."""
    return " " if character.isspace() else "\ufffd"


def error_told(code: str, text: str | None, msg_xml: Any = None, rule_errors: Any = None) -> Any:
    """Return the exception that a response message is; `back_off` in seconds, where it tells."""
    error = _told(code, text or "", msg_xml, rule_errors)
    if code and not isinstance(error, EWSWarning | ResponseMessageError):
        # It knows not every code; one that it does not know is an error of a message as well.
        return ResponseMessageError(f"{code}: {text or ''}")
    if isinstance(error, ErrorServerBusy) and msg_xml is not None:
        for value in msg_xml.iterfind(f"{{{TNS}}}Value"):
            if value.get("Name") == "BackOffMilliseconds" and (value.text or "").isdecimal():
                error.back_off = int(value.text[:_DIGITS]) / 1000
    return error
