"""What the tests of the pool begin with."""

from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

from cospaced.domain.pool import Slots
from cospaced.domain.writes import Write
from cospaced.engine.pool import Pool
from cospaced.settings import PoolSettings
from support.pool_bridge import Cms, Life
from support.virtual import VirtualClock, run_virtually


SETTINGS = PoolSettings(domain="example.org", numeric_id_base=1001, numeric_id_quantity=5)
NUMBERS = tuple(SETTINGS.numbers)
SITE = "a1b2c3d4"
PROFILE = f"cospaced {SITE}"
BOOKING = "0b8a4f5e-7c1d-5a2b-9e3f-111111111111"


def in_virtual_time(
    test: Callable[[VirtualClock], Coroutine[Any, Any, None]],
) -> Callable[[], None]:
    def run() -> None:
        run_virtually(test)

    run.__name__ = test.__name__
    return run


def pool_of(
    life: Life, clock: VirtualClock, settings: PoolSettings = SETTINGS, bookings: str = BOOKING
) -> Pool:
    return Pool(
        settings=settings,
        site_id=SITE,
        store=life.store,
        clock=clock,
        ours=lambda tag: tag in bookings.split(),
    )


async def prepared(
    life: Life, clock: VirtualClock, settings: PoolSettings = SETTINGS, bookings: str = BOOKING
) -> Slots:
    return await pool_of(life, clock, settings, bookings).prepare(life.bridge)


def kinds(life: Life) -> list[type[Write]]:
    return [type(write) for write in life.writes]


def sized(quantity: int, base: int = 1001) -> PoolSettings:
    return replace(SETTINGS, numeric_id_base=base, numeric_id_quantity=quantity)


def stands_once_on_each_number(cms: Cms, numbers: tuple[int, ...] = NUMBERS) -> bool:
    return all(
        [(s.name, s.call_id, s.non_member_access) for s in cms.on(n)]
        == [(f"cospaced_{n}", str(n), False)]
        for n in numbers
    )


ADOPTING = replace(SETTINGS, adopt_prefix="TMS_Scheduled_Meeting_")


def tms_spaces(cms: Cms, leg_profile: str = "tms-legs") -> None:
    for number in NUMBERS:
        cms.put_space(
            number,
            f"TMS_Scheduled_Meeting_{number}",
            non_member_access=False,
            call_profile="tms-calls",
            call_leg_profile=leg_profile,
        )
