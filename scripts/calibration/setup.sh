#!/usr/bin/env bash
# Makes the Python environment of the calibration scripts and prints its interpreter:
# a venv in the user's cache, packages pinned by hash, and sox for the real GSM 06.10
# and AMR-NB encoders. Instant when all is there already.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/../apt.sh"

pin=$(sha256sum "$here/requirements.txt" | cut -c1-12)
venv=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/calibration-$pin

need_apt sox libsox-fmt-all
if [ -x "$venv/bin/python" ] && [ -e "$venv/.complete" ]; then
    echo "$venv/bin/python"
    exit 0
fi

need_apt python3 python3-venv
if ! /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
    echo "the pinned packages are for Python 3.11, which /usr/bin/python3 is not" >&2
    exit 1
fi
/usr/bin/python3 -m venv --clear "$venv" >&2
"$venv/bin/python" -m pip install --quiet --disable-pip-version-check \
    --only-binary=:all: --require-hashes --requirement "$here/requirements.txt" >&2
touch "$venv/.complete"
echo "$venv/bin/python"
