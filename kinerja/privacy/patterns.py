"""What NIP, NIK, telephone numbers, addresses and names look like in text.

NIP: 18 digits, birth date first (BKN regulation 22/2007); NIK: 16 digits, area code, then day (women +40), month, year.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import lru_cache

# A digit, a letter, or a decimal sign with digits before means: part of a longer number or of a hash, not an id.
_START = r"(?<![0-9A-Za-z_#&])(?<!\d[.,])(?<![.,])"
_END = r"(?![0-9A-Za-z_])(?![.,]\d)"

NIP = re.compile(_START + r"\d{8}[ .\u00a0-]?\d{6}[ .\u00a0-]?\d[ .\u00a0-]?\d{3}" + _END)
NIK = re.compile(_START + r"\d{6}[ .\u00a0-]?\d{6}[ .\u00a0-]?\d{4}" + _END)
MOBILE = re.compile(r"(?<![0-9A-Za-z_.,])(?:\+? ?62[ -]?|0)8[1-9]\d(?:[ .-]?\d){6,10}" + _END)
LANDLINE = re.compile(r"(?<![0-9A-Za-z_.,])\(?0[2-9]\d{1,2}\)?[ -]\d{6,8}" + _END)
EMAIL = re.compile(r"(?<![\w.+-])[\w.+-]{1,64}@[\w-]+(?:\.[\w-]+)+")
ADDRESS = re.compile(
    r"\b(?:[Jj]l|[Jj]ln|Jalan|[Gg]g|Gang)\b\.? ?(?:(?!No\b)[A-Z0-9][\w']*\.?\s?){1,4}(?:[Nn]o\b\.? ?\d+\w?)?"
    r"|\b[Rr][Tt][ .]?\d{1,3} ?/? ?[Rr][Ww][ .]?\d{1,3}\b"
)
TITLED = re.compile(
    r"\b(Pak|Bu|Bapak|Ibu|Mas|Mbak|Kang|Teh|Teteh|Sdr|Sdri|Saudara|Saudari|Bp|Bpk|Mr|Mrs|Ms)\b\.? "
    r"((?:[A-Z][\w'’]+)(?: [A-Z][\w'’]+){0,3})"
)
_OFFICES = frozenset(
    (
        *(
            "camat",
            "lurah",
            "sekcam",
            "seklur",
            "sekretaris",
            "kasi",
            "kepala",
            "kabid",
            "rt",
            "rw",
            "petugas",
            "satpam",
        ),
        *("satgas", "wali", "walikota", "bupati", "gubernur", "guru", "dokter", "bidan", "kades", "operator", "staf"),
        *("resepsionis", "penjaga", "staff", "admin", "pegawai", "pelayan", "loket"),
    )
)
"""What may follow `Pak` or `Bu` without being a name."""

PROVINCES = frozenset(
    [
        11,
        12,
        13,
        14,
        15,
        16,
        17,
        18,
        19,
        21,
        *range(31, 37),
        51,
        52,
        53,
        *range(61, 66),
        *range(71, 77),
        81,
        82,
        *range(91, 98),
    ]
)


@dataclass(frozen=True, kw_only=True)
class Found:
    """Personal data in a text: what kind (nip, nik, phone, email, name), where it starts and ends."""

    kind: str
    start: int
    end: int


def is_personal_number(text: str) -> bool:
    """Whether an id is a NIP (18 digits) or a NIK (16 digits, a real area and date), however it is grouped."""
    digits = re.sub(r"[ .\u00a0-]", "", text)
    return bool(re.fullmatch(r"\d{18}", digits)) or (bool(re.fullmatch(r"\d{16}", digits)) and is_nik(digits))


def is_nik(digits: str) -> bool:
    """Whether 16 digits begin with a province and hold a date of birth (rules 6.2)."""
    day, month = int(digits[6:8]) % 40, int(digits[8:10])
    return int(digits[:2]) in PROVINCES and digits[2:4] != "00" and 1 <= day <= 31 and 1 <= month <= 12


def find_personal(text: str, names: Iterable[str] = ()) -> Iterator[Found]:
    """NIP, NIK, telephone numbers, e-mail addresses and the given full names, in the order of kinds."""
    for match in NIP.finditer(text):
        yield Found(kind="nip", start=match.start(), end=match.end())
    for match in NIK.finditer(text):
        if is_nik(re.sub(r"\D", "", match[0])):
            yield Found(kind="nik", start=match.start(), end=match.end())
    for pattern in (MOBILE, LANDLINE):
        for match in pattern.finditer(text):
            yield Found(kind="phone", start=match.start(), end=match.end())
    for match in EMAIL.finditer(text):
        yield Found(kind="email", start=match.start(), end=match.end())
    wanted = tuple(names) if len(text) < LONG_TEXT else _possible(text, names)
    if any_name := name_pattern(wanted):
        for match in any_name.finditer(text):
            yield Found(kind="name", start=match.start(), end=match.end())


LONG_TEXT = 20_000
"""Letters from which it pays to look first which names can occur at all."""


def _possible(text: str, names: Iterable[str]) -> tuple[str, ...]:
    """The names whose every word occurs somewhere: a pattern of thousands of names is slow, one of a few is not."""
    words = set(re.findall(r"[\w'’.-]+", text.casefold()))
    bare = words | {word.strip("'’.-") for word in words}
    return tuple(n for n in names if isinstance(n, str) and all(part in bare for part in n.casefold().split()))


@lru_cache(maxsize=64)
def name_pattern(names: tuple[str, ...]) -> re.Pattern[str] | None:
    """Full names of at least two words, in any case and spacing; one word alone would hit ordinary words."""
    whole = sorted(
        {" ".join(n.split()) for n in names if isinstance(n, str) and len(n.split()) > 1}, key=lambda n: (-len(n), n)
    )
    if not whole:
        return None
    words = ("\\s+".join(re.escape(part) for part in name.split(" ")) for name in whole)
    return re.compile(r"(?<!\w)(?:" + "|".join(words) + r")(?!\w)", re.IGNORECASE)


def is_office(word: str) -> bool:
    """Whether the word after `Pak` or `Bu` is an office (Pak Camat), not a name."""
    return word.casefold() in _OFFICES


def masked(text: str) -> str:
    """NIP and NIK with their middle hidden: enough to find the row, too little to be somebody's number."""
    return _LONG.sub(lambda match: match[0][:4] + "…" + match[0][-3:], text)


_LONG = re.compile(r"(?<!\d)(?:\d{8}[ .-]?\d{6}[ .-]?\d[ .-]?\d{3}|\d{16})(?!\d)")
