#!/usr/bin/env bash
# Brings sipp, which places the tests' telephone calls; silent and instant when it is there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/apt.sh"

need_apt sip-tester
