"""What a telephone does to a voice, drawn anew for every training pair.

`draw` takes all chances of one channel from one generator, as plain numbers that go into the
manifest; `apply` turns clean 16 kHz speech into what the far end records at 8 kHz. Wider than any
one line: the student must forget channels that it never heard too."""

import csv
from pathlib import Path

import numpy as np
import soundfile as sf
from scipy.signal import fftconvolve, lfilter, resample_poly

import phone_codecs

WIDE, NARROW = 16000, 8000
FRAME = NARROW // 50  # a packet carries 20 ms
SYNTHETIC = ["white", "pink", "brown", "hum", "car", "fan", "street", "clicks", "chords"]
# The figures in docs/evaluation.md use the other noises, rooms, rates and chains.
NOISES = ["speechbrain_noise1", "speechbrain_noise3", "speechbrain_noise5", "picovoice_kitchen"]
ROOMS = ["rir_speechbrain_rir1", "rir_speechbrain_rir2"]
AMR_KBPS = [4.75, 5.9, 7.4, 12.2]
CHAINS = [
    (0.16, ["alaw"]), (0.10, ["ulaw"]), (0.16, ["gsm"]), (0.22, ["amr"]),
    (0.08, ["gsm", "alaw"]), (0.12, ["amr", "alaw"]), (0.05, ["alaw", "amr"]),
    (0.03, ["amr", "amr"]), (0.03, ["gsm", "gsm"]), (0.05, ["adpcm"]),
]


class Surroundings:
    """Noises and room responses at 16 kHz, and other people's voices to babble."""

    def __init__(self, speech: Path, babblers: list[Path]):
        self.noises, self.rooms, self.babblers = {}, {}, babblers
        with open(speech / "noise" / "manifest.csv", newline="") as file:
            for row in csv.DictReader(file):
                name = row["path"].removesuffix(".flac")
                kept = self.rooms if name in ROOMS else self.noises if name in NOISES else None
                if kept is not None:
                    kept[name] = sf.read(speech / "noise" / row["path"], dtype="float64")[0]

    def noise(self, name: str, length: int, rng: np.random.Generator) -> np.ndarray:
        if name in self.noises:
            source = self.noises[name]
            return source[(rng.integers(len(source)) + np.arange(length)) % len(source)]
        if name.startswith("babble"):
            return sum(self._voice(length, rng) for _ in range(int(name.removeprefix("babble"))))
        return _synthetic(name, length, rng)

    def _voice(self, length: int, rng: np.random.Generator) -> np.ndarray:
        voice = sf.read(self.babblers[rng.integers(len(self.babblers))], dtype="float64")[0]
        voice = voice / max(_rms(voice), 1e-6) * rng.uniform(0.5, 1)
        return voice[(rng.integers(len(voice)) + np.arange(length)) % len(voice)]


def draw(rng: np.random.Generator, around: Surroundings) -> dict:
    """All that makes one call's channel differ from the next."""
    def one(p: float, low: float, high: float) -> float:
        return float(rng.uniform(low, high)) if rng.random() < p else 0.0

    weights, chains = zip(*CHAINS)
    noises = [*around.noises, *SYNTHETIC, "babble2", "babble5", "babble9"]
    return {
        "low_cut_hz": float(rng.uniform(60, 450)),
        "high_cut_hz": float(rng.uniform(2700, 3900)),
        "tilt_db_per_octave": float(rng.uniform(-4, 4)),
        "resonances": [
            {"hz": float(rng.uniform(300, 3400)), "db": float(rng.uniform(-9, 9)), "octaves": float(rng.uniform(0.15, 1.0))}
            for _ in range(int(rng.integers(0, 5)))
        ],
        "carbon": one(0.2, 0.1, 0.8),
        "room": str(rng.choice(["none", "synthetic", "box", *around.rooms], p=[0.25, 0.3, 0.3] + [0.15 / len(around.rooms)] * len(around.rooms))),
        "rt60_s": float(rng.uniform(0.1, 0.9)),
        "direct_db": float(rng.uniform(-3, 15)),
        "noise": str(rng.choice(noises)),
        "snr_db": float(rng.uniform(4, 30)),
        "second_noise": str(rng.choice(noises)) if rng.random() < 0.2 else "",
        "agc": one(0.25, 0.3, 1.0),
        "suppress_db": one(0.25, 6, 20),
        "level_dbfs": float(rng.uniform(-38, -12)),
        "overdrive_db": one(0.1, 6, 22),
        "chain": list(chains[int(rng.choice(len(chains), p=np.array(weights) / sum(weights)))]),
        "amr_kbps": float(rng.choice(AMR_KBPS)),
        "loss": one(0.35, 0.003, 0.08),
        "loss_burst": float(rng.uniform(1, 4)),
        "concealment": str(rng.choice(["repeat", "silence", "noise"])),
        "crush_bits": int(rng.choice([0, 0, 0, 0, 0, 0, 0, 9, 10, 11])),
    }


def apply(speech: np.ndarray, c: dict, around: Surroundings, rng: np.random.Generator) -> np.ndarray:
    """`speech` at 16 kHz without pauses; gives 8 kHz in [-1, 1]."""
    heard = _room(speech, c, around, rng)
    noise = around.noise(c["noise"], len(heard), rng)
    noise /= max(_rms(noise), 1e-9)
    if c["second_noise"]:
        second = around.noise(c["second_noise"], len(heard), rng)
        noise = noise + second / max(_rms(second), 1e-9) * 0.7
    heard = heard + noise * (_rms(heard) / max(_rms(noise), 1e-9) * 10 ** (-c["snr_db"] / 20))
    line = resample_poly(_equalize(heard, c), 1, 2)
    if c["carbon"]:
        line = _carbon(line, c["carbon"])
    if c["suppress_db"]:
        line = _suppress(line, c["suppress_db"])
    if c["agc"]:
        line = _agc(line, c["agc"])
    line = line * (10 ** ((c["level_dbfs"] + c["overdrive_db"]) / 20) / max(_rms(line), 1e-9))
    line = np.clip(line, -1, 1)
    if c["crush_bits"]:
        line = np.round(line * 2 ** (c["crush_bits"] - 1)) / 2 ** (c["crush_bits"] - 1)
    for codec in c["chain"]:
        line = _code(line, codec, c)
    return np.clip(_lose_packets(line, c, rng), -1, 1)


def _rms(x: np.ndarray) -> float:
    return float(np.sqrt(np.mean(x**2))) if len(x) else 0.0


def _room(speech: np.ndarray, c: dict, around: Surroundings, rng: np.random.Generator) -> np.ndarray:
    if c["room"] == "none":
        return speech
    if c["room"] in ("synthetic", "box"):
        length = int(WIDE * c["rt60_s"])
        tail = rng.standard_normal(length) * 10 ** (-3 * np.arange(length) / length)
        first = WIDE // 400  # the first reflection comes after 2.5 ms
        tail[:first] = 0
        if c["room"] == "box":
            # A few strong early reflections over a late tail that starts at 30 ms.
            tail[: WIDE * 3 // 100] = 0
            at = rng.integers(first, WIDE * 4 // 100, 8)
            tail[np.minimum(at, length - 1)] += rng.choice([-1, 1], 8) * rng.uniform(0.5, 4, 8)
        response = tail / max(np.sqrt(np.sum(tail**2)), 1e-9) * 10 ** (-c["direct_db"] / 20)
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


def _carbon(x: np.ndarray, amount: float) -> np.ndarray:
    """A carbon button compresses one half wave more than the other."""
    u = x / max(3 * _rms(x), 1e-9)
    y = np.tanh(u * (1 + 2 * amount)) + 0.3 * amount * u**2
    return (y - y.mean()) * _rms(x) / max(_rms(y), 1e-9)


def _suppress(x: np.ndarray, depth_db: float) -> np.ndarray:
    """Spectral subtraction with a floor (Berouti et al. 1979): what is left of the noise chirps."""
    n, hop = 256, 128
    window = np.sqrt(np.hanning(n + 1)[:n])
    frames = np.lib.stride_tricks.sliding_window_view(np.pad(x, (hop, n)), n)[::hop] * window
    spectrum = np.fft.rfft(frames)
    power = np.abs(spectrum) ** 2
    noise = np.quantile(power, 0.15, axis=0) * 2.5
    gain = np.sqrt(np.maximum(1 - noise / np.maximum(power, 1e-12), 10 ** (-depth_db / 10)))
    out = np.zeros(hop * (len(frames) - 1) + n)
    for i, frame in enumerate(np.fft.irfft(spectrum * gain) * window):
        out[i * hop : i * hop + n] += frame
    return out[hop : hop + len(x)]


def _agc(x: np.ndarray, strength: float) -> np.ndarray:
    """A slow automatic gain: brings every stretch of speech towards one level."""
    smooth = NARROW * 0.05
    envelope = np.sqrt(np.maximum(lfilter([1 / smooth], [1, -(1 - 1 / smooth)], x**2), 1e-10))
    target = max(_rms(x), 1e-6)
    gain = np.clip((target / np.maximum(envelope, target * 0.1)) ** strength, 0.1, 8)
    return x * gain


def _code(line: np.ndarray, codec: str, c: dict) -> np.ndarray:
    if codec in ("alaw", "ulaw"):
        return phone_codecs.g711(line, codec)
    if codec == "gsm":
        return phone_codecs.gsm(line)
    return phone_codecs.adpcm(line) if codec == "adpcm" else phone_codecs.amr(line, c["amr_kbps"])


def _lose_packets(line: np.ndarray, c: dict, rng: np.random.Generator) -> np.ndarray:
    """Bursty loss (Gilbert's two states) and what a receiver puts in its place."""
    if c["loss"] == 0:
        return line
    leave = 1 / c["loss_burst"]
    enter = leave * c["loss"] / (1 - c["loss"])
    out, lost, run = line.copy(), False, 0
    for start in range(FRAME, len(line) - FRAME + 1, FRAME):
        lost = rng.random() < ((1 - leave) if lost else enter)
        run = run + 1 if lost else 0
        if not lost:
            continue
        here = slice(start, start + FRAME)
        if c["concealment"] == "repeat":
            out[here] = out[start - FRAME : start] * (0.7 if run < 6 else 0.0)
        elif c["concealment"] == "noise":
            out[here] = rng.standard_normal(FRAME) * _rms(out[start - FRAME : start]) * 0.5
        else:
            out[here] = 0.0
    return out


def _colored(length: int, slope: float, rng: np.random.Generator) -> np.ndarray:
    f = np.maximum(np.fft.rfftfreq(length, 1 / WIDE), 60.0)
    return np.fft.irfft(np.fft.rfft(rng.standard_normal(length)) / f**slope, length)


def _harmonics(base: float, count: int, length: int, rng: np.random.Generator) -> np.ndarray:
    t = np.arange(length) / WIDE
    return sum(np.sin(2 * np.pi * base * k * t + rng.uniform(0, 6.28)) * rng.uniform(0.1, 1) for k in range(1, count))


def _synthetic(name: str, length: int, rng: np.random.Generator) -> np.ndarray:
    if name in ("white", "pink", "brown"):
        return _colored(length, {"white": 0.0, "pink": 0.5, "brown": 1.0}[name], rng)
    if name == "hum":
        return _harmonics(rng.choice([50.0, 60.0, 100.0]), 25, length, rng) + 0.5 * rng.standard_normal(length)
    if name == "car":
        rumble = _colored(length, 1.3, rng)
        return rumble / _rms(rumble) * 3 + _harmonics(rng.uniform(25, 90), 12, length, rng) * 0.3
    if name == "fan":
        noise = _colored(length, rng.uniform(0.2, 0.8), rng)
        return noise / _rms(noise) + _harmonics(rng.uniform(80, 400), 6, length, rng) * 0.2
    if name == "clicks":
        out = np.zeros(length)
        out[rng.integers(length, size=max(int(length / WIDE * rng.uniform(2, 40)), 1))] = rng.standard_normal()
        return lfilter([1], [1, -1.2, 0.6], out) + 1e-3 * rng.standard_normal(length)
    if name == "street":
        noise = _colored(length, rng.uniform(0.3, 0.9), rng)
        knots = rng.uniform(-12, 6, length // WIDE * 2 + 3)
        return noise * 10 ** (np.interp(np.arange(length), np.arange(len(knots)) * WIDE / 2, knots) / 20)
    # A tune: three-note chords that change.
    out, at = np.zeros(length), 0
    while at < length:
        n = min(int(WIDE * rng.uniform(0.2, 0.9)), length - at)
        root = 110 * 2 ** (rng.integers(0, 24) / 12)
        chord = sum(_harmonics(root * 2 ** (s / 12), 5, n, rng) for s in (0, int(rng.choice([3, 4])), 7))
        out[at : at + n] = chord * np.exp(-np.arange(n) / WIDE * 2)
        at += n
    return out + 1e-3 * rng.standard_normal(length)
