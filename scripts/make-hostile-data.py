#!/usr/bin/env python3
"""Makes tests/data/hostile: the small files that the bad-input tests send.
Standard library and `flac` only; make-test-data.sh calls this. The same bytes
each time. tests/data/README.md says what each file is and what is expected.
"""

import argparse
import array
import csv
import math
import shutil
import struct
import sys
from pathlib import Path

import flac_files
from flac_files import to_bytes

RATE = 8000
PCM, FLOAT, MU_LAW = 1, 3, 7
LOUDEST = 32767


def wav(data, coding=PCM, channels=1, rate=RATE, bits=16, claimed_size=None, extension=True):
    """A WAV file. The format chunk says what it is told, sense or not, and
    `claimed_size` stands in the header in place of the data's true size. What
    is not PCM has an extension's length (0) after its format, as it should
    have and as some recorders leave out."""
    size = len(data) if claimed_size is None else claimed_size
    block = max(channels, 1) * bits // 8 % 65536
    form = struct.pack("<HHIIHH", coding, channels, rate, rate * block % 2**32, block, bits)
    if coding != PCM and extension:
        form += struct.pack("<H", 0)
    riff = min(len(form) + size + 20, 2**32 - 1)
    return b"".join((b"RIFF", struct.pack("<I", riff), b"WAVEfmt ", struct.pack("<I", len(form)), form,
                     b"data", struct.pack("<I", size), data))


def clamp(value):
    return max(-LOUDEST - 1, min(LOUDEST, round(value)))


def scaled(samples, gain, offset=0):
    return [clamp(gain * value + offset) for value in samples]


def resample(samples, rate):
    """Windowed-sinc interpolation to a higher rate, 32 taps and a Hann window."""
    half, step = 16, math.gcd(RATE, rate)
    up, down = rate // step, RATE // step
    phases = []
    for phase in range(up):
        offsets = [tap - half + 1 - phase / up for tap in range(2 * half)]
        phases.append([(math.sin(math.pi * t) / (math.pi * t) if t else 1.0)
                       * (0.5 + 0.5 * math.cos(math.pi * t / half)) for t in offsets])
    padded = [0] * (half - 1) + list(samples) + [0] * (half + 1)
    return [clamp(sum(a * b for a, b in zip(phases[n * down % up], padded[n * down // up:])))
            for n in range(len(samples) * up // down)]


def turns(first, second, seconds, count):
    """Two voices by turns, each speaking on where it stopped."""
    length, out = int(seconds * RATE), array.array("h")
    for turn in range(count):
        speaker = (first, second)[turn % 2]
        out.extend(speaker[turn // 2 * length:(turn // 2 + 1) * length])
    return out


def bytes_that_lie(voice):
    """Name and bytes of files whose header is wrong, or that are no audio."""
    short = to_bytes(voice[:RATE // 4])
    whole = wav(to_bytes(voice[:2 * RATE]))
    yield "not-audio.wav", b"caller,agent,started\n+86 10 5555 0100,17,2024-05-01T09:00:00Z\n" * 20
    yield "zero-length.wav", b""
    yield "header-only.wav", wav(b"")
    yield "truncated-header.wav", whole[:30]
    # The last byte is half a sample.
    yield "truncated.wav", whole[:44 + RATE + 1]
    yield "lying-data-size.wav", wav(short, claimed_size=0x70000000)
    yield "thirty-hours-claimed.wav", wav(short, claimed_size=30 * 3600 * 2 * RATE)
    yield "lying-channels.wav", wav(short, channels=65535)
    yield "zero-channels.wav", wav(short, channels=0)
    yield "zero-rate.wav", wav(short, rate=0)
    yield "nan-float.wav", nan_float(voice[:RATE // 4])
    # 0xFF is zero in mu-law.
    yield "silence-10s.wav", wav(b"\xff" * (10 * RATE), coding=MU_LAW, bits=8)
    yield "short-format.wav", wav(b"\xff\x7f" * (RATE // 8), coding=MU_LAW, bits=8, extension=False)
    yield "odd-bytes.pcm", short[:-1]


def nan_float(samples):
    floats = array.array("f", (value / 32768 for value in samples))
    floats[1000], floats[1500] = math.nan, math.inf
    if sys.byteorder == "big":
        floats.byteswap()
    return wav(floats.tobytes(), coding=FLOAT, bits=32)


def write_flacs(voice, other, out):
    """Well-formed FLAC files (one is then cut) that no voiceprint is made of
    as they are. Some are made quieter only to be smaller."""
    second = voice[:RATE]
    flac_files.write(out / "dc-offset.flac", scaled(voice[:int(2.5 * RATE)], 0.25, LOUDEST // 2), RATE)
    flac_files.write(out / "clipped.flac", scaled(voice[:4 * RATE], 20), RATE)
    flac_files.write(out / "44k1.flac", resample(scaled(voice[:3 * RATE], 0.25), 44100), 44100)
    flac_files.write(out / "192k.flac", resample(scaled(second, 0.25), 192000), 192000)
    six = array.array("h", bytes(2 * 6 * RATE))
    six[0::6], six[1::6] = second, other[:RATE]
    flac_files.write(out / "six-channels.flac", six, RATE, channels=6)
    flac_files.write(out / "two-voices.flac", scaled(turns(voice, other, 4.5, 4), 0.25), RATE)
    # The longest block that FLAC allows keeps three hours of nothing small.
    nothing = array.array("h", bytes(2 * 3 * 3600 * RATE))
    flac_files.write(out / "silence-3h.flac", nothing, RATE, options=("--lax", "--blocksize=65535"))
    cut = out / "truncated.flac"
    flac_files.write(cut, second, RATE)
    cut.write_bytes(cut.read_bytes()[:4000])


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--voices", type=Path, required=True, help="folder of voices with its manifest.csv")
    parser.add_argument("--out", type=Path, required=True)
    arguments = parser.parse_args()
    first = {}
    with open(arguments.voices / "manifest.csv", encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file):
            first.setdefault(row["person"], arguments.voices / row["path"])
    voice, other = flac_files.read(first["carlo"]), flac_files.read(first["june"])
    shutil.rmtree(arguments.out, ignore_errors=True)
    arguments.out.mkdir(parents=True)
    for name, data in bytes_that_lie(voice):
        (arguments.out / name).write_bytes(data)
    write_flacs(voice, other, arguments.out)


if __name__ == "__main__":
    main()
