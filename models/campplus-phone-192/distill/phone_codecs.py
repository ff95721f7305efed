"""The codecs of a telephone call: G.711 by its own tables, GSM 06.10 and AMR-NB by the real
encoders and decoders (libgsm and opencore-amrnb, through sox). All take and give float64 at 8 kHz
in [-1, 1]."""

import subprocess

import numpy as np

RATE = 8000
AMR_KBPS = [4.75, 5.15, 5.9, 6.7, 7.4, 7.95, 10.2, 12.2]
# Delay of encoder and decoder that the round trip adds, in samples; cut off so that a call keeps
# its timing. Measured by cross-correlation, see test_calibration.py.
_DELAY = {"gsm": 0, "amr": 40}


def _expand_alaw() -> np.ndarray:
    """ITU-T G.711 table 1a: the 256 A-law codes as linear numbers of 13 bits, scaled to 16."""
    code = np.arange(256) ^ 0x55
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = np.where(exponent == 0, (mantissa << 4) + 8, ((mantissa << 4) + 0x108) << np.maximum(exponent - 1, 0))
    return np.where(code & 0x80, magnitude, -magnitude)


def _expand_ulaw() -> np.ndarray:
    """ITU-T G.711 table 2a: the 256 mu-law codes as linear numbers of 14 bits, scaled to 16."""
    code = ~np.arange(256) & 0xFF
    exponent, mantissa = (code >> 4) & 7, code & 15
    magnitude = (((mantissa << 3) + 0x84) << exponent) - 0x84
    return np.where(code & 0x80, -magnitude, magnitude)


TABLES = {"alaw": _expand_alaw(), "ulaw": _expand_ulaw()}


def g711(samples: np.ndarray, law: str) -> np.ndarray:
    """Each sample becomes the nearest value that the law can say."""
    values = np.unique(TABLES[law]).astype(float)
    middles = (values[1:] + values[:-1]) / 2
    return values[np.searchsorted(middles, np.clip(samples, -1, 1) * 32768)] / 32768


def _sox(data: bytes, source: list[str], target: list[str]) -> bytes:
    command = ["sox", "-D", "-V1", *source, "-", *target, "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def _round_trip(samples: np.ndarray, kind: list[str], delay: int) -> np.ndarray:
    pcm = (np.clip(samples, -1, 32767 / 32768) * 32768).round().astype("<i2")
    linear = ["-t", "s16", "-r", str(RATE), "-c", "1"]
    coded = _sox(np.append(pcm, np.zeros(delay + 160, "<i2")).tobytes(), linear, kind)
    decode = kind if kind[1] == "ima" else kind[:2]
    back = np.frombuffer(_sox(coded, decode, linear), "<i2").astype(float) / 32768
    back = back[delay : delay + len(samples)]
    return np.pad(back, (0, len(samples) - len(back)))


def gsm(samples: np.ndarray) -> np.ndarray:
    """GSM 06.10 full rate, 13 kbit/s."""
    return _round_trip(samples, ["-t", "gsm"], _DELAY["gsm"])


def amr(samples: np.ndarray, kbps: float) -> np.ndarray:
    """AMR narrow band (3GPP TS 26.090) at one of its eight rates."""
    mode = AMR_KBPS.index(kbps)
    return _round_trip(samples, ["-t", "amr-nb", "-C", str(mode)], _DELAY["amr"])


def adpcm(samples: np.ndarray) -> np.ndarray:
    """IMA ADPCM, 32 kbit/s: as coarse as G.726."""
    return _round_trip(samples, ["-t", "ima", "-r", str(RATE), "-c", "1"], 0)
