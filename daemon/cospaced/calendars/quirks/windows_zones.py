"""Windows names of time zones, and what Windows shows for them, used as TZID without VTIMEZONE.

Outlook and Exchange write "W. Europe Standard Time" (CLDR maps it to Europe/Berlin); some write
what the control panel shows: "(UTC+01:00) Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna". The
list of places is fixed in Windows, so that it names one zone exactly; the offset in front does
not, so a name that is not in the table is not guessed from it.
"""

import re

from icalendar.timezone.windows_to_olson import WINDOWS_TO_OLSON


_OFFSET = re.compile(r"\((?:UTC|GMT)[^)]*\)\s*", re.IGNORECASE)
_EXCHANGE_UTC = "tzone://microsoft/utc"
"""Exchange writes it without VTIMEZONE; `tzone://Microsoft/Custom` never is without one."""
_SHOWN = {
    "Abu Dhabi, Muscat": "Arabian Standard Time",
    "Adelaide": "Cen. Australia Standard Time",
    "Alaska": "Alaskan Standard Time",
    "Amman": "Jordan Standard Time",
    "Amsterdam, Berlin, Bern, Rome, Stockholm, Vienna": "W. Europe Standard Time",
    "Arizona": "US Mountain Standard Time",
    "Astana": "Central Asia Standard Time",
    "Athens, Bucharest": "GTB Standard Time",
    "Athens, Bucharest, Istanbul": "GTB Standard Time",
    "Atlantic Time (Canada)": "Atlantic Standard Time",
    "Auckland, Wellington": "New Zealand Standard Time",
    "Azores": "Azores Standard Time",
    "Baghdad": "Arabic Standard Time",
    "Baku": "Azerbaijan Standard Time",
    "Bangkok, Hanoi, Jakarta": "SE Asia Standard Time",
    "Beijing, Chongqing, Hong Kong, Urumqi": "China Standard Time",
    "Beirut": "Middle East Standard Time",
    "Belgrade, Bratislava, Budapest, Ljubljana, Prague": "Central Europe Standard Time",
    "Bogota, Lima, Quito, Rio Branco": "SA Pacific Standard Time",
    "Brasilia": "E. South America Standard Time",
    "Brisbane": "E. Australia Standard Time",
    "Brussels, Copenhagen, Madrid, Paris": "Romance Standard Time",
    "Buenos Aires": "Argentina Standard Time",
    "Cairo": "Egypt Standard Time",
    "Canberra, Melbourne, Sydney": "AUS Eastern Standard Time",
    "Caracas": "Venezuela Standard Time",
    "Casablanca": "Morocco Standard Time",
    "Central America": "Central America Standard Time",
    "Central Time (US & Canada)": "Central Standard Time",
    "Chennai, Kolkata, Mumbai, New Delhi": "India Standard Time",
    "Chisinau": "E. Europe Standard Time",
    "Coordinated Universal Time": "UTC",
    "Darwin": "AUS Central Standard Time",
    "Dhaka": "Bangladesh Standard Time",
    "Dublin, Edinburgh, Lisbon, London": "GMT Standard Time",
    "Eastern Time (US & Canada)": "Eastern Standard Time",
    "Ekaterinburg": "Ekaterinburg Standard Time",
    "Fiji": "Fiji Standard Time",
    "Georgetown, La Paz, Manaus, San Juan": "SA Western Standard Time",
    "Greenland": "Greenland Standard Time",
    "Guadalajara, Mexico City, Monterrey": "Central Standard Time (Mexico)",
    "Harare, Pretoria": "South Africa Standard Time",
    "Hawaii": "Hawaiian Standard Time",
    "Helsinki, Kyiv, Riga, Sofia, Tallinn, Vilnius": "FLE Standard Time",  # codespell:ignore
    "Hobart": "Tasmania Standard Time",
    "Indiana (East)": "US Eastern Standard Time",
    "Irkutsk": "North Asia East Standard Time",
    "Islamabad, Karachi": "Pakistan Standard Time",
    "Istanbul": "Turkey Standard Time",
    "Jerusalem": "Israel Standard Time",
    "Kabul": "Afghanistan Standard Time",
    "Kaliningrad": "Kaliningrad Standard Time",
    "Kathmandu": "Nepal Standard Time",
    "Kuala Lumpur, Singapore": "Singapore Standard Time",
    "Kuwait, Riyadh": "Arab Standard Time",
    "Monrovia, Reykjavik": "Greenwich Standard Time",
    "Moscow, St. Petersburg": "Russian Standard Time",
    "Moscow, St. Petersburg, Volgograd": "Russian Standard Time",
    "Mountain Time (US & Canada)": "Mountain Standard Time",
    "Nairobi": "E. Africa Standard Time",
    "Newfoundland": "Newfoundland Standard Time",
    "Novosibirsk": "N. Central Asia Standard Time",
    "Osaka, Sapporo, Tokyo": "Tokyo Standard Time",
    "Pacific Time (US & Canada)": "Pacific Standard Time",
    "Perth": "W. Australia Standard Time",
    "Santiago": "Pacific SA Standard Time",
    "Sarajevo, Skopje, Warsaw, Zagreb": "Central European Standard Time",
    "Saskatchewan": "Canada Central Standard Time",
    "Seoul": "Korea Standard Time",
    "Sri Jayawardenepura": "Sri Lanka Standard Time",
    "Taipei": "Taipei Standard Time",
    "Tbilisi": "Georgian Standard Time",
    "Tehran": "Iran Standard Time",
    "Vladivostok": "Vladivostok Standard Time",
    "West Central Africa": "W. Central Africa Standard Time",
    "Yakutsk": "Yakutsk Standard Time",
    "Yangon (Rangoon)": "Myanmar Standard Time",
    "Yerevan": "Armenian Standard Time",
}


def iana_name(tzid: str) -> str:
    """Return the IANA name of a Windows zone, by its name or by what Windows shows, or nothing."""
    if tzid.casefold() == _EXCHANGE_UTC:
        return "UTC"
    shown = _OFFSET.sub("", tzid, count=1).strip()
    return WINDOWS_TO_OLSON.get(_SHOWN.get(shown, shown), "")
