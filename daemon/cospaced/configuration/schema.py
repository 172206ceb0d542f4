"""What may stand in each section: one pydantic model of text for each, no defaults.

A key that is not written is not among a model's `model_fields_set`, so that the defaults of
`cospaced.settings` stand. `examples` of a needed key are what the problem tells to write.
"""

from datetime import timedelta
from pathlib import Path
from typing import Annotated, ClassVar

from pydantic import BeforeValidator, Field

from cospaced.configuration import addresses, values, zones
from cospaced.configuration.keys import (
    UNSET,
    Address,
    By,
    Certificates,
    Filled,
    Guid,
    Identifier,
    Keys,
    Mail,
    SecretText,
    SipUri,
    SkipOrBook,
    Span,
    SpanOfMinutes,
    SpanOfSeconds,
    Switch,
    Text,
)
from cospaced.configuration.values import Passcode
from cospaced.settings import (
    BridgeSettings,
    CalendarSettings,
    CmsSettings,
    ConferenceSettings,
    DaemonSettings,
    ExtendMode,
    NumberChoice,
    PoolSettings,
    PrivateMode,
    RoomSettings,
    SourceType,
    TitleMode,
)


class DaemonKeys(Keys):
    """`[daemon]`."""

    target: ClassVar[type] = DaemonSettings

    state_dir: Annotated[Path, By(values.path)] = UNSET
    poll_interval: SpanOfSeconds = UNSET
    booking_window: SpanOfMinutes = UNSET
    time_zone: Annotated[str, By(zones.zone)] = UNSET
    include: Text = UNSET
    stale_after: SpanOfSeconds = UNSET
    stale_limit: SpanOfSeconds = UNSET
    log_level: Annotated[str, By(values.one_of("debug", "info", "warning", "error"))] = UNSET
    log_format: Annotated[str, By(values.one_of("journal", "json", "console"))] = UNSET
    log_titles: Switch = UNSET


class CmsKeys(Keys):
    """`[cms]`."""

    target: ClassVar[type] = CmsSettings
    secrets: ClassVar[tuple[str, ...]] = ("password",)
    lists: ClassVar[tuple[str, ...]] = ("call_bridges",)

    address: Address = Field(examples=["cms.example.org:445"])
    username: Filled = Field(examples=["cospaced"])
    password: SecretText
    ca_file: Certificates = UNSET
    verify: Switch = UNSET
    call_bridges: Annotated[tuple[str, ...] | None, By(addresses.bridge_addresses)] = UNSET
    concurrency: Annotated[int, By(values.whole(1, 64))] = UNSET
    timeout: SpanOfSeconds = UNSET
    dial_rate: Annotated[float | None, By(values.rate)] = UNSET
    web_bridge: Annotated[str, By(addresses.base_url)] = UNSET


class BridgeKeys(Keys):
    """`[bridge:NAME]`."""

    target: ClassVar[type] = BridgeSettings
    secrets: ClassVar[tuple[str, ...]] = ("password",)

    address: Address = UNSET
    username: Filled = UNSET
    password: SecretText = UNSET


class PoolKeys(Keys):
    """`[pool]`."""

    target: ClassVar[type] = PoolSettings

    domain: Annotated[str, By(addresses.sip_domain)] = Field(examples=["example.org"])
    numeric_id_base: Annotated[int, By(values.numeric_id)] = Field(examples=["82000"])
    numeric_id_quantity: Annotated[int, By(values.whole(1, 100_000))] = Field(examples=["100"])
    numeric_id_choice: Annotated[NumberChoice, By(values.member(NumberChoice))] = UNSET
    space_name_prefix: Filled = UNSET
    adopt_prefix: Text = UNSET
    call_profile: Guid = UNSET
    call_leg_profile: Guid = UNSET


class ConferenceKeys(Keys):
    """`[conferences]`."""

    target: ClassVar[type] = ConferenceSettings
    lists: ClassVar[tuple[str, ...]] = ("end_warnings",)

    early_join: Span = UNSET
    close_after: Span = UNSET
    passcode: Annotated[Passcode, By(values.passcode)] = UNSET
    extend_mode: Annotated[ExtendMode, By(values.member(ExtendMode))] = UNSET
    extend_step: SpanOfSeconds = UNSET
    extend_times: Annotated[int, By(values.whole(0, 1000))] = UNSET
    end_warnings: Annotated[tuple[timedelta, ...], By(values.warnings)] = UNSET
    title: Annotated[TitleMode, By(values.member(TitleMode))] = UNSET
    private: Annotated[PrivateMode, By(values.member(PrivateMode))] = UNSET
    tentative: SkipOrBook = UNSET
    all_day: SkipOrBook = UNSET
    other_video: SkipOrBook = UNSET
    min_rooms: Annotated[int, By(values.whole(1, 1000))] = UNSET
    max_duration: SpanOfMinutes = UNSET
    dial_attempts: Annotated[int, By(values.whole(1, 100))] = UNSET
    dial_interval: SpanOfSeconds = UNSET
    dial_late: Span = UNSET


class CalendarKeys(Keys):
    """What every `[calendar:NAME]` has."""

    target: ClassVar[type] = CalendarSettings

    type: Annotated[SourceType, By(values.member(SourceType))] = Field(
        examples=["ical, caldav, exchange or graph"]
    )
    timeout: SpanOfSeconds = UNSET


class IcalKeys(CalendarKeys):
    """`[calendar:NAME]` of type ical: files and feeds."""

    secrets: ClassVar[tuple[str, ...]] = ("password",)

    url: Annotated[str, By(addresses.optional_url)] = UNSET
    username: Text = UNSET
    password: SecretText = UNSET
    ca_file: Certificates = UNSET
    verify: Switch = UNSET


class CaldavKeys(IcalKeys):
    """`[calendar:NAME]` of type caldav: the keys of ical."""


class ExchangeKeys(CalendarKeys):
    """`[calendar:NAME]` of type exchange."""

    secrets: ClassVar[tuple[str, ...]] = ("password", "client_secret")

    server: Annotated[str, By(addresses.exchange_server)] = Field(
        examples=["https://mail.example.org/EWS/Exchange.asmx"]
    )
    auth: Annotated[str, By(values.one_of("basic", "ntlm", "oauth"))] = UNSET
    access: Annotated[str, By(values.one_of("impersonation", "delegate"))] = UNSET
    username: Text = UNSET
    password: SecretText = UNSET
    tenant_id: Identifier = UNSET
    client_id: Identifier = UNSET
    client_secret: SecretText = UNSET
    authority: Annotated[str, By(addresses.base_url)] = UNSET
    max_connections: Annotated[int, By(values.whole(1, 27))] = UNSET
    notifications: Annotated[str, By(values.one_of("streaming", "poll"))] = UNSET
    organizer_copies: Switch = UNSET
    ca_file: Certificates = UNSET
    verify: Switch = UNSET


class GraphKeys(CalendarKeys):
    """`[calendar:NAME]` of type graph."""

    secrets: ClassVar[tuple[str, ...]] = ("client_secret",)

    tenant_id: Annotated[Identifier, BeforeValidator(values.filled)] = Field(
        examples=["the directory (tenant) id"]
    )
    client_id: Annotated[Identifier, BeforeValidator(values.filled)] = Field(
        examples=["the application (client) id"]
    )
    client_secret: SecretText
    authority: Annotated[str, By(addresses.cloud_url)] = UNSET
    graph_url: Annotated[str, By(addresses.cloud_url)] = UNSET
    organizer_copies: Switch = UNSET
    ca_file: Certificates = UNSET
    verify: Switch = UNSET


class UntypedKeys(ExchangeKeys, CaldavKeys):
    """`[calendar:NAME]` whose type nobody knows: any key of any type, none needed but the type."""

    secrets: ClassVar[tuple[str, ...]] = ("password", "client_secret")

    server: Annotated[str, By(addresses.exchange_server)] = UNSET
    graph_url: Annotated[str, By(addresses.base_url)] = UNSET


class RoomKeys(Keys):
    """`[room:NAME]`."""

    target: ClassVar[type] = RoomSettings
    lists: ClassVar[tuple[str, ...]] = ("endpoints",)

    calendar: Filled = Field(examples=["the NAME of a [calendar:NAME]"])
    path: Annotated[Path, By(values.path)] = UNSET
    url: Text = UNSET
    mailbox: Mail = UNSET
    endpoints: Annotated[tuple[SipUri, ...], BeforeValidator(values.items)] = UNSET
    address: Mail = UNSET
    dial: Switch = UNSET
    always: Switch = UNSET
    dtmf: Annotated[str, By(values.tones)] = UNSET
    bandwidth: Annotated[int | None, By(values.bits_per_second)] = UNSET
    call_bridge_group: Guid = UNSET


SINGLE: dict[str, type[Keys]] = {
    "daemon": DaemonKeys,
    "cms": CmsKeys,
    "pool": PoolKeys,
    "conferences": ConferenceKeys,
}
"""Sections that stand once, without a name."""

CALENDARS: dict[SourceType, type[CalendarKeys]] = {
    SourceType.ICAL: IcalKeys,
    SourceType.CALDAV: CaldavKeys,
    SourceType.EXCHANGE: ExchangeKeys,
    SourceType.GRAPH: GraphKeys,
}

NAMED: dict[str, tuple[type[Keys], ...]] = {
    "bridge": (BridgeKeys,),
    "calendar": tuple(CALENDARS.values()),
    "room": (RoomKeys,),
}
"""Sections that stand for each name."""

MAIN_FILE_ONLY = (*SINGLE, "bridge")
"""Kinds that an included file may not hold."""
