"""How often two different people reach an LLR: the tail that alarm thresholds stand on."""

import numpy as np

STEP = 1.0
# The rule of thirty: no rate is measured on fewer errors.
FEWEST = 30
# The curve is written up to this LLR, about where the shipped calibration ends.
LAST = 14.0


def curve(groups: list[np.ndarray]) -> list[tuple[float, float]]:
    """(LLR, rate) points from several groups of LLRs of non-target trials: at each LLR the worst
    group's rate. Where a group has fewer than thirty errors it follows its own last slope, which
    is on the safe side as long as the tail falls ever faster."""
    llrs = np.arange(0, LAST + STEP / 2, STEP)
    worst = np.max([_extended(g, llrs) for g in groups], axis=0)
    return [(float(llr), float(f"{rate:.4g}")) for llr, rate in zip(llrs, worst, strict=True)]


def _extended(values: np.ndarray, llrs: np.ndarray) -> np.ndarray:
    counts = np.array([np.count_nonzero(values >= llr) for llr in llrs])
    measured = int(np.sum(counts >= FEWEST))
    if measured < 2:
        raise SystemExit("too few trials to measure any tail of false matches")
    log_rate = np.log(counts[:measured] / len(values))
    slope = (log_rate[-1] - log_rate[-2]) / STEP
    beyond = log_rate[-1] + slope * (llrs[measured:] - llrs[measured - 1])
    return np.exp(np.concatenate([log_rate, beyond]))
