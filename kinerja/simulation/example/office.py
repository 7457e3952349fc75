"""The people of the example office: posts, who holds them in each quarter, and what is true of them.

A post has a fixed place (unit, team, service) and a fixed superior post; people hold posts. A swap of two holders moves
a supervisor to another team, or an employee under another supervisor, exactly as a rotation does.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

QUARTERS = ("2025-Q4", "2026-Q1", "2026-Q2", "2026-Q3")
OFFICE = "Kecamatan Andir"
KELURAHAN = ("Campaka", "Ciroyom", "Dunguscariang", "Garuda", "Kebonjeruk", "Maleber")

SECTIONS = (  # team of the kecamatan, what it serves, title of its head, staff below the head
    ("Sekretariat", "Informasi dan Pengaduan", "Sekretaris Kecamatan", 8),
    ("Seksi Pemerintahan", "Legalisasi dan Rekomendasi", "Kepala Seksi Pemerintahan", 7),
    ("Seksi Ekonomi, Pembangunan dan Lingkungan Hidup", "Rekomendasi Usaha Mikro", "Kepala Seksi Ekbang dan LH", 6),
    ("Seksi Kesejahteraan Sosial", "Bantuan Sosial", "Kepala Seksi Kesejahteraan Sosial", 6),
    ("Seksi Pemberdayaan Masyarakat", "Fasilitasi Lembaga Warga", "Kepala Seksi Pemberdayaan Masyarakat", 5),
    ("Seksi Ketenteraman dan Ketertiban", "Aduan Ketertiban", "Kepala Seksi Ketenteraman dan Ketertiban", 6),
)
COUNTERS = (  # teams of every kelurahan
    ("Tim Lurah", "Loket Umum", "Lurah", 3),
    ("Sekretariat Kelurahan", "Surat Keterangan", "Sekretaris Kelurahan", 5),
    ("Seksi Pemerintahan", "Administrasi Kependudukan", "Kepala Seksi Pemerintahan Kelurahan", 5),
)
POSITIONS = (
    "Pengadministrasi Umum",
    "Pengelola Layanan Umum",
    "Pengolah Data",
    "Penyusun Laporan",
    "Bendahara Pembantu",
    "Petugas Lapangan",
)

SWAPS = (  # from this quarter on, the holders of the two posts change places
    ("2026-Q1", "Ciroyom/Sekretariat Kelurahan", "Maleber/Sekretariat Kelurahan"),
    ("2026-Q2", "Garuda/Tim Lurah", "Campaka/Tim Lurah"),
    ("2026-Q2", "Kecamatan/Seksi Kesejahteraan Sosial", "Dunguscariang/Seksi Pemerintahan"),
    ("2026-Q3", "Kebonjeruk/Sekretariat Kelurahan", "Garuda/Seksi Pemerintahan"),
    ("2026-Q1", "Campaka/Seksi Pemerintahan/2", "Kecamatan/Seksi Pemerintahan/4"),
    ("2026-Q2", "Kebonjeruk/Tim Lurah/1", "Maleber/Seksi Pemerintahan/3"),
    ("2026-Q3", "Garuda/Sekretariat Kelurahan/5", "Ciroyom/Tim Lurah/2"),
)
VACANT = (  # posts without a holder up to and including this quarter
    ("2025-Q4", "Kecamatan/Sekretariat/8"),
    ("2025-Q4", "Maleber/Sekretariat Kelurahan/5"),
    ("2026-Q1", "Dunguscariang/Tim Lurah/3"),
)

UNIT_EFFECTS = {  # true performance of a unit, points from the office's mean; Kebonjeruk serves less well
    "Kecamatan": 0.5,
    "Campaka": 2.5,
    "Ciroyom": 1.0,
    "Dunguscariang": 0.0,
    "Garuda": 4.0,
    "Kebonjeruk": -7.0,
    "Maleber": -1.0,
}
SEVERE = {"Ciroyom/Seksi Pemerintahan": 13.0, "Kecamatan/Seksi Ketenteraman dan Ketertiban": -12.0}
"""Severity (points, positive = harsher) of one strict and one mild supervisor, by their first post."""

NARROW = {"Dunguscariang/Sekretariat Kelurahan": 0.35, "Kecamatan/Sekretariat": 0.6}
"""Range restriction: by how much these supervisors shrink the differences that they see."""

TEAM_SD, PERSON_SD, SEVERITY_SD, CULTURE_SD, TEAM_QUARTER_SD, PERSON_QUARTER_SD = 2.5, 7.0, 4.5, 1.5, 1.0, 2.0

_FIRST = ("Rasvi", "Dumara", "Telki", "Wionna", "Sabrek", "Nolira", "Jatmuri", "Kerlina", "Oswita", "Pandaro", "Lumeka",
          "Fibrani", "Garsono", "Hestira", "Imbara", "Yuskeni")  # fmt: skip
_LAST = ("Tomekar", "Wislanu", "Prakosel", "Darvanti", "Sumirek", "Lantoro", "Beskari", "Mandovi", "Kuntaras",
         "Rilasmo", "Hadivena", "Norsanti", "Sepulran", "Gumarisa")  # fmt: skip


@dataclass(frozen=True, eq=False, kw_only=True)
class ExampleOffice:
    """Who works where, and the truth.

    Fields
    ------
    people : ratee, name, nip, sex, generation, status, grade, talent (points from the mean)
    postings : period, ratee, post, unit, team, service, position, supervisor; one row a person and quarter
    supervisors : rater, first_post, severity (points, positive = harsher), spread (1 = uses differences as they are)
    teams : unit, team, service, team_effect (points)
    units : unit, unit_effect, culture (points that the unit's raters add)
    """

    people: pd.DataFrame
    postings: pd.DataFrame
    supervisors: pd.DataFrame
    teams: pd.DataFrame
    units: pd.DataFrame


def build_office(rng: np.random.Generator) -> ExampleOffice:
    """The office of the example: 7 units, 24 teams, 25 supervisors, about 140 employees, four quarters."""
    posts = _posts()
    people = _people(posts, rng)
    postings = _postings(posts, people)
    heads = [p for p in posts["post"] if (posts["superior"] == p).any()]
    holder = dict(zip(posts["post"], people["ratee"], strict=True))
    severity = rng.normal(0, SEVERITY_SD, len(heads))
    supervisors = pd.DataFrame(
        {
            "rater": [holder[p] for p in heads],
            "first_post": heads,
            "severity": [SEVERE.get(p, float(s)) for p, s in zip(heads, severity, strict=True)],
            "spread": [NARROW.get(p, 1.0) for p in heads],
        }
    )
    teams = posts.loc[posts["superior"] != "", ["unit", "team", "service"]].drop_duplicates(["unit", "team"])
    teams = teams.assign(team_effect=rng.normal(0, TEAM_SD, len(teams))).reset_index(drop=True)
    units = pd.DataFrame(
        {
            "unit": [_unit(short) for short in UNIT_EFFECTS],
            "unit_effect": list(UNIT_EFFECTS.values()),
            "culture": rng.normal(0, CULTURE_SD, len(UNIT_EFFECTS)),
        }
    )
    shown = people.loc[people["ratee"] != holder["Kecamatan"]].reset_index(drop=True)
    return ExampleOffice(people=shown, postings=postings, supervisors=supervisors, teams=teams, units=units)


def _unit(short: str) -> str:
    return OFFICE if short == "Kecamatan" else f"Kelurahan {short}"


def _posts() -> pd.DataFrame:
    """post, superior, unit, team, service, position; the Camat comes first and has no superior here."""
    rows = [("Kecamatan", "", OFFICE, "Pimpinan", "", "Camat")]
    for team, service, title, size in SECTIONS:
        head = f"Kecamatan/{team}"
        rows.append((head, "Kecamatan", OFFICE, "Pimpinan", "", title))
        rows += [(f"{head}/{i + 1}", head, OFFICE, team, service, POSITIONS[i % len(POSITIONS)]) for i in range(size)]
    for short in KELURAHAN:
        lurah = f"{short}/Tim Lurah"
        for team, service, title, size in COUNTERS:
            head = f"{short}/{team}"
            if head == lurah:
                rows.append((head, "Kecamatan", _unit(short), "Pimpinan", "", title))
            else:
                rows.append((head, lurah, _unit(short), "Tim Lurah", "Loket Umum", title))
            rows += [
                (f"{head}/{i + 1}", head, _unit(short), team, service, POSITIONS[i % len(POSITIONS)])
                for i in range(size)
            ]
    return pd.DataFrame(rows, columns=["post", "superior", "unit", "team", "service", "position"])


def _people(posts: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    n = len(posts)
    head = posts["post"].isin(posts["superior"]).to_numpy()
    status = np.where(~head & (rng.random(n) < 0.34), "PPPK", "PNS")
    generation = np.where(
        rng.random(n) < np.where(head, 0.75, 0.35),
        "Generasi X",
        np.where(rng.random(n) < 0.7, "Milenial", "Generasi Z"),
    )
    generation = np.where(head & (generation == "Generasi Z"), "Milenial", generation)
    ladder = np.array(["II/b", "II/c", "II/d", "III/a", "III/b"])
    grade = np.where(head, rng.choice(["III/c", "III/d", "IV/a"], n), ladder[rng.integers(0, len(ladder), n)])
    grade = np.where(status == "PPPK", rng.choice(["V", "VII", "IX"], n), grade)
    pairs = rng.permutation(len(_FIRST) * len(_LAST))[:n]
    return pd.DataFrame(
        {
            "ratee": [f"P{i:03d}" for i in range(n)],
            "name": [f"{_FIRST[p // len(_LAST)]} {_LAST[p % len(_LAST)]}" for p in pairs],
            "nip": [f"0000{v:014d}" for v in rng.integers(10**12, 10**13, n)],
            "sex": np.where(rng.random(n) < 0.48, "Perempuan", "Laki-laki"),
            "generation": generation,
            "status": status,
            "grade": grade,
            "talent": rng.normal(0, PERSON_SD, n),
        }
    )


def _postings(posts: pd.DataFrame, people: pd.DataFrame) -> pd.DataFrame:
    holder = dict(zip(posts["post"], people["ratee"], strict=True))
    frames = []
    for period in QUARTERS:
        for start, one, other in SWAPS:
            if start == period:
                holder[one], holder[other] = holder[other], holder[one]
        vacant = {post for until, post in VACANT if period <= until}
        filled = posts.loc[(posts["superior"] != "") & ~posts["post"].isin(vacant)]
        frames.append(
            filled.assign(
                period=period, ratee=filled["post"].map(holder), supervisor=filled["superior"].map(holder)
            ).drop(columns="superior")
        )
    return pd.concat(frames).sort_values(["period", "ratee"]).reset_index(drop=True)
