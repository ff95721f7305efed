"""The figures of crates/evaluation by other means, on random scores that both languages make alike.

Run by the interpreter that scripts/golden/setup.sh prints:

    $(scripts/golden/setup.sh) scripts/golden/metrics.py

It writes crates/evaluation/tests/data/metrics_golden.json, which the crate's tests read. Everything
here goes another way than the crate: trials are repeated or weighted in plain arrays, the convex hull
is SciPy's (Qhull), pool adjacent violators is SciPy's, the cepstra are SciPy's DCT.
"""

import json
from pathlib import Path

import numpy as np
from scipy.fft import dct
from scipy.optimize import isotonic_regression
from scipy.spatial import ConvexHull
from scipy.stats import binomtest, norm

GOLDEN = Path(__file__).parents[2] / "crates/evaluation/tests/data/metrics_golden.json"
MASK = (1 << 64) - 1
POINTS = [(0.01, 1.0, 1.0), (0.05, 1.0, 1.0), (0.2, 10.0, 1.0)]
FPIRS = [0.001, 0.01, 0.03, 0.1]
SEED = 20261122
RESAMPLES = 120
LEVEL = 0.95


class SplitMix64:
    """The crate's generator (metrics/random.rs says how it goes)."""

    def __init__(self, seed: int, stream: int = 0):
        self.state = (seed + stream * 0xD1B54A32D192ED03) & MASK

    def next(self) -> int:
        self.state = (self.state + 0x9E3779B97F4A7C15) & MASK
        z = self.state
        z = ((z ^ (z >> 30)) * 0xBF58476D1CE4E5B9) & MASK
        z = ((z ^ (z >> 27)) * 0x94D049BB133111EB) & MASK
        return z ^ (z >> 31)

    def uniform(self) -> float:
        return (self.next() >> 11) / (1 << 53)

    def normal(self) -> float:
        total = 0.0
        for _ in range(12):
            total += self.uniform()
        return total - 6.0


def draw(index: int, speakers: int) -> np.ndarray:
    """How often each speaker is drawn in a resample."""
    random = SplitMix64(SEED, index)
    picks = [min(int(random.uniform() * speakers), speakers - 1) for _ in range(speakers)]
    return np.bincount(picks, minlength=speakers)


def make_trials(case: dict) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Every speaker's model against every speaker's two recordings: scores, truth, speakers."""
    random = SplitMix64(case["seed"])
    scores, target, sides = [], [], []
    for model in range(case["speakers"]):
        for other in range(case["speakers"]):
            for _ in range(2):
                same = model == other
                mean, spread = case["target"] if same else case["nontarget"]
                score = mean + spread * random.normal()
                if case["step"]:
                    score = np.floor(score / case["step"]) * case["step"]
                scores.append(score)
                target.append(same)
                sides.append((model, other))
    return np.array(scores), np.array(target), np.array(sides)


def roc(scores, target, weights):
    """(threshold, miss, false match) at every distinct score and beyond the last."""
    thresholds = np.append(np.unique(scores[weights > 0]), np.inf)
    tw, nw = weights * target, weights * ~target
    # The weight below each threshold, by sorting rather than by comparing all with all.
    order = np.argsort(scores, kind="stable")
    below = np.searchsorted(scores[order], thresholds, side="left")
    t, n = (np.concatenate([[0], np.cumsum(w[order])])[below] for w in (tw, nw))
    return thresholds, t / tw.sum(), 1 - n / nw.sum()


def eer(miss, false):
    at = np.flatnonzero(miss >= false)[0]
    if at == 0:
        return miss[0]
    gap = false - miss
    return float(np.interp(0.0, [-gap[at - 1], -gap[at]], [miss[at - 1], miss[at]]))


def eer_rocch(miss, false):
    """The lower left hull by Qhull, cut with the diagonal; a corner above it closes the shape."""
    points = np.unique(np.column_stack([np.append(false, 1.0), np.append(miss, 1.0)]), axis=0)
    hull = ConvexHull(points)
    best = 1.0
    for a, b in hull.simplices:
        (x0, y0), (x1, y1) = points[a], points[b]
        d0, d1 = y0 - x0, y1 - x1
        if d0 * d1 <= 0 and d0 != d1:
            best = min(best, x0 + (x1 - x0) * d0 / (d0 - d1))
    return float(best)


def cllr_of(target_llr, target_w, nontarget_llr, nontarget_w):
    a = np.average(np.logaddexp(0, -target_llr), weights=target_w)
    b = np.average(np.logaddexp(0, nontarget_llr), weights=nontarget_w)
    return float((a + b) / 2 / np.log(2))


def pav(scores, target, weights):
    """The best LLR at each distinct score."""
    distinct, place = np.unique(scores, return_inverse=True)
    t = np.bincount(place, weights * target, len(distinct))
    n = np.bincount(place, weights * ~target, len(distinct))
    there = t + n > 0
    distinct, t, n = distinct[there], t[there], n[there]
    p = isotonic_regression(t / (t + n), weights=t + n).x
    p = np.clip(np.round(p, 14), 0, 1)
    with np.errstate(divide="ignore"):
        llr = np.log(p) - np.log1p(-p) - np.log(t.sum() / n.sum())
    return distinct, t, n, llr


def figures(scores, target, weights, rates):
    thresholds, miss, false = roc(scores, target, weights)
    distinct, t, n, llr = pav(scores, target, weights)
    tw, nw = weights[target], weights[~target]
    out = {
        "eer": float(eer(miss, false)),
        "eer_rocch": eer_rocch(miss, false),
        "cllr": cllr_of(scores[target], tw, scores[~target], nw),
        "min_cllr": cllr_of(llr[t > 0], t[t > 0], llr[n > 0], n[n > 0]),
        "min_dcf": [],
        "actual_dcf": [],
        "miss_at": [float(miss[false <= rate + 1e-12].min()) for rate in rates],
    }
    for prior, miss_cost, false_cost in POINTS:
        a, b = prior * miss_cost, (1 - prior) * false_cost
        bayes = np.log(b / a)
        accept = scores >= bayes
        actual = a * np.average(~accept[target], weights=tw) + b * np.average(accept[~target], weights=nw)
        out["min_dcf"].append(float((a * miss + b * false).min() / min(a, b)))
        out["actual_dcf"].append(float(actual / min(a, b)))
    return out


def spread(values):
    return [float(v) for v in np.quantile(values, [(1 - LEVEL) / 2, (1 + LEVEL) / 2])]


def verification(case):
    scores, target, sides = make_trials(case)
    rates = [0.0, 0.01, 0.1]
    all_trials = figures(scores, target, np.ones(len(scores)), rates)
    samples = []
    for index in range(RESAMPLES):
        count = draw(index, case["speakers"])
        a, b = count[sides[:, 0]], count[sides[:, 1]]
        weights = np.where(sides[:, 0] == sides[:, 1], a, a * b).astype(float)
        samples.append(figures(scores, target, weights, rates))
    intervals = {key: spread([s[key] for s in samples]) for key in ("eer", "eer_rocch", "cllr", "min_cllr")}
    for key in ("min_dcf", "actual_dcf"):
        intervals[key] = [spread([s[key][i] for s in samples]) for i in range(len(POINTS))]
    distinct, _, _, llr = pav(scores, target, np.ones(len(scores)))
    blocks = []
    for score, value in zip(distinct, llr):
        if blocks and (blocks[-1][2] == value or np.isclose(blocks[-1][2], value, rtol=0, atol=1e-9)):
            blocks[-1][1] = float(score)
        else:
            blocks.append([float(score), float(score), float(value)])
    finite = [[low, high, value if np.isfinite(value) else None] for low, high, value in blocks]
    return case | {"rates": rates, "figures": all_trials, "intervals": intervals, "pav": finite}


def identification():
    """Probes: speaker, listed, best score or none, right."""
    case = {"seed": 77, "speakers": 50, "probes": 1500}
    random = SplitMix64(case["seed"])
    speaker, listed, best, right = [], [], [], []
    for i in range(case["probes"]):
        who = i % case["speakers"]
        on_list = who % 2 == 0
        u, v = random.uniform(), random.uniform()
        score = (3.0 if on_list else -2.0) + 2.5 * random.normal()
        speaker.append(who)
        listed.append(on_list)
        right.append(on_list and u < 0.95)
        best.append(score if v >= 0.02 else None)
    speaker, listed, right = map(np.array, (speaker, listed, right))
    scored = np.array([b is not None for b in best])
    score = np.array([b if b is not None else -np.inf for b in best])

    def tpir(weights):
        out = []
        candidates = np.unique(score[scored])
        for rate in FPIRS:
            total = weights[~listed].sum()
            # From strict to lax, while few enough of the unlisted are tagged.
            found = 0.0
            for threshold in candidates[::-1]:
                hit = score >= threshold
                if weights[~listed & hit].sum() / total > rate + 1e-12:
                    break
                found = weights[listed & hit & right].sum() / weights[listed].sum()
            out.append(float(found))
        return out

    ones = np.ones(len(score))
    samples = [tpir(draw(i, case["speakers"])[speaker].astype(float)) for i in range(RESAMPLES)]
    values = tpir(ones)
    total = int(listed.sum())
    intervals = []
    for i, value in enumerate(values):
        wilson = binomtest(round(value * total), total).proportion_ci(LEVEL, "wilson")
        low, high = spread([s[i] for s in samples])
        intervals.append([min(low, wilson.low), max(high, wilson.high)])
    rank1 = float((right & scored)[listed].mean())
    return case | {"fpirs": FPIRS, "tpir": values, "intervals": intervals, "rank1": rank1}


def baseline():
    """Arithmetic-harmonic sphericity of two recordings' cepstra."""
    mels, rows = 40, 400
    gaussians = []
    for seed in (5, 6):
        random = SplitMix64(seed)
        scale = [0.5 + random.uniform() for _ in range(mels)]
        frames = [[np.float32(scale[m] * random.normal()) for m in range(mels)] for _ in range(rows)]
        cepstra = dct(np.array(frames, dtype=np.float64), type=2, norm="ortho")[:, 1:20]
        covariance = np.cov(cepstra, rowvar=False, bias=True)
        covariance += np.eye(19) * (1e-3 * np.trace(covariance) / 19 + 1e-6)
        gaussians.append(covariance)
    x, y = gaussians
    product = np.trace(y @ np.linalg.inv(x)) * np.trace(x @ np.linalg.inv(y))
    return {"mels": mels, "rows": rows, "seeds": [5, 6], "score": float(-(np.log(product) - 2 * np.log(19)))}


def main():
    cases = [
        {"seed": 1, "speakers": 30, "target": [3.0, 2.0], "nontarget": [-4.0, 2.0], "step": 0.0},
        {"seed": 2, "speakers": 12, "target": [1.0, 2.0], "nontarget": [-1.0, 2.0], "step": 0.5},
        {"seed": 3, "speakers": 8, "target": [9.0, 1.0], "nontarget": [-9.0, 1.0], "step": 0.0},
        {"seed": 4, "speakers": 20, "target": [-0.5, 1.0], "nontarget": [0.5, 1.0], "step": 0.0},
    ]
    probabilities = [1e-9, 1e-4, 0.01, 0.07, 0.075, 0.3, 0.5, 0.92, 0.93, 0.999]
    golden = {
        "points": POINTS,
        "seed": SEED,
        "resamples": RESAMPLES,
        "level": LEVEL,
        "verification": [verification(case) for case in cases],
        "identification": identification(),
        "baseline": baseline(),
        "probit": [[p, float(norm.ppf(p))] for p in probabilities],
    }
    GOLDEN.parent.mkdir(parents=True, exist_ok=True)
    GOLDEN.write_text(json.dumps(golden, indent=1) + "\n")


if __name__ == "__main__":
    main()
