"""Judging the pool's numbers: which spaces are ours, which are never written, what is missing.

Pure: it is given the list of spaces and the single looks at those that stand on a number of the
pool, and says of each number how it stands. Whatever it does not call ours, adoptable or missing
is never written. What it says of spaces that are not ours names ids only: the name of an open
space may be the title of somebody's private booking.
"""

import uuid
from collections.abc import Collection, Iterable

from cospaced.domain.pool import Claims, Sight, Standing, Survey, Verdict, site_profile_name
from cospaced.domain.seen import SeenSpace, SpaceSummary


TMS_PREFIX = "TMS_Scheduled_Meeting_"
"""What TMS calls its closed spaces, with the number behind (trace request 8954)."""

_OURS = (Standing.CLOSED, Standing.OPEN, Standing.ADOPTABLE)

_LONGEST_NUMBER = 20


def candidates(
    numbers: Collection[int], spaces: Iterable[SpaceSummary]
) -> tuple[SpaceSummary, ...]:
    """Return the spaces that may be slots (uri and callId are one number of these), by number."""
    found = [s for s in spaces if s.uri == s.call_id and _number(s.uri, numbers) is not None]
    return tuple(sorted(found, key=lambda space: int(space.uri)))


def survey(numbers: Collection[int], sight: Sight, claims: Claims) -> Survey:
    """Judge every number.

    A slot is ours if its uri and callId are the number and its name is prefix + number, or it
    carries our call leg profile, or its cdrTag is one of our bookings.
    """
    holders: dict[int, dict[str, SpaceSummary]] = {}
    for space in sight.spaces:
        for text in (space.uri, space.call_id, space.secondary_uri):
            number = _number(text, numbers)
            if number is not None:
                holders.setdefault(number, {})[space.id] = space
    relatives = _relatives(numbers, sight, claims)
    return Survey(
        verdicts=tuple(
            _judge(number, tuple(holders.get(number, {}).values()), sight, claims, relatives)
            for number in sorted(numbers)
        )
    )


def needs_members_look(found: Survey, claims: Claims) -> tuple[str, ...]:
    """Return the spaces of which one must ask for members before they are written.

    Members cost a request for each slot. Slots of our own making carry our call leg profile and
    are made without members; all others (adopted now or once) are asked about at every start.
    """
    return tuple(
        v.space.id
        for v in found.of(*_OURS)
        if v.space is not None and not claims.made_here(v.space)
    )


def _number(text: str, numbers: Collection[int]) -> int | None:
    if not (text.isascii() and text.isdecimal()) or text.startswith("0"):
        return None
    if len(text) > _LONGEST_NUMBER:
        return None
    number = int(text)
    return number if number in numbers else None


def _relatives(
    numbers: Collection[int], sight: Sight, claims: Claims
) -> frozenset[tuple[str, str]]:
    """Return the pairs of profiles that TMS gave its spaces, read off those with a known name.

    TMS renames a space when it opens it; only the profiles then tell whose it is.
    """
    prefixes = [p for p in (claims.prefix, claims.adopt_prefix, TMS_PREFIX) if p]
    pairs = {
        (space.call_profile, space.call_leg_profile)
        for space in sight.details.values()
        if (number := _number(space.uri, numbers)) is not None
        and any(space.name == f"{prefix}{number}" for prefix in prefixes)
        and not claims.made_here(space)
    }
    return frozenset(pairs - {("", "")})


def _judge(
    number: int,
    holders: tuple[SpaceSummary, ...],
    sight: Sight,
    claims: Claims,
    relatives: frozenset[tuple[str, str]],
) -> Verdict:
    if not holders:
        return Verdict(number=number, standing=Standing.MISSING)
    if len(holders) > 1:
        ids = ", ".join(sorted(holder.id for holder in holders))
        return Verdict(
            number=number, standing=Standing.CLASH, why=f"several spaces stand on it: {ids}"
        )
    (holder,) = holders
    space = sight.details.get(holder.id)
    if space is None and holder.uri == holder.call_id == str(number):
        # A candidate that the single look no longer found.
        return Verdict(number=number, standing=Standing.MISSING)
    uri, call_id = (holder.uri, holder.call_id) if space is None else (space.uri, space.call_id)
    if space is None or not uri == call_id == str(number):
        why = f"space {holder.id} has the uri {uri!r} and the call id {call_id!r}, not both"
        return Verdict(number=number, standing=Standing.CLASH, space=space, why=why)
    standing, why = _recognise(number, space, sight, claims, relatives)
    if standing in _OURS and (touched := _touched(space, sight)):
        standing, why = Standing.CLASH, f"space {space.id} {touched}: it is never written"
    return Verdict(number=number, standing=standing, space=space, why=why)


def _recognise(
    number: int,
    space: SeenSpace,
    sight: Sight,
    claims: Claims,
    relatives: frozenset[tuple[str, str]],
) -> tuple[Standing, str]:
    if stranger := claims.stranger(space.call_leg_profile):
        return Standing.UNSETTLED, _other_site(stranger, claims)
    if (
        space.name == f"{claims.prefix}{number}"
        or claims.marked(space.call_leg_profile)
        or claims.tagged(space.cdr_tag)
    ):
        opened = space.non_member_access or bool(space.cdr_tag)
        return (Standing.OPEN if opened else Standing.CLOSED), ""
    if claims.adopt_prefix and space.name == f"{claims.adopt_prefix}{number}":
        if space.id in sight.busy:
            return Standing.UNSETTLED, _IN_USE
        return Standing.ADOPTABLE, ""
    if space.non_member_access:
        if _is_uuid(space.cdr_tag, version=5):
            return Standing.UNSETTLED, _UNKNOWN_BOOKING
        if _opened_by_tms(space, claims, relatives):
            return Standing.UNSETTLED, _TMS_RUNNING
    hint = ""
    if space.name == f"{TMS_PREFIX}{number}":
        hint = f" (adopt_prefix = {TMS_PREFIX} takes TMS's spaces over)"
    return Standing.CLASH, f"space {space.id} stands on it and is not ours{hint}"


def _opened_by_tms(space: SeenSpace, claims: Claims, relatives: frozenset[tuple[str, str]]) -> bool:
    if space.cdr_tag or claims.made_here(space):
        return False
    # CMS makes secrets of 22 characters; TMS gives a GUID when it opens a space.
    guid = bool(claims.adopt_prefix) and _is_uuid(space.secret)
    return guid or (space.call_profile, space.call_leg_profile) in relatives


def _touched(space: SeenSpace, sight: Sight) -> str:
    if space.auto_generated:
        return "was made by an LDAP sync"
    if space.owner:
        return "has an owner"
    if space.access_methods:
        return "has access methods"
    return "has members" if space.id in sight.peopled else ""


def _is_uuid(text: str, version: int | None = None) -> bool:
    try:
        parsed = uuid.UUID(text)
    except ValueError:
        return False
    return str(parsed) == text.lower() and version in (None, parsed.version)


_OTHER_RANGE = "give [pool] numeric_id_base and numeric_id_quantity another range"

_IN_USE = (
    "a call is running in spaces that adopt_prefix would take over, so TMS still works with them; "
    f"take the range away from TMS and wait for these calls to end, or {_OTHER_RANGE}"
)
_TMS_RUNNING = (
    "spaces of TMS are open there, so TMS still works with them; take the range away from TMS and "
    f"close these spaces, or {_OTHER_RANGE}"
)
_UNKNOWN_BOOKING = (
    "spaces are open there for bookings (cdrTag) that no calendar read so far holds; if another "
    f"cospaced works on this range, stop it or {_OTHER_RANGE}; if none does, close these spaces"
)


def _other_site(stranger: str, claims: Claims) -> str:
    own = site_profile_name(claims.site_id)
    return (
        f"spaces there belong to another cospaced (call leg profile {stranger!r}); stop it or "
        f"{_OTHER_RANGE}; if this machine takes its place, bring back its site.key or rename "
        f"that call leg profile to {own!r} on CMS"
    )
