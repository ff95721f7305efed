"""Condition-aware logistic regression from cosine to LLR, as crates/scoring applies it:
LLR = exp(slope + sum s_i z_i) * cosine + offset + sum o_i z_i, z the clamped, scaled conditions."""

from dataclasses import dataclass

import numpy as np
from scipy.optimize import minimize

from trials import Trials

# The conditions the LLR may depend on, by their names in backend.toml. Cross-validated: more of
# them did not help (README.md).
INPUTS = {
    "probe_log_speech": lambda c: np.log(np.maximum(c["probe_speech"], 0.1)),
    "enrolled_log_speech": lambda c: np.log(np.maximum(c["enrolled_speech"], 0.1)),
    "enrolled_log_recordings": lambda c: np.log(c["enrolled_recordings"]),
    "probe_snr": lambda c: c["probe_snr"],
    "enrolled_snr": lambda c: c["enrolled_snr"],
}
# Keeps a condition that says nothing at zero.
PENALTY = 1e-3


@dataclass(frozen=True)
class Term:
    input: str
    low: float
    high: float
    center: float
    scale: float

    def z(self, conditions: dict[str, np.ndarray]) -> np.ndarray:
        value = INPUTS[self.input](conditions)
        value = np.where(np.isnan(value), self.center, value)
        return (np.clip(value, self.low, self.high) - self.center) / self.scale


@dataclass(frozen=True)
class Calibration:
    terms: list[Term]
    slopes: np.ndarray  # the first for usual conditions, then one a term
    offsets: np.ndarray
    llr_min: float
    llr_max: float

    def __call__(self, trials: Trials) -> np.ndarray:
        llr = _llr(np.concatenate([self.slopes, self.offsets]), trials.cosine, _design(self.terms, trials))
        return np.clip(llr, self.llr_min, self.llr_max)


def fit(trials: Trials, inputs: list[str] | None = None) -> Calibration:
    """Targets and non-targets count half each (Cllr as the objective)."""
    terms = [_term(name, trials) for name in (INPUTS if inputs is None else inputs)]
    design = _design(terms, trials)
    targets = trials.target.sum()
    weights = np.where(trials.target, 0.5 / targets, 0.5 / (len(trials) - targets))
    sign = np.where(trials.target, 1.0, -1.0)

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        n = design.shape[1]
        slope = np.exp(design @ w[:n])
        llr = slope * trials.cosine + design @ w[n:]
        cost = weights @ np.logaddexp(0, -sign * llr)
        d = -weights * sign / (1 + np.exp(np.clip(sign * llr, -500, 500)))
        gradient = np.concatenate([design.T @ (d * slope * trials.cosine), design.T @ d])
        shrink = np.tile(np.r_[0, np.ones(n - 1)], 2) * w
        return cost + PENALTY * (shrink @ shrink), gradient + 2 * PENALTY * shrink

    start = np.zeros(2 * design.shape[1])
    start[0], start[design.shape[1]] = np.log(20.0), -8.0
    found = minimize(loss, start, jac=True, method="L-BFGS-B", options={"maxiter": 500, "ftol": 1e-12})
    slopes, offsets = np.split(np.round(found.x, 9), 2)
    limits = (-np.log(targets), np.log(len(trials) - targets))
    return Calibration(terms, slopes, offsets, float(round(limits[0], 6)), float(round(limits[1], 6)))


def _term(name: str, trials: Trials) -> Term:
    value = INPUTS[name](trials.conditions)
    value = value[np.isfinite(value)]
    low, high = np.quantile(value, [0.005, 0.995])
    clipped = np.clip(value, low, high)
    return Term(name, *(float(round(v, 6)) for v in (low, high, clipped.mean(), max(clipped.std(), 1e-3))))


def _design(terms: list[Term], trials: Trials) -> np.ndarray:
    return np.stack([np.ones(len(trials)), *(t.z(trials.conditions) for t in terms)], axis=1)


def _llr(w: np.ndarray, cosine: np.ndarray, design: np.ndarray) -> np.ndarray:
    slopes, offsets = np.split(w, 2)
    return np.exp(np.clip(design @ slopes, -20, 20)) * cosine + design @ offsets
