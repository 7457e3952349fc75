"""Ratings and indicators of the example office, drawn from its truth."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd

from kinerja.simulation.example.office import PERSON_QUARTER_SD, QUARTERS, TEAM_QUARTER_SD, ExampleOffice

BEHAVIOURS: Mapping[str, tuple[str, str, str]] = {  # BerAKHLAK: value -> its three behaviours (SE MenPANRB 20/2021)
    "Berorientasi Pelayanan": (
        "Memahami dan memenuhi kebutuhan masyarakat",
        "Ramah, cekatan, solutif, dan dapat diandalkan",
        "Melakukan perbaikan tiada henti",
    ),
    "Akuntabel": (
        "Melaksanakan tugas dengan jujur, bertanggung jawab, cermat, disiplin, dan berintegritas tinggi",
        "Menggunakan kekayaan dan barang milik negara secara bertanggung jawab, efektif, dan efisien",
        "Tidak menyalahgunakan kewenangan jabatan",
    ),
    "Kompeten": (
        "Meningkatkan kompetensi diri untuk menjawab tantangan yang selalu berubah",
        "Membantu orang lain belajar",
        "Melaksanakan tugas dengan kualitas terbaik",
    ),
    "Harmonis": (
        "Menghargai setiap orang apa pun latar belakangnya",
        "Suka menolong orang lain",
        "Membangun lingkungan kerja yang kondusif",
    ),
    "Loyal": (
        "Memegang teguh ideologi Pancasila, UUD 1945, setia kepada NKRI serta pemerintahan yang sah",
        "Menjaga nama baik sesama ASN, pimpinan, instansi, dan negara",
        "Menjaga rahasia jabatan dan negara",
    ),
    "Adaptif": (
        "Cepat menyesuaikan diri menghadapi perubahan",
        "Terus berinovasi dan mengembangkan kreativitas",
        "Bertindak proaktif",
    ),
    "Kolaboratif": (
        "Memberi kesempatan kepada berbagai pihak untuk berkontribusi",
        "Terbuka dalam bekerja sama untuk menghasilkan nilai tambah",
        "Menggerakkan pemanfaatan berbagai sumber daya untuk tujuan bersama",
    ),
}
ITEMS = tuple(
    f"{v}.{b} {text}" for v, texts in enumerate(BEHAVIOURS.values(), 1) for b, text in enumerate(texts, 1)
)  # headers of the wide file: "1.1 Memahami dan ..."

MEAN_POINTS, BEHAVIOUR_SD, HALO_SD, ITEM_ERROR_SD, ITEM_DIFFICULTY_SD = 68.0, 4.0, 3.5, 9.0, 4.0
SECOND_SHARE, SAME_UNIT_SHARE = 0.10, 0.7
PPPK_GAP, PPPK_GAP_SD = 2.5, 1.5
"""Points by which supervisors rate PPPK below PNS of the same performance: on average, and between supervisors."""

INDICATOR_VALIDITY, INDICATOR_TEAM_SD, INDICATOR_PERSON_SD, INDICATOR_NOISE_SD = 0.6, 3.0, 4.0, 6.0

Spec = tuple[str, str, str, float, float | None]
INDICATORS: tuple[Spec, ...] = (  # name, measure, polarity, usual target, upper target of a range
    ("Berkas layanan selesai tepat waktu", "berkas", "maximize", 60, None),
    ("Laporan kegiatan tersusun", "laporan", "maximize", 12, None),
    ("Rata-rata waktu penyelesaian", "hari", "minimize_difference", 5, None),
    ("Kesalahan data per 100 berkas", "kesalahan", "minimize_ratio", 4, None),
    ("Penyerapan anggaran kegiatan", "persen", "stabilize", 25, None),
    ("Kunjungan lapangan", "kunjungan", "range", 18, 24),
    ("Waktu tunggu pemohon", "menit", "range_minimize", 10, 15),
    ("Tindak lanjut aduan warga", "persen", "maximize", 90, None),
    ("Aduan yang terbukti", "aduan", "minimize_difference", 0, None),
)
UNIT_INDICATORS: tuple[Spec, ...] = (
    ("Persentase layanan sesuai standar", "persen", "maximize", 92, None),
    ("Realisasi anggaran unit", "persen", "stabilize", 25, None),
    ("Aduan yang melewati batas waktu", "aduan", "minimize_ratio", 5, None),
    ("Musyawarah warga terlaksana", "kegiatan", "maximize", 6, None),
)
MISSING_SHARE = 0.02


def true_scores(office: ExampleOffice, rng: np.random.Generator) -> pd.DataFrame:
    """period, ratee, true_points: unit + team + person + what the quarter brought, on the 0-100 scale."""
    frame = office.postings.merge(office.people, on="ratee").merge(office.units, on="unit")
    frame = frame.merge(office.teams, on=["unit", "team", "service"], how="left").sort_values(["period", "ratee"])
    team_quarter = frame[["period", "unit", "team"]].drop_duplicates()
    team_quarter = team_quarter.assign(shock=rng.normal(0, TEAM_QUARTER_SD, len(team_quarter)))
    frame = frame.merge(team_quarter, on=["period", "unit", "team"])
    points = frame["unit_effect"] + frame["team_effect"].fillna(0.0) + frame["talent"] + frame["shock"]
    points += rng.normal(0, PERSON_QUARTER_SD, len(frame))
    return frame.assign(true_points=MEAN_POINTS + points).reset_index(drop=True)


def draw_ratings(office: ExampleOffice, truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """period, ratee, rater, role and the 21 behaviours 1-5 (wide), supervisors' first, then second raters'."""
    behaviour = rng.normal(0, BEHAVIOUR_SD, (len(office.people), len(ITEMS)))
    row_of = dict(zip(office.people["ratee"], range(len(office.people)), strict=True))
    difficulty = rng.normal(0, ITEM_DIFFICULTY_SD, len(ITEMS))
    gap = dict(zip(office.supervisors["rater"], rng.normal(PPPK_GAP, PPPK_GAP_SD, 25), strict=True))
    first = truth.assign(rater=truth["supervisor"], role="supervisor")
    rows = pd.concat([first, _second_raters(truth, rng)], ignore_index=True)
    rows = rows.merge(office.supervisors, on="rater", how="left")
    own = (rows["true_points"] - MEAN_POINTS).to_numpy() * rows["spread"].to_numpy()
    seen = MEAN_POINTS + own - rows["severity"].to_numpy() + rows["culture"].to_numpy()
    seen -= np.where(rows["status"] == "PPPK", rows["rater"].map(gap).to_numpy(), 0.0)
    seen += rng.normal(0, HALO_SD, len(rows))
    latent = seen[:, None] + behaviour[[row_of[r] for r in rows["ratee"]]] + difficulty
    latent += rng.normal(0, ITEM_ERROR_SD, latent.shape)
    category = np.clip(np.rint(latent / 25 + 1), 1, 5).astype(int)
    flat = rng.random(len(rows)) < np.where(rows["spread"] < 1, 0.5, 0.02)  # one number ticked all the way down
    category[flat] = np.clip(np.rint(seen[flat] / 25 + 1), 1, 5).astype(int)[:, None]
    wide = pd.DataFrame(category, columns=list(ITEMS))
    return pd.concat([rows[["period", "ratee", "rater", "role"]], wide], axis=1)


def _second_raters(truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """About ten per cent of each quarter's employees, rated again by a supervisor of the same unit, or of the next."""
    frames = []
    for period in QUARTERS:
        now = truth.loc[truth["period"] == period]
        chosen = now.iloc[np.sort(rng.choice(len(now), round(SECOND_SHARE * len(now)), replace=False))]
        heads = now[["unit", "supervisor"]].drop_duplicates()
        raters = []
        for unit, supervisor, ratee in zip(chosen["unit"], chosen["supervisor"], chosen["ratee"], strict=True):
            near = rng.random() < SAME_UNIT_SHARE
            candidates = heads.loc[heads["unit"] == unit, "supervisor"] if near else heads["supervisor"]
            pool = sorted(set(candidates) - {supervisor, ratee})
            raters.append(pool[rng.integers(len(pool))])
        frames.append(chosen.assign(rater=raters, role="second_supervisor"))
    return pd.concat(frames)


def draw_indicators(truth: pd.DataFrame, rng: np.random.Generator) -> pd.DataFrame:
    """Three to six an employee and quarter: period, ratee, indicator, targets, realisation, weight, polarity.

    Attainment follows true performance with validity 0.6; a few have a target of zero or no realisation.
    """
    team_shift = {key: rng.normal(0, INDICATOR_TEAM_SD) for key in sorted(set(truth["unit"] + "/" + truth["team"]))}
    people = sorted(set(truth["ratee"]))
    sets = {p: np.sort(rng.choice(len(INDICATORS) - 1, rng.integers(3, 7), replace=False)) for p in people}
    zero = {p for p in people if rng.random() < 0.05}
    shift = {p: rng.normal(0, INDICATOR_PERSON_SD) for p in people}
    rows = []
    people_and_teams = zip(
        truth["period"], truth["ratee"], truth["unit"] + "/" + truth["team"], truth["true_points"], strict=True
    )
    for period, ratee, team, points in people_and_teams:
        chosen = [INDICATORS[i] for i in sets[ratee]]
        if ratee in zero:
            chosen[-1] = INDICATORS[-1]
        level = INDICATOR_VALIDITY * (points - MEAN_POINTS) + shift[ratee] + team_shift[team]
        for spec, weight in zip(chosen, _weights(len(chosen)), strict=True):
            rows.append((period, ratee, *_attained(spec, level, rng), weight))
    return _indicator_frame(rows, "ratee")


def draw_unit_indicators(office: ExampleOffice, rng: np.random.Generator) -> pd.DataFrame:
    """Four indicators a unit and quarter, as `draw_indicators`."""
    rows = [
        (period, unit, *_attained(spec, INDICATOR_VALIDITY * effect, rng), weight)
        for period in QUARTERS
        for unit, effect in zip(office.units["unit"], office.units["unit_effect"], strict=True)
        for spec, weight in zip(UNIT_INDICATORS, (40, 25, 20, 15), strict=True)
    ]
    return _indicator_frame(rows, "unit")


def _indicator_frame(rows: list[tuple[object, ...]], who: str) -> pd.DataFrame:
    names = ["period", who, "indicator", "measure", "polarity", "target", "target_high", "realisation", "weight"]
    return pd.DataFrame(rows, columns=names)


def _weights(n: int) -> tuple[int, ...]:
    return {3: (40, 35, 25), 4: (35, 25, 25, 15), 5: (30, 25, 20, 15, 10), 6: (25, 20, 20, 15, 10, 10)}[n]


def _attained(spec: Spec, level: float, rng: np.random.Generator) -> tuple[object, ...]:
    """One indicator with a target near the usual one and the realisation that an attainment of 97 + level gives."""
    name, measure, polarity, usual, high = spec
    target = float(round(usual * rng.uniform(0.85, 1.15))) if usual not in (5, 25, 90, 92) else float(usual)
    share = (97 + level + rng.normal(0, INDICATOR_NOISE_SD)) / 100
    if target == 0:
        realisation: float | None = float(rng.integers(0, 2))
    elif polarity == "minimize_difference":
        realisation = target * (2 - share)
    elif polarity == "minimize_ratio":
        realisation = target / max(share, 0.3)
    elif polarity == "range_minimize":
        realisation = (high or target) * (2 - share) * rng.uniform(0.85, 1.0)
    elif polarity == "range":
        realisation = float(round(target * share * rng.uniform(1.0, 1.2)))
    elif polarity == "stabilize":
        realisation = target * (share if rng.random() < 0.7 else 2 - share)
    else:
        realisation = min(target * share, 100.0) if measure == "persen" else float(round(target * share))
    if rng.random() < MISSING_SHARE:
        realisation = None
    return name, measure, polarity, target, high, None if realisation is None else round(realisation, 1)
