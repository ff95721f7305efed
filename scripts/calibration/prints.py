"""Voiceprints of the simulated calls: made by `earmark extract`, kept by content so that a second
fit costs nothing."""

import hashlib
import json
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

# `earmark extract` ends with 3 if some recordings gave no voiceprint, which here is a finding.
DONE, PART = 0, 3


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


def read_calls(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "calls.jsonl").read_text().splitlines()]


class Extractor:
    """Runs `earmark extract`, unless this binary heard these very files before."""

    def __init__(self, earmark: Path, folder: Path, cache: Path, threads: int):
        self.earmark, self.folder, self.cache, self.threads = earmark, folder, cache, threads
        cache.mkdir(parents=True, exist_ok=True)
        # What makes a voiceprint is the binary and the two models it finds.
        self.version = hashlib.sha256(earmark.read_bytes()).hexdigest()
        self.hashes: dict[str, str] = {}

    def run(self, calls: list[dict], live_at: float | None = None) -> tuple[str, list[Print]]:
        """The model's id and the voiceprints of the calls that have enough speech; with `live_at`
        those that a live call has after so many seconds of speech."""
        names = [c["recording"] for c in calls]
        options = [] if live_at is None else ["--live-at", f"{live_at:g}"]
        digest = hashlib.sha256("\n".join([self.version, *options, *(n + self._hash(n) for n in names)]).encode())
        out = self.cache / f"prints-{digest.hexdigest()[:24]}.jsonl"
        if not out.exists():
            self._extract(names, options, out)
        return load(out, calls)

    def _hash(self, name: str) -> str:
        if name not in self.hashes:
            self.hashes[name] = hashlib.sha256((self.folder / name).read_bytes()).hexdigest()
        return self.hashes[name]

    def _extract(self, names: list[str], options: list[str], out: Path) -> None:
        with tempfile.TemporaryDirectory(dir=self.cache) as scratch:
            recordings, new = Path(scratch) / "list.csv", Path(scratch) / "prints.jsonl"
            recordings.write_text("\n".join(["recording", *(str((self.folder / n).resolve()) for n in names)]) + "\n")
            command = [self.earmark, "extract", "--recordings", recordings, "--out", new, "--threads", str(self.threads), *options]
            code = subprocess.run(command).returncode
            if code not in (DONE, PART):
                raise SystemExit(f"{self.earmark} extract failed with code {code}")
            new.rename(out)


def load(prints: Path, calls: list[dict]) -> tuple[str, list[Print]]:
    by_name = {c["recording"]: c for c in calls}
    models, found = set(), []
    for line in prints.read_text().splitlines():
        row = json.loads(line)
        call = by_name.get(Path(row["recording"]).name)
        if row.get("voiceprint") is None or call is None:
            continue
        models.add(row["model"])
        vector = np.asarray(row["voiceprint"], dtype=np.float64)
        found.append(Print(vector, row["net_speech_s"], row["snr_db"], row["clipped_fraction"], call))
    if len(models) != 1:
        raise SystemExit(f"{prints} must hold voiceprints of one model, not of {sorted(models)}")
    return models.pop(), found
