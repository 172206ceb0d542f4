"""Form bodies out, XML in; shapes only, no meaning.

CMS sends XML with a prolog or without, empty elements in both spellings, and UTF-8 without saying
so; forms are read with `+` as a space and need no more escaping than that of the separators.
"""

import re
from collections.abc import Iterable
from urllib.parse import quote, urlencode
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

from cospaced.errors import CospacedError


LIMIT = 4_000_000
"""Bytes of one answer; a list page of CMS has a few thousand."""

Fields = tuple[tuple[str, str], ...]

_UNPRINTABLE = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]")


class MalformedAnswer(CospacedError):
    """A body is not the XML that CMS speaks; the text says what it is instead."""


def parse(body: bytes) -> Element:
    """Return the root element of an answer.

    Bytes that are no UTF-8 and control characters, which XML forbids, become replacement
    characters: one odd name must not hide a whole list. Raises MalformedAnswer only.
    """
    if len(body) > LIMIT:
        raise MalformedAnswer(f"an answer of {len(body)} bytes")
    if not body.strip():
        raise MalformedAnswer("an empty answer")
    try:
        return _root(body)
    except ParseError as error:
        mended = _UNPRINTABLE.sub("\ufffd", body.decode("utf-8", "replace")).encode()
        if mended == body:
            raise MalformedAnswer(f"no XML ({error}): {_beginning(body)}") from error
    try:
        return _root(mended)
    except ParseError as error:
        raise MalformedAnswer(f"no XML ({error}): {_beginning(body)}") from error


def _root(body: bytes) -> Element:
    try:
        root: Element = fromstring(body, forbid_dtd=True)
    except DefusedXmlException as error:
        raise MalformedAnswer("XML with a document type or entities, which CMS never sends") from (
            error
        )
    except (ValueError, LookupError) as error:
        # An encoding that Python or expat does not know.
        raise MalformedAnswer(f"no XML ({error})") from error
    return root


def _beginning(body: bytes) -> str:
    return ascii(body[:40].decode("utf-8", "replace"))


def looks_like_page(body: bytes) -> bool:
    """Whether a body is a page for people, as proxies and log-in forms send them."""
    start = body[:200].lstrip().lower()
    return start.startswith((b"<!doctype html", b"<html"))


def text(element: Element, path: str) -> str:
    """Return the text of a descendant, empty where it is absent or empty."""
    return element.findtext(path) or ""


def flag(element: Element, path: str, *, default: bool) -> bool:
    """Return a boolean element; `default` where it is absent, empty or no boolean."""
    return {"true": True, "false": False}.get(text(element, path).strip().lower(), default)


def number(value: str | None) -> int | None:
    """Return a whole number, None where the text is none."""
    try:
        return int(value or "")
    except ValueError:
        return None


def encode_form(fields: Iterable[tuple[str, str]]) -> bytes:
    """Return an application/x-www-form-urlencoded body in UTF-8, as short as TMS writes it.

    Half a surrogate pair, which is no text, goes as `?`: a write must not fail for it.
    """
    form = urlencode(list(fields), safe="$@:/,*", encoding="utf-8", errors="replace")
    return form.encode("ascii")


def quoted(identity: str) -> str:
    """Return an id as one path element.

    Raises ValueError for what is no id: an empty one would address the whole collection, and dots
    the one above it.
    """
    if not identity.strip("."):
        raise ValueError(f"{identity!r} is no id of an object of CMS")
    return quote(identity, safe="")
