"""The figures of a cross-validation as Markdown tables."""

from collections.abc import Callable

import numpy as np

import metrics
from trials import People, Trials

DURATIONS = [3.0, 5.0, 10.0, 20.0]
LISTS = [10, 100, 289, 1000]
BUDGET = 0.01
DRAWS = 200


def table(head: list[str], rows: list[list[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def by_duration(scored: Trials, llr: np.ndarray, people: People, live: tuple[Trials, np.ndarray]) -> str:
    """`live`: trials of voiceprints that a live call has at 10 s of speech."""
    head = ["speech a call", "measured (median)", "targets", "non-targets", "EER [95 %]", "Cllr", "min Cllr", "difference", "min DCF(0.01)", "actual DCF(0.01)"]
    seconds = _seconds(scored, people)
    groups = [(f"{s:g} s", scored[seconds == s], llr[seconds == s]) for s in DURATIONS]
    groups += [("all of these", scored, llr), ("a live call at 10 s", *live)]
    rows = []
    for name, t, x in groups:
        tar, non = x[t.target], x[~t.target]
        low, high = _interval(t, x)
        cllr, best = metrics.cllr(tar, non), metrics.min_cllr(tar, non)
        dcf = metrics.dcf(tar, non, 0.01)
        speech = float(np.median(t.probe_speech[t.target]))
        rows.append([name, f"{speech:.1f} s", f"{len(tar):,}", f"{len(non):,}", f"{_percent(metrics.eer(tar, non))} [{low:.1f}, {high:.1f}]", f"{cllr:.3f}", f"{best:.3f}", f"{cllr - best:.3f}", f"{dcf[0]:.2f}", f"{dcf[1]:.2f}"])
    return table(head, rows)


def by_condition(scored: Trials, llr: np.ndarray, people: People) -> str:
    """At 10 s of speech; both kinds of trials are those whose test call is of the group."""
    wanted = _seconds(scored, people) == 10
    t, x = scored[wanted], llr[wanted]
    calls = [people.calls[i] for i in t.call]
    snr = np.array([c["channel"]["snr_db"] for c in calls])
    groups: list[tuple[str, np.ndarray]] = []

    def each(title: str, of: Callable[[dict], str]) -> None:
        values = np.array([of(c) for c in calls])
        groups.extend((f"{title} {v}", values == v) for v in sorted(set(values)) if v)

    each("codec", lambda c: c["channel"]["codec"])
    groups += [(f"SNR {a} to {b} dB", (snr >= a) & (snr < b)) for a, b in [(8, 14), (14, 20), (20, 26)]]
    each("speech", lambda c: c["set"])
    each("gender", lambda c: c["gender"])
    groups += [(f"enrolled from {n} call{'s' * (n > 1)}", t.enrolled_recordings == n) for n in (1, 2)]
    gender = {c["speaker"]: c["gender"] for c in people.calls}
    genders = np.array([gender[name] for name in people.names])
    alike = people.alike(t)
    groups += [("trials within one set", alike), ("trials within one set and gender", alike & (genders[t.enrolled] == genders[t.probe]))]
    rows = []
    for name, mask in groups:
        tar, non = x[mask & t.target], x[mask & ~t.target]
        rows.append([name, f"{len(tar):,}", f"{len(non):,}", _percent(metrics.eer(tar, non)), f"{metrics.cllr(tar, non):.3f}", f"{metrics.min_cllr(tar, non):.3f}"])
    return table(["at 10 s", "targets", "non-targets", "EER", "Cllr", "min Cllr"], rows)


def against(scored: Trials, systems: dict[str, np.ndarray], people: People) -> str:
    """EER and minimum DCF of several scores of the same trials."""
    seconds = _seconds(scored, people)
    rows = []
    for name, x in systems.items():
        row = [name]
        for s in DURATIONS:
            tar, non = (x[(seconds == s) & (scored.target == kind)] for kind in (True, False))
            row.append(f"{_percent(metrics.eer(tar, non))}, {metrics.dcf(tar, non, 0.01)[0]:.2f}")
        rows.append(row)
    return table(["EER, min DCF(0.01) at", *(f"{s:g} s" for s in DURATIONS)], rows)


def listed(scored: Trials, llr: np.ndarray, people: People, points: list[tuple[float, float]], live: tuple[Trials, np.ndarray], live_points: list[tuple[float, float]]) -> str:
    """Thresholds by the measured curves, and how many true comparisons reach them."""
    seconds = _seconds(scored, people)
    rows = []
    for n in LISTS:
        rate = -np.expm1(np.log1p(-BUDGET) / n)
        once, ever = (llr_for(p, rate) for p in (points, live_points))
        found = [f"{100 * np.mean(llr[(seconds == s) & scored.target] >= once):.0f} %" for s in DURATIONS]
        t, x = live
        found.append(f"{100 * np.mean(x[t.target] >= ever):.0f} %")
        rows.append([f"{n:,}", f"{once:.1f}", *found[:-1], f"{ever:.1f}", found[-1]])
    head = ["listed", "LLR needed, one look", *(f"found at {s:g} s" for s in DURATIONS), "LLR needed, live", "found live within 20 s"]
    return table(head, rows)


def llr_for(points: list[tuple[float, float]], rate: float) -> float:
    """As FalseMatches::llr_for of crates/scoring."""
    x, y = np.array([p[0] for p in points]), np.log([p[1] for p in points])
    if np.log(rate) >= y[0]:
        return float(x[0])
    i = int(np.argmax(y < np.log(rate))) if y[-1] < np.log(rate) else len(x) - 1
    return float(x[i - 1] + (np.log(rate) - y[i - 1]) * (x[i] - x[i - 1]) / (y[i] - y[i - 1]))


def _seconds(scored: Trials, people: People) -> np.ndarray:
    return np.array([c["seconds"] for c in people.calls])[scored.call]


def _percent(rate: float) -> str:
    return f"{100 * rate:.2f} %"


def _interval(t: Trials, x: np.ndarray) -> tuple[float, float]:
    """95 % of the EER, in per cent, by bootstrap over speakers."""
    rng, n = np.random.default_rng(1), int(max(t.enrolled.max(), t.probe.max())) + 1
    speakers = np.unique(t.enrolled)
    edges = np.unique(np.quantile(x, np.linspace(0, 1, 2001)))
    bins = np.searchsorted(edges, x, side="right")
    eers = []
    for _ in range(DRAWS):
        w = np.bincount(rng.choice(speakers, len(speakers)), minlength=n).astype(float)
        weight = np.where(t.target, w[t.enrolled], w[t.enrolled] * w[t.probe])
        tar = np.bincount(bins[t.target], weight[t.target], len(edges) + 1)
        non = np.bincount(bins[~t.target], weight[~t.target], len(edges) + 1)
        miss, false = np.cumsum(tar) / tar.sum(), 1 - np.cumsum(non) / non.sum()
        i = int(np.argmax(miss >= false))
        eers.append(100 * (miss[i] + false[i]) / 2)
    return float(np.quantile(eers, 0.025)), float(np.quantile(eers, 0.975))
