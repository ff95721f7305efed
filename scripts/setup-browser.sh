#!/usr/bin/env bash
# Brings what drives a real browser in the tests: Debian's Chromium, Chinese fonts for its screenshots, and
# playwright-core (Apache-2.0; a version that Debian 12's Node 18 runs), pinned by
# scripts/browser/package-lock.json. Prints the folder to name in EARMARK_BROWSER for
# scripts/browser/drive.js. Instant when all is there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/apt.sh"

need_apt chromium fonts-noto-cjk
command -v node >/dev/null || need_apt nodejs
folder=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/browser
stamp=$(sha256sum <"$here/browser/package-lock.json" | cut -d' ' -f1)
mkdir -p "$folder"
# Two runs at once would spoil each other's folder.
exec 9>"$folder.lock"
flock 9
if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
    command -v npm >/dev/null || need_apt npm
    rm -f "$folder/stamp"
    cp "$here/browser/package.json" "$here/browser/package-lock.json" "$folder/"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund >&2)
    echo "$stamp" >"$folder/stamp"
fi
echo "$folder"
