#!/usr/bin/env python3
"""The tables of docs/evaluation.md, from the folders that run.sh made.

    tables.py OUT"""

import csv
import json
import sys
from pathlib import Path

SYSTEMS = [("mfcc", "Gaussian of MFCCs (trivial)"), ("peer", "network as published: whole call, cosine"), ("earmark", "**Earmark**")]
SECONDS = [3, 5, 10, 20]
RATES = [0.001, 0.003, 0.01, 0.03]


def percent(x: float) -> str:
    return f"{100 * x:.2f} %"


def interval(estimate: dict) -> str:
    low, high = estimate.get("interval") or (None, None)
    return "" if low is None else f" [{100 * low:.2f}, {100 * high:.2f}]"


def verification(out: Path) -> None:
    print("| speech | system | targets | non-targets | EER [95 %] | min DCF(0.01) | actual | min DCF(0.05) | actual | Cllr | min Cllr |")
    print("|---|---|---|---|---|---|---|---|---|---|---|")
    for seconds in SECONDS:
        metrics = json.loads((out / f"verify-{seconds}s" / "metrics.json").read_text())
        for key, title in SYSTEMS:
            m = metrics["systems"].get(key)
            if m is None:
                continue
            cells = [f"{seconds} s", title, f"{m['targets']:,}", f"{m['nontargets']:,}", percent(m["eer"]["value"]) + interval(m["eer"])]
            for point in m["operating_points"]:
                actual = point.get("actual_dcf")
                cells += [f"{point['min_dcf']['value']:.3f}", f"{actual['value']:.3f}" if actual else ""]
            cllr = m.get("cllr")
            cells += [f"{cllr['value']:.3f}" if cllr else "", f"{m['min_cllr']['value']:.3f}"]
            print("| " + " | ".join(cells) + " |")


def best(path: Path) -> list[tuple[bool, bool, float]]:
    """(listed, right, LLR) of each probe's first entry; minus infinity without one."""
    found = {}
    for row in csv.DictReader(open(path, newline="")):
        if row["rank"] in ("1", ""):
            llr = float(row["llr"]) if row["llr"] else float("-inf")
            found[row["recording"]] = (row["listed"] == "1", row["entry"] == row["speaker"], llr)
    return list(found.values())


def identification(out: Path) -> None:
    """Both directions of the list together: each half of the people is listed once."""
    print("| speech | listed | calls of listed | calls of others | " + " | ".join(f"found at {100 * r:g} %" for r in RATES) + " | tagged at the shipped threshold | others tagged there |")
    print("|---|---|---|---|" + "---|" * (len(RATES) + 2))
    for seconds in SECONDS:
        probes, sizes, found, false = [], [], [0, 0], [0, 0]
        for side in ("", "-swapped"):
            folder = out / f"identify-{seconds}s{side}"
            metrics = json.loads((folder / "metrics.json").read_text())
            sizes.append(metrics["list_size"])
            for total, key in ((found, "found"), (false, "false_tags")):
                total[0] += metrics["tags"][key]["count"]
                total[1] += metrics["tags"][key]["total"]
            probes += best(folder / "scores.csv")
        others = sorted((llr for listed, _, llr in probes if not listed), reverse=True)
        mine = [(right, llr) for listed, right, llr in probes if listed]
        cells = [f"{seconds} s", "/".join(map(str, sizes)), str(len(mine)), str(len(others))]
        for rate in RATES:
            # The highest threshold that tags no more than the rate.
            allowed = int(rate * len(others))
            threshold = others[allowed]
            hits = sum(right and llr > threshold for right, llr in mine)
            few = " (few)" if rate * len(others) < 1 else ""
            cells.append(f"{100 * hits / len(mine):.1f} %{few}")
        cells.append(f"{100 * found[0] / found[1]:.1f} %")
        cells.append(f"{false[0]} of {false[1]}")
        print("| " + " | ".join(cells) + " |")


def main() -> None:
    out = Path(sys.argv[1])
    print("### Verification\n")
    verification(out)
    print("\n### Identification\n")
    identification(out)


if __name__ == "__main__":
    main()
