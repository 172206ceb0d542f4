"""XML, failure reasons and records: what CMS says, and what is made of it."""

from datetime import UTC, datetime

import pytest

from cospaced.cms import records
from cospaced.cms.codec import LIMIT, MalformedAnswer, parse
from cospaced.cms.errors import is_missing, reasons, refusal
from cospaced.domain.seen import LegState, SeenCall, SeenLeg, SeenSpace, SpaceSummary


PROLOG = b'<?xml version="1.0"?>'


@pytest.mark.parametrize(
    "body",
    [
        PROLOG + b"<calls total='0'></calls>",
        b"<calls total='0'/>",
        b"\xef\xbb\xbf<calls total='0' />\n",
        b"\n<calls total='0'></calls>",
    ],
)
def test_a_prolog_an_empty_element_and_a_line_more_or_less_do_not_matter(body: bytes) -> None:
    root = parse(body)
    assert root.tag == "calls"
    assert root.get("total") == "0"


def test_bytes_without_a_charset_are_utf_8() -> None:
    assert parse("<a><name>Größe 会議</name></a>".encode()).findtext("name") == "Größe 会議"


def test_one_name_that_is_no_utf_8_or_has_control_characters_does_not_hide_the_rest() -> None:
    root = parse(b"<a><name>Gr\xf6\xdfe\x0b</name><b>1</b></a>")
    assert root.findtext("name") == "Gr\ufffd\ufffde\ufffd"
    assert root.findtext("b") == "1"


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"  \n",
        b"<html><body><br>Log in</body></html>",
        b"<calls total='1'><call id='x'>",
        b"{}",
        b"\x00\x01",
        b"\xff\xfe",
        b'<?xml version="1.0" encoding="nonsense"?><a/>',
        b'<?xml version="1.0" encoding="utf-7"?><a/>',
        b'<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>',
        b'<!DOCTYPE a SYSTEM "http://x/y"><a/>',
        b"<a>&unknown;</a>",
        b"<a/><b/>",
        b"<" * 1000,
        b"x" * (LIMIT + 1),
    ],
)
def test_what_is_not_the_xml_of_cms_is_told_as_such_and_as_nothing_else(body: bytes) -> None:
    with pytest.raises(MalformedAnswer):
        parse(body)


def test_deeply_nested_xml_is_no_danger() -> None:
    depth = 100_000
    assert parse(b"<a>" * depth + b"</a>" * depth).tag == "a"


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        (b"<failureDetails><callDoesNotExist /></failureDetails>", ("callDoesNotExist",)),
        (
            PROLOG
            + b"<failureDetails><duplicateCoSpaceUri/><duplicateCoSpaceId></duplicateCoSpaceId>"
            b"</failureDetails>",
            ("duplicateCoSpaceUri", "duplicateCoSpaceId"),
        ),
        (
            (
                b'<failureDetails><parameterError parameter="streamUrl" error="invalidValue" />'
                b"</failureDetails>"
            ),
            ("parameterError streamUrl invalidValue",),
        ),
        (b"<failureDetails><unrecognizedObject /></failureDetails>", ("unrecognisedObject",)),
        (b"<failureDetails><unrecognisedObject /></failureDetails>", ("unrecognisedObject",)),
        (b"<failureDetails></failureDetails>", ()),
        (b"<failureDetails><callDoesNotExist />", ()),
        (b"<html>failureDetails</html>", ()),
        (b"", ()),
    ],
)
def test_failure_reasons_are_read_in_order_and_in_one_spelling(
    body: bytes, expected: tuple[str, ...]
) -> None:
    assert reasons(body) == expected


def test_a_refusal_without_a_reason_is_called_by_its_status() -> None:
    assert refusal(400, ()) == "status 400"
    assert refusal(400, ("a", "b")) == "a, b"


@pytest.mark.parametrize(
    ("status", "body", "missing"),
    [
        (400, b"<failureDetails><callLegDoesNotExist /></failureDetails>", True),
        (404, b"<failureDetails><coSpaceDoesNotExist /></failureDetails>", True),
        (400, b"<failureDetails><unrecognizedObject /></failureDetails>", True),
        (404, b"", True),
        (400, b"", False),
        (404, b"<html>proxy</html>", False),
        (404, b"<failureDetails><databaseNotReady /></failureDetails>", False),
    ],
)
def test_the_reason_says_whether_something_does_not_exist_and_the_status_comes_second(
    status: int, body: bytes, missing: bool
) -> None:
    assert is_missing(status, body, reasons(body)) is missing


def test_a_status_tells_version_uptime_and_time() -> None:
    seen = records.status(
        parse(
            b"<status><softwareVersion>2.0(RC)</softwareVersion><uptimeSeconds>333717"
            b"</uptimeSeconds><cdrTime>2016-07-26T14:08:19Z</cdrTime></status>"
        )
    )
    assert (seen.version, seen.uptime) == ("2.0(RC)", 333717)
    assert seen.cdr_time == datetime(2016, 7, 26, 14, 8, 19, tzinfo=UTC)


def test_a_status_without_an_uptime_is_none_for_it_would_look_like_a_restart() -> None:
    with pytest.raises(MalformedAnswer):
        records.status(parse(b"<status><softwareVersion>3</softwareVersion></status>"))


def test_a_status_with_a_strange_time_is_read_without_it() -> None:
    seen = records.status(
        parse(b"<status><uptimeSeconds>5</uptimeSeconds><cdrTime>noon</cdrTime></status>")
    )
    assert seen.cdr_time is None


def test_a_listed_space_keeps_its_call_id_as_text() -> None:
    entry = parse(
        b'<coSpace id="s"><name>It&apos;s</name><autoGenerated>true</autoGenerated>'
        b"<uri>u</uri><callId>020710167</callId></coSpace>"
    )
    assert records.space_summary(entry) == SpaceSummary(
        id="s", name="It's", uri="u", call_id="020710167", auto_generated=True
    )


def test_a_single_space_shows_what_the_list_does_not() -> None:
    entry = parse(
        b'<coSpace id="s"><name>n</name><autoGenerated>false</autoGenerated><uri>5</uri>'
        b"<callId>5</callId><callProfile>p</callProfile><callLegProfile>l</callLegProfile>"
        b"<passcode>12</passcode><nonMemberAccess>false</nonMemberAccess><cdrTag>b</cdrTag>"
        b"<numAccessMethods>2</numAccessMethods><ownerId></ownerId><ownerJid>a@x</ownerJid>"
        b"<secret>q</secret><meetingScheduler>m</meetingScheduler><new>?</new></coSpace>"
    )
    assert records.space(entry) == SeenSpace(
        id="s",
        name="n",
        uri="5",
        call_id="5",
        non_member_access=False,
        passcode="12",
        secret="q",
        cdr_tag="b",
        scheduler="m",
        owner="a@x",
        access_methods=2,
        call_profile="p",
        call_leg_profile="l",
    )


def test_a_space_that_says_nothing_of_access_is_open_as_is_the_default() -> None:
    assert records.space(parse(b'<coSpace id="s"/>')) == SeenSpace(id="s", name="")


def test_a_listed_call_knows_its_bridge_space_and_correlator() -> None:
    entry = parse(
        b'<call id="c"><name>n</name><coSpace>s</coSpace><callCorrelator>k</callCorrelator></call>'
    )
    assert records.call("b1", entry) == SeenCall(
        bridge="b1", id="c", space="s", correlator="k", name="n"
    )


def test_a_leg_has_its_owner_in_the_configuration_and_its_state_in_the_status() -> None:
    entry = parse(
        b'<callLeg id="l"><name></name><remoteParty>a@x;x-cisco-number=1</remoteParty>'
        b"<call>c</call><type>sip</type><subType>distributionLink</subType>"
        b"<direction>incoming</direction><configuration><ownerId>o</ownerId></configuration>"
        b"<status><state>connected</state><direction>incoming</direction></status></callLeg>"
    )
    assert records.leg("b1", entry) == SeenLeg(
        bridge="b1",
        id="l",
        call="c",
        remote_party="a@x;x-cisco-number=1",
        incoming=True,
        state=LegState.CONNECTED,
        owner_id="o",
        subtype="distributionLink",
    )


def test_a_leg_in_a_state_that_nobody_knows_has_none() -> None:
    entry = parse(b'<callLeg id="l"><status><state>levitating</state></status></callLeg>')
    assert records.leg("b1", entry).state is None


def test_a_parameter_set_keeps_its_mappings_raw() -> None:
    entry = parse(
        b'<cospaceBulkParameterSet id="p"><startIndex>1</startIndex><endIndex>5</endIndex>'
        b"<coSpaceUriMapping>$index$</coSpaceUriMapping></cospaceBulkParameterSet>"
    )
    seen = records.parameter_set(entry)
    assert (seen.start, seen.end, seen.uri_mapping) == (1, 5, "$index$")
