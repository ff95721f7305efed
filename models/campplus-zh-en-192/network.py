"""The CAM++ speaker network as an ONNX graph.

CAM++: a fast and efficient network for speaker verification using
context-aware masking (Wang et al., Interspeech 2023, arXiv:2303.00332).

Every tensor inside is [batch, channels, height, time]: the head's height is
the frequency, everything after it has height 1. That ONNX Runtime lays out
2-D convolutions in blocks of channels, and only those, makes it 10 % faster
than the same network in 1-D. For that, the shapes declared below must say
that the mask is as long as what it masks.
"""

import numpy as np

from onnx_graph import OnnxGraph

MELS = 80
DIMENSION = 192
HEAD_CHANNELS = 32
GROWTH = 32  # channels each dense layer adds
BOTTLENECK = 128  # channels inside a dense layer
SEGMENT = 100  # half-rate frames that share one local context, 2 s
DENSE_BLOCKS = [(12, 1), (24, 2), (16, 2)]  # layers, dilation
BATCH_NORM_EPSILON = 1e-5

# Names of the two dynamic lengths; time runs at half the frame rate after `tdnn`.
HALF_TIME = "half_frames"


def build(state: dict[str, np.ndarray]):
    """The model of a state dict of 3D-Speaker's `CAMPPlus(80, 192)`."""
    return _Network(state).build()


class _Network:
    def __init__(self, state: dict[str, np.ndarray]):
        self.graph = OnnxGraph("campplus")
        self.unread = {key for key in state if not key.endswith(".num_batches_tracked")}
        self._state = state

    def build(self):
        x = self._head("features")
        x = self._half_rate(x)
        self._segment_matrices(x)
        channels = BOTTLENECK
        for block, (layers, dilation) in enumerate(DENSE_BLOCKS, 1):
            for layer in range(1, layers + 1):
                x = self._dense_layer(x, f"xvector.block{block}.tdnnd{layer}", dilation)
            channels = (channels + layers * GROWTH) // 2
            last = block == len(DENSE_BLOCKS)
            x = self._transit(x, f"xvector.transit{block}", last)
        self._pooled_embedding(x, channels)
        if self.unread:
            raise ValueError(f"weights of no known layer: {sorted(self.unread)[:5]}")
        return self.graph.model(
            {"features": ["batch", "frames", MELS]}, {"embedding": ["batch", DIMENSION]}, FACTS
        )

    # Weights

    def _read(self, name: str) -> np.ndarray:
        self.unread.discard(name)
        # Folding in double precision keeps the folded network closest to the source.
        return self._state[name].astype(np.float64)

    def _batch_norm(self, name: str, affine: bool = True):
        """Scale and offset that the batch norm comes to."""
        scale = 1 / np.sqrt(self._read(f"{name}.running_var") + BATCH_NORM_EPSILON)
        offset = -self._read(f"{name}.running_mean") * scale
        if affine:
            weight = self._read(f"{name}.weight")
            scale, offset = scale * weight, offset * weight + self._read(f"{name}.bias")
        return scale, offset

    def _folded(self, weight: str, batch_norm: str, affine: bool = True):
        """Weight and bias of a convolution with the batch norm after it."""
        scale, offset = self._batch_norm(batch_norm, affine)
        weight = self._read(weight)
        return weight * scale.reshape(-1, *[1] * (weight.ndim - 1)), offset

    # Building blocks

    def _conv(self, x: str, name: str, weight, bias=None, **attributes) -> str:
        inputs = [x, self.graph.floats(f"{name}.weight", weight)]
        if bias is not None:
            inputs.append(self.graph.floats(f"{name}.bias", bias))
        kernel = list(weight.shape[2:])
        return self.graph.node("Conv", name, *inputs, kernel_shape=kernel, **attributes)

    def _conv_relu(self, x: str, name: str, weight, bias, **attributes) -> str:
        x = self._conv(x, name, weight, bias, **attributes)
        return self.graph.node("Relu", f"{name}.relu", x)

    def _batch_norm_relu(self, x: str, name: str) -> str:
        """A batch norm before its convolution: the ReLU between forbids folding."""
        scale, offset = self._batch_norm(name)
        graph = self.graph
        x = graph.node(
            "BatchNormalization", name, x,
            graph.floats(f"{name}.scale", scale), graph.floats(f"{name}.offset", offset),
            graph.floats(f"zeros{len(scale)}", np.zeros(len(scale))),
            graph.floats(f"ones{len(scale)}", np.ones(len(scale))),
            epsilon=0.0,
        )
        return graph.node("Relu", f"{name}.relu", x)

    def _half_time(self, x: str, channels: int) -> str:
        return self.graph.shape(x, ["batch", channels, 1, HALF_TIME])

    # The network, in the order of its data flow

    def _head(self, features: str) -> str:
        """2-D residual convolutions; the frequency shrinks from 80 to 10."""
        graph = self.graph
        x = graph.node("Transpose", "head.transpose", features, perm=[0, 2, 1])
        x = graph.node("Unsqueeze", "head.unsqueeze", x, graph.integers("axis1", 1))
        x = self._conv_relu(x, "head.conv1", *self._folded("head.conv1.weight", "head.bn1"),
                            pads=[1, 1, 1, 1])
        for layer in ("head.layer1", "head.layer2"):
            x = self._residual(x, f"{layer}.0", stride=2)
            x = self._residual(x, f"{layer}.1", stride=1)
        return self._conv_relu(x, "head.conv2", *self._folded("head.conv2.weight", "head.bn2"),
                               pads=[1, 1, 1, 1], strides=[2, 1])

    def _residual(self, x: str, name: str, stride: int) -> str:
        y = self._conv_relu(
            x, f"{name}.conv1", *self._folded(f"{name}.conv1.weight", f"{name}.bn1"),
            pads=[1, 1, 1, 1], strides=[stride, 1])
        y = self._conv(
            y, f"{name}.conv2", *self._folded(f"{name}.conv2.weight", f"{name}.bn2"),
            pads=[1, 1, 1, 1])
        if stride != 1:
            x = self._conv(
                x, f"{name}.shortcut",
                *self._folded(f"{name}.shortcut.0.weight", f"{name}.shortcut.1"),
                strides=[stride, 1])
        y = self.graph.node("Add", f"{name}.add", y, x)
        return self.graph.node("Relu", f"{name}.relu", y)

    def _half_rate(self, x: str) -> str:
        """Joins channels and frequencies and halves the frame rate.

        The source flattens [channels, frequencies] and convolves over time;
        a kernel as tall as the frequencies does both without a copy.
        """
        name = "xvector.tdnn"
        weight, bias = self._folded(f"{name}.linear.weight", f"{name}.nonlinear.batchnorm")
        outputs, flattened, width = weight.shape
        weight = weight.reshape(outputs, HEAD_CHANNELS, flattened // HEAD_CHANNELS, width)
        x = self._conv_relu(x, name, weight, bias, pads=[0, 2, 0, 2], strides=[1, 2])
        return self._half_time(x, outputs)

    def _segment_matrices(self, x: str) -> None:
        """Two small matrices, made once from the length, for all masks:
        `context` [time, segments] takes the mean over all time plus the mean over each
        segment (the last may be short); `spread` [segments, time] repeats each
        segment's value over its frames."""
        graph = self.graph
        zero, one = graph.floats("zero", 0), graph.floats("one", 1)
        segment = graph.floats("segment", SEGMENT)
        axis0, axis1 = graph.integers("axis0", 0), graph.integers("axis1", 1)

        length = graph.node("Shape", "time.length", x, start=3)
        length = graph.node("Cast", "time.length.float", length, to=1)
        length = graph.node("Squeeze", "time.count", length, axis0)
        count = graph.node("Ceil", "segments.count",
                           graph.node("Div", "segments.ratio", length, segment))
        frames = graph.node("Range", "time.frames", zero, length, one)
        owner = graph.node("Floor", "time.segment",
                           graph.node("Div", "time.ratio", frames, segment))
        segments = graph.node("Range", "segments.range", zero, count, one)
        segments = graph.node("Unsqueeze", "segments.column", segments, axis1)
        spread = graph.node("Equal", "spread.equal", segments, owner)
        spread = graph.node("Cast", "spread", spread, to=1)

        frames_of = graph.node("ReduceSum", "segments.frames", spread, axis1, keepdims=1)
        context = graph.node("Div", "segments.mean", spread, frames_of)
        context = graph.node("Add", "context.rows", context,
                             graph.node("Reciprocal", "time.mean", length))
        graph.node("Transpose", "context", context, perm=[1, 0])

    def _dense_layer(self, x: str, name: str, dilation: int) -> str:
        """Adds 32 channels, masked by the context of the recording and the segment."""
        graph = self.graph
        y = self._batch_norm_relu(x, f"{name}.nonlinear1.batchnorm")
        weight, bias = self._folded(f"{name}.linear1.weight", f"{name}.nonlinear2.batchnorm")
        y = self._conv_relu(y, f"{name}.linear1", _tall(weight), bias)
        y = self._half_time(y, BOTTLENECK)

        cam = f"{name}.cam_layer"
        local = self._conv(y, f"{cam}.linear_local",
                           _tall(self._read(f"{cam}.linear_local.weight")),
                           dilations=[1, dilation], pads=[0, dilation, 0, dilation])
        mask = graph.node("MatMul", f"{cam}.context", y, "context")
        mask = self._conv_relu(mask, f"{cam}.linear1", _tall(self._read(f"{cam}.linear1.weight")),
                               self._read(f"{cam}.linear1.bias"))
        # Spread before the last step, not after it: the little work more is
        # less than laying out the mask again.
        mask = graph.node("MatMul", f"{cam}.spread", mask, "spread")
        mask = self._half_time(mask, BOTTLENECK // 2)
        mask = self._conv(mask, f"{cam}.linear2", _tall(self._read(f"{cam}.linear2.weight")),
                          self._read(f"{cam}.linear2.bias"))
        mask = graph.node("Sigmoid", f"{cam}.sigmoid", mask)
        masked = graph.node("Mul", f"{cam}.mask", self._half_time(local, GROWTH),
                            self._half_time(mask, GROWTH))
        return graph.node("Concat", f"{name}.concat", x, masked, axis=1)

    def _transit(self, x: str, name: str, last: bool) -> str:
        """Halves the channels; the last one takes the closing batch norm in."""
        x = self._batch_norm_relu(x, f"{name}.nonlinear.batchnorm")
        if not last:
            return self._conv(x, f"{name}.linear", _tall(self._read(f"{name}.linear.weight")))
        weight, bias = self._folded(f"{name}.linear.weight", "xvector.out_nonlinear.batchnorm")
        return self._conv_relu(x, f"{name}.linear", _tall(weight), bias)

    def _pooled_embedding(self, x: str, channels: int) -> None:
        """Mean and standard deviation over time (unbiased: n - 1), then one matrix."""
        graph = self.graph
        x = graph.node("Squeeze", "stats.squeeze", x, graph.integers("axis2", 2))
        mean = graph.node("ReduceMean", "stats.mean", x, axes=[2], keepdims=1)
        centred = graph.node("Sub", "stats.centred", x, mean)
        power = graph.node("ReduceSumSquare", "stats.power", centred, axes=[2], keepdims=0)
        freedom = graph.node("Sub", "stats.freedom", "time.count", "one")
        variance = graph.node("Div", "stats.variance", power, freedom)
        deviation = graph.node("Sqrt", "stats.deviation", variance)
        mean = graph.node("Squeeze", "stats.mean.squeeze", mean, "axis2")
        stats = graph.node("Concat", "stats.concat", mean, deviation, axis=1)

        weight, bias = self._folded("xvector.dense.linear.weight",
                                    "xvector.dense.nonlinear.batchnorm", affine=False)
        assert weight.shape == (DIMENSION, 2 * channels, 1)
        graph.node("Gemm", "embedding", stats, graph.floats("dense.weight", weight[:, :, 0].T),
                   graph.floats("dense.bias", bias))


def _tall(weight: np.ndarray) -> np.ndarray:
    """A 1-D convolution's weight as that of a 2-D one of height 1."""
    return weight[:, :, None, :]


# Under the names sherpa-onnx looks for, which can run this file as it is; but
# its front end is another one, so its voiceprints must not meet ours.
FACTS = {
    "framework": "3d-speaker",
    "language": "Chinese,English",
    "url": "https://modelscope.cn/models/iic/speech_campplus_sv_zh_en_16k-common_advanced",
    "comment": "CAM++ zh-en, Apache-2.0, converted by Earmark",
    "sample_rate": "16000",
    "output_dim": str(DIMENSION),
    "normalize_samples": "1",
    "feature_normalize_type": "global-mean",
}
