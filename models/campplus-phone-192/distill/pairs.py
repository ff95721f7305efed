#!/usr/bin/env python3
"""Makes the training pairs: a simulated call and the teacher's voiceprint of the clean original.

    pairs.py --recordings list.csv --speech ../speech --out pairs --count 12000 --seed 1

list.csv has the columns `speaker,recording`; paths relative to the list. Each pair joins clips of one
speaker to some seconds of speech, plays them a little faster or slower (another voice, as the
teacher hears it), and sends them through a channel of its own. Written are, in parts of 500 pairs
that are not made twice, part-*.npz (the call's log-mel frames, the teacher's voiceprint) and
part-*.jsonl (what was drawn)."""

import argparse
import csv
import json
import os
from collections import defaultdict
from concurrent.futures import ProcessPoolExecutor
from functools import partial
from pathlib import Path

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
os.environ.setdefault("OMP_NUM_THREADS", "1")

import kaldi_native_fbank as knf  # noqa: E402
import numpy as np  # noqa: E402
import soundfile as sf  # noqa: E402
import torch  # noqa: E402
from scipy.signal import resample_poly  # noqa: E402

import channels  # noqa: E402
from campplus import CamPlusPlus, load  # noqa: E402

WIDE = channels.WIDE
HOP = WIDE // 100
PART = 500
SECONDS = (5.0, 7.0)
SPEED = (0.85, 1.18)


def read_speakers(path: Path) -> dict[str, list[Path]]:
    out = defaultdict(list)
    with open(path, newline="") as file:
        for row in csv.DictReader(file):
            out[row["speaker"]].append(path.parent / row["recording"])
    return dict(sorted(out.items()))


def speech_of(path: Path) -> np.ndarray:
    """A clip's speech at one level, pauses cut: frames within 35 dB of the loud ones, 60 ms more around."""
    samples, rate = sf.read(path, dtype="float64")
    if rate != WIDE or samples.ndim != 1:
        raise SystemExit(f"{path}: wanted {WIDE} Hz mono")
    count = len(samples) // HOP
    power = np.mean(samples[: count * HOP].reshape(count, HOP) ** 2, axis=1)
    active = np.convolve(power > max(np.quantile(power, 0.95) * 10**-3.5, 1e-8), np.ones(13), "same") > 0.5
    speech = samples[: count * HOP][np.repeat(active, HOP)]
    return speech / max(np.sqrt(np.mean(speech**2)), 1e-9) * 0.05


def fbank(samples: np.ndarray) -> np.ndarray:
    options = knf.FbankOptions()
    options.frame_opts.dither = 0.0
    options.mel_opts.num_bins = 80
    options.mel_opts.high_freq = WIDE / 2
    bank = knf.OnlineFbank(options)
    bank.accept_waveform(WIDE, samples.astype(np.float32).tolist())
    bank.input_finished()
    return np.stack([bank.get_frame(i) for i in range(bank.num_frames_ready)])


def make_part(part: int, count: int, speakers: dict[str, list[Path]], speech: Path, teacher: Path, out: Path, seed: int) -> None:
    file = out / f"part-{part:04}.npz"
    if file.exists():
        return
    torch.set_num_threads(1)
    network = load(teacher).eval()
    names = list(speakers)
    around = channels.Surroundings(speech, [p for clips in speakers.values() for p in clips])
    calls, targets, owners, lengths, drawn = [], [], [], [], []
    for i in range(part * PART, min(count, (part + 1) * PART)):
        rng = np.random.default_rng([seed, i])
        # Speakers with more to say are heard more often, but not in proportion.
        weights = np.sqrt([len(speakers[n]) for n in names])
        who = int(rng.choice(len(names), p=weights / weights.sum()))
        clean, used, speed = _voice(speakers[names[who]], rng)
        channel = channels.draw(rng, around)
        line = channels.apply(clean, channel, around, rng)
        heard = fbank(resample_poly(line, 2, 1))
        original = fbank(clean)
        with torch.no_grad():
            target = network(torch.from_numpy(original - original.mean(0))[None])[0]
        calls.append(heard.astype(np.float16))
        targets.append((target / target.norm()).numpy())
        owners.append(who)
        lengths.append(len(heard))
        drawn.append({"pair": i, "speaker": names[who], "clips": used, "speed": speed, "channel": channel})
    (out / f"part-{part:04}.jsonl").write_text("".join(json.dumps(d, sort_keys=True) + "\n" for d in drawn))
    with open(out / f".part-{part:04}", "wb") as scratch:
        np.savez(scratch, frames=np.concatenate(calls), lengths=lengths, targets=np.stack(targets), owners=owners)
    (out / f".part-{part:04}").rename(file)


def _voice(clips: list[Path], rng: np.random.Generator) -> tuple[np.ndarray, list[str], float]:
    """Joined clips at another speed: pitch and formants move together, so it is another person."""
    wanted = rng.uniform(*SECONDS)
    speed = float(np.round(rng.uniform(*SPEED), 2)) if rng.random() < 0.7 else 1.0
    parts, used, total = [], [], 0
    for i in rng.permutation(len(clips)):
        speech = speech_of(clips[i])
        parts.append(speech)
        used.append(clips[i].name)
        total += len(speech)
        if total >= wanted * speed * WIDE:
            break
    clean = np.concatenate(parts)[: int(wanted * speed * WIDE)]
    return (clean if speed == 1.0 else resample_poly(clean, 100, round(100 * speed))), used, speed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--recordings", type=Path, required=True)
    parser.add_argument("--speech", type=Path, required=True, help="folder with noise/manifest.csv")
    parser.add_argument("--teacher", type=Path, required=True, help="the published checkpoint")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--count", type=int, default=12000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    speakers = read_speakers(args.recordings)
    parts = range((args.count + PART - 1) // PART)
    work = partial(make_part, count=args.count, speakers=speakers, speech=args.speech, teacher=args.teacher, out=args.out, seed=args.seed)
    with ProcessPoolExecutor(args.jobs) as pool:
        for done, _ in enumerate(pool.map(work, parts), 1):
            print(f"{done} of {len(parts)} parts", flush=True)


if __name__ == "__main__":
    main()
