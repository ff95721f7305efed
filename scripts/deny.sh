#!/usr/bin/env bash
# Checks every dependency's licence, source and the bans of deny.toml.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$("$here/setup-deny.sh")" --offline --log-level error check --hide-inclusion-graph licenses bans sources
