"""The simulated Graph's lists of events, as any client meets them."""

from collections.abc import AsyncIterator
from urllib.parse import urlencode

import httpx
import pytest

from cospaced.exchange_simulator.recurrence import Daily, Recurrence
from cospaced.host.tls import tls_context
from support.graph_calendars import CLIENT_ID, Tenant, tenant
from support.situations import NOW
from support.source_writers import SetClock


ADA = "ada@example.org"
DAILY = Recurrence(pattern=Daily(), number=3)


class Client:
    """A client that logged in."""

    def __init__(self, running: Tenant, web: httpx.AsyncClient, token: str) -> None:
        self.running = running
        self._web = web
        self._token = token

    async def get(self, mailbox: str, **query: str) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self._token}", "Prefer": "odata.maxpagesize=2"}
        named = urlencode({f"${name}": value for name, value in query.items()})
        return await self._web.get(f"/v1.0/users/{mailbox}/events?{named}", headers=headers)


@pytest.fixture
async def client() -> AsyncIterator[Client]:
    async with tenant(SetClock(NOW)) as running:
        running.exchange.scenarios.add_person(ADA, "Ada Lovelace")
        settings = running.settings
        form = {
            "grant_type": "client_credentials",
            "client_id": CLIENT_ID,
            "client_secret": "simulated",
            "scope": f"{settings.graph_url}/.default",
        }
        trust = tls_context(verify=True, ca_file=settings.ca_file)
        base = settings.graph_url
        async with httpx.AsyncClient(base_url=base, verify=trust, trust_env=False) as web:
            answer = await web.post(f"/{settings.tenant_id}/oauth2/v2.0/token", data=form)
            yield Client(running, web, answer.json()["access_token"])


async def test_an_event_is_found_by_its_icaluid_and_a_series_as_its_master(client: Client) -> None:
    scenarios = client.running.exchange.scenarios
    made = scenarios.invite(ADA, [], NOW, recurrence=DAILY)
    scenarios.invite(ADA, [], NOW)
    asked = {"filter": f"iCalUId eq '{made.uid}'", "select": "iCalUId,subject,type"}
    (found,) = (await client.get(ADA, **asked)).json()["value"]
    assert (found["iCalUId"], found["type"]) == (made.uid, "seriesMaster")
    assert found.keys() == {"@odata.etag", "id", "iCalUId", "subject", "type"}
    assert (await client.get(ADA, filter="iCalUId eq 'it''s'")).json()["value"] == []


@pytest.mark.parametrize(
    "condition", ["uid eq 'x'", "iCalUId eq x", "iCalUId ne 'x'", "iCalUId eq 'x' or true"]
)
async def test_any_other_filter_is_refused(client: Client, condition: str) -> None:
    answer = await client.get(ADA, filter=condition)
    assert answer.status_code == 400
    assert answer.json()["error"]["code"] == "UnsupportedEntityExpression"


async def test_a_list_is_paged(client: Client) -> None:
    for _ in range(3):
        client.running.exchange.scenarios.invite(ADA, [], NOW)
    first = (await client.get(ADA)).json()
    assert len(first["value"]) == 2
    assert "@odata.nextLink" in first
    rest = (await client.get(ADA, skip="2")).json()
    assert (len(rest["value"]), "@odata.nextLink" in rest) == (1, False)
