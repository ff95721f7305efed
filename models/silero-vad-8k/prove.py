#!/usr/bin/env python3
"""Proves that silero_vad_8k.onnx is the 8 kHz path of the published file.

Compares the speech probabilities of both over whole recordings, state carried
along, chunk by chunk and many chunks in a run; prints what it measured, and
fails when one probability differs too much.
"""

import argparse
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "tools"))

import numpy as np  # noqa: E402
from make import published_model  # noqa: E402
from model_facts import read_facts, require_declared  # noqa: E402
from network import CHUNK, CONTEXT, STATE  # noqa: E402
from recordings import read_mono  # noqa: E402
from sessions import best_seconds, session  # noqa: E402

RATE = 8000
LARGEST_DIFFERENCE = 1e-5
CHUNKS_A_RUN = [1, 2, 7, 32]


def chunks_of(samples: np.ndarray) -> np.ndarray:
    """[chunks, context + chunk]: each chunk with the last samples before it."""
    count = len(samples) // CHUNK
    padded = np.concatenate([np.zeros(CONTEXT, np.float32), samples[: count * CHUNK]])
    windows = np.lib.stride_tricks.sliding_window_view(padded, CONTEXT + CHUNK)
    return np.ascontiguousarray(windows[::CHUNK])


def probabilities(network, chunks: np.ndarray, name: str, a_run: int, **more) -> np.ndarray:
    state = np.zeros((2, 1, STATE), np.float32)
    found = []
    for start in range(0, len(chunks), a_run):
        inputs = {name: chunks[start : start + a_run], "state": state, **more}
        probability, state = network.run(None, inputs)
        found.append(probability[:, 0])
    return np.concatenate(found)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("recordings", nargs="+", type=Path, help="WAV or FLAC files of speech")
    arguments = arguments.parse_args()

    weights = (FOLDER / read_facts(FOLDER)["file"]).read_bytes()
    require_declared(FOLDER, weights)
    ours, published = session(weights), session(published_model())
    rate = np.array(RATE, np.int64)

    largest, chunks = 0.0, np.empty((0, CONTEXT + CHUNK), np.float32)
    for path in arguments.recordings:
        chunks = chunks_of(read_mono(path, RATE))
        expected = probabilities(published, chunks, "input", 1, sr=rate)
        differences = [np.abs(probabilities(ours, chunks, "samples", a_run) - expected).max()
                       for a_run in CHUNKS_A_RUN]
        print(f"{path.stem:32} {len(chunks):6} chunks, {np.mean(expected > 0.5):4.0%} speech   "
              f"largest difference {max(differences):9.2e}")
        largest = np.fmax(largest, max(differences)) if np.isfinite(differences).all() else np.inf

    def report(what: str, call) -> None:
        microseconds = 1e6 * best_seconds(call, 20) / len(chunks)
        print(f"{what:20} {microseconds:6.1f} us a chunk on one thread")

    report("published file", lambda: probabilities(published, chunks, "input", 1, sr=rate))
    for a_run in CHUNKS_A_RUN:
        report(f"{a_run} chunks a run", lambda: probabilities(ours, chunks, "samples", a_run))

    proved = largest < LARGEST_DIFFERENCE
    print(f"{'proved' if proved else 'FAILED'}: largest difference {largest:.2e}, "
          f"limit {LARGEST_DIFFERENCE}")
    sys.exit(0 if proved else 1)


if __name__ == "__main__":
    main()
