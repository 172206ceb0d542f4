"""The words of a story: requests, answers, and how repetitions are folded."""

from cospaced.cms.requests import described
from cospaced.domain.booking import SpaceForm
from cospaced.domain.draft import Send
from cospaced.domain.writes import (
    CloseSpace,
    DialEndpoint,
    EndCall,
    OpenSpace,
    Outcome,
    Result,
    ShowMessage,
)
from cospaced.engine.dialogue import Dialogue


OPEN = Send(
    mark=("open",),
    write=OpenSpace(
        space="s1",
        form=SpaceForm(
            name="Redundancies",
            passcode="4711",
            secret="geheim",
            cdr_tag="b1",
            scheduler="ada@example.org",
        ),
    ),
    bridge="core1",
)
REQUEST = described(OPEN.write)
DONE = Outcome(result=Result.DONE, status=200)
SILENT = Outcome(result=Result.UNKNOWN, reason="no answer within 10 s")
UNSENT = Outcome(result=Result.UNKNOWN, reason="no Call Bridge answers", sent=False)
BUSY = Outcome(result=Result.UNKNOWN, reason="busy", status=503)
REFUSED = Outcome(result=Result.REFUSED, reason="coSpaceDoesNotExist", status=400)


def test_a_request_is_told_as_a_trace_shows_it_but_for_what_is_secret_or_somebodys() -> None:
    assert REQUEST == (
        "PUT /api/v1/coSpaces/s1 nonMemberAccess=true passcode name secret cdrTag=b1 "
        "meetingScheduler"
    )
    assert described(CloseSpace(space="s1", name="cospaced_1")) == (
        "PUT /api/v1/coSpaces/s1 nonMemberAccess=false passcode name regenerateSecret=true "
        "cdrTag= meetingScheduler"
    )
    dialled = DialEndpoint(
        call="c1", endpoint="a@r.example", owner_id="o1", dtmf="4711#", bandwidth=4000000
    )
    assert described(dialled) == (
        "POST /api/v1/calls/c1/callLegs remoteParty=a@r.example confirmation=false ownerId=o1 "
        "dtmfSequence bandwidth=4000000"
    )
    assert described(EndCall(call="c1")) == "DELETE /api/v1/calls/c1"
    assert "messageText=It ends." in described(ShowMessage(call="c1", text="It ends."))
    assert described(EndCall(call="..")).startswith("no request: ")


def test_each_kind_of_answer_has_its_words() -> None:
    made = Outcome(result=Result.DONE, id="l1", status=200)
    gone = Outcome(result=Result.DONE, reason="callDoesNotExist", status=400)
    assert [
        Dialogue().answered(OPEN, REQUEST, one, 12)[0][1]
        for one in (DONE, made, gone, REFUSED, SILENT, BUSY, UNSENT)
    ] == [
        "set up the space: 200 from core1, after 12 ms",
        "set up the space: 200 from core1, Location id l1, after 12 ms",
        "set up the space: 400 from core1 (callDoesNotExist), after 12 ms",
        "set up the space: refused, 400 from core1: coSpaceDoesNotExist, after 12 ms",
        "set up the space: no answer from core1: no answer within 10 s, after 12 ms",
        "set up the space: 503 from core1: busy, after 12 ms",
        "set up the space: not sent: no Call Bridge answers, after 12 ms",
    ]


def test_a_request_that_is_repeated_in_vain_is_told_once_and_then_counted() -> None:
    talk = Dialogue()
    lines = []
    for outcome in (*[UNSENT] * 40, *[BUSY] * 20, DONE, DONE):
        lines += talk.asked(OPEN, REQUEST)
        lines += talk.answered(OPEN, REQUEST, outcome, 1)
    assert lines == [
        ("asked", f"set up the space: {REQUEST}"),
        ("answered", "set up the space: not sent: no Call Bridge answers, after 1 ms"),
        ("answered", "set up the space (asked 41 times): 503 from core1: busy, after 1 ms"),
        ("answered", "set up the space (asked 21 times): 200 from core1, after 1 ms"),
        ("asked", f"set up the space: {REQUEST}"),
        ("answered", "set up the space: 200 from core1, after 1 ms"),
    ]


def test_another_request_for_the_same_purpose_is_told_anew() -> None:
    talk = Dialogue()
    talk.answered(OPEN, REQUEST, SILENT, 1)
    assert talk.asked(OPEN, "another") == [("asked", "set up the space: another")]
    assert talk.answered(OPEN, "another", SILENT, 1)
