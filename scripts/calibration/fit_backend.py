#!/usr/bin/env python3
"""Fits the back end and the calibration on simulated calls, and reports how good they are.

    fit_backend.py --calls calls --earmark target/release/earmark \\
        --out models/campplus-zh-en-192/backend --report report.md

Reported is only what is cross-validated over speakers, and only adults; what is written is fitted
on everybody."""

import argparse
import os
from pathlib import Path

# Before numpy: the same sums in the same order on every run.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import numpy as np  # noqa: E402

import backend  # noqa: E402
import bundle  # noqa: E402
import calibrate  # noqa: E402
import crossval  # noqa: E402
import curves  # noqa: E402
import report  # noqa: E402
import trials  # noqa: E402
from prints import Extractor, Print, read_calls  # noqa: E402
from trials import People, Trials  # noqa: E402

# Seconds of speech at which a live call is looked at; the product does so each second.
LOOKS = [3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 10.0, 12.0, 14.0, 16.0, 18.0, 20.0]
# The tail of false matches is measured on short and on long calls apart, and the worse counts.
SHORT = 5.0


def main() -> None:
    args = arguments()
    calls = read_calls(args.calls)
    people = People(calls)
    extractor = Extractor(args.earmark, args.calls, args.cache, args.threads)
    model, prints = extractor.run(calls)
    long = [c for c in calls if c["role"] == "report" and c["side"] == "probe" and c["seconds"] == 20]
    looks = [extractor.run(long, live_at=look)[1] for look in LOOKS]

    training = prints
    if args.unheard:
        training = [p for p in prints if p.call["channel"]["codec"] not in args.unheard]
        prints = [p for p in prints if p.call["side"] == "enroll" or p.call["channel"]["codec"] in args.unheard]
        looks = [[p for p in look if p.call["channel"]["codec"] in args.unheard] for look in looks]
    scored, systems, live = cross_validate(training, prints, looks, people)
    llr = systems["calibrated LLR"]
    at_ten = live[LOOKS.index(10.0)]
    any_look = largest(trials.concatenate([t for t, _ in live]), np.concatenate([x for _, x in live]))
    seconds = np.array([c["seconds"] for c in calls])[scored.call]
    strangers = ~scored.target & people.alike(scored)
    once = [llr[strangers & (seconds <= SHORT)], llr[strangers & (seconds > SHORT)]]
    t, x = any_look
    tails = {"false_matches": curves.curve(once), "live_false_matches": curves.curve([*once, x[~t.target & people.alike(t)]])}

    missing = missed(calls, prints, args.unheard)
    text = write_report(scored, systems, people, tails, at_ten, any_look, missing)
    print(text)
    if args.report:
        args.report.write_text(text)
    if args.out:
        final = calibrate.fit(crossval.honest_trials(training, people), crossval.KEEP)
        bundle.write(args.out, "telephone-1", model, DESCRIPTION, backend.fit(training), final, tails)


DESCRIPTION = """\\
Made by scripts/calibration from simulated telephone calls (own handset, room, noise of 8 to 25 dB,
G.711, GSM 06.10 or AMR-NB, level and packet loss a call). The mean and the whitening of what differs
between one speaker's calls are fitted on all development speakers, the calibration on trials between
speakers that their back end had not heard, the false match curves on adults, cross-validated."""


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    cache = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "earmark" / "prints"
    parser.add_argument("--calls", type=Path, required=True, help="what simulate_calls.py wrote")
    parser.add_argument("--earmark", type=Path, required=True, help="the binary that extracts")
    parser.add_argument("--cache", type=Path, default=cache, help="where voiceprints are kept (biometric data: remove it when done)")
    parser.add_argument("--threads", type=int, default=2, help="for the extraction")
    parser.add_argument("--out", type=Path, help="folder to write the back end to")
    parser.add_argument("--report", type=Path, help="Markdown file to write the figures to")
    parser.add_argument("--unheard", nargs="*", default=[], metavar="CODEC", help="fit without any call over these codecs and report on test calls over them only (alaw ulaw gsm amr)")
    return parser.parse_args()


def cross_validate(training: list[Print], prints: list[Print], looks: list[list[Print]], people: People) -> tuple[Trials, dict[str, np.ndarray], list[tuple[Trials, np.ndarray]]]:
    """The trials between adults with their scores by each system; and for each look at live calls
    its trials and their LLRs."""
    adults = [p for p in prints if people.role[p.speaker] == "report"]
    models, probes = trials.enrollments(adults), crossval.probes(adults)
    plain = backend.BackEnd(np.zeros(len(adults[0].vector)), None)
    parts: list[Trials] = []
    scores: dict[str, list[np.ndarray]] = {name: [] for name in ("cosine of the network", "mean subtracted", "mean subtracted, whitened", "calibrated LLR")}
    live: list[list[tuple[Trials, np.ndarray]]] = [[] for _ in looks]
    for back_end, calibration, wanted in crossval.fold_models(training, people):
        part = trials.make(people, models, probes, back_end, wanted)
        parts.append(part)
        centered = backend.BackEnd(back_end.mean, None)
        of = [trials.make(people, models, probes, b, wanted).cosine for b in (plain, centered)]
        for values, x in zip(scores.values(), [*of, part.cosine, calibration(part)], strict=True):
            values.append(x)
        for at, look in zip(live, looks, strict=True):
            t = trials.make(people, models, look, back_end, wanted)
            at.append((t, calibration(t)))
    joined = [(trials.concatenate([t for t, _ in at]), np.concatenate([x for _, x in at])) for at in live]
    return trials.concatenate(parts), {k: np.concatenate(v) for k, v in scores.items()}, joined


def largest(t: Trials, x: np.ndarray) -> tuple[Trials, np.ndarray]:
    """One row for each enrollment and call: that of its largest LLR."""
    order = np.lexsort((-x, t.call, t.model))
    t, x = t[order], x[order]
    first = np.r_[True, (np.diff(t.model) != 0) | (np.diff(t.call) != 0)]
    return t[first], x[first]


def missed(calls: list[dict], prints: list[Print], unheard: list[str]) -> str:
    """How many of the adults' calls no trial could use: the detector found too little speech."""
    used = {p.call["recording"] for p in crossval.probes(prints)}
    rows = []
    for seconds in report.DURATIONS:
        all = [c for c in calls if c["role"] == "report" and c["side"] == "probe" and c["seconds"] == seconds]
        all = [c for c in all if not unheard or c["channel"]["codec"] in unheard]
        rows.append(f"{sum(c['recording'] not in used for c in all)} of {len(all)} at {seconds:g} s")
    return ", ".join(rows)


def write_report(scored: Trials, systems: dict[str, np.ndarray], people: People, tails: dict[str, list[tuple[float, float]]], at_ten: tuple[Trials, np.ndarray], any_look: tuple[Trials, np.ndarray], missing: str) -> str:
    llr = systems["calibrated LLR"]
    sections = [
        ("By speech in the test call", report.by_duration(scored, llr, people, at_ten)),
        ("Calls that gave no trial", f"Test calls in which less than {trials.MIN_PROBE:g} s of speech were found: {missing}."),
        ("What each step brings", report.against(scored, systems, people)),
        ("By condition", report.by_condition(scored, llr, people)),
        ("Tags at 1 % of strangers", report.listed(scored, llr, people, tails["false_matches"], any_look, tails["live_false_matches"])),
    ]
    return "\n\n".join(f"### {title}\n\n{body}" for title, body in sections) + "\n"


if __name__ == "__main__":
    main()
