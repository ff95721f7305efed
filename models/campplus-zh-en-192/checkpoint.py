"""Reads a PyTorch checkpoint into NumPy arrays, without PyTorch and without
running anything the file says: only tensors of the listed types are built."""

import io
import pickle
import zipfile
from collections import OrderedDict

import numpy as np

STORAGE_TYPES = {
    "FloatStorage": np.dtype("<f4"),
    "LongStorage": np.dtype("<i8"),
}


def read_checkpoint(data: bytes) -> dict[str, np.ndarray]:
    """The state dict of a file that `torch.save` wrote (the zip format)."""
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        (index,) = [name for name in archive.namelist() if name.endswith("/data.pkl")]
        folder = index.removesuffix("data.pkl")
        state = _TensorUnpickler(archive, folder, archive.read(index)).load()
    if not all(isinstance(value, np.ndarray) for value in state.values()):
        raise ValueError("the checkpoint is not a plain state dict")
    return dict(state)


class _TensorUnpickler(pickle.Unpickler):
    def __init__(self, archive: zipfile.ZipFile, folder: str, index: bytes):
        super().__init__(io.BytesIO(index))
        self._archive = archive
        self._folder = folder

    def find_class(self, module: str, name: str):
        if (module, name) == ("torch._utils", "_rebuild_tensor_v2"):
            return _tensor
        if (module, name) == ("collections", "OrderedDict"):
            return OrderedDict
        if module == "torch" and name in STORAGE_TYPES:
            return STORAGE_TYPES[name]
        raise pickle.UnpicklingError(f"{module}.{name} does not belong into a state dict")

    def persistent_load(self, reference):
        kind, dtype, key, _device, _length = reference
        if kind != "storage":
            raise pickle.UnpicklingError(f"unknown reference: {kind}")
        return np.frombuffer(self._archive.read(f"{self._folder}data/{key}"), dtype)


def _tensor(storage, offset, size, stride, _requires_grad=False, _hooks=None, _metadata=None):
    strides = [step * storage.itemsize for step in stride]
    return np.lib.stride_tricks.as_strided(storage[offset:], size, strides).copy()
