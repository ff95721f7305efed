"""Makes speaker.onnx: a tiny network that has the form of a speaker model and knows no voices.

Its settings differ from the shipped model's wherever they can: 8 kHz, 40 mel bands, Hamming window,
16 bit amplitude, no mean taken off, 24 dimensions, output not scaled. Needs numpy and onnx:
    python make.py && sha256sum speaker.onnx
"""

import numpy as np
from onnx import TensorProto, checker, helper, numpy_helper, save

MELS, DIMENSION = 40, 24
random = np.random.default_rng(7)


def weights(name, *shape):
    return numpy_helper.from_array(random.normal(0, 0.2, shape).astype(np.float32), name)


graph = helper.make_graph(
    [
        helper.make_node("MatMul", ["features", "project"], ["projected"]),
        helper.make_node("Tanh", ["projected"], ["bounded"]),
        helper.make_node("ReduceMean", ["bounded"], ["pooled"], axes=[1], keepdims=0),
        helper.make_node("MatMul", ["pooled", "turn"], ["embedding"]),
    ],
    "tiny-speaker",
    [helper.make_tensor_value_info("features", TensorProto.FLOAT, ["batch", "frames", MELS])],
    [helper.make_tensor_value_info("embedding", TensorProto.FLOAT, ["batch", DIMENSION])],
    [weights("project", MELS, DIMENSION), weights("turn", DIMENSION, DIMENSION)],
)
model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
checker.check_model(model)
save(model, "speaker.onnx")
