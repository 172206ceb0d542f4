"""The site whose documents the commands print, and when they do."""

from datetime import UTC, datetime
from pathlib import Path

from cospaced.settings import (
    CmsSettings,
    ConferenceSettings,
    DaemonSettings,
    PoolSettings,
    Secret,
    Settings,
)


NOW = datetime(2026, 11, 26, 8, 5, 12, tzinfo=UTC)
SETTINGS = Settings(
    file=Path("cospaced.ini"),
    daemon=DaemonSettings(time_zone="Europe/Berlin"),
    cms=CmsSettings(address="https://cms", username="a", password=Secret("p")),
    pool=PoolSettings(domain="cms.example", numeric_id_base=8001, numeric_id_quantity=5),
    conferences=ConferenceSettings(),
)
