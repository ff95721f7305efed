#!/usr/bin/env bash
# Brings the AMR-NB codec that `earmark simulate` loads at run time; silent and instant when it is
# there. Only simulation needs it: a server does without.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/apt.sh"

need_apt libopencore-amrnb0
