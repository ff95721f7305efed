#!/usr/bin/env bash
# Makes the Python environment of the make.py and prove.py scripts here and
# prints its interpreter. Instant when it is already there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/../scripts/apt.sh"
# shellcheck source=scripts/venv.sh
. "$here/../scripts/venv.sh"

# PyTorch runs the source network that prove.py compares with.
need_apt python3-torch
ready_venv models-venv "$here/requirements.txt"
