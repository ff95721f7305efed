"""Real recordings for the proofs."""

from math import gcd
from pathlib import Path

import numpy as np
import soundfile
from scipy.signal import resample_poly


def read_mono(path: Path, rate: int) -> np.ndarray:
    """The recording as float32 samples in [-1, 1], at the given sample rate."""
    samples, own_rate = soundfile.read(path, dtype="float32", always_2d=True)
    common = gcd(rate, own_rate)
    mono = samples.mean(axis=1)
    if own_rate != rate:
        mono = resample_poly(mono, rate // common, own_rate // common)
    return mono.astype(np.float32)
