#!/usr/bin/python3
"""The source network itself, run by PyTorch: what prove.py compares with.

Runs under Debian's own Python, for its python3-torch; takes the folder of the
unpacked speakerlab wheel, the checkpoint, an .npz of feature arrays
[batch, frames, 80], and writes an .npz of their embeddings under the same names.
"""

import sys

import numpy as np
import torch


def main(speakerlab: str, checkpoint: str, features: str, embeddings: str) -> None:
    sys.path.insert(0, speakerlab)
    from speakerlab.models.campplus.DTDNN import CAMPPlus

    network = CAMPPlus(feat_dim=80, embedding_size=192)
    network.load_state_dict(torch.load(checkpoint, map_location="cpu"), strict=True)
    network.eval()
    torch.set_num_threads(1)
    with torch.no_grad(), np.load(features) as inputs:
        outputs = {name: network(torch.from_numpy(inputs[name])).numpy() for name in inputs.files}
    np.savez(embeddings, **outputs)


if __name__ == "__main__":
    main(*sys.argv[1:])
