import pytest

from cospaced.host.log_mask import STARS, mask, mask_text
from cospaced.settings import Secret


@pytest.mark.parametrize(
    "key", ["password", "passcode", "secret", "client_secret", "Password", "authorization"]
)
def test_a_telling_key_hides_its_value_whatever_it_is(key: str) -> None:
    assert mask({key: "hunter2"}) == {key: STARS}
    assert mask({key: 123456}) == {key: STARS}
    assert mask({"reason": {key: ["hunter2"]}}) == {"reason": {key: STARS}}


def test_a_secret_is_hidden_wherever_it_hides() -> None:
    secret = Secret("hunter2")
    for value in (secret, [secret], (1, {"x": [secret]}), {"x": {"y": secret}}, [[[[[secret]]]]]):
        assert "hunter2" not in repr(mask({"reason": value}))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("https://u:pw@host/x", f"https://u:{STARS}@host/x"),
        ("https://:pw@host/x", f"https://:{STARS}@host/x"),
        ("https://host/1?secret=AbC.1&id=7", f"https://host/1?secret={STARS}&id=7"),
        ("PUT name=x&passcode=123456", f"PUT name=x&passcode={STARS}"),
        ("client_secret = s3cr~t, then", f"client_secret = {STARS}, then"),
        ("Authorization: Basic dXNlcjpwYXNz sent", f"Authorization: Basic {STARS} sent"),
        ("{'Authorization': 'Bearer abc.def'}", f"{{'Authorization': 'Bearer {STARS}'}}"),
        ("got eyJhbGciOiJub25l.eyJ4Ijoi.sig", f"got {STARS}"),
        ('{"password": "hunter2", "x": 1}', f'{{"password": "{STARS}", "x": 1}}'),
        ("a.ini:3: [cms] password: is empty", "a.ini:3: [cms] password: is empty"),
        ("401 from https://host:8443/a@b", "401 from https://host:8443/a@b"),
        ("nonMemberAccess=true", "nonMemberAccess=true"),
        ("the basic settings of a room", "the basic settings of a room"),
    ],
)
def test_credentials_in_texts_become_stars_and_the_rest_stays(text: str, shown: str) -> None:
    assert mask_text(text) == shown


def test_other_values_pass_as_they_are() -> None:
    keys = {"count": 3, "late_ms": 1.5, "private": True, "number": None, "room": "boardroom"}
    assert mask(keys) == keys
