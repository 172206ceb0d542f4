from datetime import timedelta
from pathlib import Path

import pytest

from cospaced.configuration import load
from cospaced.errors import ConfigurationError
from cospaced.settings import ConferenceSettings, DaemonSettings, PasscodeMode, Secret, SourceType
from support.configurations import CMS, POOL, ROOM, VALID, loaded, problem, problems, write


def test_a_small_file_gives_settings_with_every_default(tmp_path: Path) -> None:
    settings = loaded(tmp_path, VALID)
    assert settings.file == tmp_path / "cospaced.ini"
    assert settings.daemon == DaemonSettings(time_zone="Europe/Berlin")
    assert settings.conferences == ConferenceSettings()
    assert settings.cms.address == "https://cms.example.org"
    assert settings.cms.password == Secret("hunter2")
    assert settings.pool.numbers == range(82000, 82100)
    assert settings.calendar("files").type is SourceType.ICAL
    assert settings.warnings == ()


def test_everything_written_takes_the_place_of_its_default(tmp_path: Path) -> None:
    text = VALID.replace("[pool]", "verify = on\ndial_rate = 2.5\ncall_bridges = none\n[pool]")
    text += "[daemon]\ntime_zone = Asia/Tokyo\nstate_dir = state\nlog_titles = YES\n"
    text += "[conferences]\npasscode = random:8\nend_warnings =\nearly_join = 0s\n"
    text += "[bridge:two]\naddress = two:445\n"
    settings = loaded(tmp_path, text)
    assert settings.daemon.time_zone == "Asia/Tokyo"
    assert settings.daemon.state_dir == tmp_path / "state"
    assert settings.daemon.log_titles is True
    assert (settings.cms.dial_rate, settings.cms.call_bridges) == (2.5, ())
    assert settings.conferences.passcode is PasscodeMode.RANDOM
    assert settings.conferences.passcode_length == 8
    assert settings.conferences.end_warnings == ()
    assert settings.conferences.early_join == timedelta(0)
    (bridge,) = settings.cms.bridges
    assert (bridge.name, bridge.address, bridge.username) == ("two", "https://two:445", None)


def test_the_order_of_sections_does_not_matter(tmp_path: Path) -> None:
    one, other = loaded(tmp_path, VALID), loaded(tmp_path, ROOM + POOL + CMS)
    assert one == other


def test_all_problems_are_told_in_one_run_in_the_order_of_the_lines(tmp_path: Path) -> None:
    text = (
        "[daemon]\npoll_interval = 0s\nlog_levl = info\n"
        "[cms]\naddr = cms.example.org\nusername = api\npassword = p\n"
        "[conferences]\nprivate = hid\n"
        "[calendar:a]\ntype = ical\nserver = x\n"
        "[room:x]\ncalendar = b\npath = x.ics\nendpoints = aula\n"
    )
    assert problems(tmp_path, text) == [
        (
            "cospaced.ini:0: [pool]: the section is missing "
            "(write [pool] with domain, numeric_id_base, numeric_id_quantity)"
        ),
        "cospaced.ini:2: [daemon] poll_interval: 0s is too short (write 1s or more)",
        "cospaced.ini:3: [daemon] log_levl: is no key of [daemon] (write log_level)",
        "cospaced.ini:4: [cms] address: is missing (write address = cms.example.org:445)",
        "cospaced.ini:5: [cms] addr: is no key of [cms] (write address)",
        "cospaced.ini:9: [conferences] private: 'hid' is none of hide, show, skip (write hide)",
        (
            "cospaced.ini:12: [calendar:a] server: is for exchange calendars (type = ical takes "
            "timeout, url, username, password, password_file, ca_file, verify)"
        ),
        "cospaced.ini:14: [room:x] calendar: there is no calendar 'b' (the calendars are a)",
        (
            "cospaced.ini:16: [room:x] endpoints: 'aula' has no @ "
            "(write a SIP URI such as aula@example.org)"
        ),
    ]


def test_a_file_that_is_not_there_is_the_only_problem(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError, match="there is no such file") as caught:
        load(tmp_path / "none.ini", environment={})
    assert [p.line for p in caught.value.problems] == [0]


@pytest.mark.parametrize(
    ("section", "remedy"),
    [
        ("[Cms2]", "(write [cms])"),
        ("[rooms:x]", "(write [room:x])"),
        ("[room]", "(write [room:NAME])"),
        ("[room:]", "(write [room:NAME])"),
        ("[daemon:x]", "(write [daemon])"),
        ("[zzzzzz]", "(write one of [daemon], [cms], "),
    ],
)
def test_a_section_of_no_known_kind_gets_a_suggestion(
    tmp_path: Path, section: str, remedy: str
) -> None:
    assert remedy in problem(tmp_path, f"{VALID}{section}\nx = 1\n")


def test_a_key_of_another_section_is_told_where_it_belongs(tmp_path: Path) -> None:
    text = VALID.replace("[pool]", "min_rooms = 1\n[pool]")
    assert problem(tmp_path, text) == (
        "cospaced.ini:5: [cms] min_rooms: is a key of [conferences] (move it there)"
    )


def test_a_key_of_a_calendar_of_no_known_type_is_only_told_where_no_type_has_it(
    tmp_path: Path,
) -> None:
    text = VALID + "[calendar:b]\ntype = exchang\nserver = autodiscover\nsrver = x\n"
    assert problems(tmp_path, text) == [
        (
            "cospaced.ini:17: [calendar:b] type: 'exchang' is none of ical, caldav, exchange, "
            "graph (write exchange)"
        ),
        "cospaced.ini:19: [calendar:b] srver: is no key of [calendar:b] (write server)",
    ]


def test_a_section_that_stands_twice_is_told_once_and_its_halves_count_as_one(
    tmp_path: Path,
) -> None:
    text = VALID.replace("[pool]\n", "[pool]\nadopt_prefix = A\n[pool]\n")
    assert problem(tmp_path, text) == (
        "cospaced.ini:7: [pool]: stands twice, first in line 5 (join the two or rename one)"
    )


def test_a_value_that_runs_on_by_accident_is_told_with_the_line(tmp_path: Path) -> None:
    text = VALID.replace("username = api\npassword", "username = api\n  password")
    assert (
        "cospaced.ini:3: [cms] username: goes on in line 4, which is indented "
        "(start that line at the left margin)"
    ) in problems(tmp_path, text)


def test_a_control_character_is_told(tmp_path: Path) -> None:
    assert "control character" in problem(tmp_path, VALID.replace("= api", "= a\x1b[31mpi"))


@pytest.mark.parametrize(
    ("lines", "sentence"),
    [
        ("stale_limit = 5m", "stale_limit: stale_limit = 5m is shorter than stale_after = 15m"),
        ("stale_after = 2d", "stale_after: stale_limit = 1d is shorter than stale_after = 2d"),
    ],
)
def test_the_stale_limit_comes_after_the_alarm(tmp_path: Path, lines: str, sentence: str) -> None:
    assert sentence in problem(tmp_path, f"{VALID}[daemon]\n{lines}\n")


def test_the_prefixes_of_own_and_adopted_spaces_differ(tmp_path: Path) -> None:
    text = VALID.replace("[calendar", "adopt_prefix = cospaced_\n[calendar")
    assert "is the same as space_name_prefix" in problem(tmp_path, text)


@pytest.mark.parametrize(
    ("calendar", "missing"),
    [
        ("type = ical\nusername = u", ["password"]),
        ("type = caldav\npassword = p", ["username"]),
        ("type = exchange\nserver = autodiscover", ["username", "password"]),
        (
            "type = exchange\nserver = autodiscover\nauth = oauth",
            ["tenant_id", "client_id", "client_secret"],
        ),
        ("type = exchange\nusername = u\npassword = p", ["server"]),
        ("type = graph", ["tenant_id", "client_id", "client_secret"]),
        ("timeout = 5s", ["type"]),
    ],
)
def test_each_calendar_needs_what_its_login_needs(
    tmp_path: Path, calendar: str, missing: list[str]
) -> None:
    found = problems(tmp_path, f"{VALID}[calendar:b]\n{calendar}\n")
    assert [line.split(": ")[1].removeprefix("[calendar:b] ") for line in found] == missing
    assert all("is missing" in line for line in found)


@pytest.mark.parametrize(
    "calendar",
    [
        "type = exchange\nserver = autodiscover\nusername = u\npassword = p",
        "type = graph\ntenant_id = t\nclient_id = c\nclient_secret = s",
    ],
)
def test_organizers_copies_are_looked_at_where_that_is_written_alone(
    tmp_path: Path, calendar: str
) -> None:
    text = f"{VALID}[calendar:b]\n{calendar}\n"
    for line, value in (
        ("", False),
        ("organizer_copies = no\n", False),
        ("organizer_copies = yes\n", True),
    ):
        assert loaded(tmp_path, text + line).calendar("b").organizer_copies is value
    assert "organizer_copies" in problem(tmp_path, f"{text}organizer_copies = maybe\n")


@pytest.mark.parametrize(
    ("lines", "told"),
    [
        ("authority = http://login.microsoftonline.com", "authority: names http://"),
        ("authority = https://login.microsoftonline.com/TENANT/", "authority: holds a path"),
        ("graph_url = https://graph.microsoft.com/v1.0", "graph_url: holds a path"),
        (
            "authority = https://login.microsoftonline.us",
            (
                "graph_url: is of another cloud than authority = https://login.microsoftonline.us"
                " (write graph_url = https://graph.microsoft.us or https://dod-graph.microsoft.us)"
            ),
        ),
        (
            "graph_url = https://microsoftgraph.chinacloudapi.cn",
            (
                "authority: is of another cloud than graph_url = https://microsoftgraph.chinacloudapi.cn"
                " (write authority = https://login.partner.microsoftonline.cn)"
            ),
        ),
    ],
)
def test_where_graph_is_must_go_together(tmp_path: Path, lines: str, told: str) -> None:
    graph = "[calendar:b]\ntype = graph\ntenant_id = t\nclient_id = c\nclient_secret = s\n"
    assert told in problem(tmp_path, f"{VALID}{graph}{lines}\n")


@pytest.mark.parametrize(
    "lines",
    [
        "",
        "authority = https://login.microsoftonline.us/\ngraph_url = https://dod-graph.microsoft.us",
        "authority = https://127.0.0.1:8443\ngraph_url = https://127.0.0.1:8443",
    ],
)
def test_where_graph_is_may_be_elsewhere(tmp_path: Path, lines: str) -> None:
    graph = "[calendar:b]\ntype = graph\ntenant_id = t\nclient_id = c\nclient_secret = s\n"
    assert problems(tmp_path, f"{VALID}{graph}{lines}\n") == []


@pytest.mark.parametrize("kind", ["ical", "caldav"])
def test_other_calendars_know_no_organizers_copies(tmp_path: Path, kind: str) -> None:
    text = f"{VALID}[calendar:b]\ntype = {kind}\norganizer_copies = yes\n"
    assert "organizer_copies" in problem(tmp_path, text)


@pytest.mark.parametrize(
    ("place", "sentence"),
    [
        ("", "does not say where its calendar lies (write path or url = …)"),
        (
            "mailbox = a@example.org",
            "is for exchange and graph calendars; a room of a calendar of type ical",
        ),
        ("path = b.ics\nurl = https://x.example.org/b.ics", "stands beside path"),
        ("url = b.ics", "is relative, and the calendar has no url"),
        ("url = webcal://x.example.org/b.ics", "(write https:// in its place)"),
        ("path = ./aula.ics", "is the calendar of [room:aula] too"),
    ],
)
def test_each_room_has_one_fitting_calendar_of_its_own(
    tmp_path: Path, place: str, sentence: str
) -> None:
    assert sentence in problem(tmp_path, f"{VALID}[room:b]\ncalendar = files\n{place}\n")


def test_relative_addresses_are_joined_to_those_of_the_calendar(tmp_path: Path) -> None:
    text = VALID + (
        "[calendar:dav]\ntype = caldav\nurl = https://dav.example.org/rooms\n"
        "[room:b]\ncalendar = dav\nurl = b/\n"
        "[room:c]\ncalendar = dav\nurl = /c/\n"
        "[room:d]\ncalendar = dav\nurl = https://other.example.org/d/\n"
    )
    assert [room.url for room in loaded(tmp_path, text).rooms] == [
        "",
        "https://dav.example.org/rooms/b/",
        "https://dav.example.org/c/",
        "https://other.example.org/d/",
    ]


def test_two_rooms_may_not_share_a_mailbox_through_two_calendars(tmp_path: Path) -> None:
    login = "server = autodiscover\nusername = u\npassword = p\n"
    text = VALID + "".join(
        f"[calendar:{name}]\ntype = exchange\n{login}[room:{name}]\ncalendar = {name}\n"
        f"mailbox = {mailbox}\n"
        for name, mailbox in (("b", "A@example.org"), ("c", "a@Example.org"))
    )
    assert "[room:c] mailbox: is the calendar of [room:b] too" in problem(tmp_path, text)


@pytest.mark.parametrize("endpoint", ["82000@example.org", "sip:82099@EXAMPLE.org:5061;x=y"])
def test_an_endpoint_that_is_a_number_of_the_pool_is_refused(tmp_path: Path, endpoint: str) -> None:
    text = VALID.replace("aula@example.org", endpoint)
    assert "is a number of the pool" in problem(tmp_path, text)


@pytest.mark.parametrize("endpoint", ["82100@example.org", "82000@example.com"])
def test_an_endpoint_beside_the_pool_is_accepted(tmp_path: Path, endpoint: str) -> None:
    text = VALID.replace("aula@example.org", endpoint)
    assert loaded(tmp_path, text).rooms[0].endpoints == (endpoint,)


def test_an_endpoint_that_stands_twice_in_a_room_is_refused(tmp_path: Path) -> None:
    text = VALID.replace("aula@example.org", "aula@example.org, sip:AULA@example.org")
    assert "twice" in problem(tmp_path, text)


def test_two_rooms_may_share_an_endpoint(tmp_path: Path) -> None:
    text = VALID + "[room:b]\ncalendar = files\npath = b.ics\nendpoints = aula@example.org\n"
    assert len(loaded(tmp_path, text).rooms) == 2


def test_what_leads_to_no_booking_is_a_warning(tmp_path: Path) -> None:
    text = VALID.partition("endpoints")[0] + "bandwidth = 2000\n"
    warnings = loaded(tmp_path, text + "[calendar:idle]\ntype = ical\n").warnings
    assert len(warnings) == 3
    assert "bits per second" in warnings[0]
    assert "[calendar:idle] has no room" in warnings[1]
    assert "0 of 1 rooms have an endpoint, and [conferences] min_rooms = 2" in warnings[2]


def test_no_room_at_all_is_a_warning(tmp_path: Path) -> None:
    (warning,) = loaded(tmp_path, CMS + POOL).warnings
    assert "there is no [room:NAME]" in warning


def test_certificates_that_are_not_checked_are_a_warning(tmp_path: Path) -> None:
    text = VALID.replace("[pool]", "verify = no\n[pool]")
    text += "[calendar:x]\ntype = caldav\nverify = no\nurl = http://x/\n"
    text += "username = u\npassword = p\n[room:x]\ncalendar = x\nurl = x/\n"
    warnings = loaded(tmp_path, text).warnings
    assert "[cms] verify = no" in warnings[0]
    assert "[calendar:x] verify = no" in warnings[1]
    assert "unencrypted" in warnings[2]


def test_a_machine_without_a_zone_counts_as_utc_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("cospaced.configuration.loader.machine_zone", lambda _: None)
    settings = loaded(tmp_path, VALID)
    assert settings.daemon.time_zone == "UTC"
    assert "does not say its time zone" in settings.warnings[0]


def test_a_file_of_certificates_is_looked_at(tmp_path: Path) -> None:
    text = VALID.replace("[pool]", "ca_file = ca.pem\n[pool]")
    assert "No such file" in problem(tmp_path, text)
    write(tmp_path, "nothing", "ca.pem")
    assert "holds no certificate" in problem(tmp_path, text)
    write(tmp_path, "-----BEGIN CERTIFICATE-----\n", "ca.pem")
    assert loaded(tmp_path, text).cms.ca_file == tmp_path / "ca.pem"


def test_the_warnings_make_no_difference_between_settings(tmp_path: Path) -> None:
    quiet = loaded(tmp_path, VALID)
    quiet.file.chmod(0o644)
    loud = load(quiet.file, environment={"TZ": "Europe/Berlin"})
    assert loud.warnings
    assert loud == quiet
