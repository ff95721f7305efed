#!/usr/bin/env bash
# Brings what the tests of the desk's pages need: Chromium, Node.js and Chinese fonts from Debian, and
# the two packages of tests/browser/package-lock.json, pinned by hash, into the user's cache. Prints the
# folder that holds them. Instant when all is there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/apt.sh"

lock=$here/../tests/browser/package-lock.json
folder=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/browser
stamp=$(sha256sum <"$lock" | cut -d' ' -f1)

needed=(fonts-noto-cjk)
command -v chromium >/dev/null || needed+=(chromium)
command -v node >/dev/null || needed+=(nodejs)
if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
    command -v npm >/dev/null || needed+=(npm)
fi
need_apt "${needed[@]}"

if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
    mkdir -p "$folder"
    # Two runs at once would spoil each other's folder.
    exec 9>"$folder.lock"
    flock 9
    rm -f "$folder/stamp"
    cp "$here/../tests/browser/package.json" "$lock" "$folder/"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    echo "$stamp" >"$folder/stamp"
fi
echo "$folder"
