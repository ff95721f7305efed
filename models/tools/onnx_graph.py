"""A small builder of ONNX graphs: the same calls give the same bytes."""

from pathlib import Path

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

# The oldest that has all we use: any ONNX Runtime since 1.12 reads it.
OPSET = 17
IR_VERSION = 8


class OnnxGraph:
    def __init__(self, name: str):
        self.name = name
        self._nodes = []
        self._weights = {}
        self._shapes = []

    def weight(self, name: str, values) -> str:
        """An initializer; asking again for the same name gives the first one."""
        if name not in self._weights:
            self._weights[name] = numpy_helper.from_array(np.ascontiguousarray(values), name)
        return name

    def floats(self, name: str, values) -> str:
        return self.weight(name, np.asarray(values, np.float32))

    def integers(self, name: str, *values: int) -> str:
        return self.integers_of(name, values)

    def integers_of(self, name: str, values) -> str:
        return self.weight(name, np.asarray(values, np.int64))

    def node(self, operator: str, name: str, *inputs: str, **attributes) -> str:
        """A node with one output; node and output carry the same name."""
        return self.node_of(operator, name, [name], *inputs, **attributes)[0]

    def node_of(self, operator: str, name: str, outputs: list[str], *inputs: str, **attributes):
        self._nodes.append(helper.make_node(operator, inputs, outputs, name, **attributes))
        return outputs

    def shape(self, value: str, dimensions: list) -> str:
        """Declares what shape inference cannot see: that two lengths are one."""
        self._shapes.append(helper.make_tensor_value_info(value, TensorProto.FLOAT, dimensions))
        return value

    def model(self, inputs: dict, outputs: dict, facts: dict) -> onnx.ModelProto:
        """The checked model; `inputs` and `outputs` map names to shapes."""
        graph = helper.make_graph(
            self._nodes, self.name, _signature(inputs), _signature(outputs),
            list(self._weights.values()), value_info=self._shapes,
        )
        model = helper.make_model(
            graph, producer_name="earmark", ir_version=IR_VERSION,
            opset_imports=[helper.make_opsetid("", OPSET)],
        )
        helper.set_model_props(model, facts)
        onnx.checker.check_model(model, full_check=True)
        return model


def _signature(values: dict) -> list:
    return [helper.make_tensor_value_info(name, TensorProto.FLOAT, shape)
            for name, shape in values.items()]


def save(model: onnx.ModelProto, path: Path) -> bytes:
    """Writes the model and gives its bytes."""
    data = model.SerializeToString(deterministic=True)
    path.write_bytes(data)
    return data
