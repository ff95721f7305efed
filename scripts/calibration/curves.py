"""How often two different people reach an LLR: the tail that alarm thresholds stand on."""

import numpy as np

STEP = 1.0
# The rule of thirty: no rate is measured on fewer errors.
FEWEST = 30
DRAWS, UPPER = 400, 0.9


def curve(groups: list[tuple[np.ndarray, np.ndarray, np.ndarray]], seed: int = 1) -> list[tuple[float, float]]:
    """(LLR, rate) points, for the worst of several groups of non-target trials at each LLR. A group
    is (LLRs, numbers of the enrolled speakers, numbers of the callers). Each rate is the upper end
    of a one-sided 90 % interval by bootstrap over speakers."""
    points = []
    for step in range(100):
        llr = step * STEP
        counts = [np.count_nonzero(g[0] >= llr) for g in groups]
        if max(counts) < FEWEST:
            break
        rate = max(_upper(g, llr, seed) for g, n in zip(groups, counts, strict=True) if n >= FEWEST)
        if points and rate >= points[-1][1]:
            break
        points.append((llr, float(f"{rate:.4g}")))
    return points


def _upper(group: tuple[np.ndarray, np.ndarray, np.ndarray], llr: float, seed: int) -> float:
    values, enrolled, probe = group
    speakers, index = np.unique(np.concatenate([enrolled, probe]), return_inverse=True)
    e, p = np.split(index, 2)
    n = len(speakers)
    cells = e * n + p
    hits = np.bincount(cells, values >= llr, n * n).reshape(n, n)
    total = np.bincount(cells, minlength=n * n).reshape(n, n)
    rng = np.random.default_rng(seed)
    rates = []
    for _ in range(DRAWS):
        w = np.bincount(rng.integers(n, size=n), minlength=n).astype(float)
        rates.append((w @ hits @ w) / (w @ total @ w))
    return float(np.quantile(rates, UPPER))
