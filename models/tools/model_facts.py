"""The model.toml beside a model's weights."""

import sys
import tomllib
from pathlib import Path

from pinned_wheel import sha256_of


def read_facts(folder: Path) -> dict:
    return tomllib.loads((folder / "model.toml").read_text(encoding="utf-8"))


def require_declared(folder: Path, weights: bytes) -> None:
    """Stops when the weights just made are not those that model.toml declares."""
    declared = read_facts(folder)["sha256"]
    if sha256_of(weights) != declared:
        sys.exit(f"model.toml declares other weights: sha256 {declared}")
