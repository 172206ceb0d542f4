from pathlib import Path

import pytest

from cospaced.configuration import rendered
from cospaced.settings import Secret
from support.configurations import CMS, ENVIRONMENT, VALID, loaded, problem, problems, write


WITHOUT = VALID.replace("password = hunter2\n", "")
WITH_FILE = VALID.replace("password = hunter2", "password_file = cms.password")


def test_a_secret_may_stand_in_a_file_of_its_own(tmp_path: Path) -> None:
    write(tmp_path, "hunter 3\n", "cms.password")
    assert loaded(tmp_path, WITH_FILE).cms.password == Secret("hunter 3")


def test_a_secret_may_be_a_systemd_credential(tmp_path: Path) -> None:
    credentials = tmp_path / "credentials"
    text = WITHOUT + (
        "[bridge:two]\naddress = two\n[calendar:hq]\ntype = exchange\nserver = autodiscover\n"
        "auth = oauth\ntenant_id = t\nclient_id = c\n"
    )
    write(credentials, "one", "cms.password")
    write(credentials, "two\n", "bridge.two.password")
    write(credentials, "three", "calendar.hq.client_secret")
    environment = {**ENVIRONMENT, "CREDENTIALS_DIRECTORY": str(credentials)}
    settings = loaded(tmp_path, text, environment)
    assert settings.cms.password == Secret("one")
    assert settings.cms.bridges[0].password == Secret("two")
    assert settings.calendar("hq").client_secret == Secret("three")


def test_a_secret_given_in_no_way_is_told_with_all_three(tmp_path: Path) -> None:
    assert problem(tmp_path, WITHOUT) == (
        "cospaced.ini:1: [cms] password: is missing (write password = …, or password_file = FILE, "
        "or give the unit the systemd credential cms.password, which only the service itself can "
        "see)"
    )


def test_an_empty_secret_is_none(tmp_path: Path) -> None:
    assert "is missing" in problem(tmp_path, VALID.replace("hunter2", ""))


def test_a_secret_given_in_two_ways_is_refused(tmp_path: Path) -> None:
    write(tmp_path, "hunter3", "cms.password")
    both = VALID.replace("[pool]", "password_file = cms.password\n[pool]")
    assert problem(tmp_path, both) == (
        "cospaced.ini:5: [cms] password_file: password and password_file are given "
        "(keep one of them)"
    )
    environment = {**ENVIRONMENT, "CREDENTIALS_DIRECTORY": str(tmp_path)}
    assert "[cms] password_file: password_file and the systemd credential cms.password" in problem(
        tmp_path, WITH_FILE, environment
    )
    assert "[cms] password: password and the systemd" in problem(tmp_path, VALID, environment)


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (None, "No such file"),
        (b"\n", "is empty"),
        (b"hunter2\nhunter2\n", "more than one line"),
        (b"hunter2\xff", "is not UTF-8"),
    ],
)
def test_a_file_that_holds_no_secret_is_refused(
    tmp_path: Path, content: bytes | None, sentence: str
) -> None:
    if content is not None:
        write(tmp_path, content, "cms.password")
    found = problem(tmp_path, WITH_FILE)
    assert found.startswith("cospaced.ini:4: [cms] password_file: ")
    assert sentence in found
    assert "hunter2" not in found


def test_a_secret_may_hold_any_character_that_is_no_control_character(tmp_path: Path) -> None:
    write(tmp_path, " ü\u00a0;#%\u200b\r\n", "cms.password")
    assert loaded(tmp_path, WITH_FILE).cms.password == Secret(" ü\u00a0;#%\u200b")


def test_a_name_of_a_secrets_file_that_is_told_makes_the_secret_no_missing_one(
    tmp_path: Path,
) -> None:
    assert "control character" in problem(tmp_path, WITH_FILE.replace("cms.pass", "cms\x01pass"))


def test_secrets_that_others_can_read_are_a_warning(tmp_path: Path) -> None:
    file = write(tmp_path, "hunter3", "cms.password")
    assert loaded(tmp_path, WITH_FILE).warnings == ()
    file.chmod(0o604)
    (warning,) = loaded(tmp_path, WITH_FILE).warnings
    assert warning == (
        f"{file} is a secret and every user of this machine can read it "
        f"(chown root:cospaced {file}; chmod 0640 {file})"
    )


def test_a_credential_name_never_leads_out_of_its_directory(tmp_path: Path) -> None:
    write(tmp_path, "hunter3", "x.password")
    (tmp_path / "c/calendar.").mkdir(parents=True)
    text = VALID + "[calendar:/../../x]\ntype = caldav\nusername = u\n"
    environment = {**ENVIRONMENT, "CREDENTIALS_DIRECTORY": str(tmp_path / "c")}
    assert "is missing" in problem(tmp_path, text, environment)


@pytest.mark.parametrize(
    "cms",
    [
        CMS.replace("password =", "passwrd ="),
        CMS + "password = other\npassword = hunter2\n",
        CMS + "  hunter2\n",
        CMS + "hunter2\n",
        CMS + "address = https://x:hunter2@cms.example.org\n",
        CMS.replace("address = ", "address = https://x:hunter2@"),
        CMS.replace("address = ", "web_bridge = https://x:hunter2@"),
        CMS.replace("hunter2", "hunter2\x07"),
        CMS.replace("hunter2", "hunter2\0"),
        CMS + "password_file = hunter\n",
        CMS + "[bridge:x]\npasscode = hunter2\n",
        CMS + "[conferences]\npasscode = hunter2\n",
        CMS + "[calendar:x]\ntype = ical\nurl = https://x.example.org/ hunter2\n",
        CMS + "[calendar:x]\ntype = exchange\nserver = u:hunter2@x\nclient_secret = hunter2\n",
        CMS + "[calendar:x]\ntype = hunter\npassword = hunter2\n",
        CMS + "[room:x]\ncalendar = files\ndtmf = hunter2\nurl = webcal://x/hunter2\n",
    ],
)
def test_no_problem_shows_a_secret(tmp_path: Path, cms: str) -> None:
    found = problems(tmp_path, VALID.replace(CMS, cms))
    assert found
    assert "hunter2" not in "\n".join(found)


def test_what_is_in_force_is_shown_without_secrets(tmp_path: Path) -> None:
    text = VALID + (
        "dtmf = 246810\n[conferences]\npasscode = 13579\n"
        "[bridge:b]\npassword = hunter2\n"
        "[calendar:g]\ntype = graph\ntenant_id = t\nclient_id = c\nclient_secret = hunter2\n"
    )
    shown = rendered(loaded(tmp_path, text))
    for secret in ("hunter2", "13579", "246810"):
        assert secret not in shown
    assert shown.count("********") == 5
