#!/usr/bin/env python3
"""Makes simulated telephone calls from the development speech.

Each call has its own channel (channel.py). Each speaker's recordings are split in two halves;
enrollment calls come from one and test calls from the other, then the other way round, so that no
trial holds the same recording twice. Everything follows from --seed and the speech: the same
command gives the same bytes.

    simulate_calls.py --speech ../speech --out calls --seed 1

writes calls/*.wav (8 kHz, 16 bit), calls/list.csv (column `recording`, for `earmark extract`) and
calls/calls.jsonl (one call a line with all its draws)."""

import argparse
import hashlib
import json
import os
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
import soundfile as sf

import channel
from voices import Clip, Speaker, join, read_speakers

ENROLL_SECONDS = 24.0
# How many calls of how much speech each half of a speaker gives: {net seconds: calls}.
PLANS = {
    "report": {"enroll": {ENROLL_SECONDS: 3}, "probe": {3.0: 4, 5.0: 4, 10.0: 4, 20.0: 2}},
    "train": {"enroll": {ENROLL_SECONDS: 2}, "probe": {3.0: 2, 5.0: 2, 10.0: 2}},
    "single": {"probe": {10.0: 4}},
}


@dataclass(frozen=True)
class Order:
    """One call to be made."""

    id: str
    speaker: Speaker
    half: int
    side: str
    net_seconds: float
    clips: tuple[Clip, ...]


def plan(speakers: list[Speaker]) -> list[Order]:
    orders = []
    for speaker in speakers:
        halves = speaker.halves() if speaker.role != "single" else [list(speaker.clips)]
        for half, clips in enumerate(halves):
            for side, amounts in PLANS[speaker.role].items():
                for seconds, count in amounts.items():
                    name = speaker.name.replace(":", "-")
                    ids = [f"{name}-{half}-{side}-{seconds:g}s-{i}" for i in range(count)]
                    orders += [Order(id, speaker, half, side, seconds, tuple(clips)) for id in ids]
    return orders


def generator(seed: int, id: str) -> np.random.Generator:
    """Each call has its own, so that a call stays the same whatever else is made."""
    return np.random.default_rng([seed, *hashlib.sha256(id.encode()).digest()])


def make(order: Order, speech: Path, out: Path, seed: int) -> dict:
    rng = generator(seed, order.id)
    around = _surroundings(speech)
    draws = channel.draw(rng, around)
    samples, mask, net, used = join(speech, list(order.clips), order.net_seconds, rng)
    file = f"{order.id}.wav"
    sf.write(out / file, channel.apply(samples, mask, draws, around, rng), channel.NARROW, subtype="PCM_16")
    s = order.speaker
    about = {"recording": file, "speaker": s.name, "set": s.set, "gender": s.gender, "language": s.language}
    plan_of_it = {"role": s.role, "half": order.half, "side": order.side, "seconds": order.net_seconds}
    return {**about, **plan_of_it, "net_seconds": round(net, 3), "clips": used, "channel": draws}


_loaded: dict[Path, channel.Surroundings] = {}


def _surroundings(speech: Path) -> channel.Surroundings:
    if speech not in _loaded:
        _loaded[speech] = channel.Surroundings(speech)
    return _loaded[speech]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, default=os.environ.get("EARMARK_SPEECH"), help="the development speech (default: $EARMARK_SPEECH)")
    parser.add_argument("--out", type=Path, required=True, help="folder to write to")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--jobs", type=int, default=2, help="processes")
    args = parser.parse_args()
    if args.speech is None:
        parser.error("give --speech or set EARMARK_SPEECH")
    args.out.mkdir(parents=True, exist_ok=True)
    orders = plan(read_speakers(args.speech))
    work = partial(make, speech=args.speech, out=args.out, seed=args.seed)
    with ProcessPoolExecutor(args.jobs) as pool:
        calls = list(pool.map(work, orders, chunksize=16))
    with open(args.out / "calls.jsonl", "w") as file:
        file.writelines(json.dumps(call, sort_keys=True) + "\n" for call in calls)
    with open(args.out / "list.csv", "w") as file:
        file.writelines(line + "\n" for line in ["recording", *(c["recording"] for c in calls)])
    print(f"{len(calls)} calls of {len({c['speaker'] for c in calls})} speakers in {args.out}")


if __name__ == "__main__":
    main()
