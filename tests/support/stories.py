"""Stories of a whole site, told in virtual time, and what must hold of every one of them."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

from support.site import Invitation, Site
from support.virtual import VirtualClock, run_virtually


MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
Story = Callable[[Site], Coroutine[Any, Any, None]]
S = TypeVar("S", bound=Site)


def play(folder: Path, story: Story, **keys: Any) -> Site:
    """Tell one story on a new site and return the site."""
    return play_on(Site, folder, story, **keys)


def play_on(
    kind: Callable[..., S],
    folder: Path,
    story: Callable[[S], Coroutine[Any, Any, None]],
    **keys: Any,
) -> S:
    """Tell one story on a new site of a kind."""

    async def main(clock: VirtualClock) -> S:
        site = kind(clock, folder, **keys)
        await story(site)
        return site

    return run_virtually(main)


def booked(site: Site, *, after: float = 10, minutes: float = 30, **keys: Any) -> Invitation:
    """Invite the first two rooms in `after` minutes from now."""
    start = site.clock.now() + timedelta(minutes=after)
    keys.setdefault("uid", "one@example.org")
    invitation = Invitation(start=start, end=start + timedelta(minutes=minutes), **keys)
    site.invite(invitation)
    return invitation


def moved(site: Site, invitation: Invitation, **changes: Any) -> Invitation:
    """Change an invitation, as its organizer would."""
    after = replace(invitation, sequence=invitation.sequence + 1, **changes)
    site.invite(after)
    return after


def rings(site: Site, *rooms: str) -> list[int]:
    """Return how often each room rang."""
    return [len(site.endpoint(room).rings) for room in rooms or site.rooms]


def cut_off_before(site: Site, moment: datetime) -> list[str]:
    """Return the endpoints whose connected leg ended before a moment other than by their doing."""
    own = ("remoteTeardown", "remoteRejected", "remoteBusy", "ringingTimeout")
    return [
        f"{endpoint.uri} at {gone.at:%H:%M:%S} ({gone.reason})"
        for endpoint in site.cluster.state.endpoints
        for gone in endpoint.hang_ups
        if gone.at < moment and gone.reason not in own
    ]


def asked(site: Site, since: datetime) -> list[str]:
    """Return the requests that were sent since a moment, as `METHOD node`."""
    return [f"{r.method} {r.node}" for r in site.cluster.requests if r.at >= since]
