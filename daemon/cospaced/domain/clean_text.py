"""Text from calendars, made fit to go on: to CMS, to screens, into files and logs.

Whoever may invite a room writes its titles, and a title may hold anything. What no document can
carry (XML 1.0, section 2.2: most control characters, halves of surrogate pairs, U+FFFE and U+FFFF)
and the other control characters become U+FFFD; they are not left out, so that no two harmless
pieces join to something else (Unicode TR36, Deletion of Code Points). What would reorder the text
around it is left out: embeddings, overrides and isolates (Unicode TR9, section 2); the marks that
give one place a direction (LRM, RLM, ALM) stay.
"""

_BREAKS = (*range(0x09, 0x0E), *range(0x1C, 0x20), 0x85, 0x2028, 0x2029)
"""What ends a line or sets text apart; Python's `str.split` takes them all as blanks."""
_TURNS = (*range(0x202A, 0x202F), *range(0x2066, 0x206A))
_UNFIT = (*range(0x20), *range(0x7F, 0xA0), *range(0xD800, 0xE000), 0xFFFE, 0xFFFF)
_CLEAN = dict.fromkeys(_UNFIT, "\ufffd") | dict.fromkeys(_TURNS, "") | dict.fromkeys(_BREAKS, " ")


def clean(text: str) -> str:
    """Return a text as one line that can be written anywhere; most texts are that already."""
    return text if text.isprintable() else text.translate(_CLEAN).strip()
