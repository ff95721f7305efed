"""Trials: an enrollment of one or two calls against a test call of another half or person."""

from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, fields
from itertools import combinations

import numpy as np

from backend import BackEnd, unit
from prints import Print

# An enrollment with less speech is refused by the product, a shorter test call is no evidence.
MIN_ENROLLED, MIN_PROBE = 5.0, 1.5


@dataclass(frozen=True)
class Trials:
    """Parallel arrays, one row a trial."""

    cosine: np.ndarray
    target: np.ndarray
    enrolled: np.ndarray  # number of the enrolled speaker
    probe: np.ndarray  # number of the speaker who calls
    model: np.ndarray  # number of the enrollment, the same for the same prints
    call: np.ndarray  # number of the test call in calls.jsonl
    probe_speech: np.ndarray  # measured, in seconds
    enrolled_speech: np.ndarray
    enrolled_recordings: np.ndarray
    probe_snr: np.ndarray  # in dB, as the product estimates it
    enrolled_snr: np.ndarray

    def __getitem__(self, rows: np.ndarray) -> "Trials":
        return Trials(*(getattr(self, f.name)[rows] for f in fields(self)))

    def __len__(self) -> int:
        return len(self.cosine)


def concatenate(parts: list[Trials]) -> Trials:
    return Trials(*(np.concatenate([getattr(p, f.name) for p in parts]) for f in fields(Trials)))


class People:
    """Numbers for speakers and calls, so that trials are arrays."""

    def __init__(self, calls: list[dict]):
        self.calls = calls
        self.call = {c["recording"]: i for i, c in enumerate(calls)}
        self.role = {c["speaker"]: c["role"] for c in calls}
        self.names = sorted(self.role)
        self.number = {name: i for i, name in enumerate(self.names)}
        self.adult = np.array([self.role[name] == "report" for name in self.names])
        sets = {c["speaker"]: c["set"] for c in calls}
        self.set = np.array([sets[name] for name in self.names])

    def alike(self, t: "Trials") -> np.ndarray:
        """Trials within one collection: people of one language and accent, as callers of one call
        center are. Others are too easy to tell apart to set an alarm by."""
        return self.set[t.enrolled] == self.set[t.probe]

    def folds(self, count: int, names: list[str]) -> np.ndarray:
        """Every role and set of recordings is spread evenly over the folds; -1 for the rest."""
        fold = np.full(len(self.names), -1)
        for i, name in enumerate(sorted(names, key=lambda n: (self.role[n], n))):
            fold[self.number[name]] = i % count
        return fold


def enrollments(prints: list[Print]) -> list[list[Print]]:
    by_half = defaultdict(list)
    for p in prints:
        if p.call["side"] == "enroll" and p.net_speech >= MIN_ENROLLED:
            by_half[p.speaker, p.call["half"]].append(p)
    return [list(c) for calls in by_half.values() for n in (1, 2) for c in combinations(calls, n)]


def make(
    people: People,
    models: list[list[Print]],
    probes: list[Print],
    back_end: BackEnd,
    wanted: Callable[[np.ndarray, np.ndarray], np.ndarray],
) -> Trials:
    """All trials for which `wanted(enrolled speaker, calling speaker)` holds.

    A speaker is never tried against the half the enrollment came from, and voiceprints of an
    enrollment are averaged with their net speech as weight, as the product does."""
    e = np.array([people.number[c[0].speaker] for c in models])
    p = np.array([people.number[x.speaker] for x in probes])
    same_half = np.array([c[0].call["half"] for c in models])[:, None] == np.array([x.call["half"] for x in probes])
    target = e[:, None] == p
    i, j = np.nonzero(wanted(e[:, None], p) & ~(target & same_half))
    enrolled = unit(np.array([sum(x.net_speech * back_end(x.vector) for x in calls) for calls in models]))
    cosine = enrolled @ back_end(np.array([x.vector for x in probes])).T

    def weighted(of: Callable[[Print], float]) -> np.ndarray:
        return np.array([np.average([of(x) for x in c], weights=[x.net_speech for x in c]) for c in models])

    return Trials(
        cosine=cosine[i, j],
        target=target[i, j],
        enrolled=e[i],
        probe=p[j],
        model=i,
        call=np.array([people.call[x.call["recording"]] for x in probes])[j],
        probe_speech=np.array([x.net_speech for x in probes])[j],
        enrolled_speech=np.array([sum(x.net_speech for x in c) for c in models])[i],
        enrolled_recordings=np.array([len(c) for c in models])[i],
        probe_snr=np.array([x.snr for x in probes])[j],
        enrolled_snr=weighted(lambda x: x.snr)[i],
    )
