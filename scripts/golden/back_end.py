#!/usr/bin/env python3
"""Writes the golden file of crates/scoring/tests: what the shipped back end and calibration give
for made-up voiceprints and conditions, worked out here from backend.toml and its files alone: mean,
projection, PLDA from its densities, adaptive S-norm, calibration.

    back_end.py models/campplus-phone-192/backend > crates/scoring/tests/data/golden.csv"""

import hashlib
import math
import sys
import tomllib
from pathlib import Path

import numpy as np

CONDITIONS = [
    # probe seconds, probe SNR, enrolled seconds, enrolled SNR, recordings
    (3.0, 12.0, 24.0, 20.0, 1),
    (10.0, 18.0, 24.0, 20.0, 1),
    (10.0, 18.0, 45.0, 15.0, 2),
    (60.0, 60.0, 300.0, -10.0, 9),
    (0.5, None, 6.0, None, 0),
]


def made_up(seed: int, dimension: int) -> np.ndarray:
    """The same formula stands in the Rust test."""
    x = np.array([math.sin(seed + 0.37 * i * (1 + 0.01 * seed)) for i in range(dimension)])
    return (x / np.linalg.norm(x)).astype(np.float32)


def main() -> None:
    folder = Path(sys.argv[1])
    spec = tomllib.loads((folder / "backend.toml").read_text())
    mean = numbers(folder, spec["mean"])
    back_end = [mean.astype(np.float64)]
    if "projection" in spec:
        p = spec["projection"]
        back_end.append(numbers(folder, p).reshape(p["rows"], p["columns"]).astype(np.float64))
    print("left,right,probe_seconds,probe_snr,enrolled_seconds,enrolled_snr,recordings,cosine,llr")
    for left, right in [(1, 2), (1, 1), (3, 4), (5, 5.02)]:
        a, b = (apply(made_up(s, len(mean)), *back_end) for s in (left, right))
        cosine = float(np.float32(a @ b))
        score = normalized(folder, spec, a, b)
        for c in CONDITIONS:
            cells = [left, right, *("" if v is None else v for v in c), f"{cosine:.7f}", f"{llr(spec['calibration'], score, c):.6f}"]
            print(",".join(str(v) for v in cells))


def numbers(folder: Path, file: dict) -> np.ndarray:
    data = (folder / file["file"]).read_bytes()
    assert hashlib.sha256(data).hexdigest() == file["sha256"], file["file"]
    return np.frombuffer(data, "<f4")


def apply(x: np.ndarray, mean: np.ndarray, projection: np.ndarray | None = None) -> np.ndarray:
    moved = x - mean
    if projection is not None:
        moved = projection @ moved
    return moved / np.linalg.norm(moved)


def similarity(spec: dict, a: np.ndarray, b: np.ndarray) -> float:
    """The cosine, or the log ratio of the densities "one speaker" and "two speakers"."""
    if "plda" not in spec:
        return float(a @ b)
    between, within = (np.array(spec["plda"][k]) for k in ("between", "within"))
    total = between + within
    # The projection carries these factors; before them voiceprints are of unit length.
    scale = np.sqrt(between / (total**2 - between**2))
    x, y = (v / scale / np.linalg.norm(v / scale) for v in (a, b))
    joint = (total * x * x - 2 * between * x * y + total * y * y) / (total**2 - between**2)
    apart = (x * x + y * y) / total
    return float(np.sum(-0.5 * np.log(total**2 - between**2) + np.log(total) - 0.5 * joint + 0.5 * apart))


def normalized(folder: Path, spec: dict, a: np.ndarray, b: np.ndarray) -> float:
    """Seen from both sides, in standard deviations of what each side's nearest voices score."""
    score = similarity(spec, a, b)
    if "cohort" not in spec:
        return score
    c = spec["cohort"]
    assert spec["calibration"]["cohort"] == c["sha256"], "fitted with another cohort"
    voices = numbers(folder, c).reshape(c["voices"], -1).astype(np.float64)
    z = []
    for side in (a, b):
        nearest = np.sort([similarity(spec, side, v) for v in voices])[-c["top"] :]
        z.append((score - nearest.mean()) / max(nearest.std(), 1e-3))
    return float(np.mean(z))


def llr(c: dict, score: float, condition: tuple) -> float:
    probe, probe_snr, enrolled, enrolled_snr, recordings = condition
    known = {
        "probe_log_speech": math.log(probe),
        "enrolled_log_speech": math.log(enrolled),
        "enrolled_log_recordings": math.log(max(recordings, 1)),
        "probe_snr": probe_snr,
        "enrolled_snr": enrolled_snr,
    }
    exponent, offset = c["slope"], c["offset"]
    for t in c.get("term", []):
        value = known[t["input"]]
        z = 0.0 if value is None else (min(max(value, t["low"]), t["high"]) - t["center"]) / t["scale"]
        exponent += t["slope"] * z
        offset += t["offset"] * z
    return min(max(math.exp(exponent) * score + offset, c["llr_min"]), c["llr_max"])


if __name__ == "__main__":
    main()
