"""Logging in to the simulated Exchange, and whose mailboxes that opens, as exchangelib meets it."""

import asyncio
import gc
import weakref
from collections.abc import AsyncIterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import httpx
import pytest
import urllib3
from exchangelib import DELEGATE, NTLM, OAUTH2, Account, Credentials, OAuth2Credentials
from exchangelib.errors import (
    ErrorAccessDenied,
    ErrorImpersonateUserDenied,
    ErrorNonExistentMailbox,
    TransportError,
    UnauthorizedError,
)
from oauthlib.oauth2.rfc6749.errors import InvalidClientIdError

from cospaced.exchange_simulator.knobs import Knobs
from cospaced.exchange_simulator.rights import Account as SimulatedAccount
from cospaced.loopback.listening import transport_of
from support.exchange import ANNA, OTHER_ROOM, ROOM, SERVICE, Desk, an_exchange, lite_calendar, noon


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with an_exchange(tmp_path) as made:
        made.scenarios.invite(ANNA, [ROOM], noon())
        yield made


def count(account: Account) -> int:
    return len(list(lite_calendar(account).view(noon(0), noon(2)).only("start")))


async def test_the_right_password_opens_and_a_wrong_one_is_unauthorized(desk: Desk) -> None:
    assert await desk.ask(lambda: count(desk.account())) == 1
    wrong = desk.account(credentials=Credentials(SERVICE.name, "wrong"))
    with pytest.raises(UnauthorizedError):
        await desk.ask(lambda: count(wrong))


async def test_ntlm_logs_a_connection_in_with_three_requests_and_keeps_it(desk: Desk) -> None:
    answers: list[int] = []
    app = desk.exchange.app

    async def counting(scope: Any, receive: Any, send: Any) -> None:
        async def told(message: Any) -> None:
            if message["type"] == "http.response.start":
                answers.append(message["status"])
            await send(message)

        await app(scope, receive, told)

    desk.exchange.app = counting  # type: ignore[assignment]
    for name in (SERVICE.name, f"CORP\\{SERVICE.name}", "svc@example.test"):
        desk.exchange.grant(replace(SERVICE, name=name, password="secret"))
        answers.clear()
        account = desk.account(credentials=Credentials(name, "secret"), auth=NTLM)
        assert await desk.ask(lambda account=account: count(account)) == 1
        assert answers == [401, 401, 200]
        assert await desk.ask(lambda account=account: count(account)) == 1
        assert answers == [401, 401, 200, 200]


async def test_a_wrong_password_is_refused_by_ntlm(desk: Desk) -> None:
    account = desk.account(credentials=Credentials("svc", "wrong"), auth=NTLM)
    with pytest.raises(UnauthorizedError):
        await desk.ask(lambda: count(account))


async def test_a_connection_that_is_gone_is_forgotten(desk: Desk) -> None:
    seen: list[weakref.ref[Any]] = []
    app = desk.exchange.app

    async def watching(scope: Any, receive: Any, send: Any) -> None:
        seen.append(weakref.ref(transport_of(send)))
        await app(scope, receive, send)

    desk.exchange.app = watching  # type: ignore[assignment]
    async with httpx.AsyncClient(trust_env=False) as client:
        assert (await client.post(desk.served.url)).status_code == 401
    async with asyncio.timeout(5):
        while any(one() is not None for one in seen):
            await asyncio.sleep(0.02)
            gc.collect()
    assert len(seen) == 1


async def test_left_to_itself_a_client_picks_ntlm_and_learns_the_version(desk: Desk) -> None:
    desk.exchange.grant(replace(SERVICE, password="secret"))
    credentials = Credentials("svc", "secret")
    account = desk.account(credentials=credentials, auth=None, version=None)
    assert await desk.ask(lambda: count(account)) == 1
    assert account.protocol.auth_type == NTLM
    assert str(account.protocol.version.build) == "15.2.1544.4"


class Entra(OAuth2Credentials):
    """Client credentials that fetch their token from the simulator."""

    token_at = ""

    @property
    def token_url(self) -> str:
        return self.token_at


class EntraAgain(Entra):
    """As above, with exchangelib's refresh that cannot work taken out."""

    def session_params(self) -> dict[str, Any]:
        return {"token": self.access_token}


def oauth(desk: Desk, kind: type[Entra] = Entra, secret: str = "s3cret") -> Account:
    desk.exchange.grant(replace(SERVICE, name="client-id", password="s3cret"))
    kind.token_at = desk.served.token_url()
    credentials = kind(client_id="client-id", client_secret=secret, tenant_id="tenant")
    return desk.account(credentials=credentials, auth=OAUTH2)


FORM = {
    "grant_type": "client_credentials",
    "client_id": "client-id",
    "client_secret": "s3cret",
    "scope": "https://outlook.office365.com/.default",
}


@pytest.fixture
def over_http(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OAUTHLIB_INSECURE_TRANSPORT", "1")


def let_expire(account: Account) -> None:
    """Let the client believe that its token's time is over."""
    session = account.protocol.get_session()
    session._client._expires_at = 1
    account.protocol.release_session(session)


@pytest.mark.usefixtures("over_http")
async def test_an_expired_token_cannot_be_refreshed_but_fetched_anew(desk: Desk) -> None:
    stock, mended = oauth(desk), oauth(desk, EntraAgain)
    for account in (stock, mended):
        assert await desk.ask(lambda account=account: count(account)) == 1
        await desk.ask(lambda account=account: let_expire(account))
    assert desk.exchange.tokens.issued == 2
    assert await desk.ask(lambda: count(mended)) == 1
    with pytest.raises(InvalidClientIdError, match="AADSTS900144"):
        await desk.ask(lambda: count(stock))
    assert await desk.ask(lambda: count(stock)) == 1
    assert desk.exchange.tokens.issued == 4


@pytest.mark.usefixtures("over_http")
async def test_a_token_holds_as_long_as_it_says(tmp_path: Path) -> None:
    async with an_exchange(tmp_path, Knobs(token_seconds=600)) as desk:
        account = oauth(desk)
        await desk.ask(lambda: count(account))
        token = account.protocol.credentials.access_token
        assert token["expires_in"] == 600
        assert desk.exchange.tokens.holder(token["access_token"]) is not None
        desk.exchange.knobs = replace(desk.exchange.knobs, token_seconds=0)
        second = await desk.ask(lambda: httpx.post(desk.served.token_url(), data=FORM).json())
        assert desk.exchange.tokens.holder(second["access_token"]) is None


@pytest.mark.usefixtures("over_http")
async def test_a_token_that_the_server_no_longer_knows_is_unauthorized(desk: Desk) -> None:
    account = oauth(desk)
    assert await desk.ask(lambda: count(account)) == 1
    desk.exchange.tokens.expire()
    with pytest.raises(UnauthorizedError):
        await desk.ask(lambda: count(account))


@pytest.mark.usefixtures("over_http")
async def test_a_wrong_client_secret_gets_no_token(desk: Desk) -> None:
    account = oauth(desk, secret="wrong")
    with pytest.raises(Exception, match="AADSTS7000215"):
        await desk.ask(lambda: count(account))
    assert desk.exchange.tokens.issued == 0


async def test_impersonation_needs_the_right_and_a_mailbox(desk: Desk) -> None:
    rights = frozenset([ROOM])
    desk.exchange.grant(SimulatedAccount(name="few", password="pw", impersonates=rights))
    few = Credentials("few", "pw")
    assert await desk.ask(lambda: count(desk.account(ROOM, credentials=few))) == 1
    with pytest.raises(ErrorImpersonateUserDenied):
        await desk.ask(lambda: count(desk.account(OTHER_ROOM, credentials=few)))
    with pytest.raises(ErrorNonExistentMailbox):
        await desk.ask(lambda: count(desk.account("nobody@example.test", credentials=few)))


async def test_a_delegate_opens_what_it_was_given_and_its_own(desk: Desk) -> None:
    desk.exchange.grant(
        SimulatedAccount(
            name="anna", password="pw", mailbox=ANNA, delegate_of=frozenset([OTHER_ROOM])
        )
    )
    anna = Credentials("anna", "pw")
    for address, held in ((ANNA, 1), (OTHER_ROOM, 0)):
        account = desk.account(address, credentials=anna, access=DELEGATE)
        assert await desk.ask(lambda account=account: count(account)) == held
    with pytest.raises(ErrorAccessDenied):
        await desk.ask(lambda: count(desk.account(ROOM, credentials=anna, access=DELEGATE)))
    with pytest.raises(ErrorImpersonateUserDenied):
        await desk.ask(lambda: count(desk.account(ROOM, credentials=anna)))


async def test_ews_that_is_switched_off_is_forbidden(desk: Desk) -> None:
    desk.exchange.knobs = replace(desk.exchange.knobs, ews_enabled=False)
    with pytest.raises(TransportError, match=r"403|Forbidden|Unexpected"):
        await desk.ask(lambda: count(desk.account()))


async def test_what_is_not_offered_does_not_log_in(desk: Desk) -> None:
    desk.exchange.knobs = replace(desk.exchange.knobs, schemes=("Bearer",))
    with pytest.raises(UnauthorizedError):
        await desk.ask(lambda: count(desk.account()))


def test_exchangelib_runs_on_the_http_stack_that_it_was_made_for() -> None:
    """Another package of that name may be installed over urllib3, and hide what is tested here."""
    assert urllib3.__version__ == version("urllib3")
