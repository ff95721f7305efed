#!/usr/bin/env bash
# Makes the Python environment of the training (PyTorch with CUDA, 7 GB on disk) and prints its
# interpreter; sox brings the real GSM 06.10 and AMR-NB encoders. Instant when it is already there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/../../../scripts/apt.sh"
# shellcheck source=scripts/venv.sh
. "$here/../../../scripts/venv.sh"

# g++: the network is compiled for the machine it is trained on.
need_apt sox libsox-fmt-all g++
ready_venv distill-venv "$here/requirements.txt"
