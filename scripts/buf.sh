#!/usr/bin/env bash
# Runs buf (Apache-2.0) of the tests' Python environment, where it is pinned by version and sha256.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$(dirname "$("$here/reference/setup.sh")")/buf" "$@"
