"""Condition-aware logistic regression from cosine to LLR, as crates/scoring applies it:
LLR = exp(slope + sum s_i z_i) * cosine + offset + sum o_i z_i, z the clamped, scaled conditions."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from trials import Trials

# The conditions the LLR may depend on, by their names in backend.toml.
INPUTS = {
    "probe_log_speech": lambda t: np.log(np.maximum(t.probe_speech, 0.1)),
    "enrolled_log_speech": lambda t: np.log(np.maximum(t.enrolled_speech, 0.1)),
    "enrolled_log_recordings": lambda t: np.log(t.enrolled_recordings),
    "probe_snr": lambda t: t.probe_snr,
    "enrolled_snr": lambda t: t.enrolled_snr,
}
# The objective is Cllr weighted for this prior of a target: decisions about lists are made in the
# upper tail, and a fit for even odds bends there with the length of the call (README.md).
PRIOR = 0.1
# Keeps a condition that says nothing at zero.
PENALTY = 1e-4


@dataclass(frozen=True)
class Term:
    input: str
    low: float
    high: float
    center: float
    scale: float

    def z(self, trials: Trials) -> np.ndarray:
        return (np.clip(INPUTS[self.input](trials), self.low, self.high) - self.center) / self.scale


@dataclass(frozen=True)
class Calibration:
    terms: list[Term]
    slopes: np.ndarray  # the first for usual conditions, then one a term
    offsets: np.ndarray
    llr_min: float
    llr_max: float

    def __call__(self, trials: Trials) -> np.ndarray:
        design = _design(self.terms, trials)
        llr = np.exp(np.clip(design @ self.slopes, -20, 20)) * trials.cosine + design @ self.offsets
        return np.clip(llr, self.llr_min, self.llr_max)


def fit(trials: Trials, keep: int = 1) -> Calibration:
    """On all target trials and every `keep`-th other. The limits of the LLR are what the numbers of
    trials can bear witness to."""
    targets = int(trials.target.sum())
    limits = float(round(-np.log(targets), 6)), float(round(np.log(len(trials) - targets), 6))
    trials = trials[trials.target | (np.arange(len(trials)) % keep == 0)]
    terms = [_term(name, trials) for name in INPUTS]
    design, n = _design(terms, trials), len(terms) + 1
    sign = np.where(trials.target, 1.0, -1.0)
    weights = np.where(trials.target, PRIOR / targets, (1 - PRIOR) / (len(trials) - targets))
    prior = np.log(PRIOR / (1 - PRIOR))

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        slope = np.exp(design @ w[:n])
        margin = sign * (slope * trials.cosine + design @ w[n:] + prior)
        d = -weights * sign / (1 + np.exp(np.clip(margin, -500, 500)))
        gradient = np.concatenate([design.T @ (d * slope * trials.cosine), design.T @ d])
        shrink = np.tile(np.r_[0, np.ones(n - 1)], 2) * w
        return weights @ np.logaddexp(0, -margin) + PENALTY * (shrink @ shrink), gradient + 2 * PENALTY * shrink

    start = np.zeros(2 * n)
    start[0], start[n] = np.log(20.0), -8.0
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 1000, "ftol": 1e-13})
    slopes, offsets = np.split(np.round(found.x, 6), 2)
    return Calibration(terms, slopes, offsets, *limits)


def _term(name: str, trials: Trials) -> Term:
    value = INPUTS[name](trials)
    low, high = np.quantile(value, [0.005, 0.995])
    value = np.clip(value, low, high)
    return Term(name, *(float(round(v, 6)) for v in (low, high, value.mean(), max(value.std(), 1e-3))))


def _design(terms: list[Term], trials: Trials) -> np.ndarray:
    return np.stack([np.ones(len(trials)), *(t.z(trials) for t in terms)], axis=1)
