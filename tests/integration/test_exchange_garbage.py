"""Requests that no client should send get an answer of EWS all the same."""

import copy
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import httpx
import pytest
from exchangelib import CalendarItem, EWSTimeZone, FolderCollection
from exchangelib.recurrence import DailyPattern
from exchangelib.recurrence import Recurrence as ClientRecurrence
from lxml import etree

import cospaced.calendars.exchange.items  # noqa: F401 - registers what an event is sought by
from cospaced.exchange_simulator.recurrence import Daily, Recurrence
from support.ews_schema import S
from support.exchange import ANNA, ROOM, SERVICE, Desk, an_exchange, lite_calendar, noon


@pytest.fixture
async def desk(tmp_path: Path) -> AsyncIterator[Desk]:
    async with an_exchange(tmp_path) as made:
        yield made


@pytest.fixture
async def client(desk: Desk) -> AsyncIterator[httpx.AsyncClient]:
    login = (SERVICE.name, SERVICE.password)
    async with httpx.AsyncClient(base_url=desk.served.root, auth=login, trust_env=False) as made:
        yield made


def code(answer: httpx.Response) -> str:
    found = etree.fromstring(answer.content).iter("{*}ResponseCode")
    return next(iter(found)).text or ""


ENVELOPE = f'<s:Envelope xmlns:s="{S}"><s:Body>%s</s:Body></s:Envelope>'


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ("", "ErrorSchemaValidation"),
        ("no XML", "ErrorSchemaValidation"),
        ("<html/>", "ErrorSchemaValidation"),
        (ENVELOPE % "", "ErrorSchemaValidation"),
        (ENVELOPE % "<a/><b/>", "ErrorSchemaValidation"),
        ('<!DOCTYPE a [<!ENTITY b "c">]><a>&b;</a>', "ErrorSchemaValidation"),
        (ENVELOPE % "<SendItem/>", "ErrorInvalidRequest"),
    ],
)
async def test_what_is_no_request_is_a_soap_fault(
    client: httpx.AsyncClient, body: str, expected: str
) -> None:
    answer = await client.post("/EWS/Exchange.asmx", content=body)
    assert answer.status_code == 500
    assert code(answer) == expected


async def test_other_paths_are_not_found_and_any_case_is_one_path(
    client: httpx.AsyncClient,
) -> None:
    assert (await client.post("/EWS/Services.wsdl")).status_code == 404
    assert (await client.post("/ews/exchange.asmx", content="x")).status_code == 500


def everyday(desk: Desk) -> None:
    """Let a client use every operation once."""
    account = desk.account()
    calendar = lite_calendar(account)
    list(calendar.view(noon(0), noon(9)).only("subject", "start"))
    sought = calendar.filter(start__lt=noon(9), clean_object_id=b"\0" * 56)
    list(sought.only("start"))
    list(calendar.sync_items(only_fields=["start"]))
    list(calendar.sync_items(only_fields=["start"]))
    found = list(calendar.view(noon(0), noon(9)).only("start"))
    whole = next(iter(account.fetch([found[0].recurring_master()])))
    whole.occurrence(2).refresh()
    zone = EWSTimeZone("Europe/Berlin")
    item = CalendarItem(
        account=account,
        folder=calendar,
        start=noon(20).astimezone(zone),
        end=noon(20, 13).astimezone(zone),
        categories=["a"],
        recurrence=ClientRecurrence(
            pattern=DailyPattern(interval=1), start=noon(20).date(), number=3
        ),
    )
    item.save()
    item.location = "There"
    item.categories = None
    item.save(update_fields=["location", "categories"])
    item.delete()
    account.protocol.resolve_names(["room"])
    list(account.protocol.get_timezones(timezones=[zone]))
    folders = FolderCollection(account=account, folders=[calendar])
    calendar.unsubscribe(folders.subscribe_to_streaming())
    (copied,) = list(account.fetch([(found[0].id, None)], only_fields=["changekey"]))
    copied.accept(message_disposition="SendOnly")


def spoiled(request: bytes) -> Iterator[bytes]:
    """Yield the request without each of its parts in turn, and with nonsense in place of each."""
    root = etree.fromstring(request)
    tree = root.getroottree()
    fields = root.findall(".//{*}AdditionalProperties/{*}FieldURI")
    for element in root.find(f"{{{S}}}Body").iter():
        if element in fields[1:]:
            continue
        path = tree.getpath(element)
        for spoil in (_without, _with_nonsense):
            yield spoil(copy.deepcopy(root), path)
        for name in element.attrib:
            for value in (None, "nonsense", "-1"):
                other = copy.deepcopy(root)
                target = other.getroottree().xpath(path, namespaces=root.nsmap)[0]
                if value is None:
                    del target.attrib[name]
                else:
                    target.set(name, value)
                yield etree.tostring(other)


def _without(root: etree._Element, path: str) -> bytes:
    found = root.getroottree().xpath(path, namespaces=root.nsmap)[0]
    found.getparent().remove(found)
    return etree.tostring(root)


def _with_nonsense(root: etree._Element, path: str) -> bytes:
    found = root.getroottree().xpath(path, namespaces=root.nsmap)[0]
    for child in list(found):
        found.remove(child)
    found.text = "nonsense"
    return etree.tostring(root)


async def test_a_spoiled_request_gets_an_answer_of_ews(desk: Desk) -> None:
    daily = Recurrence(pattern=Daily(), number=4)
    desk.scenarios.invite(ANNA, [ROOM], noon(), recurrence=daily)
    await desk.ask(lambda: everyday(desk))
    longest = sorted(desk.exchange.requests, key=lambda one: len(one.request))
    kinds = {one.operation: one.request for one in longest}
    assert len(kinds) == 11
    tried = 0
    # In process, an exception of the simulator's comes through to here.
    transport = httpx.ASGITransport(desk.exchange.app)
    login = (SERVICE.name, SERVICE.password)
    async with httpx.AsyncClient(transport=transport, auth=login) as client:
        for request in kinds.values():
            for body in spoiled(request):
                answer = await client.post(desk.served.url, content=body)
                assert answer.status_code in (200, 500)
                assert etree.fromstring(answer.content).tag == f"{{{S}}}Envelope"
                tried += 1
    assert tried > 300
