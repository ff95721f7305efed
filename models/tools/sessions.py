"""ONNX Runtime, set up as Earmark sets it up: one thread."""

import time

import onnxruntime


def session(model) -> onnxruntime.InferenceSession:
    """A session for a path or for the bytes of a model."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])


def best_seconds(call, repeats: int) -> float:
    """The fastest of several calls: what the machine can do when left alone."""
    call()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - start)
    return min(seconds)
