"""Looking at the pool: one list of all spaces, then single looks at those on our numbers.

A filter by name would not do: open spaces carry the titles of their bookings. Only what was just
made is looked for by its name, so that a CMS with very many spaces is listed once.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from cospaced.domain.pool import (
    Claims,
    Sight,
    Standing,
    Survey,
    Verdict,
    site_profile_name,
)
from cospaced.domain.pool_survey import candidates, needs_members_look, survey
from cospaced.domain.seen import SeenSpace, SpaceSummary
from cospaced.engine.pool_making import each
from cospaced.engine.pool_memory import CALL_LEG_PROFILE, Memory
from cospaced.errors import PoolUnsettled
from cospaced.ports import Bridge
from cospaced.settings import PoolSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class View:
    """What one look showed: `inside` judges the range, `outside` what it once held besides.

    `leg_profile` is the call leg profile in use, empty where there is none yet.
    """

    claims: Claims
    leg_profile: str
    inside: Survey
    outside: tuple[Verdict, ...] = ()
    spaces: Mapping[str, SpaceSummary]
    details: Mapping[str, SeenSpace]
    members: Mapping[str, bool]

    @property
    def made_here(self) -> tuple[SeenSpace, ...]:
        """The slots that carry our profiles, by number."""
        spaces = (v.space for v in self.inside.held if v.space is not None)
        return tuple(space for space in spaces if self.claims.made_here(space))


class Looker:
    """Looks, and judges what it sees; writes nothing."""

    def __init__(
        self,
        *,
        settings: PoolSettings,
        site_id: str,
        memory: Memory,
        ours: Callable[[str], bool],
    ) -> None:
        self._settings = settings
        self._site_id = site_id
        self._memory = memory
        self._ours = ours

    async def look(self, bridge: Bridge, earlier: View | None = None) -> View:
        """Look at everything, or (`earlier` given) again at what was made and taken over since.

        Raises PoolUnsettled where the range, or a profile that the configuration names, must be
        settled by a person.
        """
        claims = await self._claims(bridge)
        if earlier is None:
            await self._check_call_profile(bridge)
            listed = await bridge.spaces()
            spaces = {space.id: space for space in listed}
        else:
            listed = await bridge.spaces(self._settings.space_name_prefix)
            spaces = {**earlier.spaces, **{space.id: space for space in listed}}
        former = await self._former()
        wanted = (
            *candidates(self._settings.numbers, spaces.values()),
            *candidates(former, spaces.values()),
        )
        details = await self._details(bridge, wanted, earlier)
        members = dict(earlier.members) if earlier is not None else {}
        sight = Sight(spaces=tuple(spaces.values()), details=details)
        sight = await self._asked(bridge, sight, claims, former, members)
        inside = survey(self._settings.numbers, sight, claims)
        if inside.unsettled:
            raise PoolUnsettled(inside.unsettled)
        return View(
            claims=claims,
            leg_profile=self._settings.call_leg_profile or claims.known_profile,
            inside=inside,
            outside=_left_open(survey(former, sight, claims), claims),
            spaces=spaces,
            details=details,
            members=members,
        )

    async def _claims(self, bridge: Bridge) -> Claims:
        names = {profile.id: profile.name for profile in await bridge.call_leg_profiles()}
        given = self._settings.call_leg_profile
        if given and given not in names:
            raise PoolUnsettled(_no_such("call_leg_profile", given))
        known = await self._memory.get(CALL_LEG_PROFILE)
        if known not in names or known == given:
            own = site_profile_name(self._site_id)
            known = next((p for p, name in sorted(names.items()) if name == own), "")
        return Claims(
            site_id=self._site_id,
            prefix=self._settings.space_name_prefix,
            adopt_prefix=self._settings.adopt_prefix,
            leg_profiles=names,
            known_profile=known,
            given_profile=given,
            ours=self._ours,
        )

    async def _check_call_profile(self, bridge: Bridge) -> None:
        given = self._settings.call_profile
        if given and given not in {profile.id for profile in await bridge.call_profiles()}:
            raise PoolUnsettled(_no_such("call_profile", given))

    async def _former(self) -> frozenset[int]:
        """Return the numbers that slots of ours stood on before the range was made smaller."""
        numbers = self._settings.numbers
        return frozenset(n for n in await self._memory.numbers() if n not in numbers)

    async def _details(
        self, bridge: Bridge, wanted: Iterable[SpaceSummary], earlier: View | None
    ) -> dict[str, SeenSpace]:
        known: dict[str, SeenSpace] = {}
        if earlier is not None:
            held = {v.space.id: v.space for v in earlier.inside.held if v.space is not None}
            known = {space.id: held[space.id] for space in wanted if space.id in held}
        seen = await each([s.id for s in wanted if s.id not in known], bridge.space)
        return {**known, **{space: found for space, found in seen.items() if found is not None}}

    async def _asked(
        self,
        bridge: Bridge,
        sight: Sight,
        claims: Claims,
        former: frozenset[int],
        members: dict[str, bool],
    ) -> Sight:
        """Return the sight with members and calls asked for, where the verdict hangs on them."""
        inside = survey(self._settings.numbers, sight, claims)
        outside = survey(former, sight, claims)
        ask = (*needs_members_look(inside, claims), *needs_members_look(outside, claims))
        members |= await each([space for space in ask if space not in members], bridge.has_members)
        busy: frozenset[str] = frozenset()
        if inside.of(Standing.ADOPTABLE):
            busy = frozenset(call.space for call in await bridge.calls())
        return Sight(
            spaces=sight.spaces,
            details=sight.details,
            peopled=frozenset(space for space, found in members.items() if found),
            busy=busy,
        )


def _left_open(found: Survey, claims: Claims) -> tuple[Verdict, ...]:
    """Return the open slots outside the range that are certainly ours; a name proves too little."""
    return tuple(
        v
        for v in found.of(Standing.OPEN)
        if v.space is not None
        and (claims.marked(v.space.call_leg_profile) or claims.tagged(v.space.cdr_tag))
    )


def _no_such(key: str, given: str) -> str:
    return (
        f"[pool] {key}: CMS has no profile {given}; write the id of one that it lists, or leave "
        "the key out to have one made"
    )
