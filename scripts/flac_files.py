"""Reads and writes FLAC through the `flac` program, the same bytes each time:
no padding, tags or seek table."""

import array
import subprocess
import sys

RAW = ("--silent", "--force-raw-format", "--endian=little", "--sign=signed")


def from_bytes(data):
    """16-bit little-endian samples."""
    samples = array.array("h", data)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples


def to_bytes(samples):
    """The inverse of from_bytes."""
    samples = array.array("h", samples)
    if sys.byteorder == "big":
        samples.byteswap()
    return samples.tobytes()


def read(path):
    run = subprocess.run(["flac", *RAW, "--decode", "--stdout", path], check=True, stdout=subprocess.PIPE)
    return from_bytes(run.stdout)


def write(path, samples, rate, channels=1, options=()):
    """Interleaved 16-bit samples. To a file, never to a pipe, where `flac`
    can't go back to put the length and the MD5 into the header."""
    path.parent.mkdir(parents=True, exist_ok=True)
    subprocess.run(["flac", *RAW, "--force", "-8", "--no-padding", "--no-seektable", "--bps=16",
                    f"--channels={channels}", f"--sample-rate={rate}", *options,
                    f"--output-name={path}", "-"], input=to_bytes(samples), check=True)
