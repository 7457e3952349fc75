"""A small office with known truth, written from section 12 of the method alone: independent of kinerja.simulation."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
import pandas as pd

ELEMENTS = (
    "requirements",
    "procedure",
    "time",
    "cost",
    "product",
    "competence",
    "behaviour",
    "complaints",
    "facilities",
)


@dataclass(frozen=True)
class Office:
    """The numbers of section 12, on 0-100; responses are per quarter."""

    units: int = 300
    supervisors: int = 900
    staff: int = 12_000
    quarters: int = 4
    responses: int = 60_000
    feedback: bool = True
    indicators: bool = True
    feedback_share: float = 1.0
    tagged: bool = True
    phi: float = 0.5
    kappa: float = 0.6
    severity: float = 4.5
    culture: float = 1.5
    rotation: float = 0.0
    overlap: float = 0.0
    unit: float = 3.5
    team: float = 2.5
    person: float = 7.0
    level: float = 62.0
    shrink: float = 1.0
    all_top: float = 0.0
    clever: float = 0.0
    group_bias: float = 0.0
    group_bias_sd: float = 0.0
    citizen_bias: float = 0.0
    leadership: float = 0.0
    shared_bias: float = 0.0
    severity_truth: float = 0.0


CITY = Office()
SUB = Office(units=7, supervisors=25, staff=140, quarters=1, responses=1_200)
SCENARIOS = {
    "C01": CITY,
    "C02": replace(CITY, indicators=False),
    "C03": replace(CITY, feedback=False),
    "C04": replace(CITY, feedback=False, indicators=False),
    "C05": replace(CITY, rotation=0.05),
    "C06": replace(CITY, rotation=0.05, feedback=False, indicators=False),
    "C07": replace(CITY, overlap=0.1, indicators=False),
    "C08": replace(CITY, overlap=0.1, feedback=False, indicators=False),
    "C09": replace(CITY, responses=900),
    "C10": replace(CITY, responses=900, indicators=False),
    "C11": replace(CITY, phi=0.0),
    "C12": replace(CITY, phi=0.0, indicators=False),
    "C13": replace(CITY, citizen_bias=-4.0),
    "C14": replace(CITY, all_top=0.1, indicators=False),
    "C15": replace(CITY, clever=0.25),
    "C16": replace(CITY, group_bias=-3.0, group_bias_sd=2.0),
    "C17": replace(CITY, severity=0.0, culture=0.0),
    "C18": replace(CITY, severity=0.0, culture=0.0, indicators=False),
    "C19": replace(CITY, severity=0.0, culture=0.0, rotation=0.05, feedback=False, indicators=False),
    "C20": replace(CITY, shrink=0.5),
    "C21": replace(CITY, level=82.0),
    "C22": replace(CITY, quarters=1),
    "C23": replace(CITY, feedback_share=0.4),
    "C25": replace(CITY, severity=2.0),
    "C26": replace(CITY, severity=8.0),
    "S1": SUB,
    "S2": replace(SUB, indicators=False),
    "S3": replace(SUB, severity=0.0, culture=0.0),
    "S5": replace(SUB, phi=0.0, indicators=False),
    "S6": replace(SUB, feedback=False, indicators=False),
    "S7": replace(SUB, overlap=0.3),
    "V1": replace(CITY, shared_bias=0.6),
    "V2": replace(CITY, leadership=2.0, rotation=0.05, feedback=False, indicators=False),
    "V3": replace(CITY, leadership=2.0, rotation=0.05),
    "V4": replace(CITY, severity_truth=0.5),
    "V5": replace(CITY, severity_truth=-0.5),
    "V6": replace(CITY, culture=3.5),
}


def simulate(office: Office, seed: int) -> dict[str, pd.DataFrame]:
    """staff, ratings (1-5), indicators (points), responses, truth (period, ratee, true, severity, culture)."""
    rng = np.random.default_rng(seed)
    J, U, N, Q = office.supervisors, office.units, office.staff, office.quarters
    unit_of = np.concatenate([np.arange(U), rng.integers(0, U, J - U)])
    team_of = np.concatenate([np.repeat(np.arange(J), 2), rng.choice(J, N - 2 * J, p=rng.dirichlet(np.full(J, 8.0)))])
    unit, team = rng.normal(0, office.unit, U), rng.normal(0, office.team, J)
    true_team = unit[unit_of] + team
    noise = rng.normal(0, 1, J)
    r = office.severity_truth
    z = true_team / max(np.hypot(office.unit, office.team), 1e-9)
    added = office.severity * (-r * z + np.sqrt(1 - r * r) * noise)
    culture = rng.normal(0, office.culture, U)
    leadership = rng.normal(0, office.leadership, J) if office.leadership else np.zeros(J)
    group = rng.random(N) < np.repeat(rng.beta(2, 2, J), 1)[team_of]
    gap = np.where(rng.random(J) < 2, office.group_bias + rng.normal(0, 1, J) * office.group_bias_sd, 0.0)
    person, halo = rng.normal(0, office.person, N), rng.normal(0, 3.5, N)
    supervisor = np.tile(np.arange(J), (Q, 1))
    for q in range(1, Q):
        supervisor[q] = supervisor[q - 1]
        moved = rng.choice(J, round(office.rotation * J), replace=False)
        supervisor[q, moved] = supervisor[q, np.roll(moved, 1)]
    bias_u, bias_t = rng.normal(0, 1, U), rng.normal(0, 1, J)

    def shared(sd_u: float, sd_t: float) -> np.ndarray:
        a = np.sqrt(office.shared_bias)
        own_u, own_t = rng.normal(0, 1, U), rng.normal(0, 1, J)
        b = np.sqrt(1 - office.shared_bias)
        return sd_u * (a * bias_u + b * own_u)[unit_of] + sd_t * (a * bias_t + b * own_t)

    found_f, found_x = shared(2.2, 2.0), shared(3.0, 3.0)
    x_person = rng.normal(0, 5, N)
    ratees = np.array([f"P{i:06d}" for i in range(N)])
    raters = np.array([f"R{j:05d}" for j in range(J)])
    teams, units = np.array([f"T{j:05d}" for j in range(J)]), np.array([f"U{u:04d}" for u in range(U)])
    frames: dict[str, list[pd.DataFrame]] = {k: [] for k in ("staff", "ratings", "indicators", "responses", "truth")}
    surveyed = rng.random(U) < office.feedback_share
    stuffed = np.zeros(U, bool)
    stuffed[np.random.default_rng(seed).choice(U, U // 10, replace=False)] = True
    items = [f"B{b + 1}" for b in range(7)]
    behaviour = rng.normal(0, 4, (N, 7))
    for q in range(Q):
        period = f"2026-Q{q + 1}"
        sup = supervisor[q][team_of]
        team_quarter = rng.normal(0, 1, J)
        now = (true_team + team_quarter + leadership[supervisor[q]])[team_of] + person + rng.normal(0, 2, N)

        def rate(who: np.ndarray, rater: np.ndarray, halo_: np.ndarray, now=now) -> np.ndarray:
            effect = added[rater] + culture[unit_of[rater]] + gap[rater] * group[who]
            base = now[who] * office.shrink + effect + halo_
            latent = office.level + base[:, None] + behaviour[who] + rng.normal(0, 9, (len(who), 7))
            return np.clip(np.rint(latent / 25), 0, 4) + 1

        everyone = np.arange(N)
        blocks = [(everyone, sup, halo, "supervisor")]
        if office.overlap:
            who = rng.choice(N, int(office.overlap * N), replace=False)
            other = _colleague(rng, unit_of, sup[who])
            who, other = who[other >= 0], other[other >= 0]
            blocks.append((who, other, rng.normal(0, 3.5, len(who)), "second_supervisor"))
        for who, rater, halo_, role in blocks:
            values = rate(who, rater, halo_)
            frames["ratings"].append(
                pd.DataFrame(
                    {
                        "period": period,
                        "ratee": np.repeat(ratees[who], 7),
                        "rater": np.repeat(raters[rater], 7),
                        "role": role,
                        "item": np.tile(items, len(who)),
                        "rating": values.ravel(),
                    }
                )
            )
        frames["staff"].append(
            pd.DataFrame(
                {
                    "period": period,
                    "ratee": ratees,
                    "unit": units[unit_of[team_of]],
                    "team": teams[team_of],
                    "supervisor": raters[sup],
                    "gender": np.where(group, "a", "b"),
                }
            )
        )
        frames["truth"].append(
            pd.DataFrame(
                {
                    "period": period,
                    "ratee": ratees,
                    "true": office.level + now,
                    "effect": added[sup] + culture[unit_of[sup]],
                    "rater": raters[sup],
                    "stuffed": stuffed[unit_of[team_of]],
                    "group": group,
                }
            )
        )
        if office.indicators:
            x = 75 + office.kappa * now + found_x[team_of] + x_person + rng.normal(0, 8, N)
            frames["indicators"].append(pd.DataFrame({"period": period, "ratee": ratees, "points": x}))
        if office.feedback:
            frames["responses"].append(
                _responses(office, rng, period, unit_of, team_of, true_team, leadership[supervisor[q]], found_f,
                           group, surveyed, stuffed, teams, units)
            )  # fmt: skip
    return {k: pd.concat(v, ignore_index=True) if v else pd.DataFrame() for k, v in frames.items()}


def _colleague(rng: np.random.Generator, unit_of: np.ndarray, sup: np.ndarray) -> np.ndarray:
    """Another supervisor of the same unit; -1 where there is none."""
    members = {u: np.flatnonzero(unit_of == u) for u in np.unique(unit_of)}
    out = np.full(len(sup), -1)
    for i, j in enumerate(sup):
        others = members[unit_of[j]]
        others = others[others != j]
        if len(others):
            out[i] = rng.choice(others)
    return out


def _responses(office, rng, period, unit_of, team_of, true_team, lead, found, group, surveyed, stuffed, teams, units):  # type: ignore[no-untyped-def]
    J = len(unit_of)
    open_ = np.flatnonzero(surveyed[unit_of])
    n = int(office.responses * len(open_) / J)
    at = open_[rng.integers(0, len(open_), n)]
    educated = rng.integers(0, 3, n)
    share = np.bincount(team_of, group, J) / np.bincount(team_of, minlength=J)
    centre = 78 + office.phi * (true_team + lead)[at] + found[at] + 2.0 * (1 - educated)
    centre += office.citizen_bias * (share[at] - 0.5)
    value = centre + rng.normal(0, 13, n)
    latent = value[:, None] + rng.normal(0, 18, (n, 9))
    marks = np.clip(np.rint(latent / (100 / 3)), 0, 3) + 1
    other = np.random.default_rng(len(at))  # cheating must not change what else is drawn
    cheat = stuffed[unit_of[at]] & (other.random(n) < max(office.all_top, office.clever))
    if office.all_top:
        marks[cheat] = 4
    if office.clever:
        marks[cheat] = np.where(other.random((cheat.sum(), 9)) < 0.15, 3, 4)
    frame = pd.DataFrame(marks, columns=list(ELEMENTS))
    frame.insert(0, "period", period)
    frame.insert(1, "unit", units[unit_of[at]])
    if office.tagged:
        frame.insert(2, "team", teams[at])
    frame["education"] = np.array(["low", "middle", "high"])[educated]
    frame["response"] = [f"{period}-{i}" for i in range(n)]
    return frame
