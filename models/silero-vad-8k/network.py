"""The 8 kHz half of Silero VAD 6 as a straight ONNX graph.

The published file holds both sample rates and looks at its input's shape and
rate in nested branches on every call; of that only the one path is kept that
an 8 kHz call takes. What is new: the first dimension counts consecutive chunks
of one recording, so that a whole recording may go through in one run.
"""

import numpy as np
import onnx
from onnx import numpy_helper

from onnx_graph import OnnxGraph

CONTEXT = 32  # samples of the chunk before
CHUNK = 256  # new samples
STATE = 128  # size of the LSTM's hidden and of its cell state

# The short-time spectrum: the samples are mirrored at their end so that four
# frames fit, and each frame is multiplied by cosines and by sines.
MIRRORED = 32
FRAME = 128
HOP = 64
BINS = FRAME // 2 + 1

# Stride and padding of the encoder's convolutions. The last one sees a single
# frame between two of padding: its middle column is all that counts.
ENCODER = [(1, 1), (2, 1), (2, 1), (1, 0)]

# Where the published file keeps the weights of its 8 kHz path.
PUBLISHED_PREFIX = "If_0_else_branch__Inline_0__"


def published_weights(model: bytes) -> dict[str, np.ndarray]:
    """The 8 kHz path's constants, under the names PyTorch gave them."""
    weights = {}
    pending = [onnx.load_model_from_string(model).graph]
    while pending:
        for node in pending.pop().node:
            for attribute in node.attribute:
                if attribute.type == onnx.AttributeProto.GRAPH:
                    pending.append(attribute.g)
                elif node.op_type == "Constant" and node.output[0].startswith(PUBLISHED_PREFIX):
                    name = node.output[0].removeprefix(PUBLISHED_PREFIX)
                    weights[name] = numpy_helper.to_array(attribute.t)
    return weights


def build(weights: dict[str, np.ndarray]) -> onnx.ModelProto:
    graph = OnnxGraph("silero_vad_8k")
    x = _magnitudes(graph, weights["stft.forward_basis_buffer"])
    x = _encoder(graph, x, weights)
    x = _recurrence(graph, x, weights)
    _probability(graph, x, weights)
    return graph.model(
        {"samples": ["chunks", CONTEXT + CHUNK], "state": [2, 1, STATE]},
        {"probability": ["chunks", 1], "state_out": [2, 1, STATE]},
        {},
    )


def _magnitudes(graph: OnnxGraph, basis: np.ndarray) -> str:
    """[chunks, 65 bins, 4 frames]"""
    length = CONTEXT + CHUNK
    mirrored = np.r_[0:length, length - 2 : length - 2 - MIRRORED : -1]
    starts = range(0, len(mirrored) - FRAME + 1, HOP)
    # Mirroring and framing at once: [sample in frame, frame].
    frames = np.stack([mirrored[start : start + FRAME] for start in starts], axis=1)

    frames = graph.integers_of("frames.samples", frames)
    x = graph.node("Gather", "frames", "samples", frames, axis=1)
    # [2 x bins, 1, samples] becomes a convolution of width 1 over frames.
    x = graph.node("Conv", "spectrum", x, graph.floats("spectrum.basis", basis.transpose(0, 2, 1)))
    real, imaginary = graph.node_of("Split", "spectrum.split", ["real", "imaginary"], x, axis=1)
    real = graph.node("Mul", "real.squared", real, real)
    imaginary = graph.node("Mul", "imaginary.squared", imaginary, imaginary)
    return graph.node("Sqrt", "magnitude", graph.node("Add", "power", real, imaginary))


def _encoder(graph: OnnxGraph, x: str, weights: dict) -> str:
    """[chunks, 128, 1]"""
    for layer, (stride, padding) in enumerate(ENCODER):
        name = f"encoder.{layer}"
        weight = weights[f"{name}.reparam_conv.weight"]
        if padding == 0:
            weight = weight[:, :, 1:2]
        x = graph.node("Conv", name, x, graph.floats(f"{name}.weight", weight),
                       graph.floats(f"{name}.bias", weights[f"{name}.reparam_conv.bias"]),
                       kernel_shape=[weight.shape[2]], strides=[stride], pads=[padding, padding])
        x = graph.node("Relu", f"{name}.relu", x)
    return x


def _recurrence(graph: OnnxGraph, x: str, weights: dict) -> str:
    """[chunks, 128], and `state_out`"""
    name = "decoder.rnn"
    x = graph.node("Reshape", "sequence", x, graph.integers("sequence.shape", -1, 1, STATE))
    hidden, cell = graph.node_of("Split", "state.split", ["hidden", "cell"], "state", axis=0)
    biases = [_onnx_gates(weights[f"{name}.{bias}"]) for bias in ("bias_ih", "bias_hh")]
    outputs, hidden, cell = graph.node_of(
        "LSTM", "lstm", ["outputs", "hidden_out", "cell_out"], x,
        graph.floats("lstm.input", _onnx_gates(weights[f"{name}.weight_ih"])[None]),
        graph.floats("lstm.recurrence", _onnx_gates(weights[f"{name}.weight_hh"])[None]),
        graph.floats("lstm.bias", np.concatenate(biases)[None]),
        "", hidden, cell, hidden_size=STATE)
    graph.node("Concat", "state_out", hidden, cell, axis=0)
    return graph.node("Reshape", "rows", outputs, graph.integers("rows.shape", -1, STATE))


def _onnx_gates(rows: np.ndarray) -> np.ndarray:
    """PyTorch stacks the gates input, forget, cell, output; ONNX input, output,
    forget, cell."""
    entry, forget, cell, output = np.split(rows, 4)
    return np.concatenate([entry, output, forget, cell])


def _probability(graph: OnnxGraph, x: str, weights: dict) -> None:
    name = "decoder.decoder.2"
    x = graph.node("Relu", "decoder.relu", x)
    x = graph.node("Gemm", "decoder", x,
                   graph.floats("decoder.weight", weights[f"{name}.weight"][0]),
                   graph.floats("decoder.bias", weights[f"{name}.bias"]))
    graph.node("Sigmoid", "probability", x)
