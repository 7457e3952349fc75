"""The calibration's guarantees in an office of another shape than its model: heavy tails, skewed severity and feedback.

Each ratio is root mean square error over that of the raw scores. The limits are the method's: never above 1.02 in one
office, 1.01 on average where there is nothing to find, and a gain where there is evidence.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

from kinerja.calibration.frames import collect_persons
from kinerja.calibration.within import second_pairs, split_halo
from tests.calibration.odd_office import OddOffice, draw, run

CITY = OddOffice()
SMALL = OddOffice(units=8, teams=25, periods=1)
RATINGS = {"phi": None, "kappa": None}
NOTHING_TO_FIND = {
    "nested ratings": replace(CITY, **RATINGS),
    "no severity": replace(CITY, severity=0.0),
    "no severity, moves": replace(CITY, severity=0.0, moved=0.2, **RATINGS),
    "no severity, second raters": replace(CITY, severity=0.0, second=0.1, **RATINGS),
    "invalid feedback": replace(CITY, phi=0.0, kappa=None),
}


def ratios(office: OddOffice, seeds: range) -> tuple[list[float], float]:
    """Ratio of each office, and the mean coverage of the 90 % intervals of persons."""
    found, inside = [], []
    for seed in seeds:
        _, table = run(office, seed)
        found.append((table["calibrated"] - table["true"]).std() / (table["observed"] - table["true"]).std())
        inside.append(table["true"].between(table["conf_low"], table["conf_high"]).mean())
    return found, float(np.mean(inside))


@pytest.mark.parametrize("name", NOTHING_TO_FIND)
def test_no_harm_where_there_is_nothing_to_find(name):
    found, coverage = ratios(NOTHING_TO_FIND[name], range(3))
    assert max(found) < 1.02
    assert np.mean(found) < 1.01
    assert 0.88 < coverage < 0.97  # nominal 0.90; errors of heavy tails lie in the middle more often
    if name == "nested ratings":
        assert found == [1.0, 1.0, 1.0]


@pytest.mark.parametrize(
    ("office", "most"),
    [(CITY, 0.92), (replace(CITY, kappa=None), 0.94), (replace(CITY, second=0.1, **RATINGS), 0.91)],
    ids=["feedback and attainment", "feedback", "second raters"],
)
def test_gain_where_there_is_evidence(office, most):
    """Six offices gave 0.87, 0.89 and 0.84 on average, none above 0.93."""
    found, coverage = ratios(office, range(3))
    assert np.mean(found) < most
    assert max(found) < 1.0
    assert 0.88 < coverage < 0.96


@pytest.mark.parametrize("severity", [0.0, 5.0])
def test_small_offices_with_second_raters(severity):
    """Of 100 offices of 25 supervisors the worst without severity was 1.016, the mean with it 0.91."""
    found, _ = ratios(replace(SMALL, severity=severity, second=0.3), range(10))
    assert max(found) < 1.02
    assert np.mean(found) < (1.005 if severity == 0 else 0.97)


def test_stuffing_gains_less_than_a_point():
    """Twelve points on the answers of every tenth unit, all its teams alike, move their scores by 0.8 on average."""
    office = replace(CITY, stuffed=12.0)
    gains = []
    for seed in range(6):
        stuffed, honest = run(office, seed)[1], run(replace(office, stuffed=0.0), seed)[1]
        gains.append((stuffed["calibrated"] - honest["calibrated"])[stuffed["stuffed"]].mean())
    assert np.mean(gains) < 1.0


def test_pairs_of_one_person_show_their_error():
    """Second minus first has variance 2 (halo + error), whatever raters differ by, though each pair shares one person:
    halo 9 and errors 16 exp(0.5) here, of heavy tails."""
    shown = []
    for seed in range(6):
        data = draw(replace(CITY, second=0.1), seed)
        persons = collect_persons(data["ratings"], data["staff"])
        key = persons.team * len(persons.raters) + persons.rater
        pairs, variance, free = second_pairs(persons, np.unique(key, return_inverse=True)[1])
        assert pairs["n"].mean() < 1.2 and free > 100
        shown.append(variance)
    assert np.mean(shown) == pytest.approx(2 * (9 + 16 * np.exp(0.5)), rel=0.2)


def test_one_rating_hides_its_error():
    """Without items the error of a rating is what one person's ratings change by, or the usual reliability's rest."""
    two, _ = split_halo((60.0, 20.0), None, 0.0, 0, 0.2, 2)
    assert (two.item, two.own_error) == (20.0, 32.0)
    one, variance = split_halo((100.0, 0.0), None, 0.0, 0, 0.2, 1)
    assert one.item == pytest.approx(28.0)
    assert one.own_error == pytest.approx(28.0 + 0.2 * 72.0)
    assert variance == pytest.approx(2 * one.own_error)
    assert one.persistent + one.noise == pytest.approx(100.0)


def test_the_office_is_odd():
    data = draw(CITY, 1)
    size = data["staff"].groupby(["period", "team"]).size()
    assert size.max() > 10 * size.median()
    assert pd.Series(data["truth"]["true"]).kurt() > 2
