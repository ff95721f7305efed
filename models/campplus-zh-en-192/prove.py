#!/usr/bin/env python3
"""Proves that campplus.onnx is the network its authors published.

Compares it with the source network under PyTorch, on random input of many
lengths and on the recordings given; prints what it measured, and fails when
one voiceprint's cosine to the source's is too low.
"""

import argparse
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "tools"))

import kaldi_native_fbank as knf  # noqa: E402
import numpy as np  # noqa: E402
from make import published_checkpoint  # noqa: E402
from model_facts import read_facts, require_declared  # noqa: E402
from pinned_wheel import PinnedWheel  # noqa: E402
from recordings import read_mono  # noqa: E402
from sessions import best_seconds, session  # noqa: E402

# The architecture's own code. It is run from where it is unpacked, never copied.
SPEAKERLAB = PinnedWheel(
    "speakerlab", "0.0.6", "f7c69a8ad7ac803f179572b54cfc76bce2888d699bc25663df741d933c337f2a"
)
LEAST_COSINE = 0.999999
# Around the multiples of 200, where a segment of 100 half-rate frames ends.
LENGTHS = [20, 21, 57, 198, 199, 200, 201, 202, 300, 399, 400, 401, 650, 1000, 1001, 2000, 3001]
BATCHES = [(2, 333), (3, 400), (8, 150)]
TIMED_LENGTHS = [300, 1000]


def random_features() -> dict[str, np.ndarray]:
    random = np.random.default_rng(0)
    shapes = [(1, frames) for frames in LENGTHS] + BATCHES
    return {
        f"random {batch} x {frames}": random.normal(0, 3, (batch, frames, 80)).astype(np.float32)
        for batch, frames in shapes
    }


def recorded_features(paths: list[Path]) -> dict[str, np.ndarray]:
    facts = read_facts(FOLDER)
    features = {}
    for path in paths:
        fbank = log_mel(read_mono(path, facts["input"]["sample_rate_hz"]), facts["front_end"])
        features[f"recording {path.stem} {len(fbank)}"] = (fbank - fbank.mean(axis=0))[None]
    return features


def log_mel(samples: np.ndarray, front_end: dict) -> np.ndarray:
    options = knf.FbankOptions()
    options.frame_opts.dither = front_end["dither"]
    options.frame_opts.window_type = front_end["window"]
    options.frame_opts.snip_edges = front_end["snip_edges"]
    options.mel_opts.num_bins = front_end["mels"]
    options.mel_opts.low_freq = front_end["low_hz"]
    options.mel_opts.high_freq = front_end["high_hz"]
    fbank = knf.OnlineFbank(options)
    fbank.accept_waveform(options.frame_opts.samp_freq, samples.tolist())
    fbank.input_finished()
    return np.stack([fbank.get_frame(i) for i in range(fbank.num_frames_ready)])


def source_embeddings(features: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        SPEAKERLAB.unpack(folder / "speakerlab")
        (folder / "checkpoint.pt").write_bytes(published_checkpoint())
        np.savez(folder / "features.npz", **features)
        subprocess.run(
            ["/usr/bin/python3", FOLDER / "oracle.py", folder / "speakerlab",
             folder / "checkpoint.pt", folder / "features.npz", folder / "embeddings.npz"],
            check=True,
        )
        with np.load(folder / "embeddings.npz") as embeddings:
            return dict(embeddings)


def cosines(ours: np.ndarray, theirs: np.ndarray) -> np.ndarray:
    ours, theirs = ours.astype(np.float64), theirs.astype(np.float64)
    norms = np.linalg.norm(ours, axis=1) * np.linalg.norm(theirs, axis=1)
    return np.sum(ours * theirs, axis=1) / norms


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("recordings", nargs="+", type=Path, help="WAV or FLAC files of speech")
    arguments = arguments.parse_args()

    weights = (FOLDER / read_facts(FOLDER)["file"]).read_bytes()
    require_declared(FOLDER, weights)
    network = session(weights)
    features = random_features() | recorded_features(arguments.recordings)
    sources = source_embeddings(features)

    least = 1.0
    for name, values in features.items():
        (ours,) = network.run(None, {"features": values})
        cosine = cosines(ours, sources[name]).min()
        difference = np.abs(ours - sources[name]).max() / np.abs(sources[name]).max()
        print(f"{name:44} 1 - cosine {1 - cosine:9.2e}   largest difference {difference:9.2e}")
        least = np.minimum(least, cosine)  # unlike min, keeps what is no number

    for frames in TIMED_LENGTHS:
        values = np.zeros((1, frames, 80), np.float32)
        seconds = best_seconds(lambda: network.run(None, {"features": values}), 40)
        print(f"{frames:5} frames: {1e3 * seconds:.1f} ms on one thread")

    proved = least > LEAST_COSINE
    print(f"{'proved' if proved else 'FAILED'}: largest 1 - cosine {1 - least:.2e}, "
          f"limit {1 - LEAST_COSINE:.0e}")
    sys.exit(0 if proved else 1)


if __name__ == "__main__":
    main()
