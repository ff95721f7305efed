#!/usr/bin/env python3
"""Works out on its own (NumPy and SciPy, no shared code) what crates/adaptation fits on made-up
voices, and writes the golden file of its test:

    $(scripts/golden/setup.sh) scripts/golden/adaptation.py > crates/adaptation/tests/data/golden.txt

Each line is a name and numbers. The voices come from SplitMix64, written out in both languages."""

import math

import numpy as np
from scipy.optimize import isotonic_regression, minimize

MASK = (1 << 64) - 1
SPEAKERS, CALLS, DIMENSION = 20, 6, 8
SHRINKAGE, LDA = 0.3, 4


class Random:
    def __init__(self, seed: int):
        self.state = seed

    def uniform(self) -> float:
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return ((z ^ (z >> 31)) >> 11) / (1 << 53)

    def normal(self) -> float:
        total = 0.0
        for _ in range(12):
            total += self.uniform()
        return total - 6.0


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


def voices() -> np.ndarray:
    """Speaker, call, dimension; float32 unit vectors."""
    random = Random(11)
    out = np.zeros((SPEAKERS, CALLS, DIMENSION))
    for s in range(SPEAKERS):
        voice = [random.normal() for _ in range(DIMENSION)]
        for c in range(CALLS):
            channel = 2.0 * random.normal()
            for d in range(DIMENSION):
                out[s, c, d] = voice[d] + 0.5 * random.normal() + (channel if d == 0 else 0.0) + (1.0 if d == 3 else 0.0)
    return unit(out).astype(np.float32).astype(np.float64)


def show(name: str, values: object) -> None:
    print(name, *(f"{v:.9g}" for v in np.ravel(values)))


def back_ends(x: np.ndarray) -> None:
    mean = x.mean(axis=1).mean(axis=0).astype(np.float32).astype(np.float64)
    show("mean", mean)
    moved = unit(x - mean)
    centers = moved.mean(axis=1, keepdims=True)
    residuals = ((moved - centers) * math.sqrt(CALLS / (CALLS - 1))).reshape(-1, DIMENSION)
    within = residuals.T @ residuals / len(residuals)
    within = (1 - SHRINKAGE) * within + SHRINKAGE * np.trace(within) / DIMENSION * np.eye(DIMENSION)
    values, vectors = np.linalg.eigh(within)
    whitening = vectors @ np.diag(values**-0.5) @ vectors.T
    show("wccn", stored(whitening))
    between = np.cov(centers[:, 0].T, bias=True)
    values, vectors = np.linalg.eigh(whitening @ between @ whitening)
    lda = vectors[:, np.argsort(-values)[:LDA]].T @ whitening
    # Its rows may have either sign: what they span and weigh has none.
    show("lda_gram", stored(lda).T @ stored(lda))
    plda(x - mean, lda)
    normalized(unit((x - mean) @ stored(whitening).T))


def stored(p: np.ndarray) -> np.ndarray:
    return p / math.sqrt(np.sum(p**2) / len(p))


def plda(centered: np.ndarray, projection: np.ndarray) -> None:
    y = unit(centered @ projection.T)
    centers = y.mean(axis=1)
    w = np.mean((y - centers[:, None]) ** 2, axis=(0, 1)) * CALLS / (CALLS - 1)
    b = np.mean(centers**2, axis=0) - w / CALLS
    show("plda_between", b)
    show("plda_within", w)
    t = b + w
    scores = []
    for one, other in PAIRS:
        p, q = y[one], y[other]
        joint = (t * p * p - 2 * b * p * q + t * q * q) / (t * t - b * b)
        scores.append(np.sum(-0.5 * np.log(t * t - b * b) + np.log(t) - 0.5 * joint + 0.5 * (p * p + q * q) / t))
    show("plda_scores", scores)


PAIRS = [((0, 0), (0, 3)), ((0, 0), (1, 0)), ((2, 1), (7, 5)), ((9, 2), (9, 4))]
TOP = 7


def normalized(y: np.ndarray) -> None:
    """Adaptive symmetric score normalization by the calls of speakers 10 and up."""
    cohort = y[10:].reshape(-1, y.shape[-1])

    def statistics(v: np.ndarray) -> tuple[float, float]:
        top = np.sort(cohort @ v)[::-1][:TOP]
        return top.mean(), top.std()

    out = []
    for one, other in PAIRS:
        s = y[one] @ y[other]
        (m1, d1), (m2, d2) = statistics(y[one]), statistics(y[other])
        out.append(0.5 * ((s - m1) / d1 + (s - m2) / d2))
    show("as_norm", out)


def calibration() -> None:
    random = Random(23)
    rows = []
    for i in range(3000):
        target = i % 5 == 0
        seconds = 3.0 + 17.0 * random.uniform()
        snr = 15.0 + 5.0 * random.normal()
        score = (0.5 if target else 0.05) + 0.15 * random.normal() * (8.0 / seconds) ** 0.25 + 0.004 * (snr - 15.0)
        alike = i % 3 == 0
        score += 0.05 if alike and not target else 0.0
        rows.append((score, target, seconds, snr, alike))
    score, target, seconds, snr, alike = (np.array(c, dtype=float) for c in zip(*rows, strict=True))
    # Side holds float32 numbers.
    seconds, snr = (v.astype(np.float32).astype(float) for v in (seconds, snr))
    terms = []
    for value in (np.log(seconds), snr):
        low, high = np.quantile(value, [0.005, 0.995])
        value = np.clip(value, low, high)
        terms.append((np.clip(value, low, high) - value.mean()) / value.std())
    design = np.stack([np.ones(len(score)), *terms], axis=1)
    n, prior = design.shape[1], 0.1
    sign = np.where(target, 1.0, -1.0)
    for name, share in (("calibration_even", None), ("calibration_half", 0.5)):
        others = (target == 0) & (alike == 0)
        near = (target == 0) & (alike == 1)
        part = near.sum() / (near.sum() + others.sum()) if share is None else share
        weights = np.where(target, prior / target.sum(), np.where(near, (1 - prior) * part / near.sum(), (1 - prior) * (1 - part) / others.sum()))

        def loss(p: np.ndarray) -> float:
            margin = sign * (np.exp(design @ p[:n]) * score + design @ p[n:] + math.log(prior / (1 - prior)))
            shrink = np.delete(p, [0, n])
            return weights @ np.logaddexp(0, -margin) + 1e-4 * shrink @ shrink

        start = np.zeros(2 * n)
        start[0], start[n] = 3.0, -8.0
        found = minimize(loss, start, method="BFGS", options={"gtol": 1e-10, "maxiter": 2000}).x
        found = minimize(loss, found, method="Nelder-Mead", options={"xatol": 1e-9, "fatol": 1e-16, "maxiter": 20000, "maxfev": 40000}).x
        show(name, found)


def figures() -> None:
    random = Random(31)
    tar = np.array([2.0 + 2.0 * random.normal() for _ in range(300)])
    non = np.array([-3.0 + 2.0 * random.normal() for _ in range(2000)])
    # Rounded, so that there are ties.
    tar, non = np.round(tar * 8) / 8, np.round(non * 8) / 8
    scores, labels = np.r_[tar, non], np.r_[np.ones(300), np.zeros(2000)]
    cuts = np.r_[np.unique(scores), np.inf]
    miss = np.array([np.mean(tar < c) for c in cuts])
    false = np.array([np.mean(non >= c) for c in cuts])
    i = int(np.argmax(miss >= false))
    d0, d1 = false[i - 1] - miss[i - 1], miss[i] - false[i]
    eer = miss[i - 1] + d0 / (d0 + d1) * (miss[i] - miss[i - 1])
    costs = [[(p * miss + (1 - p) * false).min() / p, (p * np.mean(tar < t) + (1 - p) * np.mean(non >= t)) / p] for p in (0.01, 0.05) for t in [math.log((1 - p) / p)]]
    order = np.lexsort((-labels, scores))
    p = isotonic_regression(labels[order]).x
    with np.errstate(divide="ignore"):
        llr = np.empty(len(p))
        llr[order] = np.log(p) - np.log1p(-p) - math.log(300 / 2000)

    def cllr(t: np.ndarray, n: np.ndarray) -> float:
        return (np.logaddexp(0, -t).mean() + np.logaddexp(0, n).mean()) / 2 / math.log(2)

    show("figures", [eer, costs[0][0], costs[1][0], cllr(llr[:300], llr[300:]), cllr(tar, non), costs[0][1], costs[1][1]])


if __name__ == "__main__":
    back_ends(voices())
    calibration()
    figures()
