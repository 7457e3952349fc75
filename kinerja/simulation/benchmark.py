"""All ways of adjusting side by side on offices with known truth: what each does to the error of people's scores.

This module is for developers and for the methods notebook; no evaluation uses it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from time import perf_counter
from typing import Any

import numpy as np
import numpy.typing as npt
import pandas as pd

from kinerja.calibration import calibrate
from kinerja.simulation import SimulatedOffice, simulate_office
from kinerja.simulation.alternatives import METHODS, compare_alternatives
from kinerja.simulation.scenarios import CITY, SCENARIOS, Scenario
from kinerja.simulation.targets import targets_of

Floats = npt.NDArray[np.float64]
Frame = pd.DataFrame

ATTRIBUTES = ("age", "sex", "channel")
BENCHMARK_LEVEL = 0.90
"""Level of the intervals whose coverage the benchmark counts, and of the intervals over its replications. A level of
the benchmark's own: its published results are held against targets for it."""
Z_BENCHMARK = 1.6448536269514722
"""Normal quantile of BENCHMARK_LEVEL, two-sided."""
FAR = 3.0
"""Points: a score that moved further than this away from the truth counts as harmed."""

CITY_REPLICATIONS, SUBDISTRICT_REPLICATIONS = 20, 200
PARENT_EVERY = 40
"""A new parent city for borrowed parameters every so many sub-districts."""

PARENTS: Mapping[str, dict[str, Any]] = {
    "S3": {"severity": 0.0, "culture": 0.0},
    "S5": {"feedback_validity": 0.0},
}
"""How the parent city of a sub-district differs from C01: it shares the child's true variances."""

CALIBRATED, POSTERIOR, INHERITED, PERFECT = "calibrated", "posterior", "inherited", "perfect_severity"


@dataclass(frozen=True, eq=False, kw_only=True)
class Benchmark:
    """Results of the benchmark.

    Fields
    ------
    replications : scenario, replication, seed, method, score_error (root mean square,
        points), error_ratio (to raw), and for the calibration removed
        (share of rating effects' variance), coverage and severity_coverage (of intervals at BENCHMARK_LEVEL),
        evidence_team, evidence_culture, untouched (share of people), team_rank_raw, team_rank (correlation of team
        means with truth), moved_away (share harmed by more than 3 points), group_gap_raw, group_gap, stuffed_gain
        (points), seconds
    summary : scenario, method, n, score_error, error_ratio, worst (ratio), and means of the other columns
    targets : scenario, criterion, limit, at_least, value, met
    figure : scenario, method, error_ratio, conf_low, conf_high (at BENCHMARK_LEVEL, over replications), worst: one
        mark a row
    settings : replications, seed, names
    """

    replications: Frame
    summary: Frame
    targets: Frame
    figure: Frame
    settings: Mapping[str, Any]


def run_benchmark(
    names: Iterable[str] | None = None,
    *,
    replications: int | None = None,
    seed: int = 1,
    alternatives: bool = True,
    progress: Callable[[str, int, int], None] | None = None,
) -> Benchmark:
    """Run scenarios with fresh seeds (`seed` starts the sequence) and hold the results against the targets.

    names : of SCENARIOS, all where None
    replications : of each; where None 20 for a city and 200 for a sub-district
    alternatives : whether to run the alternatives beside the calibration
    progress : called with scenario, replication, number of replications
    """
    chosen = list(SCENARIOS) if names is None else list(names)
    rows: list[dict[str, Any]] = []
    for name in chosen:
        scenario = SCENARIOS[name]
        small = scenario.units < CITY.units
        n = replications or (SUBDISTRICT_REPLICATIONS if small else CITY_REPLICATIONS)
        parent = None
        for r in range(n):
            if small and r % PARENT_EVERY == 0:
                parent = _parent(name, seed=_seed(seed, name, r) + 500_000)
            found = run_scenario(scenario, seed=_seed(seed, name, r), alternatives=alternatives, parent=parent)
            rows += [{"replication": r, **row} for row in found]
            if progress:
                progress(name, r + 1, n)
    return benchmark_of(
        pd.DataFrame(rows), settings={"replications": replications, "seed": seed, "names": tuple(chosen)}
    )


def benchmark_of(replications: Frame, *, settings: Mapping[str, Any]) -> Benchmark:
    """Summary, targets and figure of replications, run in one go or in parts."""
    summary = summarise(replications)
    return Benchmark(
        replications=replications,
        summary=summary,
        targets=hold_against_targets(summary),
        figure=_figure(replications),
        settings=settings,
    )


def _seed(seed: int, name: str, replication: int) -> int:
    """A seed of its own for each replication, the same for the same scenario whatever else is run."""
    return seed * 10_000_000 + list(SCENARIOS).index(name) * 10_000 + replication


def run_scenario(
    scenario: Scenario, *, seed: int, alternatives: bool = True, parent: Any = None
) -> list[dict[str, Any]]:
    """One replication: a row a method."""
    office = simulate_office(scenario, seed=seed)
    start = perf_counter()
    fit = _calibrate(office)
    seconds = perf_counter() - start
    table = _against_truth(fit, office)
    raw = _rmse(table["observed"], table["true_points"])
    common = {"scenario": scenario.name, "seed": seed}

    def row(method: str, score: pd.Series, **more: Any) -> dict[str, Any]:
        error = _rmse(score, table["true_points"])
        return {**common, "method": method, "score_error": error, "error_ratio": error / raw, **more}

    found = [
        row("raw", table["observed"], **_team_ranks(table, "observed"), group_gap=_group_gap(table, "observed")),
        row(CALIBRATED, table["calibrated"], **_measures(fit, office, table), seconds=seconds),
        row(POSTERIOR, table["posterior"]),
        row(PERFECT, table["observed"] - table["rating_effect"]),
    ]
    if parent is not None:
        inherited = _against_truth(_calibrate(office, prior=parent), office)
        found.append(row(INHERITED, inherited["calibrated"], moved_away=_moved_away(inherited)))
    if alternatives:
        scores = compare_alternatives(
            office.staff, office.ratings, responses=office.responses, scale=scenario.scale
        ).scores
        joined = table[["period", "ratee"]].merge(scores, on=["period", "ratee"], how="left")
        for method in METHODS[1:]:
            if joined[method].notna().all():
                found.append(
                    row(method, joined[method], moved_away=_moved_away(table.assign(calibrated=joined[method])))
                )
    if scenario.stuffing != "none":
        _add_stuffed_gains(found, scenario, office, table, seed)
    return found


def summarise(replications: Frame) -> Frame:
    """Mean of each measure over replications, and the worst ratio; one row a scenario and method."""
    numbers = [c for c in replications.columns if c not in ("scenario", "seed", "method", "replication")]
    grouped = replications.groupby(["scenario", "method"], sort=False)
    summary = grouped[numbers].mean()
    summary.insert(0, "n", grouped.size())
    summary.insert(3, "worst", grouped["error_ratio"].max())
    summary["group_gap"] = grouped["group_gap"].agg(lambda g: float(np.sqrt((g**2).mean())))
    order = list(SCENARIOS)
    return summary.reset_index().sort_values(
        "scenario", key=lambda s: s.map(order.index), kind="stable", ignore_index=True
    )


def hold_against_targets(summary: Frame) -> Frame:
    """Every target of the scenarios run, with the value reached (NaN where it was not measured)."""
    rows = []
    for scenario in summary["scenario"].unique():
        values = _reached(summary.loc[summary["scenario"] == scenario].set_index("method"))
        for target in targets_of(scenario):
            value = values.get(target.measure, np.nan)
            rows.append(
                {
                    "scenario": scenario,
                    "criterion": target.measure,
                    "limit": target.limit,
                    "at_least": target.at_least,
                    "value": value,
                    "met": bool(np.isfinite(value) and target.met(value)),
                }
            )
    return pd.DataFrame(rows, columns=["scenario", "criterion", "limit", "at_least", "value", "met"])


def _figure(replications: Frame) -> Frame:
    """Mean ratio of each method with the interval that the number of replications leaves."""
    drawn = replications.loc[replications["method"] != "raw"]
    ratio = (
        drawn.groupby(["scenario", "method"], sort=False)["error_ratio"]
        .agg(["mean", "std", "size", "max"])
        .reset_index()
    )
    half = Z_BENCHMARK * ratio["std"].fillna(0.0) / np.sqrt(ratio["size"])
    return pd.DataFrame(
        {
            "scenario": ratio["scenario"],
            "method": ratio["method"],
            "error_ratio": ratio["mean"],
            "conf_low": ratio["mean"] - half,
            "conf_high": ratio["mean"] + half,
            "worst": ratio["max"],
        }
    )


def _reached(methods: Frame) -> dict[str, float]:
    numbers = methods.drop(columns="scenario", errors="ignore").astype(np.float64)
    values = dict(zip(map(str, numbers.columns), numbers.loc[CALIBRATED].to_numpy().tolist(), strict=True))
    if INHERITED in methods.index:
        values["inherited"] = numbers["error_ratio"].to_dict()[INHERITED]
    values["rank_change"] = abs(values["team_rank"] - values["team_rank_raw"])
    values["group_gap_excess"] = values["group_gap"] - numbers["group_gap"].to_dict()["raw"]
    return values


def _calibrate(office: SimulatedOffice, prior: Any = None) -> Any:
    return calibrate(
        office.ratings,
        office.staff,
        indicators=office.indicators if len(office.indicators) else None,
        feedback=office.responses if len(office.responses) else None,
        attributes=ATTRIBUTES,
        groups=("group",),
        scale=office.scenario.scale,
        prior=prior,
        confidence=BENCHMARK_LEVEL,
    )


def _parent(name: str, *, seed: int) -> Any:
    """A calibrated city with all evidence and the sub-district's true variances."""
    scenario = replace(CITY, name=f"parent of {name}", quarters=1, **PARENTS.get(name, {}))
    return _calibrate(simulate_office(scenario, seed=seed))


def _against_truth(fit: Any, office: SimulatedOffice) -> Frame:
    """Persons with truth, moved to the ratings' mean: leniency common to all cannot be seen by any method."""
    keys = ["period", "ratee"]
    columns = ["observed", "calibrated", "adjustment", "from_group", "conf_low", "conf_high"]
    table: Frame = fit.persons[[*keys, *columns]].merge(office.true_scores, on=keys)
    table = table.merge(fit.posterior[[*keys, "estimate"]].rename(columns={"estimate": "posterior"}), on=keys)
    table = table.merge(office.staff[[*keys, "unit", "team", "group"]], on=keys).sort_values(keys, ignore_index=True)
    table["true_points"] += table["observed"].mean() - table["true_points"].mean()
    table["rating_effect"] -= table["rating_effect"].mean()
    return table


def _measures(fit: Any, office: SimulatedOffice, table: Frame) -> dict[str, float]:
    effect, removed = table["rating_effect"], table["from_group"] - table["adjustment"]
    total = float((effect**2).mean())
    truth = table["true_points"]
    ranks = _team_ranks(table, "calibrated")
    return {
        "removed": 1 - float(((effect - removed) ** 2).mean()) / total if total > 1e-9 else np.nan,
        "coverage": float(((table["conf_low"] <= truth) & (truth <= table["conf_high"])).mean()),
        "severity_coverage": _severity_coverage(fit, office),
        "evidence_team": float(fit.evidence_team),
        "evidence_culture": float(fit.evidence_culture),
        "untouched": float((table["adjustment"] == 0).mean()),
        "team_rank": ranks["team_rank"],
        "team_rank_raw": _team_ranks(table, "observed")["team_rank"],
        "moved_away": _moved_away(table),
        "group_gap": _group_gap(table, "calibrated"),
    }


def _severity_coverage(fit: Any, office: SimulatedOffice) -> float:
    """Share of (supervisor, unit) rows whose interval holds the true severity, unit culture included."""
    truth = fit.raters.merge(office.true_raters[["rater", "severity"]], on="rater", suffixes=("", "_true"))
    truth = truth.merge(office.true_units[["unit", "culture"]], on="unit")
    true = truth["severity_true"] - truth["culture"]
    true -= np.average(true, weights=truth["n_ratees"])
    inside = (truth["conf_low"] <= true) & (true <= truth["conf_high"])
    return float(inside[truth["conf_low"].notna()].mean())


def _rmse(score: pd.Series, truth: pd.Series) -> float:
    return float((score - truth).std(ddof=0))


def _team_ranks(table: Frame, column: str) -> dict[str, float]:
    """Spearman correlation of team means with true team means, mean over periods."""
    means = table.groupby(["period", "unit", "team"])[[column, "true_points"]].mean()
    ranks = means.groupby("period").rank().to_numpy()
    period = means.index.get_level_values("period").to_numpy()
    by_period = [np.corrcoef(ranks[period == p].T)[0, 1] for p in np.unique(period)]
    return {"team_rank": float(np.mean(by_period))}


def _moved_away(table: Frame) -> float:
    before = (table["observed"] - table["true_points"]).abs()
    after = (table["calibrated"] - table["true_points"]).abs()
    return float((after - before > FAR).mean())


def _group_gap(table: Frame, column: str) -> float:
    """Mean error of group B minus that of group A, among colleagues of one team and period."""
    error = table[column] - table["true_points"]
    team = [table["period"], table["unit"], table["team"]]
    member = (table["group"] == "B").astype(float)
    inside = member - member.groupby(team).transform("mean")
    return float((inside * error).sum() / (inside**2).sum())


def _add_stuffed_gains(
    found: Sequence[dict[str, Any]], scenario: Scenario, office: SimulatedOffice, table: Frame, seed: int
) -> None:
    """Points that people of stuffed units gain by the stuffing (in place): against the same office without it."""
    honest = simulate_office(replace(scenario, stuffing="none"), seed=seed)
    stuffed = set(office.true_units.loc[office.true_units["stuffed"], "unit"])
    inside = table["unit"].isin(stuffed).to_numpy()
    clean = _against_truth(_calibrate(honest), honest)
    gains = {CALIBRATED: table["calibrated"] - clean["calibrated"]}
    one, other = (compare_alternatives(o.staff, o.ratings, responses=o.responses).scores for o in (office, honest))
    gains["moderated"] = one["moderated"] - other["moderated"]
    for row in found:
        if row["method"] in gains:
            row["stuffed_gain"] = float(gains[row["method"]].to_numpy()[inside].mean())
