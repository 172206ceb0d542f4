from dataclasses import replace
from pathlib import Path

import pytest

from cospaced.configuration import changes_needing_restart, load, rendered, with_restart_keys_of
from support.configurations import VALID, loaded, write


@pytest.mark.parametrize(
    ("key", "before", "after"),
    [
        ("[cms] address", "cms.example.org", "cms2.example.org"),
        ("[pool] domain", "domain = example.org", "domain = example.com"),
        ("[pool] numeric_id_base", "82000", "83000"),
        ("[pool] space_name_prefix", "[calendar", "space_name_prefix = x_\n[calendar"),
        ("[daemon] state_dir", "[cms]", "[daemon]\nstate_dir = /srv/state\n[cms]"),
    ],
)
def test_a_key_that_holds_until_restart_is_told_and_stays_in_force(
    tmp_path: Path, key: str, before: str, after: str
) -> None:
    old = loaded(tmp_path, VALID)
    new = loaded(tmp_path, VALID.replace(before, after))
    (sentence,) = changes_needing_restart(old, new)
    assert sentence.startswith(f"{key} = ")
    assert "stays in force (run: systemctl restart cospaced)" in sentence
    assert with_restart_keys_of(old, new) == old


def test_other_keys_change_at_once(tmp_path: Path) -> None:
    old = loaded(tmp_path, VALID)
    new = loaded(
        tmp_path, VALID.replace("quantity = 100", "quantity = 50").replace("aula@", "hall@")
    )
    assert changes_needing_restart(old, new) == ()
    assert with_restart_keys_of(old, new) == new


def test_what_is_shown_can_be_read_again_and_says_the_same(tmp_path: Path) -> None:
    text = VALID.replace(
        "[pool]", "call_bridges = a:1, b\ndial_rate = 2.5\nweb_bridge = https://j/x/\n[pool]"
    )
    text += (
        "dial = no\nbandwidth = 4000000\n"
        "[daemon]\npoll_interval = 90s\nlog_format = json\n"
        "[conferences]\npasscode = random:9\nend_warnings = 10m, 90s\nextend_mode = automatic\n"
        "[bridge:b]\nusername = u\n"
        "[calendar:e]\ntype = exchange\nserver = autodiscover\nusername = u\npassword = p\n"
        "[room:r]\ncalendar = e\nmailbox = r@example.org\nendpoints = r@x, sip:s@y:5061\n"
    )
    settings = loaded(tmp_path, text)
    again = load(write(tmp_path, rendered(settings), "again.ini"), environment={})
    assert rendered(again) == rendered(settings)
    assert replace(again.cms, password=settings.cms.password) == settings.cms
    assert again.rooms == settings.rooms
    assert again.conferences == settings.conferences
