"""Writes a back end and its calibration in the format that crates/scoring reads."""

import hashlib
from pathlib import Path

import numpy as np

from backend import BackEnd
from calibrate import Calibration

FORMAT = 1
DATA = [
    ("speechocean762", "free for commercial and non-commercial use", "Zhang et al. 2021, speechocean762: an open-source non-native English speech corpus for pronunciation assessment"),
    ("DSPSpeech-20", "MIT", "Fudan University"),
    ("LibriSpeech", "CC-BY-4.0", "Panayotov et al. 2015, LibriSpeech: an ASR corpus based on public domain audio books"),
    ("noises and room responses", "Apache-2.0 and MIT", "test samples of SpeechBrain, Picovoice and others; babble mixed from LibriSpeech"),
]


def write(folder: Path, name: str, model: str, description: str, back_end: BackEnd, calibration: Calibration, curves: dict[str, list[tuple[float, float]]]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    out = [
        "# A back end and its calibration, read by crates/scoring; unknown keys are refused.",
        "# Written by scripts/calibration/fit_backend.py: do not edit, fit again.",
        "",
        f"format = {FORMAT}",
        f'name = "{name}"',
        f'model = "{model}"                  # the model whose voiceprints it takes',
        f'description = """\n{description}"""',
    ]
    for title, license, attribution in DATA:
        out += ["", "[[data]]", f'name = "{title}"', f'license = "{license}"', f'attribution = "{attribution}"']
    out += ["", "[mean]  # subtracted from a voiceprint", *_file(folder, "mean.f32", back_end.mean), f"dimension = {len(back_end.mean)}"]
    if back_end.projection is not None:
        rows, columns = back_end.projection.shape
        out += ["", "[projection]  # then multiplied with, row after row", *_file(folder, "projection.f32", back_end.projection)]
        out += [f"rows = {rows}", f"columns = {columns}"]
    c = calibration
    out += [
        "",
        "# llr = exp(slope + sum of the terms' slope * z) * cosine + offset + sum of the terms' offset * z,",
        "# z = (value clamped to low..high - center) / scale; natural logarithm; clamped to llr_min..llr_max.",
        "[calibration]",
        f"slope = {_number(c.slopes[0])}",
        f"offset = {_number(c.offsets[0])}",
        f"llr_min = {_number(c.llr_min)}",
        f"llr_max = {_number(c.llr_max)}",
        "# [llr, the part of comparisons between two people that reach it], at one look and at any",
        "# look of a live call; measured on thirty errors at least, then on by the last slope.",
    ]
    for key, points in curves.items():
        out += [f"{key} = [", *(f"    [{_number(x)}, {y:.4g}]," for x, y in points), "]"]
    for term, slope, offset in zip(c.terms, c.slopes[1:], c.offsets[1:], strict=True):
        out += ["", "[[calibration.term]]", f'input = "{term.input}"']
        out += [f"{key} = {_number(getattr(term, key))}" for key in ("low", "high", "center", "scale")]
        out += [f"slope = {_number(slope)}", f"offset = {_number(offset)}"]
    (folder / "backend.toml").write_text("\n".join(out) + "\n")


def _file(folder: Path, name: str, values: np.ndarray) -> list[str]:
    data = values.astype("<f4").tobytes()
    (folder / name).write_bytes(data)
    return [f'file = "{name}"', f'sha256 = "{hashlib.sha256(data).hexdigest()}"']


def _number(x: float) -> str:
    return repr(float(round(x, 6)))
