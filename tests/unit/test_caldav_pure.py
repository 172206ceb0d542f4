"""CalDAV without a server: spellings of hrefs, tokens, 207 answers, and what a reading keeps."""

import zlib
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from lxml import etree

from cospaced.calendars.caldav import entries, multistatus, quirks
from cospaced.calendars.caldav.entries import Entry
from cospaced.calendars.caldav.jobs import CaldavStamp, Member
from cospaced.errors import CalendarError
from support.ical import calendar, event


BASE = "https://dav.example.org/rooms/aula/"
AT = datetime(2026, 11, 24, 8, 0, tzinfo=UTC)
SECONDS = int(AT.timestamp())
TIMES = ("DTSTART:20261124T100000Z", "DTEND:20261124T110000Z")


@given(st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/?#")))
def test_a_name_has_one_key_however_it_is_escaped(name: str):
    escaped = quote(f"a{name}")
    key = quirks.key(BASE, escaped)
    assert key == f"/rooms/aula/{quote(f'a{name}', safe=quirks._SAFE)}"
    assert quirks.key(BASE, key) == key
    assert quirks.key(BASE, quote(f"a{name}", safe="")) == key


@pytest.mark.parametrize(
    ("href", "key"),
    [
        ("one.ics", "/rooms/aula/one.ics"),
        ("/rooms/aula/one.ics", "/rooms/aula/one.ics"),
        ("https://dav.example.org:443/x%20y", "/x%20y"),
        ("//dav.example.org/x", "/x"),
        ("/a%2fb", "/a%2Fb"),
        ("/a;b;", "/a;b;"),
        ("  /x.ics\n", "/x.ics"),
        ("/a?b#c.ics", "/a%3Fb%23c.ics"),
        ("c:d.ics", "/rooms/aula/c:d.ics"),
        ("urn:uuid:1.ics", "/rooms/aula/urn:uuid:1.ics"),
    ],
)
def test_an_href_leads_to_its_path(href: str, key: str):
    assert quirks.key(BASE, href) == key


@pytest.mark.parametrize(
    "href", ["https://other.example.org/x", "https://dav.example.org:8443/x", "http://[x"]
)
def test_an_href_of_another_host_is_refused(href: str):
    with pytest.raises(CalendarError) as caught:
        quirks.absolute(BASE, href)
    assert caught.value.kind == "redirect"
    assert "dav.example.org" in str(caught.value)


def test_an_address_never_leaves_tls():
    assert quirks.absolute(BASE, "http://dav.example.org/x") == "https://dav.example.org/x"


def test_a_redirect_may_lead_into_tls_and_to_another_path_of_the_host():
    there = quirks.followed("http://dav.example.org/x", "https://dav.example.org/y%7e/")
    assert there == "https://dav.example.org/y~/"
    assert quirks.followed(BASE, "/z/") == "https://dav.example.org/z/"


@pytest.mark.parametrize(
    "location",
    [
        "http://dav.example.org/x",
        "https://other.example.org/x",
        "https://dav.example.org:8443/x",
        "ftp://dav.example.org/x",
        "http://[x",
        "",
    ],
)
def test_a_redirect_out_of_tls_or_to_another_host_is_refused(location: str):
    with pytest.raises(CalendarError) as caught:
        quirks.followed(BASE, location)
    assert caught.value.kind == "redirect"


LATIN = b'<?xml version="1.0" encoding="ISO-8859-1"?><a>\xfc</a>'


@pytest.mark.parametrize(
    ("body", "read"),
    [
        (b"a\x00\x0b\x1fb\t\r\n", b"ab\t\r\n"),
        (b"a&#11;&#x0B;&#0;&#31;b&#9;&#xD;&#32;&#x1F600;", b"ab&#9;&#xD;&#32;&#x1F600;"),
        (
            b"a&#65535;&#xFFFE;&#55296;&#57343;&#xD800;&#xdfff;b&#55295;&#57344;&#xE000;",
            b"ab&#55295;&#57344;&#xE000;",
        ),
        ("a\uffff\ufffeü\U0001f600".encode(), "aü\U0001f600".encode()),
        (b"B\xfcro", "B\ufffdro".encode()),
        (b"<?xml encoding='utf-8'?>\xfc\x01", "<?xml encoding='utf-8'?>\ufffd".encode()),
        (LATIN, LATIN),
        ("<a>ü</a>".encode("utf-16"), "<a>ü</a>".encode("utf-16")),
    ],
    ids=lambda value: repr(value)[:30],
)
def test_an_answer_is_read_without_what_xml_does_not_allow(body: bytes, read: bytes):
    assert quirks.legible(body) == read


@pytest.mark.parametrize(
    ("token", "young"),
    [
        (str(SECONDS), True),
        (f"http://sogo.nu/ns/sync/{SECONDS - 1}", True),
        (f"{SECONDS}.25", True),
        (str(SECONDS - 2), False),
        (str(SECONDS + 60), False),
        (f"1{SECONDS}", False),
        ("http://radicale.org/ns/sync/0badc0ffee", False),
        ("42", False),
        ("", False),
    ],
)
def test_a_token_is_young_while_its_second_may_not_be_over(token: str, young: bool):
    assert quirks.is_young(token, AT) is young


def test_a_young_token_waits_until_an_answer_after_its_second():
    first = CaldavStamp(meant="", full="", collection=BASE, token="old")
    second = quirks.advanced(first, str(SECONDS), AT)
    assert (second.token, second.young) == ("old", str(SECONDS))
    at_once = quirks.advanced(second, str(SECONDS + 1), AT + timedelta(seconds=1))
    assert at_once.token == "old"
    later = quirks.advanced(second, str(SECONDS + 60), AT + timedelta(seconds=60))
    assert (later.token, later.young) == (str(SECONDS), str(SECONDS + 60))
    settled = quirks.advanced(later, str(SECONDS + 61), AT + timedelta(seconds=90))
    assert (settled.token, settled.young) == (str(SECONDS + 61), "")


def test_a_list_of_changes_that_names_what_did_not_change_is_a_whole_one():
    known = {"/a": Entry(etag="1"), "/b": Entry(etag="")}
    for member, whole in (
        (Member(href="/a", key="/a", etag="1"), True),
        (Member(href="/a", key="/a", etag="2"), False),
        (Member(href="/a", key="/a", etag="1", gone=True), False),
        (Member(href="/b", key="/b", etag=""), False),
        (Member(href="/c", key="/c", etag="1"), False),
    ):
        assert quirks.is_whole([member], known) is whole, member


def test_a_207_is_taken_apart_with_every_status():
    tree = etree.XML(
        b"""<D:multistatus xmlns:D="DAV:">
        <D:response><D:href>a.ics</D:href>
          <D:propstat><D:prop><D:getetag>"1"</D:getetag></D:prop>
            <D:status>HTTP/1.1 200 OK</D:status></D:propstat>
          <D:propstat><D:prop><D:displayname/></D:prop>
            <D:status>HTTP/1.1 403 No</D:status></D:propstat></D:response>
        <D:response><D:href>b.ics</D:href><D:href>c.ics</D:href>
          <D:status>HTTP/1.1 404 Not Found</D:status></D:response>
        <D:response><D:href>d.ics</D:href><D:status>nonsense</D:status></D:response>
        <D:response><D:href>sub/</D:href></D:response>
        <D:response><D:href/></D:response>
        <D:sync-token> t </D:sync-token></D:multistatus>"""
    )
    found = multistatus.read(tree, BASE)
    members = found.members("/rooms/aula")
    assert [(m.key.rpartition("/")[2], m.status) for m in members] == [
        ("a.ics", 200), ("b.ics", 404), ("c.ics", 404), ("d.ics", 500),
    ]  # fmt: skip
    assert members[0].member() == Member(href="a.ics", key="/rooms/aula/a.ics", etag='"1"')
    assert members[0].refused == {"{DAV:}displayname": 403}
    assert members[1].gone
    assert found.token == "t"


def test_what_a_reading_keeps_comes_back_as_it_was():
    read = entries.read('"1"', calendar(event(*TIMES, "DESCRIPTION:long", uid="ü")), "")
    kept = {"/a": read, "/b": entries.unreadable(read, "status 500"), "/c": Entry(etag="2")}
    assert entries.unpack(entries.pack(kept)) == kept
    assert read.uids == ("ü",)
    assert "DESCRIPTION" not in read.text
    assert [p.uid for p in entries.problems(kept)] == ["b"]


@pytest.mark.parametrize("body", [b"", b"x", zlib.compress(b"[1]"), zlib.compress(b'{"a": [1]}')])
def test_a_body_that_is_damaged_holds_nothing(body: bytes):
    assert entries.unpack(body) == {}


def test_only_the_members_that_hold_a_uid_are_read_again():
    texts = {uid: entries.read("1", calendar(event(*TIMES, uid=uid)), "") for uid in "abc"}
    text = entries.text_of(texts, frozenset("b"))
    assert text.count(b"BEGIN:VCALENDAR") == 1
    assert b"UID:b" in text
