"""Answers of EWS: damaged anywhere they are errors, and never shorter lists."""

import pytest
from exchangelib.errors import (
    ErrorInvalidRequest,
    ErrorServerBusy,
    ResponseMessageError,
    SOAPError,
)
from exchangelib.services.common import EWSService
from exchangelib.util import DummyResponse
from lxml import etree

from cospaced.calendars.exchange import answers


SOAP = "http://schemas.xmlsoap.org/soap/envelope/"
TYPES = "http://schemas.microsoft.com/exchange/services/2006/types"
ITEMS = 12


def envelope(*subjects: str) -> bytes:
    items = "".join(
        f'<item><id Id="{n}"/><subject>{subject}</subject></item>'
        for n, subject in enumerate(subjects)
    )
    return (
        f'<?xml version="1.0" encoding="utf-8"?><s:Envelope xmlns:s="{SOAP}"><s:Header/>'
        f"<s:Body><items>{items}</items></s:Body></s:Envelope>"
    ).encode()


def subjects(content: bytes) -> list[str]:
    _, body = answers.parts(EWSService, DummyResponse(content=content))
    return [item.findtext("subject") or "" for item in body.iter("item")]


WHOLE = envelope(*(f"Größe {n}" for n in range(ITEMS)))


def test_an_answer_is_read_whole() -> None:
    assert subjects(WHOLE) == [f"Größe {n}" for n in range(ITEMS)]
    assert subjects(b"\r\n" + WHOLE + b"\r\n") == subjects(WHOLE)


def test_cut_at_any_byte_it_is_an_error() -> None:
    for end in range(len(WHOLE)):
        with pytest.raises(SOAPError):
            subjects(WHOLE[:end])


@pytest.mark.parametrize("size", [1, 7, 30])
def test_that_lost_a_part_of_its_middle_it_never_is_a_shorter_list(size: int) -> None:
    """A piece of a text may be lost unnoticed, but no item."""
    for start in range(WHOLE.index(b"<items>"), len(WHOLE) - size):
        try:
            found = subjects(WHOLE[:start] + WHOLE[start + size :])
        except SOAPError:
            continue
        assert len(found) == ITEMS


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("a\x00b", "a\ufffdb"),
        ("a\x07b", "a\ufffdb"),
        ("a\uffffb", "a\ufffdb"),
        ("a&#x1F;b", "a b"),
        ("a&#xB;b", "a b"),
        ("a&#0;b", "a\ufffdb"),
        ("a&#xD83D;b", "a\ufffdb"),
        ("a&#x110000;b", "a\ufffdb"),
        ("a&#x1F600;b &amp;#xD83D;", "a\U0001f600b &#xD83D;"),
        ("a\x07b &#xE9;&#233; &lt;", "a\ufffdb éé <"),
    ],
)
def test_a_character_that_no_xml_may_hold_costs_its_place_alone(written: str, read: str) -> None:
    assert subjects(envelope("one", written, "three")) == ["one", read, "three"]


def test_bytes_that_are_no_text_cost_their_place_alone() -> None:
    damaged = envelope("one", "a?b", "three").replace(b"a?b", b"a\xff\xed\xa0\x80b")
    assert subjects(damaged)[::2] == ["one", "three"]


def test_a_text_of_many_megabytes_hides_nothing_behind_it() -> None:
    assert len(subjects(envelope("one", "x" * 11_000_000, "three"))) == 3


@pytest.mark.parametrize(
    "content",
    [b"", b"  ", b"no markup", b"<html><body>Log in<br></body></html>", b"<html/>", b"\x00" * 99],
)
def test_what_is_no_envelope_is_told_as_that(content: bytes) -> None:
    with pytest.raises(SOAPError, match=r"no SOAP envelope|is empty"):
        subjects(content)


@pytest.mark.parametrize(
    ("value", "seconds"), [("300000", 300.0), ("1500", 1.5), ("soon", None), ("", None)]
)
def test_a_message_tells_for_how_long_to_leave_the_server_alone(
    value: str, seconds: float | None
) -> None:
    told = etree.fromstring(
        f'<x xmlns:t="{TYPES}"><t:Value Name="Other">9</t:Value>'
        f'<t:Value Name="BackOffMilliseconds">{value}</t:Value></x>'
    )
    error = answers.error_told("ErrorServerBusy", "Busy.", told)
    assert isinstance(error, ErrorServerBusy)
    assert error.back_off == seconds


def test_a_code_that_the_library_does_not_know_is_an_error_as_well() -> None:
    error = answers.error_told("ErrorSubscriptionUnsubscribed", "It was ended.")
    assert isinstance(error, ResponseMessageError)
    assert str(error) == "ErrorSubscriptionUnsubscribed: It was ended."


def test_an_error_without_a_text_is_told_by_its_code() -> None:
    told = etree.fromstring(f'<x xmlns:t="{TYPES}"><t:FieldURI FieldURI="item:Subject"/></x>')
    assert isinstance(answers.error_told("ErrorInvalidRequest", None, told), ErrorInvalidRequest)
