"""`server = autodiscover`: what polls came to, on a network of their own (discovery_rig)."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any, TypeAlias

import pytest

from support.discovery_rig import APEX, DOMAIN, ELSEWHERE, MAIL, USUAL
from support.machine import ROOT


pytestmark = [
    pytest.mark.timeout(120),
    pytest.mark.skipif(
        os.geteuid() != 0 or not all(map(shutil.which, ("unshare", "mount", "ip"))),
        reason="a network of its own needs root, unshare, mount and ip (util-linux, iproute2)",
    ),
]

Told: TypeAlias = dict[str, dict[str, Any]]
REMEDY = "(write server = https://.../EWS/Exchange.asmx)"


def remembered() -> dict[Path, int]:
    """Files in which exchangelib remembers, and when each was last written."""
    found = Path(tempfile.gettempdir()).glob("exchangelib.*.cache.*")
    return {path: path.stat().st_mtime_ns for path in found}


@pytest.fixture(scope="module")
def told(tmp_path_factory: pytest.TempPathFactory) -> Told:
    """What every scenario came to."""
    before = remembered()
    folder = tmp_path_factory.mktemp("discovery")
    paths = os.pathsep.join([str(ROOT / "daemon"), str(ROOT / "tests")])
    done = subprocess.run(
        ["unshare", "-mn", sys.executable, "-m", "support.discovery_rig", str(folder)],
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": paths},
    )
    assert done.returncode == 0, done.stderr
    answer: Told = json.loads((folder / "told.json").read_text())
    answer["files"] = {"written": dict(remembered().items() - before.items())}
    return answer


def test_the_server_is_found_once_and_read(told: Told) -> None:
    assert told["found"]["polls"] == [1, 1, 1]
    # One without a login, one for the URL, and three for each poll.
    assert told["found"]["logins"][USUAL] == ["", *["Basic"] * 10]


def test_ntlm_finds_it_as_well(told: Told) -> None:
    assert told["found_by_ntlm"]["polls"] == [1, 1, 1]
    assert set(told["found_by_ntlm"]["logins"][USUAL]) == {"", "NTLM"}


def test_oauth_finds_it_as_well(told: Told) -> None:
    assert told["found_by_oauth"]["polls"] == [1, 1]
    assert set(told["found_by_oauth"]["logins"][USUAL]) == {"", "Bearer"}


def test_nothing_is_kept_in_a_file(told: Told) -> None:
    assert told["files"]["written"] == {}


def test_a_wrong_password_is_sent_once_and_told(told: Told) -> None:
    first = told["wrong_password"]["polls"][0]
    assert (first["kind"], first["shared"]) == ("login", True)
    assert first["text"].startswith(f"{USUAL} refuses the login (check username and password")
    assert told["wrong_password"]["logins"] == {USUAL: ["", "Basic"], MAIL: []}


def test_no_password_is_sent_to_a_host_that_wants_another_login(told: Told) -> None:
    (poll,) = told["another_login"]["polls"]
    assert f"{USUAL}: it does not offer auth = basic" in poll["text"]
    assert told["another_login"]["logins"] == {USUAL: [""]}


def test_a_domain_without_autodiscover_is_told_with_what_to_write(told: Told) -> None:
    (poll,) = told["nowhere"]["polls"]
    assert (poll["kind"], poll["shared"]) == ("not_found", False)
    why = "no Autodiscover there (status 404)"
    told_hosts = f"{APEX}: {why}; {USUAL}: {why}"
    assert poll["text"] == f"Autodiscover finds no server for {DOMAIN}: {told_hosts} {REMEDY}"


def test_hosts_that_do_not_answer_are_asked_again(told: Told) -> None:
    (poll,) = told["nobody"]["polls"]
    assert (poll["kind"], poll["shared"]) == ("unreachable", False)
    assert poll["text"].endswith(f"{USUAL}: no connection {REMEDY}")


def test_hosts_that_are_silent_are_given_up_within_the_calendars_timeout(told: Told) -> None:
    (poll,) = told["silent"]["polls"]
    # The daemon itself would say `timeout`, and not what was tried.
    assert poll["kind"] == "unreachable"
    assert poll["text"].endswith(f"{USUAL}: no connection {REMEDY}")


def test_a_certificate_that_is_not_trusted_is_told_as_one_and_gets_no_login(told: Told) -> None:
    (poll,) = told["untrusted"]["polls"]
    assert poll["kind"] == "certificate"
    assert poll["text"].startswith(f"{USUAL}: its TLS certificate is not trusted")
    assert told["untrusted"]["logins"][USUAL] == []


def test_the_certificate_of_the_domains_website_does_not_matter(told: Told) -> None:
    assert told["found_beside_an_untrusted_website"]["polls"] == [1]


def test_a_mailbox_that_does_not_exist_is_told_as_that(told: Told) -> None:
    (poll,) = told["no_mailbox"]["polls"]
    assert (poll["kind"], poll["shared"]) == ("not_found", False)
    assert poll["text"] == f"there is no mailbox nobody@{DOMAIN} (mend mailbox)"


def test_an_srv_record_leads_to_hosts_of_its_domain_alone(told: Told) -> None:
    assert told["by_srv"]["polls"] == [1]
    (poll,) = told["by_srv_elsewhere"]["polls"]
    assert f"{ELSEWHERE}: its SRV record leads out of {DOMAIN}" in poll["text"]
    assert told["by_srv_elsewhere"]["logins"] == {ELSEWHERE: []}


def test_a_redirect_is_followed_over_https_alone(told: Told) -> None:
    assert told["redirected"]["polls"] == [1]
    (poll,) = told["redirected_to_plain_http"]["polls"]
    assert f"{APEX}: it redirects to http://{MAIL}/" in poll["text"]
    assert told["redirected_to_plain_http"]["logins"][MAIL] == []


def test_nothing_is_asked_over_plain_http(told: Told) -> None:
    (poll,) = told["plain_http"]["polls"]
    assert poll["kind"] == "unreachable"
    assert told["plain_http"]["logins"] == {"port 80": [], ELSEWHERE: []}


def test_a_server_that_moved_is_found_again(told: Told) -> None:
    first, away, again = told["moved"]["polls"]
    assert (first, again) == (1, 1)
    assert away["kind"] == "unreachable"
    assert away["text"].startswith(f"{APEX}: no connection")


def test_changes_are_heard_from_a_server_that_was_found(told: Told) -> None:
    assert told["heard"]["polls"] == [1, ["aula"]]


def test_the_doctor_tells_it_once_with_the_remedy(told: Told) -> None:
    (finding,) = told["doctor"]["polls"]
    severity, subject, seen, remedy = finding
    assert (severity.lower(), subject) == ("error", "rooms aula, boardroom")
    assert f"Autodiscover finds no server for {DOMAIN}" in seen
    assert remedy.startswith("write server = https://.../EWS/Exchange.asmx")
