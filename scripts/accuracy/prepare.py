#!/usr/bin/env python3
"""Sorts the development speech for the accuracy figures: who is tested, who is trained on, and
which noises and rooms belong to which side.

    prepare.py --speech ../speech --out target/accuracy

writes adults.csv (adults with several recordings: tested), others.csv (minors and people with one
recording: trained on), everybody.csv, for `earmark simulate`; and folders of links to noises and
rooms, for training and for testing apart."""

import argparse
import csv
from collections import Counter
from pathlib import Path

# The same split as in models/campplus-phone-192/distill/channels.py.
TRAINING = {
    "speechbrain_noise1", "speechbrain_noise3", "speechbrain_noise5", "picovoice_kitchen",
    "rir_speechbrain_rir1", "rir_speechbrain_rir2",
}
COLUMNS = ["speaker", "recording", "session", "gender", "language", "set"]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--speech", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    speech = args.speech.resolve()
    with open(speech / "manifest.csv", newline="") as file:
        rows = [row for row in csv.DictReader(file) if row["set"] != "noise"]
    count = Counter(row["speaker"] for row in rows)
    tested = [row for row in rows if row["set"] != "speechocean_minor" and count[row["speaker"]] > 1]
    others = [row for row in rows if row not in tested]
    for name, some in (("adults", tested), ("others", others), ("everybody", rows)):
        with open(args.out / f"{name}.csv", "w", newline="") as file:
            out = csv.DictWriter(file, COLUMNS, extrasaction="ignore")
            out.writeheader()
            out.writerows(row | {"recording": speech / row["path"], "speaker": row["speaker"].replace(":", "-")} for row in some)
    with open(speech / "noise" / "manifest.csv", newline="") as file:
        for row in csv.DictReader(file):
            side = "train" if row["path"].removesuffix(".flac") in TRAINING else "test"
            kind = "noises" if row["kind"] == "noise" else "rooms"
            for part in (side, "all"):
                link = args.out / f"{kind}-{part}" / row["path"]
                link.parent.mkdir(exist_ok=True)
                link.unlink(missing_ok=True)
                link.symlink_to(speech / "noise" / row["path"])


if __name__ == "__main__":
    main()
