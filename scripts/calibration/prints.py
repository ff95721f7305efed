"""Voiceprints of the simulated calls: made by `earmark extract`, kept by content so that a second
fit costs nothing."""

import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np


@dataclass(frozen=True)
class Print:
    """One call's voiceprint with what was measured of the call and how the call was made."""

    vector: np.ndarray
    net_speech: float
    snr: float
    clipped: float
    call: dict

    @property
    def speaker(self) -> str:
        return self.call["speaker"]


def extract(earmark: Path, calls: Path, cache: Path) -> Path:
    """Runs `earmark extract` over calls/list.csv unless this binary did so for these files."""
    digest = hashlib.sha256(earmark.read_bytes())
    for line in (calls / "list.csv").read_text().splitlines()[1:]:
        digest.update(line.encode() + hashlib.sha256((calls / line).read_bytes()).digest())
    out = cache / f"prints-{digest.hexdigest()[:24]}.jsonl"
    if not out.exists():
        cache.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=cache) as scratch:
            new = Path(scratch) / "prints.jsonl"
            subprocess.run([earmark, "extract", "--recordings", calls / "list.csv", "--out", new], check=True)
            new.rename(out)
    return out


def load(prints: Path, calls: Path) -> tuple[str, list[Print], list[dict]]:
    """The model's id, the voiceprints, and the calls that gave none (too little speech)."""
    about = {}
    for line in (calls / "calls.jsonl").read_text().splitlines():
        call = json.loads(line)
        about[call["recording"]] = call
    models, found, seen = set(), [], set()
    for line in prints.read_text().splitlines():
        row = json.loads(line)
        if row.get("voiceprint") is None:
            continue
        models.add(row["model"])
        seen.add(row["recording"])
        vector = np.asarray(row["voiceprint"], dtype=np.float64)
        snr = row["snr_db"] if row["snr_db"] is not None else np.nan
        found.append(Print(vector, row["net_speech_s"], snr, row["clipped_fraction"], about[row["recording"]]))
    if len(models) != 1:
        raise SystemExit(f"{prints} must hold voiceprints of one model, not of {sorted(models)}")
    return models.pop(), found, [call for name, call in about.items() if name not in seen]
