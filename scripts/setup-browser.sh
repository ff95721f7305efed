#!/usr/bin/env bash
# Brings what drives a real browser in the tests and in `make demo-call`: Debian's Chromium, Node.js and
# Chinese fonts, and the packages of scripts/browser/package-lock.json (playwright-core and axe-core, in
# versions that Debian 12's Node 18 runs), pinned by hash, into the user's cache. Prints the folder that
# holds them. Instant when all is there.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/apt.sh"

lock=$here/browser/package-lock.json
folder=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/browser
stamp=$(sha256sum <"$lock" | cut -d' ' -f1)
needed=(fonts-noto-cjk)
command -v chromium >/dev/null || needed+=(chromium)
command -v node >/dev/null || needed+=(nodejs)
fresh=$([ "$(cat "$folder/stamp" 2>/dev/null)" = "$stamp" ] && echo yes || echo no)
[ "$fresh" = yes ] || command -v npm >/dev/null || needed+=(npm)
need_apt "${needed[@]}"
mkdir -p "$folder"
# Two runs at once would spoil each other's folder.
exec 9>"$folder.lock"
flock 9
if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
    rm -f "$folder/stamp"
    cp "$here/browser/package.json" "$lock" "$folder/"
    (cd "$folder" && npm ci --ignore-scripts --no-audit --no-fund --loglevel=error >&2)
    echo "$stamp" >"$folder/stamp"
fi
echo "$folder"
