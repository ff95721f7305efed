"""Cross-validation over speakers, on both sides of a trial: neither the enrolled speaker nor the
caller has been in the back end or the calibration that scores the trial."""

from collections.abc import Callable, Iterator

import numpy as np

import backend
import calibrate
import trials
from backend import BackEnd
from calibrate import Calibration
from prints import Print
from trials import People, Trials

OUTER, INNER = 5, 4
# Every fifth non-target trial is plenty for eleven numbers.
KEEP = 5


def pairs(fold: np.ndarray, count: int) -> Iterator[tuple[int, int, Callable[[np.ndarray, np.ndarray], np.ndarray]]]:
    """All pairs of folds a <= b, with the test for trials between one and the other."""
    for a in range(count):
        for b in range(a, count):

            def between(e: np.ndarray, p: np.ndarray, a: int = a, b: int = b) -> np.ndarray:
                return (np.minimum(fold[e], fold[p]) == a) & (np.maximum(fold[e], fold[p]) == b)

            yield a, b, between


def without(prints: list[Print], people: People, fold: np.ndarray, folds: tuple[int, int]) -> list[Print]:
    return [p for p in prints if fold[people.number[p.speaker]] not in folds]


def honest_trials(prints: list[Print], people: People) -> Trials:
    """Trials among the speakers of `prints`, adults with adults and minors with minors, each scored
    by a back end that has heard neither of the two: what a calibration is to be fitted on."""
    fold = people.folds(INNER, sorted({p.speaker for p in prints}))
    parts = []
    for a, b, between in pairs(fold, INNER):
        back_end = backend.fit(without(prints, people, fold, (a, b)))
        inside = [p for p in prints if fold[people.number[p.speaker]] in (a, b)]

        def wanted(e: np.ndarray, p: np.ndarray) -> np.ndarray:
            return between(e, p) & (people.adult[e] == people.adult[p])

        parts.append(trials.make(people, trials.enrollments(inside), probes(inside), back_end, wanted))
    return trials.concatenate(parts)


def probes(prints: list[Print]) -> list[Print]:
    return [p for p in prints if p.call["side"] == "probe" and p.net_speech >= trials.MIN_PROBE]


def fold_models(
    training: list[Print], people: People
) -> Iterator[tuple[BackEnd, Calibration, Callable[[np.ndarray, np.ndarray], np.ndarray]]]:
    """For each pair of outer folds a back end and a calibration fitted on all other speakers, and
    the test for the trials between adults that they may score."""
    fold = people.folds(OUTER, people.names)
    for a, b, between in pairs(fold, OUTER):
        others = without(training, people, fold, (a, b))

        def wanted(e: np.ndarray, p: np.ndarray, between: Callable = between) -> np.ndarray:
            return between(e, p) & people.adult[e] & people.adult[p]

        yield backend.fit(others), calibrate.fit(honest_trials(others, people), KEEP), wanted
