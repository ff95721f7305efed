"""The back end: subtract the domain's mean, whiten what differs between one speaker's calls
(within-class covariance normalization, Hatch et al. 2006), scale to unit length."""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np

from prints import Print

# How far the within-class covariance is drawn to a multiple of the identity: a few thousand calls
# do not say all about 192 x 192 numbers. Cross-validated, see README.md.
SHRINKAGE = 0.3
# Shorter calls say more about their few words than about the channel.
MIN_SPEECH = 4.0


def unit(x: np.ndarray) -> np.ndarray:
    return x / np.linalg.norm(x, axis=-1, keepdims=True)


@dataclass(frozen=True)
class BackEnd:
    mean: np.ndarray
    projection: np.ndarray | None

    def __call__(self, x: np.ndarray) -> np.ndarray:
        centered = x - self.mean
        return unit(centered if self.projection is None else centered @ self.projection.T)


def fit(prints: list[Print], whiten: bool = True, shrinkage: float = SHRINKAGE) -> BackEnd:
    by_speaker = defaultdict(list)
    for p in prints:
        by_speaker[p.speaker].append(p)
    # Each speaker counts once, however many calls.
    mean = np.mean([np.mean([p.vector for p in group], axis=0) for group in by_speaker.values()], axis=0)
    mean = mean.astype(np.float32).astype(np.float64)
    return BackEnd(mean, _whitening(by_speaker, mean, shrinkage) if whiten else None)


def _whitening(by_speaker: dict[str, list[Print]], mean: np.ndarray, shrinkage: float) -> np.ndarray:
    residuals = []
    for group in by_speaker.values():
        # A speaker with one recording only would say that voices do not differ from day to day.
        calls = [p.vector for p in group if p.net_speech >= MIN_SPEECH and p.call["role"] != "single"]
        if len(calls) > 1:
            moved = unit(np.asarray(calls) - mean)
            residuals.append((moved - moved.mean(axis=0)) * np.sqrt(len(calls) / (len(calls) - 1)))
    r = np.concatenate(residuals)
    within = r.T @ r / len(r)
    within = (1 - shrinkage) * within + shrinkage * np.trace(within) / len(within) * np.eye(len(within))
    values, vectors = np.linalg.eigh(within)
    whitening = (vectors / np.sqrt(values)) @ vectors.T
    # Any multiple does the same; this one keeps the numbers near 1.
    return (whitening / np.sqrt(np.mean(whitening**2) * len(whitening))).astype(np.float32).astype(np.float64)
