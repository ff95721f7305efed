#!/usr/bin/env python3
"""The independent reference for Earmark's voiceprints.

Recording to voiceprint with packages that others wrote: ONNX Runtime,
kaldi-native-fbank, SciPy, the published Silero VAD. It shares with Earmark the
model folder alone, so that an agreement of both means something.

Run it with the Python that setup.sh prints.
"""

import argparse
import importlib.util
import json
import os
import sys
import time
import tomllib
from pathlib import Path

# Before NumPy is loaded: the comparison of speeds is one thread against one.
os.environ.setdefault("OMP_NUM_THREADS", "1")
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import kaldi_native_fbank as knf  # noqa: E402
import numpy as np  # noqa: E402
import onnxruntime  # noqa: E402
import soundfile  # noqa: E402
from scipy.signal import resample_poly  # noqa: E402

MODEL = Path(__file__).resolve().parents[2] / "models" / "campplus-zh-en-192"

# Silero VAD at 8 kHz, as its package calls it.
VAD_RATE = 8000
VAD_CHUNK = 256
VAD_CONTEXT = 32
VAD_THRESHOLD = 0.5


class SpeakerModel:
    """A model folder: its front end and its network."""

    def __init__(self, folder: Path):
        self.facts = tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))
        self.rate = self.facts["input"]["sample_rate_hz"]
        self._network = session(folder / self.facts["file"])

    def fbank(self, samples: np.ndarray) -> np.ndarray:
        """[frames, mels] of a recording at the model's rate, full scale 1."""
        extractor = knf.OnlineFbank(self._fbank_options())
        extractor.accept_waveform(self.rate, samples * np.float32(self.facts["input"]["amplitude"]))
        extractor.input_finished()
        frames = [extractor.get_frame(i) for i in range(extractor.num_frames_ready)]
        return np.stack(frames) if frames else np.empty((0, extractor.dim), np.float32)

    def voiceprint(self, speech: np.ndarray) -> np.ndarray:
        """The voiceprint of the fbank frames that are speech."""
        facts = self.facts
        if facts["front_end"]["mean_normalization"] == "utterance":
            speech = speech - speech.mean(axis=0)
        inputs = {facts["input"]["name"]: speech[None].astype(np.float32)}
        ((embedding,),) = self._network.run([facts["output"]["name"]], inputs)
        if facts["output"]["l2_normalize"]:
            embedding = embedding / np.linalg.norm(embedding)
        return embedding

    def _fbank_options(self) -> knf.FbankOptions:
        facts = self.facts["front_end"]
        options = knf.FbankOptions()
        options.frame_opts.samp_freq = self.rate
        options.frame_opts.frame_length_ms = facts["frame_length_ms"]
        options.frame_opts.frame_shift_ms = facts["frame_shift_ms"]
        options.frame_opts.window_type = facts["window"]
        options.frame_opts.preemph_coeff = facts["preemphasis"]
        options.frame_opts.remove_dc_offset = facts["remove_dc"]
        options.frame_opts.snip_edges = facts["snip_edges"]
        options.frame_opts.dither = facts["dither"]
        options.mel_opts.num_bins = facts["mels"]
        options.mel_opts.low_freq = facts["low_hz"]
        options.mel_opts.high_freq = facts["high_hz"]
        options.use_power = facts["use_power"]
        options.use_log_fbank = True
        options.use_energy = False
        return options


class SpeechDetector:
    """The published Silero VAD at 8 kHz."""

    def __init__(self):
        package = importlib.util.find_spec("silero_vad")  # found, not imported: that wants PyTorch
        self._network = session(Path(package.origin).parent / "data" / "silero_vad.onnx")

    def chunks(self, samples: np.ndarray) -> np.ndarray:
        """Whether each chunk of 32 ms is speech."""
        rate = np.array(VAD_RATE, np.int64)
        state = np.zeros((2, 1, 128), np.float32)
        padded = np.concatenate([np.zeros(VAD_CONTEXT, np.float32), samples])
        speech = []
        for start in range(0, len(samples) - VAD_CHUNK + 1, VAD_CHUNK):
            chunk = padded[None, start : start + VAD_CONTEXT + VAD_CHUNK]
            inputs = {"input": chunk, "state": state, "sr": rate}
            probability, state = self._network.run(None, inputs)
            speech.append(probability[0, 0] > VAD_THRESHOLD)
        return np.array(speech, bool)


def session(path: Path) -> onnxruntime.InferenceSession:
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def read_recording(path: str, rate: int) -> np.ndarray:
    samples, own_rate = soundfile.read(path, dtype="float32", always_2d=True)
    if own_rate != rate or samples.shape[1] != 1:
        sys.exit(f"{path}: wanted {rate} Hz mono, found {own_rate} Hz, {samples.shape[1]} channels")
    return samples[:, 0]


def write_voiceprints(model: SpeakerModel, requests) -> None:
    """One JSON line for each request line
    {"recording": "call.wav", "speech": [[first frame, end frame], ...]}."""
    for line in filter(str.strip, requests):
        request = json.loads(line)
        fbank = model.fbank(read_recording(request["recording"], model.rate))
        ranges = [fbank[first:end] for first, end in request["speech"]]
        speech = np.concatenate([fbank[:0], *ranges])
        voiceprint = model.voiceprint(speech).tolist() if len(speech) else None
        print(json.dumps({"recording": request["recording"], "frames": len(speech),
                          "voiceprint": voiceprint}), flush=True)


def write_fbank(model: SpeakerModel, recording: str, output: str) -> None:
    """An .npy file, or else bare little-endian float32, frame after frame."""
    fbank = model.fbank(read_recording(recording, model.rate)).astype("<f4")
    if output.endswith(".npy"):
        np.save(output, fbank)
    else:
        fbank.tofile(output)
    print(json.dumps({"frames": fbank.shape[0], "mels": fbank.shape[1]}))


def embed_call(model: SpeakerModel, detector: SpeechDetector, path: str):
    """The whole recipe for one 8 kHz recording: (seconds of audio, frames, voiceprint)."""
    samples = read_recording(path, VAD_RATE)
    is_speech = detector.chunks(samples)
    fbank = model.fbank(resample_poly(samples, model.rate // VAD_RATE, 1).astype(np.float32))
    # A frame is speech when the chunk is that holds its middle.
    facts = model.facts["front_end"]
    middles = np.arange(len(fbank)) * facts["frame_shift_ms"] + facts["frame_length_ms"] / 2
    owners = (middles * VAD_RATE / 1000).astype(int) // VAD_CHUNK
    kept = np.append(is_speech, False)[np.minimum(owners, len(is_speech))]
    voiceprint = model.voiceprint(fbank[kept]) if kept.any() else None
    return len(samples) / VAD_RATE, int(kept.sum()), voiceprint


def measure_speed(model: SpeakerModel, recordings: list[str]) -> None:
    """One JSON line a recording, then one with the totals; models loaded and warm."""
    detector = SpeechDetector()
    embed_call(model, detector, recordings[0])
    total_audio = total = 0.0
    for path in recordings:
        start = time.perf_counter()
        audio, frames, _ = embed_call(model, detector, path)
        seconds = time.perf_counter() - start
        total_audio, total = total_audio + audio, total + seconds
        print(json.dumps({"recording": path, "audio_seconds": round(audio, 3),
                          "speech_frames": frames, "seconds": round(seconds, 6)}), flush=True)
    print(json.dumps({"recordings": len(recordings), "audio_seconds": round(total_audio, 3),
                      "seconds": round(total, 6)}))


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__,
                                        formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--model", type=Path, default=MODEL, help="folder of a speaker model")
    modes = arguments.add_subparsers(dest="mode", required=True)
    mode = modes.add_parser("voiceprints", help=write_voiceprints.__doc__)
    mode.add_argument("requests", type=argparse.FileType(encoding="utf-8"),
                      help="JSON lines; - is stdin; frames are those of the recording's fbank")
    mode = modes.add_parser("fbank", help=write_fbank.__doc__)
    mode.add_argument("recording", help="mono, at the model's sample rate")
    mode.add_argument("output")
    mode = modes.add_parser("speed", help=measure_speed.__doc__)
    mode.add_argument("recordings", nargs="+", help="mono, 8 kHz")
    arguments = arguments.parse_args()

    model = SpeakerModel(arguments.model)
    match arguments.mode:
        case "voiceprints":
            write_voiceprints(model, arguments.requests)
        case "fbank":
            write_fbank(model, arguments.recording, arguments.output)
        case "speed":
            measure_speed(model, arguments.recordings)


if __name__ == "__main__":
    main()
