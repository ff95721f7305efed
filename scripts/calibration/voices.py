"""The development speech: who said what, and clips joined into one call's worth of speech."""

import csv
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile as sf

from channel import WIDE

HOP = WIDE // 100


@dataclass(frozen=True)
class Clip:
    path: str
    session: str
    seconds: float


@dataclass(frozen=True)
class Speaker:
    name: str
    set: str
    gender: str
    language: str
    clips: tuple[Clip, ...]

    @property
    def role(self) -> str:
        """`report`: an adult with several recordings, whose trials are reported. `train`: a minor,
        never reported. `single`: one recording only, so the domain's mean and nothing else."""
        if self.set == "speechocean_minor":
            return "train"
        return "report" if len(self.clips) > 1 else "single"

    def halves(self) -> list[list[Clip]]:
        """Two disjoint parts to enroll from and to test with: other sessions where there are any,
        else every other clip."""
        sessions = sorted({c.session for c in self.clips})
        if len(sessions) > 1:
            first = set(sessions[::2])
            return [[c for c in self.clips if (c.session in first) == side] for side in (True, False)]
        return [list(self.clips[::2]), list(self.clips[1::2])]


def read_speakers(speech: Path) -> list[Speaker]:
    rows = defaultdict(list)
    with open(speech / "manifest.csv", newline="") as file:
        for row in csv.DictReader(file):
            rows[row["speaker"]].append(row)
    return [
        Speaker(
            name,
            group[0]["set"],
            group[0]["gender"],
            group[0]["language"],
            tuple(Clip(r["path"], r["session"], float(r["seconds"])) for r in sorted(group, key=lambda r: r["path"])),
        )
        for name, group in sorted(rows.items())
    ]


def speech_mask(samples: np.ndarray) -> np.ndarray:
    """Which samples of a clean clip are speech: frames within 35 dB of the loud ones, with 60 ms
    of hangover. Only a measure for cutting; the product's own VAD judges the finished call."""
    count = len(samples) // HOP
    power = np.mean(samples[: count * HOP].reshape(count, HOP) ** 2, axis=1)
    loud = np.quantile(power, 0.95)
    active = power > max(loud * 10**-3.5, 1e-8)
    active = np.convolve(active, np.ones(13), "same") > 0.5
    mask = np.repeat(active, HOP)
    return np.pad(mask, (0, len(samples) - len(mask)))


def join(speech: Path, clips: list[Clip], net_seconds: float, rng: np.random.Generator):
    """Clips of one speaker in random order, with pauses, until there is so much speech. Gives the
    samples, the speech mask, the net seconds reached and the paths used. Each clip is first
    brought to one level, as one caller at one handset would be."""
    parts, masks, used, total = [], [], [], 0.0
    for i in rng.permutation(len(clips)):
        samples, rate = sf.read(speech / clips[i].path, dtype="float64")
        assert rate == WIDE and samples.ndim == 1, clips[i].path
        mask = speech_mask(samples)
        samples = samples / max(np.sqrt(np.mean(samples[mask] ** 2)), 1e-9) * 0.05
        enough = np.searchsorted(np.cumsum(mask) / WIDE, net_seconds - total)
        cut = min(int(enough) + HOP, len(samples))
        pause = int(rng.uniform(0.15, 1.0) * WIDE)
        parts += [samples[:cut], np.zeros(pause)]
        masks += [mask[:cut], np.zeros(pause, bool)]
        total += mask[:cut].sum() / WIDE
        used.append(clips[i].path)
        if total >= net_seconds - 0.02:
            break
    return np.concatenate(parts), np.concatenate(masks), total, used
