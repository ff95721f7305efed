#!/usr/bin/env bash
# Puts cargo-deny (MIT or Apache-2.0) into the user's cache, built from its published source at a
# pinned version with its own lock file, and prints its path. Instant when it is already there.
set -euo pipefail

version=0.20.2
root=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/cargo-deny/$version

if [ ! -x "$root/bin/cargo-deny" ]; then
    # Only licences, sources and bans are checked, so it is built for a short build, not for speed.
    CARGO_PROFILE_RELEASE_LTO=off CARGO_PROFILE_RELEASE_OPT_LEVEL=1 CARGO_PROFILE_RELEASE_CODEGEN_UNITS=16 \
        CARGO_TARGET_DIR="$root/build" \
        cargo install --quiet --locked --version "$version" --root "$root" cargo-deny >&2
    rm -rf "$root/build"
fi
echo "$root/bin/cargo-deny"
