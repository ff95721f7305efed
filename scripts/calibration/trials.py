"""Trials: an enrollment of one or two calls against a test call of another half or person."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass
from itertools import combinations

import numpy as np

from backend import BackEnd, unit
from prints import Print

# An enrollment with less speech is refused by the product, a shorter test call is no evidence.
MIN_ENROLLED, MIN_PROBE = 5.0, 1.5


@dataclass(frozen=True)
class Trials:
    """Parallel arrays, one row a trial; speakers are numbers in the order of `speakers`."""

    cosine: np.ndarray
    target: np.ndarray
    enrolled: np.ndarray
    probe: np.ndarray
    seconds: np.ndarray
    conditions: dict[str, np.ndarray]

    def __getitem__(self, rows: np.ndarray) -> "Trials":
        conditions = {k: v[rows] for k, v in self.conditions.items()}
        return Trials(self.cosine[rows], self.target[rows], self.enrolled[rows], self.probe[rows], self.seconds[rows], conditions)

    def __len__(self) -> int:
        return len(self.cosine)


def concatenate(parts: list[Trials]) -> Trials:
    def join(get: Callable[[Trials], np.ndarray]) -> np.ndarray:
        return np.concatenate([get(p) for p in parts])

    conditions = {k: join(lambda p, k=k: p.conditions[k]) for k in parts[0].conditions}
    return Trials(join(lambda p: p.cosine), join(lambda p: p.target), join(lambda p: p.enrolled), join(lambda p: p.probe), join(lambda p: p.seconds), conditions)


def _enrollments(prints: list[Print]) -> list[list[Print]]:
    by_half = defaultdict(list)
    for p in prints:
        if p.call["side"] == "enroll" and p.net_speech >= MIN_ENROLLED:
            by_half[p.speaker, p.call["half"]].append(p)
    return [list(c) for calls in by_half.values() for n in (1, 2) for c in combinations(calls, n)]


def make(prints: list[Print], back_end: BackEnd, number: dict[str, int], wanted: Callable[[np.ndarray, np.ndarray], np.ndarray]) -> Trials:
    """All trials between the speakers of `prints` for which `wanted(enrolled, probe)` holds.

    A speaker is never tried against the half the enrollment came from, and voiceprints of an
    enrollment are averaged with their net speech as weight, as the product does."""
    models = _enrollments(prints)
    probes = [p for p in prints if p.call["side"] == "probe" and p.net_speech >= MIN_PROBE]
    moved = {id(p): back_end(p.vector) for p in prints}
    m = unit(np.array([sum(p.net_speech * moved[id(p)] for p in calls) for calls in models]))
    cosine = m @ np.array([moved[id(p)] for p in probes]).T

    def column(of: Callable[[Print], float]) -> np.ndarray:
        return np.broadcast_to([of(p) for p in probes], cosine.shape)

    def row(of: Callable[[list[Print]], float]) -> np.ndarray:
        return np.broadcast_to(np.array([of(c) for c in models])[:, None], cosine.shape)

    enrolled, probe = row(lambda c: number[c[0].speaker]), column(lambda p: number[p.speaker])
    target = enrolled == probe
    other_half = row(lambda c: c[0].call["half"]) != column(lambda p: p.call["half"])
    keep = wanted(enrolled, probe) & (~target | other_half)
    conditions = {
        "probe_speech": column(lambda p: p.net_speech),
        "enrolled_speech": row(lambda c: sum(p.net_speech for p in c)),
        "enrolled_recordings": row(len),
        "probe_snr": column(lambda p: p.snr),
        "enrolled_snr": row(lambda c: _weighted(c, lambda p: p.snr)),
        "probe_clipping": column(lambda p: p.clipped),
        "enrolled_clipping": row(lambda c: _weighted(c, lambda p: p.clipped)),
    }
    seconds = column(lambda p: p.call["seconds"])
    return Trials(cosine[keep], target[keep], enrolled[keep], probe[keep], seconds[keep], {k: v[keep] for k, v in conditions.items()})


def _weighted(calls: list[Print], of: Callable[[Print], float]) -> float:
    return sum(p.net_speech * of(p) for p in calls) / sum(p.net_speech for p in calls)
