#!/usr/bin/env bash
# Makes the Python environment (NumPy, SciPy) of the scripts here, which write the golden files that
# tests compare with, and prints its interpreter. Instant when it is already there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/../apt.sh"
# shellcheck source=scripts/venv.sh
. "$here/../venv.sh"

ready_venv golden-venv "$here/requirements.txt"
