#!/usr/bin/env python3
"""Trains the voice gate: a plane in the embedding space with one person's telephone speech on the
one side, and what is not on the other: babble of four and more, tunes, tones, noises.

    voice_gate.py --student run/student.pt --pairs pairs --recordings list.csv --speech ../speech --out voice_gate.f32

Logistic regression on windows of 3 s; then the plane is moved until it refuses no more than one
speech window in 500. Half of the speakers train, the other half is measured on. Written are 192
weights and the bias, float32."""

import argparse
from pathlib import Path

import numpy as np
import torch
from scipy.optimize import minimize
from scipy.signal import resample_poly
from torch.nn import functional as F

import channels
from campplus import load
from pairs import fbank, read_speakers
from train import Pairs

FRAMES = 300
REFUSED = 0.006
KINDS = ["babble4", "babble6", "babble9", "babble16", "chords", "ringback", "dtmf", "noise"]


def tones(kind: str, length: int, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(length) / channels.WIDE
    if kind == "ringback":
        hz, on, off = [((450,), 1, 4), ((440, 480), 2, 4), ((425,), 1, 4), ((400, 450), 0.4, 0.2)][rng.integers(4)]
        return sum(np.sin(2 * np.pi * f * t) for f in hz) * ((t + rng.uniform(0, 5)) % (on + off) < on)
    digits = rng.integers(4, size=(length // 1600 + 1, 2))
    low, high = np.array([697, 770, 852, 941]), np.array([1209, 1336, 1477, 1633])
    which = digits[np.arange(length) // 1600]
    return np.sin(2 * np.pi * low[which[:, 0]] * t) + np.sin(2 * np.pi * high[which[:, 1]] * t)


def no_voice(i: int, seed: int, around: channels.Surroundings) -> np.ndarray:
    """The log-mel frames of 3 s of something that is no caller's voice, over a channel of its own."""
    rng = np.random.default_rng([seed, 7, i])
    kind, length = KINDS[i % len(KINDS)], int(3.2 * channels.WIDE)
    channel = channels.draw(rng, around)
    if kind in ("ringback", "dtmf"):
        sound = tones(kind, length, rng)
    elif kind == "noise":
        sound = around.noise(str(rng.choice([*around.noises, "white", "pink", "car", "fan", "street", "hum"])), length, rng)
    else:
        sound = around.noise(kind, length, rng)
    channel["snr_db"] = 30.0 if kind == "noise" else channel["snr_db"]
    if channel["noise"].startswith("babble"):
        channel["noise"] = "pink"
    channel["second_noise"] = ""
    sound = sound / max(np.sqrt(np.mean(sound**2)), 1e-9) * 0.05
    return fbank(resample_poly(channels.apply(sound, channel, around, rng), 2, 1))[:FRAMES]


@torch.no_grad()
def embed(network, windows: list[np.ndarray]) -> np.ndarray:
    out = []
    for at in range(0, len(windows), 32):
        batch = torch.from_numpy(np.stack(windows[at : at + 32]).astype(np.float32))
        out.append(F.normalize(network(batch), dim=1).numpy())
    return np.concatenate(out)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    for name in ("student", "pairs", "recordings", "speech", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--count", type=int, default=2400, help="windows of each side")
    parser.add_argument("--seed", type=int, default=1)
    args = parser.parse_args()
    torch.set_num_threads(2)
    network = load(args.student).eval()
    pairs, rng = Pairs(args.pairs), np.random.default_rng(args.seed)
    rows = rng.permutation(len(pairs.owners))[: args.count]
    voices = embed(network, [pairs.crop(r, FRAMES, rng) for r in rows])
    speakers = read_speakers(args.recordings)
    around = channels.Surroundings(args.speech, [p for clips in speakers.values() for p in clips])
    sounds = [no_voice(i, args.seed, around) for i in range(args.count)]
    others = embed(network, [s - s.mean(0) for s in sounds])

    first = pairs.owners[rows] % 2 == 0
    train_other = np.arange(args.count) // len(KINDS) % 2 == 0
    x = np.concatenate([voices[first], others[train_other]]).astype(np.float64)
    y = np.concatenate([np.ones(first.sum()), -np.ones(train_other.sum())])

    def loss(w: np.ndarray) -> tuple[float, np.ndarray]:
        margin = y * (x @ w[:-1] + w[-1])
        d = -y / (1 + np.exp(np.clip(margin, -500, 500))) / len(y)
        return float(np.logaddexp(0, -margin).mean() + 1e-4 * w[:-1] @ w[:-1]), np.r_[x.T @ d + 2e-4 * w[:-1], d.sum()]

    w = minimize(loss, np.zeros(x.shape[1] + 1), jac=True, method="L-BFGS-B", options={"maxiter": 500}).x
    w[-1] -= np.quantile(voices[first] @ w[:-1] + w[-1], REFUSED)
    weights = w.astype("<f4")
    args.out.write_bytes(weights.tobytes())
    score = lambda e: e @ weights[:-1] + weights[-1]  # noqa: E731
    print(f"speech refused, speakers not trained on: {np.mean(score(voices[~first]) < 0):.4f} of {np.sum(~first)}")
    for k, kind in enumerate(KINDS):
        of = others[(np.arange(args.count) % len(KINDS) == k) & ~train_other]
        print(f"{kind}: let through {np.mean(score(of) >= 0):.3f} of {len(of)}")


if __name__ == "__main__":
    main()
