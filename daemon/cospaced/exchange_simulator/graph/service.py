"""Requests to Entra and to Graph, and what they answer; no waiting and no faults here."""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs, quote, unquote, urlencode

from cospaced.exchange_simulator.expansion import itself
from cospaced.exchange_simulator.graph import rendering, views
from cospaced.exchange_simulator.graph.replies import GraphError, Reply, document
from cospaced.exchange_simulator.graph.views import Preferences, Token
from cospaced.exchange_simulator.rights import Account, Rights
from cospaced.exchange_simulator.state import Mailbox, State
from cospaced.exchange_simulator.tokens import PATH_END, Tokens


ROOT = "/v1.0/"
"""Where Graph is; nothing is elsewhere but what tells of a tenant."""
_MOST_ON_A_PAGE = 1000
_TENANT = re.compile(r"/([^/]+)/v2\.0/\.well-known/openid-configuration")
_VIEW = re.compile(r"/v1\.0/users/([^/]+)/calendarView(/delta(?:\(\))?)?", re.IGNORECASE)
_EVENTS = re.compile(r"/v1\.0/users/([^/]+)/events", re.IGNORECASE)
_EVENT = re.compile(r"/v1\.0/users/([^/]+)/events/([^/]+)", re.IGNORECASE)
_OF_ONE_EVENT = re.compile(r"iCalUId eq '((?:[^']|'')*)'")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came; header names in lower case, `path` still escaped."""

    method: str
    base: str
    """Where it was sent: `https://host:port`."""
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""


class Service:
    """Answers requests from the state."""

    def __init__(self, state: State, rights: Rights, tokens: Tokens, tenant_id: str) -> None:
        self.on_premises: set[str] = set()
        """Mailboxes that are in the directory, and not in Exchange Online."""
        self._state = state
        self._rights = rights
        self._tokens = tokens
        self._tenant_id = tenant_id

    def handle(self, request: Request) -> Reply:
        """Answer one request."""
        found = _TENANT.fullmatch(request.path)
        if found is not None:
            return self._tenant(found[1], request.base)
        try:
            return document(self._read(request))
        except GraphError as error:
            return error.reply()

    def _tenant(self, tenant: str, base: str) -> Reply:
        """Tell where a tenant's tokens are had."""
        if tenant.lower() != self._tenant_id:
            told = f"AADSTS90002: Tenant '{tenant}' not found."
            error = {"error": "invalid_tenant", "error_description": told, "error_codes": [90002]}
            return document(error, status=400)
        place = f"{base}/{tenant}"
        return document(
            {
                "issuer": f"{place}/v2.0",
                "authorization_endpoint": f"{place}/oauth2/v2.0/authorize",
                "token_endpoint": f"{place}{PATH_END}",
                "device_authorization_endpoint": f"{place}/oauth2/v2.0/devicecode",
            }
        )

    def _read(self, request: Request) -> Any:
        if not request.path.startswith(ROOT):
            raise GraphError(404, "ResourceNotFound", f"There is nothing at {request.path}.")
        application = self._application(request)
        if request.method != "GET":
            raise GraphError(405, "Request_BadRequest", "Only reading is simulated.")
        preferences = _preferences(request.headers.get("prefer", ""))
        query = {name: values[0] for name, values in parse_qs(request.query).items()}
        if found := _VIEW.fullmatch(request.path):
            box = self._mailbox(unquote(found[1]), application)
            if found[2]:
                return self._delta(box, request.base, query, preferences)
            return self._view(box, request.base, query, preferences)
        if found := _EVENTS.fullmatch(request.path):
            box = self._mailbox(unquote(found[1]), application)
            return self._events(box, request.base, query, preferences)
        if found := _EVENT.fullmatch(request.path):
            box = self._mailbox(unquote(found[1]), application)
            return self._event(box, unquote(found[2]), preferences)
        raise GraphError(400, "BadRequest", f"Resource not found for the segment '{request.path}'.")

    def _application(self, request: Request) -> Account:
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        application = self._tokens.holder(token) if scheme.lower() == "bearer" else None
        if application is None:
            told = "Lifetime validation failed, the token is expired." if token else "No token."
            raise GraphError(401, "InvalidAuthenticationToken", told)
        return application

    def _mailbox(self, address: str, application: Account) -> Mailbox:
        key = address.lower()
        if key in self.on_premises:
            told = "The mailbox is either inactive, soft-deleted, or is hosted on-premise."
            raise GraphError(404, "MailboxNotEnabledForRESTAPI", told)
        try:
            box = self._state.mailbox(key)
        except KeyError:
            told = f"The requested user '{address}' is invalid."
            raise GraphError(404, "ErrorInvalidUser", told) from None
        if not self._rights.acts_for(application, box):
            told = "Access is denied. Check credentials and try again."
            raise GraphError(403, "ErrorAccessDenied", told)
        return box

    # --- calendarView -------------------------------------------------------------------------

    def _view(
        self, box: Mailbox, base: str, query: Mapping[str, str], preferences: Preferences
    ) -> Any:
        start, end = (views.instant(_needed(query, n)) for n in ("startDateTime", "endDateTime"))
        page = min(_number(query, "$top", views.USUAL_PAGE), _MOST_ON_A_PAGE)
        skip = _number(query, "$skip", 0)
        shown = views.shown_in(box, start, end)
        names = [name for name in query.get("$select", "").split(",") if name]
        if "$expand" in query:
            names.append("singleValueExtendedProperties")
        values = []
        for one in shown[skip : skip + page]:
            whole = rendering.event(one, box, preferences)
            values.append(rendering.selected(whole, names or whole.keys()))
        answer = {"@odata.context": _context(base, box), "value": values}
        if skip + page < len(shown):
            more = {**query, "$skip": str(skip + page)}
            answer["@odata.nextLink"] = f"{_place(base, box)}?{urlencode(more)}"
        return answer

    def _events(
        self, box: Mailbox, base: str, query: Mapping[str, str], preferences: Preferences
    ) -> Any:
        """Tell single events and masters of series, all of them or the ones of an iCalUId."""
        wholes = [rendering.event(itself(item), box, preferences) for item in box.items.values()]
        if "$filter" in query:
            uid = _filtered_for(query["$filter"])
            wholes = [whole for whole in wholes if whole["iCalUId"] == uid]
        page = _number(preferences, "odata.maxpagesize", views.USUAL_PAGE)
        skip = _number(query, "$skip", 0)
        names = [name for name in query.get("$select", "").split(",") if name]
        told = wholes[skip : skip + page]
        values = [rendering.selected(one, names or one.keys()) for one in told]
        answer = {"@odata.context": _context(base, box, "events"), "value": values}
        if skip + page < len(wholes):
            more = {**query, "$skip": str(skip + page)}
            answer["@odata.nextLink"] = f"{_place(base, box, 'events')}?{urlencode(more)}"
        return answer

    def _event(self, box: Mailbox, identity: str, preferences: Preferences) -> Any:
        for item in box.items.values():
            shown = itself(item)
            if rendering.identity(shown, immutable=identity.startswith("I")) == identity:
                return rendering.event(shown, box, preferences)
        told = "The specified object was not found in the store."
        raise GraphError(404, "ErrorItemNotFound", told)

    # --- delta --------------------------------------------------------------------------------

    def _delta(
        self, box: Mailbox, base: str, query: Mapping[str, str], preferences: Preferences
    ) -> Any:
        unsupported = sorted(set(query) & {"$select", "$expand", "$filter", "$orderby", "$search"})
        if unsupported:
            told = f"The following parameters are not supported with change tracking: {unsupported}"
            raise GraphError(400, "ErrorInvalidUrlQuery", told)
        asked = self._asked(box, query, preferences)
        values, following, last = views.delta(box, asked, preferences)
        name = "$deltatoken" if last else "$skiptoken"
        link = f"{_place(base, box)}/delta?{name}={following.written()}"
        kind = "@odata.deltaLink" if last else "@odata.nextLink"
        return {"@odata.context": _context(base, box), "value": values, kind: link}

    def _asked(self, box: Mailbox, query: Mapping[str, str], preferences: Preferences) -> Token:
        page = _number(preferences, "odata.maxpagesize", views.USUAL_PAGE)
        if "$skiptoken" in query:
            return views.token(query["$skiptoken"], box)
        if "$deltatoken" in query:
            known = views.token(query["$deltatoken"], box)
            return Token(
                guid=box.guid,
                start=known.start,
                end=known.end,
                since=known.since,
                until=box.number,
                page=page,
            )
        start, end = (_needed(query, name) for name in ("startDateTime", "endDateTime"))
        views.instant(start), views.instant(end)
        return Token(guid=box.guid, start=start, end=end, since=0, until=box.number, page=page)


def _place(base: str, box: Mailbox, kind: str = "calendarView") -> str:
    return f"{base}/v1.0/users/{quote(box.address, safe='@')}/{kind}"


def _context(base: str, box: Mailbox, kind: str = "calendarView") -> str:
    return f"{base}/v1.0/$metadata#users('{quote(box.address, safe='')}')/{kind}"


def _filtered_for(condition: str) -> str:
    """Return the iCalUId that a $filter asks for; nothing else can be asked for here."""
    found = _OF_ONE_EVENT.fullmatch(condition)
    if found is None:
        told = f"'{condition}' is not a supported filter expression."
        raise GraphError(400, "UnsupportedEntityExpression", told)
    return found[1].replace("''", "'")


def _needed(query: Mapping[str, str], name: str) -> str:
    if name not in query:
        told = "This request requires a time window specified by startDateTime and endDateTime."
        raise GraphError(400, "ErrorInvalidParameter", told)
    return query[name]


def _number(values: Mapping[str, str], name: str, usual: int) -> int:
    text = values.get(name, "")
    return int(text) if text.isdecimal() else usual


def _preferences(header: str) -> dict[str, str]:
    """Read a Prefer header (RFC 7240) into names in lower case and unquoted values."""
    pairs = (part.partition("=") for part in header.split(","))
    return {name.strip().lower(): value.strip().strip('"') for name, _, value in pairs}
