"""One telephone channel a call: handset, room, noise, level, codec, packet loss.

`draw` takes all of a call's chances from one generator and returns them as plain numbers (they go
into the manifest); `apply` turns clean 16 kHz speech into what the far end records at 8 kHz."""

import csv
from pathlib import Path

import numpy as np
import soundfile as sf
from scipy.signal import fftconvolve, resample_poly

import phone_codecs

WIDE, NARROW = 16000, 8000
FRAME = NARROW // 50  # a packet carries 20 ms
SYNTHETIC_NOISES = ["white", "pink", "brown", "hum"]


class Surroundings:
    """The noises and room impulse responses of the development speech, at 16 kHz."""

    def __init__(self, speech: Path):
        self.noises, self.rooms = {}, {}
        with open(speech / "noise" / "manifest.csv", newline="") as file:
            for row in csv.DictReader(file):
                samples, rate = sf.read(speech / "noise" / row["path"], dtype="float64")
                assert rate == WIDE and samples.ndim == 1, row["path"]
                name = row["path"].removesuffix(".flac")
                (self.rooms if row["kind"] == "rir" else self.noises)[name] = samples

    def noise(self, name: str, length: int, rng: np.random.Generator) -> np.ndarray:
        if name in self.noises:
            source = self.noises[name]
            start = rng.integers(len(source))
            return source[(start + np.arange(length)) % len(source)]
        return _synthetic_noise(name, length, rng)


def draw(rng: np.random.Generator, around: Surroundings) -> dict:
    """All that makes one call's channel differ from the next."""
    codec = str(rng.choice(["alaw", "ulaw", "gsm", "amr"], p=[0.3, 0.15, 0.2, 0.35]))
    room = str(rng.choice(["none", "synthetic", *around.rooms], p=[0.3, 0.35] + [0.35 / len(around.rooms)] * len(around.rooms)))
    noises = [*around.noises, *SYNTHETIC_NOISES]
    resonances = [
        {"hz": float(rng.uniform(400, 3200)), "db": float(rng.uniform(-7, 7)), "octaves": float(rng.uniform(0.2, 0.8))}
        for _ in range(int(rng.integers(1, 4)))
    ]
    return {
        "low_cut_hz": float(rng.uniform(100, 420)),
        "high_cut_hz": float(rng.uniform(2900, 3800)),
        "tilt_db_per_octave": float(rng.uniform(-3, 3)),
        "resonances": resonances,
        "room": room,
        "rt60_s": float(rng.uniform(0.15, 0.7)),
        "direct_db": float(rng.uniform(0, 15)),
        "noise": str(rng.choice(noises)),
        "snr_db": float(rng.uniform(8, 25)),
        "level_dbfs": float(rng.uniform(-34, -14)),
        # One call in twelve is too loud for its line.
        "overdrive_db": float(rng.uniform(8, 20)) if rng.random() < 1 / 12 else 0.0,
        "codec": codec,
        "amr_kbps": float(rng.choice(phone_codecs.AMR_KBPS)),
        # A mobile call usually crosses a fixed line's A-law on its way to the call center.
        "tandem": bool(codec in ("gsm", "amr") and rng.random() < 0.5),
        "loss": float(rng.uniform(0.003, 0.05)) if rng.random() < 0.35 else 0.0,
        "loss_burst": float(rng.uniform(1, 3)),
    }


def apply(speech: np.ndarray, voiced: np.ndarray, c: dict, around: Surroundings, rng: np.random.Generator) -> np.ndarray:
    """`speech` at 16 kHz, `voiced` the mask of its speech samples; gives 8 kHz in [-1, 1]."""
    heard = _room(speech, c, around, rng)
    noise = around.noise(c["noise"], len(heard), rng)
    gain = _rms(heard[voiced]) / max(_rms(noise), 1e-9) * 10 ** (-c["snr_db"] / 20)
    line = resample_poly(_equalize(heard + gain * noise, c), 1, 2)
    line *= 10 ** ((c["level_dbfs"] + c["overdrive_db"]) / 20) / max(_rms(line[voiced[::2][: len(line)]]), 1e-9)
    line = np.clip(line, -1, 1)
    return np.clip(_lose_packets(_code(line, c), c, rng), -1, 1)


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2))) if len(x) else 0.0


def _room(speech: np.ndarray, c: dict, around: Surroundings, rng: np.random.Generator) -> np.ndarray:
    if c["room"] == "none":
        return speech
    if c["room"] == "synthetic":
        length = int(WIDE * c["rt60_s"])
        tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
        tail[: WIDE // 400] = 0  # the first reflection comes after 2.5 ms
        response = tail / np.sqrt(np.sum(tail**2)) * 10 ** (-c["direct_db"] / 20)
        response[0] = 1
    else:
        response = around.rooms[c["room"]]
        response = response[int(np.argmax(np.abs(response))) :]
    wet = fftconvolve(speech, response)[: len(speech)]
    return wet * (_rms(speech) / max(_rms(wet), 1e-9))


def _equalize(x: np.ndarray, c: dict) -> np.ndarray:
    """The handset's and the line's frequency response, without phase."""
    f = np.maximum(np.fft.rfftfreq(len(x), 1 / WIDE), 1.0)
    db = c["tilt_db_per_octave"] * np.clip(np.log2(f / 1000), -3, 2)
    for r in c["resonances"]:
        db += r["db"] * np.exp(-0.5 * (np.log2(f / r["hz"]) / r["octaves"]) ** 2)
    # Butterworth edges: fourth order below, tenth above.
    db -= 10 * np.log10(1 + (c["low_cut_hz"] / f) ** 8) + 10 * np.log10(1 + (f / c["high_cut_hz"]) ** 20)
    return np.fft.irfft(np.fft.rfft(x) * 10 ** (db / 20), len(x))


def _code(line: np.ndarray, c: dict) -> np.ndarray:
    if c["codec"] in ("alaw", "ulaw"):
        return phone_codecs.g711(line, c["codec"])
    out = phone_codecs.gsm(line) if c["codec"] == "gsm" else phone_codecs.amr(line, c["amr_kbps"])
    return phone_codecs.g711(out, "alaw") if c["tandem"] else out


def _lose_packets(line: np.ndarray, c: dict, rng: np.random.Generator) -> np.ndarray:
    """Bursty loss (Gilbert's two states); the receiver repeats the last packet ever more quietly."""
    if c["loss"] == 0:
        return line
    leave = 1 / c["loss_burst"]
    enter = leave * c["loss"] / (1 - c["loss"])
    out, lost, run = line.copy(), False, 0
    for start in range(FRAME, len(line) - FRAME + 1, FRAME):
        lost = rng.random() < ((1 - leave) if lost else enter)
        run = run + 1 if lost else 0
        if lost:
            # 3GPP TS 26.091 and G.711 appendix I both fade to silence over some 60 to 120 ms.
            out[start : start + FRAME] = out[start - FRAME : start] * (0.7 if run < 6 else 0.0)
    return out


def _synthetic_noise(name: str, length: int, rng: np.random.Generator) -> np.ndarray:
    if name == "hum":
        t, base = np.arange(length) / WIDE, rng.choice([50.0, 100.0])
        hum = sum(np.sin(2 * np.pi * base * k * t + rng.uniform(0, 6.28)) * rng.uniform(0.1, 1) for k in range(1, 25))
        return hum + 0.5 * rng.standard_normal(length)
    power = {"white": 0.0, "pink": 0.5, "brown": 1.0}[name]
    f = np.maximum(np.fft.rfftfreq(length, 1 / WIDE), 60.0)
    return np.fft.irfft(np.fft.rfft(rng.standard_normal(length)) / f**power, length)
