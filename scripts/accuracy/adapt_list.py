#!/usr/bin/env python3
"""The list for `earmark adapt` of the calls that `earmark simulate` made.

    adapt_list.py --calls train-calls --people everybody.csv [--without adults.csv] --out list.csv

--people has the columns speaker,set,gender; minors and people of one recording are trained on but
never in a figure. --without leaves the speakers of a list out."""

import argparse
import csv
import json
from pathlib import Path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--calls", type=Path, required=True)
    parser.add_argument("--people", type=Path, required=True)
    parser.add_argument("--without", type=Path)
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args()
    people = {row["speaker"]: row for row in rows(args.people)}
    count = {name: 0 for name in people}
    for row in rows(args.people):
        count[row["speaker"]] += 1
    left_out = {row["speaker"] for row in rows(args.without)} if args.without else set()
    with open(args.calls / "manifest.jsonl") as calls, open(args.out, "w", newline="") as file:
        out = csv.writer(file)
        out.writerow(["recording", "speaker", "session", "side", "use", "set", "gender", "codec"])
        for line in calls:
            call = json.loads(line)
            speaker = call["speaker"]
            if call["kind"] != "speech" or speaker in left_out:
                continue
            person = people[speaker]
            minor = person["set"] == "speechocean_minor"
            # Alone, minors are all there is to report on.
            use = "single" if count[speaker] == 1 else "train" if minor and not left_out else "report"
            # The halves of a speaker's recordings are what never meets in a trial.
            # One recording makes strangers of both sides and no target.
            side = "" if use == "single" else call["role"]
            out.writerow([(args.calls / call["recording"]).resolve(), speaker, call["half"], side, use, person["set"], person["gender"], "+".join(call["channel"]["codecs"])])


def rows(path: Path) -> list[dict]:
    with open(path, newline="") as file:
        return list(csv.DictReader(file))


if __name__ == "__main__":
    main()
