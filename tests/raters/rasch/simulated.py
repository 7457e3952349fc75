"""Simulated offices for the tests of the rater model."""

from __future__ import annotations

import numpy as np
import pandas as pd

DIFFICULTY = np.array([-0.8, -0.45, -0.2, 0.0, 0.2, 0.45, 0.8])
THRESHOLDS = np.array([-2.2, -0.8, 0.6, 2.4])


def draw(random, eta, thresholds=THRESHOLDS):
    """Ratings from 1 up, one for each eta."""
    score = np.arange(len(thresholds) + 1)[:, None] * eta - np.concatenate([[0.0], np.cumsum(thresholds)])[:, None]
    p = np.exp(score - score.max(axis=0))
    cumulative = p.cumsum(axis=0)
    return 1 + (random.random(len(eta)) * cumulative[-1] > cumulative).sum(axis=0)


def simulate(seed=1, *, ratees=120, raters=12, items=7, each=2, spread=1.2, severity_sd=0.6, extra=None):
    """Ratings, true ability and true severity (both by id). Each ratee has `each` raters; ids are numbers as text.

    extra : function of a frame with ratee, rater, item; its values are added to eta
    """
    random = np.random.default_rng(seed)
    ability = pd.Series(random.normal(0.3, spread, ratees), index=[str(i) for i in range(1, ratees + 1)])
    severity = pd.Series(random.normal(0, severity_sd, raters), index=[f"r{j}" for j in range(1, raters + 1)])
    severity -= severity.mean()
    pairs = [(i, j) for i in ability.index for j in random.choice(severity.index, each, replace=False)]
    rows = [(i, j, f"v{k}") for i, j in pairs for k in range(items)]
    data = pd.DataFrame(rows, columns=["ratee", "rater", "item"])
    difficulty = pd.Series(DIFFICULTY[:items] - DIFFICULTY[:items].mean(), index=[f"v{k}" for k in range(items)])
    eta = data["ratee"].map(ability) - data["rater"].map(severity) - data["item"].map(difficulty)
    data["rating"] = draw(random, (eta + (extra(data) if extra else 0.0)).to_numpy())
    return data, ability, severity
