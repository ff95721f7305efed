#!/usr/bin/env python3
"""Extraction speed of Earmark beside the same network in Python, in one run.

Both sides: 10 s recordings of the shipped voices at 8 kHz, files to voiceprints,
voice activity included, one thread, models loaded and warm. Python is
scripts/reference/voiceprint_reference.py: onnxruntime, kaldi-native-fbank, SciPy
and the published Silero VAD. The sides take turns, so that other work on the
machine hits both; the ratio is that of the medians over rounds.

    scripts/reference/setup.sh          # once; prints the Python to run this with
    <that Python> benches/extraction_speed.py [--rounds 7]
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import soundfile

PROJECT = Path(__file__).resolve().parents[1]
RATE = 8000
SECONDS = 10
# Of each voice.
RECORDINGS = 3


def make_recordings(folder: Path) -> list[str]:
    """Clips of one voice joined and cut into pieces of 10 s."""
    paths = []
    for voice in sorted((PROJECT / "tests/data/voices").iterdir()):
        clips = [soundfile.read(clip, dtype="int16")[0] for clip in sorted(voice.glob("*.flac"))]
        if not clips:
            continue
        samples = np.concatenate(clips)
        for n in range(min(RECORDINGS, len(samples) // (SECONDS * RATE))):
            path = folder / f"{voice.name}-{n}.wav"
            soundfile.write(path, samples[n * SECONDS * RATE : (n + 1) * SECONDS * RATE], RATE)
            paths.append(str(path))
    return paths


def run(command: list[str]) -> dict:
    """The totals, which are the last line."""
    output = subprocess.run(command, check=True, capture_output=True, text=True, cwd=PROJECT).stdout
    return json.loads(output.splitlines()[-1])


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--rounds", type=int, default=7)
    arguments = arguments.parse_args()
    build = ["cargo", "build", "--quiet", "--release", "-p", "earmark-audio", "--example", "extraction_speed"]
    subprocess.run(build, check=True, cwd=PROJECT)
    with tempfile.TemporaryDirectory() as folder:
        recordings = make_recordings(Path(folder))
        sides = {
            "python": [sys.executable, "scripts/reference/voiceprint_reference.py", "speed", *recordings],
            "earmark": ["target/release/examples/extraction_speed", *recordings],
        }
        taken = {side: [] for side in sides}
        for _ in range(arguments.rounds):
            for side, command in sides.items():
                taken[side].append(run(command)["seconds"])
    audio = SECONDS * len(recordings)
    print(f"{len(recordings)} recordings of {SECONDS} s, {arguments.rounds} rounds in turns, one thread")
    for side, seconds in taken.items():
        median, best = statistics.median(seconds), min(seconds)
        print(f"{side:8} median {1000 * median / len(recordings):6.1f} ms a recording "
              f"({audio / median:5.0f} x real time), best {1000 * best / len(recordings):6.1f} ms")
    ratio = statistics.median(taken["python"]) / statistics.median(taken["earmark"])
    best = min(taken["python"]) / min(taken["earmark"])
    print(f"ratio of medians {ratio:.2f}, of the best {best:.2f}")


if __name__ == "__main__":
    main()
