#!/usr/bin/env python3
"""Self-distillation of CAM++ for the telephone: the student hears a simulated call and must give the
voiceprint that the teacher, the published network, gives for the clean original. No labels of
speakers are needed but to know which voices are others.

    train.py --pairs pairs --teacher campplus_cn_en_common.pt --out run --steps 4000

The loss is 1 - cos(student - mean, teacher - mean) + 0.3 InfoNCE at scale 20 against clean voices of
other speakers. Batch norms keep the teacher's statistics. On two cores a step of 24 calls of 3 s
takes under a second; a GPU is used where there is one. Ends with run/student.pt (the running mean
of the weights), and goes on where it was stopped when started again."""

import argparse
import json
import math
import time
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F

from campplus import CamPlusPlus, load

# Frames a crop and crops a batch: 2 to 4.5 s, so that the student serves live windows and whole calls.
CROPS = [(200, 36), (300, 24), (450, 16)]
NEGATIVES, SCALE, CONTRAST = 512, 20.0, 0.3
WARM_UP = 150
KEEP = 0.998  # of the running mean of the weights, a step
HELD_OUT = 25  # every so manieth speaker is only listened to


class Pairs:
    """All pairs in memory; frames in half precision."""

    def __init__(self, folder: Path):
        parts = [np.load(p) for p in sorted(folder.glob("part-*.npz"))]
        self.frames = [p["frames"] for p in parts]
        lengths = [p["lengths"] for p in parts]
        self.place = np.concatenate([np.stack([np.full(len(n), i), np.cumsum(np.r_[0, n[:-1]]), n], 1) for i, n in enumerate(lengths)])
        targets = torch.from_numpy(np.concatenate([p["targets"] for p in parts]))
        self.owners = np.concatenate([p["owners"] for p in parts])
        held = self.owners % HELD_OUT == 0
        self.train, self.held_out = np.flatnonzero(~held), np.flatnonzero(held)
        # Every speaker counts once.
        people = np.unique(self.owners[self.train])
        self.mean = torch.stack([targets[torch.from_numpy(self.train[self.owners[self.train] == w])].mean(0) for w in people]).mean(0)
        self.targets = F.normalize(targets - self.mean, dim=1)

    def crop(self, pair: int, length: int, rng: np.random.Generator) -> np.ndarray:
        part, start, total = self.place[pair]
        begin = start + (rng.integers(total - length + 1) if total > length else 0)
        out = self.frames[part][begin : min(begin + length, start + total)].astype(np.float32)
        if len(out) < length:
            out = np.resize(out, (length, out.shape[1]))
        return out - out.mean(0)

    def batch(self, seed: int, step: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
        """Calls, their targets, other voices, and which of those are the caller's own after all."""
        rng = np.random.default_rng([seed, step])
        length, size = CROPS[step % len(CROPS)]
        rows = rng.choice(self.train, size, replace=False)
        others = rng.choice(self.train, NEGATIVES, replace=False)
        own = torch.from_numpy(self.owners[rows][:, None] == self.owners[others][None])
        calls = torch.from_numpy(np.stack([self.crop(r, length, rng) for r in rows]))
        return calls, self.targets[rows], self.targets[others], own


def loss_of(output: torch.Tensor, mean: torch.Tensor, target: torch.Tensor, others: torch.Tensor, own: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
    """The loss, and the mean cosine to the target."""
    student = F.normalize(F.normalize(output.float(), dim=1) - mean, dim=1)
    cosine = (student * target).sum(1)
    against = (student @ others.T).masked_fill(own, -math.inf)
    logits = SCALE * torch.cat([cosine[:, None], against], 1)
    contrast = F.cross_entropy(logits, torch.zeros(len(logits), dtype=torch.long, device=logits.device))
    return (1 - cosine).mean() + CONTRAST * contrast, cosine.mean()


def rate(step: int, steps: int) -> float:
    return min((step + 1) / WARM_UP, max((steps - step) / max(steps - WARM_UP, 1), 0.01))


@torch.no_grad()
def held_out_cosine(network: CamPlusPlus, pairs: Pairs, device: torch.device, count: int = 96) -> float:
    rng = np.random.default_rng(0)
    rows = rng.permutation(pairs.held_out)[:count]
    got = []
    for chunk in np.array_split(rows, max(len(rows) // 24, 1)):
        calls = torch.from_numpy(np.stack([pairs.crop(r, 300, rng) for r in chunk])).to(device)
        student = F.normalize(F.normalize(network(calls), dim=1) - pairs.mean.to(device), dim=1)
        got.append((student * pairs.targets[chunk].to(device)).sum(1).cpu())
    return float(torch.cat(got).mean())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--pairs", type=Path, required=True, help="what pairs.py wrote")
    parser.add_argument("--teacher", type=Path, required=True, help="the published checkpoint, where the student starts")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=4000)
    parser.add_argument("--rate", type=float, default=1.2e-4)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--compile", action="store_true", help="a quarter faster on two cores; watch that the loss stays a number")
    args = parser.parse_args()
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(args.threads)
    torch.set_flush_denormal(True)
    torch.manual_seed(args.seed)
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    pairs = Pairs(args.pairs)
    student = load(args.teacher).to(device)
    average = load(args.teacher).to(device)
    optimizer = torch.optim.AdamW(student.parameters(), lr=args.rate, weight_decay=0.0)
    begin, saved = 0, args.out / "last.pt"
    if saved.exists():
        state = torch.load(saved, map_location=device, weights_only=True)
        student.load_state_dict(state["student"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        begin = state["step"]
    (args.out / "settings.json").write_text(json.dumps({k: str(v) for k, v in vars(args).items()} | {"pairs_used": len(pairs.train), "torch": torch.__version__}, indent=1))
    run = torch.compile(student, dynamic=False) if args.compile else student
    mean = pairs.mean.to(device)
    print(f"{len(pairs.train)} pairs, {len(pairs.held_out)} held out, on {device}; teacher {held_out_cosine(average, pairs, device):.4f}", flush=True)

    told, since = [], time.time()
    for step in range(begin, args.steps):
        for group in optimizer.param_groups:
            group["lr"] = args.rate * rate(step, args.steps)
        calls, *rest = (t.to(device) for t in pairs.batch(args.seed, step))
        with torch.autocast(device.type, dtype=torch.bfloat16):
            output = run(calls)
        loss, cosine = loss_of(output, mean, *rest)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 5.0)
        optimizer.step()
        with torch.no_grad():
            keep = min(KEEP, (step + 1) / (step + 10))
            for a, s in zip(average.parameters(), student.parameters(), strict=True):
                a.lerp_(s, 1 - keep)
        told.append((float(loss.detach()), float(cosine.detach())))
        if (step + 1) % 25 == 0:
            l, c = np.mean(told, axis=0)
            print(f"step {step + 1}: loss {l:.4f}, cosine {c:.4f}, {(time.time() - since) / len(told):.2f} s a step", flush=True)
            told, since = [], time.time()
        if (step + 1) % 200 == 0 or step + 1 == args.steps:
            state = {"student": student.state_dict(), "average": average.state_dict(), "optimizer": optimizer.state_dict(), "step": step + 1}
            torch.save(state, args.out / "new.pt")
            (args.out / "new.pt").rename(saved)
            print(f"step {step + 1}: held-out cosine {held_out_cosine(average, pairs, device):.4f}", flush=True)
            since = time.time()
    torch.save({k: v.cpu() for k, v in average.state_dict().items()}, args.out / "student.pt")


if __name__ == "__main__":
    main()
