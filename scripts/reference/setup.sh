#!/usr/bin/env bash
# Makes the Python environment of the reference and of the gRPC clients that
# tests use, and prints its interpreter. Instant when it is already there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/../apt.sh"
# shellcheck source=scripts/venv.sh
. "$here/../venv.sh"

ready_venv venv "$here/requirements.txt" "$here/requirements-no-deps.txt"
