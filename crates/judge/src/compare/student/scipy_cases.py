"""Prints what SciPy gives for paired and unpaired samples, as scipy_cases.json keeps it.

    python -m venv venv && venv/bin/pip install scipy && venv/bin/python scipy_cases.py > scipy_cases.json
"""

import json
import random

import scipy
from scipy import stats

DRAW = random.Random(7)

SHAPES = {
    "normal": lambda: DRAW.gauss(1_000, 100),
    "lognormal": lambda: DRAW.lognormvariate(6, 0.8),
    "mostly nothing": lambda: float(DRAW.choice([0] * 19 + [40])),
    "shares": lambda: 1 - DRAW.betavariate(0.5, 200),
}


def case(shape, before, after, moved, margin):
    a = [SHAPES[shape]() for _ in range(before)]
    b = [SHAPES[shape]() + moved for _ in range(after)]
    found = {"shape": shape, "reference": a, "candidate": b, "margin": margin}
    welch = stats.ttest_ind(b, a, equal_var=False)
    low, high = welch.confidence_interval(0.95)
    # The mean is shifted by the margin, not the spread.
    beyond = stats.ttest_ind([each - margin for each in b], a, equal_var=False, alternative="greater")
    found["welch"] = {"freedom": welch.df, "low": low, "high": high, "p_above": beyond.pvalue}
    if before == after:
        pairs = stats.ttest_rel(b, a)
        low, high = pairs.confidence_interval(0.95)
        beyond = stats.ttest_rel([each - margin for each in b], a, alternative="greater")
        found["paired"] = {"freedom": pairs.df, "low": low, "high": high, "p_above": beyond.pvalue}
    return found


CASES = [
    case("normal", 59, 59, 60.0, 20.0),
    case("normal", 5, 7, 400.0, 100.0),
    case("normal", 2, 2, 500.0, 0.0),
    case("lognormal", 59, 236, 80.0, 40.0),
    case("lognormal", 59, 59, -50.0, 30.0),
    case("mostly nothing", 59, 59, 0.0, 1.0),
    case("shares", 59, 59, -0.01, 0.001),
]

print(json.dumps({"scipy": scipy.__version__, "cases": CASES}, default=float))
