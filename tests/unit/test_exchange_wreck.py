"""Answers of the simulated Exchange that are cut in two, as they go over the wire."""

from http import HTTPStatus

import pytest

from cospaced.exchange_simulator.faults import Fault, Rule
from cospaced.exchange_simulator.service import Reply
from cospaced.exchange_simulator.wreck import torn


REPLY = Reply(status=HTTPStatus.OK, body="0123456789")


@pytest.mark.parametrize(
    ("fault", "headers", "body"),
    [
        (Fault.TRUNCATED_UNTIL_CLOSE, [b"Connection: close"], b"01234"),
        (Fault.TRUNCATED_LENGTH, [b"Content-Length: 10"], b"01234"),
        (Fault.TRUNCATED_CHUNKED, [b"Transfer-Encoding: chunked"], b"5\r\n01234\r\n"),
    ],
)
def test_a_cut_answer_is_framed_as_the_fault_says(
    fault: Fault, headers: list[bytes], body: bytes
) -> None:
    raw = torn(Rule(fault=fault, keep=0.5), REPLY)
    assert raw is not None
    head, _, sent = raw.partition(b"\r\n\r\n")
    status, kind, *framing = head.split(b"\r\n")
    assert (status, kind) == (b"HTTP/1.1 200 OK", b"Content-Type: text/xml; charset=utf-8")
    assert framing == headers
    assert sent == body


def test_other_faults_cut_nothing() -> None:
    assert torn(Rule(fault=Fault.SLOW), REPLY) is None
