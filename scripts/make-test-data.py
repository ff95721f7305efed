#!/usr/bin/env python3
"""Chooses the demo's and the tests' clips from the unpacked packages and
writes them, losslessly, with their manifests. Standard library, `flac` and
`sox` only; make-test-data.sh fetches the packages and calls this.

The choice is a rule, not a list: each person's longest prompts within bounds,
dealt to `enroll` and `call` until both hold enough speech, then two short ones.
"""

import argparse
import array
import csv
import hashlib
import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import flac_files

RATE = 8000

# Net speech wanted of each person, seconds.
WANTED = {"enroll": 30.0, "call": 24.0}
# Bounds of a clip, seconds: many clips of middling length serve a test better
# than one of 74 s.
LONGEST, SHORTEST = 15.0, 3.0
# Two clips of this length are added to `call`: a call with too little speech.
SHORT_BOUNDS, SHORT_COUNT = (1.5, 2.2), 2

# Name prefixes never taken: silence, tones and joke sounds.
NOT_A_VOICE = ("silence/", "tt-", "beep", "ascending", "descending")
# Prompts cut from one take share sound, and enroll and call must not: of the
# names that begin with one of these, only one is taken.
FAMILIES = ("conf-adminmenu|conf-usermenu", "dir-", "invalid|pbx-invalid", "vm-opt", "vm-forward")


class Source(NamedTuple):
    person: str
    package: str
    folder: str  # under usr/share/asterisk/sounds
    encoding: str  # what the package holds
    language: str
    gender: str


# The folder names (…_f_…, …_m_…) and the packages' credits say who speaks.
# asterisk-core-sounds-es-wav is credited to Allison Smith as well, so it is
# no further person.
SOURCES = (
    Source("allison", "asterisk-core-sounds-en-wav", "en_US_f_Allison", "pcm16", "en-US", "f"),
    Source("june", "asterisk-core-sounds-fr-wav", "fr_CA_f_June", "pcm16", "fr-CA", "f"),
    Source("carlo", "asterisk-core-sounds-it-wav", "it_IT_m_Carlo", "pcm16", "it-IT", "m"),
    Source("ivrvoice", "asterisk-core-sounds-ru-wav", "ru_RU_f_IvrvoiceRU", "pcm16", "ru-RU", "f"),
    Source("paola", "asterisk-prompt-it-menardi-wav", "it_IT_f_Menardi", "pcm16", "it-IT", "f"),
    Source("armelle", "asterisk-prompt-fr-armelle", "fr", "gsm", "fr-FR", "f"),
)


class Excerpt(NamedTuple):
    name: str
    original: str
    start_s: int


MUSIC_PACKAGE, MUSIC_SECONDS = "asterisk-moh-opsound-wav", 20
# Instrumental throughout: Silero VAD finds no speech in any of these.
MUSIC = (
    Excerpt("morning-coffee", "manolo_camp-morning_coffee.wav", 20),
    Excerpt("system", "reno_project-system.wav", 60),
    Excerpt("cold-day", "macroform-cold_day.wav", 30),
)


class Clip(NamedTuple):
    name: str  # in the package, below the source's folder
    digest: str  # of the package's file
    samples: array.array

    @property
    def seconds(self):
        return len(self.samples) / RATE

    @property
    def speech_seconds(self):
        """Time of 32 ms frames within 30 dB of the loud ones: good enough to
        share studio prompts out, no judge of calls."""
        frame = 256
        power = [sum(v * v for v in self.samples[i:i + frame]) / frame
                 for i in range(0, len(self.samples) - frame + 1, frame)]
        loud = sorted(power)[int(len(power) * 0.95)]
        return sum(p > loud * 10 ** -3.0 for p in power) * frame / RATE


def decode(path, encoding):
    declared = ["-t", "gsm", "-r", str(RATE)] if encoding == "gsm" else []
    raw = ["-t", "raw", "-e", "signed-integer", "-b", "16", "-L"]
    run = subprocess.run(["sox", "-D", *declared, path, *raw, "-"], check=True, stdout=subprocess.PIPE)
    return flac_files.from_bytes(run.stdout)


def sha256(data):
    return hashlib.sha256(data).hexdigest()


def candidates(source, packages):
    """The person's prompts between SHORT_BOUNDS and LONGEST, each sound once,
    longest first and then by name."""
    folder = packages / source.package / "usr/share/asterisk/sounds" / source.folder
    suffix = ".gsm" if source.encoding == "gsm" else ".wav"
    clips, seen = [], set()
    for path in sorted(folder.rglob(f"*{suffix}")):
        name = str(path.relative_to(folder))
        data = path.read_bytes()
        digest = sha256(data)
        bytes_a_second = 1650 if source.encoding == "gsm" else 2 * RATE
        if name.startswith(NOT_A_VOICE) or digest in seen or len(data) < SHORT_BOUNDS[0] * bytes_a_second:
            continue
        seen.add(digest)
        if len(data) / bytes_a_second <= LONGEST:
            clips.append((-len(data), name, digest, path))
    for _, name, digest, path in sorted(clips):
        yield Clip(name, digest, decode(path, source.encoding))


def family(name):
    for prefixes in FAMILIES:
        if name.startswith(tuple(prefixes.split("|"))):
            return prefixes
    return name


def choose(clips):
    """Shares the clips out: each to the part that lacks the larger share of
    what it should have. Returns (part, clip) pairs, enroll first."""
    held = {part: 0.0 for part in WANTED}
    taken, chosen, short = set(), [], 0
    for clip in clips:
        if family(clip.name) in taken:
            continue
        part = min(held, key=lambda p: held[p] / WANTED[p])
        if held[part] < WANTED[part] and clip.seconds >= SHORTEST:
            held[part] += clip.speech_seconds
        elif short < SHORT_COUNT and SHORT_BOUNDS[0] <= clip.seconds <= SHORT_BOUNDS[1]:
            part, short = "call", short + 1
        else:
            continue
        taken.add(family(clip.name))
        chosen.append((part, clip))
    if any(held[part] < WANTED[part] for part in WANTED) or short < SHORT_COUNT:
        sys.exit(f"not enough speech: {held}, {short} short clips")
    return sorted(chosen, key=lambda pair: pair[0] != "enroll")


def voices(packages, versions, out):
    for source in SOURCES:
        for number, (part, clip) in enumerate(choose(candidates(source, packages)), start=1):
            path = out / source.person / f"{number:02}.flac"
            flac_files.write(path, clip.samples, RATE)
            yield {
                "path": path.relative_to(out), "person": source.person, "part": part,
                "language": source.language, "gender": source.gender,
                "seconds": f"{clip.seconds:.3f}", "speech_seconds": f"{clip.speech_seconds:.2f}",
                "package": source.package, "package_version": versions[source.package],
                "original_name": f"{source.folder}/{clip.name}", "original_encoding": source.encoding,
                "original_sha256": clip.digest, "sha256": sha256(path.read_bytes()),
            }


def music(packages, versions, out):
    for excerpt in MUSIC:
        original = packages / MUSIC_PACKAGE / "usr/share/asterisk/moh" / excerpt.original
        start = excerpt.start_s * RATE
        path = out / f"{excerpt.name}.flac"
        flac_files.write(path, decode(original, "pcm16")[start:start + MUSIC_SECONDS * RATE], RATE)
        yield {
            "path": path.relative_to(out), "start_s": excerpt.start_s, "seconds": MUSIC_SECONDS,
            "package": MUSIC_PACKAGE, "package_version": versions[MUSIC_PACKAGE],
            "original_name": excerpt.original, "original_sha256": sha256(original.read_bytes()),
            "sha256": sha256(path.read_bytes()),
        }


def make(out, rows):
    """Fills the folder anew, so that no file of an older choice stays."""
    shutil.rmtree(out, ignore_errors=True)
    out.mkdir(parents=True)
    rows = list(rows)
    with open(out / "manifest.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0].keys(), lineterminator="\n")
        writer.writeheader()
        writer.writerows(rows)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--packages", type=Path, required=True, help="folder of unpacked packages")
    parser.add_argument("--versions", type=Path, required=True, help="lines `package version`")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    versions = dict(line.split() for line in arguments.versions.read_text().splitlines())
    make(arguments.out / "voices", voices(arguments.packages, versions, arguments.out / "voices"))
    make(arguments.out / "music", music(arguments.packages, versions, arguments.out / "music"))


if __name__ == "__main__":
    main()
