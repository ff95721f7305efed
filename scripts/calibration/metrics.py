"""How good are LLRs? Natural logarithms in, the field's figures out."""

import numpy as np
from scipy.optimize import isotonic_regression


def pav(targets: np.ndarray, nontargets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The best monotone LLRs for these scores (pool adjacent violators), for targets and for
    non-targets, infinite where one kind stands alone."""
    scores = np.concatenate([targets, nontargets])
    labels = np.concatenate([np.ones(len(targets)), np.zeros(len(nontargets))])
    # At equal scores targets come first, so that ties pool.
    order = np.lexsort((-labels, scores))
    p = isotonic_regression(labels[order]).x
    with np.errstate(divide="ignore"):
        llr = np.log(p) - np.log1p(-p) - np.log(len(targets) / len(nontargets))
    out = np.empty(len(scores))
    out[order] = llr
    return out[: len(targets)], out[len(targets) :]


def cllr(targets: np.ndarray, nontargets: np.ndarray) -> float:
    """Bits lost for the mean of both kinds of trials (Bruemmer & du Preez 2006)."""
    return float((np.logaddexp(0, -targets).mean() + np.logaddexp(0, nontargets).mean()) / 2 / np.log(2))


def min_cllr(targets: np.ndarray, nontargets: np.ndarray) -> float:
    """What would be lost with the best monotone calibration, fitted on these very trials."""
    return cllr(*pav(targets, nontargets))


def rates(targets: np.ndarray, nontargets: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Miss and false match rates at every threshold, thresholds rising."""
    scores = np.concatenate([targets, nontargets])
    is_target = np.concatenate([np.ones(len(targets)), np.zeros(len(nontargets))])
    order = np.argsort(scores, kind="stable")
    miss = np.concatenate([[0], np.cumsum(is_target[order])]) / len(targets)
    false = 1 - np.concatenate([[0], np.cumsum(1 - is_target[order])]) / len(nontargets)
    cuts = np.concatenate([[True], np.diff(scores[order]) > 0, [True]])
    return miss[cuts], false[cuts]


def eer(targets: np.ndarray, nontargets: np.ndarray) -> float:
    """Where miss and false match rates are equal, on the line between the thresholds around it."""
    miss, false = rates(targets, nontargets)
    i = int(np.argmax(miss >= false))
    if i == 0:
        return float(miss[0])
    d0, d1 = false[i - 1] - miss[i - 1], miss[i] - false[i]
    t = d0 / (d0 + d1) if d0 + d1 > 0 else 0.0
    return float(miss[i - 1] + t * (miss[i] - miss[i - 1]))


def dcf(targets: np.ndarray, nontargets: np.ndarray, prior: float) -> tuple[float, float]:
    """Minimum and actual detection cost at this prior of a target, normalized, unit costs."""
    miss, false = rates(targets, nontargets)
    scale = min(prior, 1 - prior)
    best = (prior * miss + (1 - prior) * false).min() / scale
    threshold = np.log((1 - prior) / prior)
    actual = prior * np.mean(targets < threshold) + (1 - prior) * np.mean(nontargets >= threshold)
    return float(best), float(actual / scale)
