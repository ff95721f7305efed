"""How often two different people reach an LLR: the tail that alarm thresholds stand on."""

import numpy as np

STEP = 1.0
# The rule of thirty: no rate is measured on fewer errors.
FEWEST = 30


def curve(groups: list[np.ndarray]) -> list[tuple[float, float]]:
    """(LLR, rate) points: at each LLR the worst of several groups of LLRs of non-target trials."""
    points: list[tuple[float, float]] = []
    for step in range(100):
        llr = step * STEP
        counts = [(np.count_nonzero(g >= llr), len(g)) for g in groups]
        measured = [n / of for n, of in counts if n >= FEWEST]
        if not measured or (points and max(measured) >= points[-1][1]):
            return points
        points.append((llr, float(f"{max(measured):.4g}")))
    return points
