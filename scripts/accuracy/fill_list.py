#!/usr/bin/env python3
"""Fills a watch-list with other people: their models of all their calls of the first half.

    fill_list.py --watchlist watchlist.csv --fill enroll.csv --without adults.csv --out list.csv"""

import argparse
import csv
from collections import defaultdict
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--watchlist", type=Path, required=True)
    parser.add_argument("--fill", type=Path, required=True)
    parser.add_argument("--without", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    tested = {row["speaker"] for row in rows(args.without)}
    models = defaultdict(list)
    for row in rows(args.fill):
        speaker, _half, _calls = row["model"].rsplit("-", 2)
        if speaker not in tested:
            models[speaker].append((args.fill.parent / row["recording"]).resolve())
    with open(args.out, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["model", "recording"])
        for row in rows(args.watchlist):
            out.writerow([row["model"], (args.watchlist.parent / row["recording"]).resolve()])
        for speaker, recordings in sorted(models.items()):
            out.writerows([speaker, recording] for recording in sorted(set(recordings)))


def rows(path: Path) -> list[dict]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
