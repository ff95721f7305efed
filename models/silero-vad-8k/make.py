#!/usr/bin/env python3
"""Makes silero_vad_8k.onnx out of the file its authors published.

The same bytes come out each time; see ../README.md for how to run it.
"""

import sys
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
sys.path.insert(0, str(FOLDER.parent / "tools"))

from model_facts import require_declared  # noqa: E402
from network import build, published_weights  # noqa: E402
from onnx_graph import save  # noqa: E402
from pinned_wheel import PinnedWheel, sha256_of  # noqa: E402

WHEEL = PinnedWheel(
    "silero-vad", "6.2.3", "7b7f5436cfcb02fae583a05b512ea96467fd449fe54cb49a5e4f06c51a1e43b8"
)
PUBLISHED = "silero_vad/data/silero_vad.onnx"
PUBLISHED_SHA256 = "1a153a22f4509e292a94e67d6f9b85e8deb25b4988682b7e174c65279d8788e3"


def published_model() -> bytes:
    return WHEEL.read(PUBLISHED, PUBLISHED_SHA256)


def main() -> None:
    output = FOLDER / "silero_vad_8k.onnx"
    model = build(published_weights(published_model()))
    data = save(model, output)
    print(f"{output.name}: {len(data)} bytes, {len(model.graph.node)} nodes, "
          f"sha256 {sha256_of(data)}")
    require_declared(FOLDER, data)


if __name__ == "__main__":
    main()
