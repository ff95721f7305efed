#!/usr/bin/env python3
"""Writes the golden file of crates/scoring/tests: what the shipped back end and calibration give
for made-up voiceprints and conditions, worked out here from backend.toml alone.

    golden.py models/campplus-zh-en-192/backend > crates/scoring/tests/data/golden.csv"""

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
        for c in CONDITIONS:
            cells = [left, right, *("" if v is None else v for v in c), f"{cosine:.7f}", f"{llr(spec['calibration'], cosine, c):.6f}"]
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


def llr(c: dict, cosine: float, condition: tuple) -> float:
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
    return min(max(math.exp(exponent) * cosine + offset, c["llr_min"]), c["llr_max"])


if __name__ == "__main__":
    main()
