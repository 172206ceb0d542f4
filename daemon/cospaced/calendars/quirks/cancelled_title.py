"""Outlook's published calendars say CONFIRMED of a cancelled event; only its title tells.

Exchange writes the word in the organizer's language, and once more each time a cancelled event
is cancelled again: "Canceled: Abgesagt: Stand-up".
"""

import re


_WORDS = (
    "Canceled", "Cancelled", "Abgesagt", "Storniert", "Annulé", "Annulée", "Cancelado",
    "Cancelada", "Annullato", "Annullata", "Geannuleerd", "Avlyst", "Inställt", "Inställd",
    "Aflyst", "Peruutettu", "Peruttu", "Anulowano", "Anulowane", "Odwołane", "Zrušeno", "Zrušené",
    "Törölve", "Lemondva", "Anulat", "Anulată", "Otkazano", "Odpovedano", "Preklicano", "Atšaukta",
    "Atcelts", "Tühistatud", "Отменено", "Отменена", "Скасовано", "Отказано", "Ακυρώθηκε",
    "İptal Edildi", "Iptal Edildi", "בוטל", "تم الإلغاء", "ملغاة", "キャンセル済み", "キャンセル",
    "已取消", "취소됨", "취소", "Đã hủy", "Dibatalkan", "ยกเลิก",
)  # fmt: skip
_PREFIX = re.compile(
    rf"\s*(?:{'|'.join(re.escape(word) for word in _WORDS)})\s*[:\uff1a]\s*", re.IGNORECASE
)


def strip(title: str) -> tuple[str, bool]:
    """Return the title without any number of such words, and whether it had one."""
    cancelled = False
    while found := _PREFIX.match(title):
        title = title[found.end() :]
        cancelled = True
    return title, cancelled
