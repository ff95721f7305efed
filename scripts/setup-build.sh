#!/usr/bin/env bash
# Brings the Debian packages that the build needs; silent and instant when they are there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/apt.sh"

# faiss: a C++ compiler, cmake and a BLAS. libopus: cmake, built by its crate. GSM 06.10: libgsm.
need_apt g++ cmake make pkg-config libopenblas-dev libgsm1-dev
