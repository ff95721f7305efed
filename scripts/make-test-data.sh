#!/usr/bin/env bash
# Makes tests/data/{voices,music,hostile} again, byte for byte, from Debian
# packages pinned by version and by hash. Needs a Debian system and about
# 110 MB in the user's cache; the tests themselves need only the committed
# files. It ends with an error if a byte came out otherwise than SHA256SUMS
# says; after a change that is meant, `make-test-data.sh --pin` writes that file.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
# shellcheck source=scripts/apt.sh
. "$here/apt.sh"

cache=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/test-data
output=$(cd "$here/.." && pwd)/tests/data
# FLAC's bytes depend on its encoder: another version gives the same samples
# in other bytes, and the check at the end would then fail.
flac_version=1.4.2

# package, version, sha256 of the .deb
packages="
asterisk-core-sounds-en-wav    1.6.1-1                  2be3ea287d83299d143815fa804f11179a75b7affd4a758b98b55f5afc18a35d
asterisk-core-sounds-fr-wav    1.6.1-1                  8d4e1bc32ed5ba7fbda40841ca1825ed20cc6232724a473c90f8bb0e53e6073e
asterisk-core-sounds-it-wav    1.6.1-1                  5a26638089e134b8ac39363fe249c5c93c50cd8bfdc9b2499ae61ec4a35e2fcb
asterisk-core-sounds-ru-wav    1.6.1-1                  ccbfaebfa450b7a9ddf644ae0f3d1e9017d5df7c0aebe816e946345589d38201
asterisk-prompt-it-menardi-wav 1:1.4.22+mm20110907-3.1  3094530d98f8758ac275572d59624c41f60969fef883f34f4886d144f3dfeb21
asterisk-prompt-fr-armelle     20070613-2.2             162570b1a9b3512a98f06b89f60c7c17cf1b9b52297315adca9a4e5be728bea3
asterisk-moh-opsound-wav       2.03-1.1                 8f9d808a729d305c2d3343993f21ca5e6829e411682618dc8ea7aa8bc24a566c
"

case "$*" in
"" | --pin) ;;
*) echo "usage: make-test-data.sh [--pin]" >&2 && exit 2 ;;
esac

verified() {
    echo "$2  $1" | sha256sum --check --status 2>/dev/null
}

# fetch PACKAGE VERSION SHA256: leaves the verified file at $cache/PACKAGE.deb.
fetch() {
    local file=$cache/$1.deb
    verified "$file" "$3" && return 0
    # _apt may not read a user's folder, and the file is verified below.
    if ! (cd "$scratch" && apt-get download -q -o APT::Sandbox::User=root "$1=$2" >&2); then
        echo "cannot download $1 $2: run apt-get update; if this Debian no longer has that version, put the file at $file" >&2
        return 1
    fi
    local got=("$scratch/$1"_*.deb)
    if ! verified "${got[0]}" "$3"; then
        echo "$1 $2 is not the file pinned here" >&2
        return 1
    fi
    mv "${got[0]}" "$file"
}

need_apt python3 flac sox libsox-fmt-base
if [ "$(flac --version)" != "flac $flac_version" ]; then
    echo "$(flac --version) found, flac $flac_version needed for the same bytes" >&2
    exit 1
fi

mkdir -p "$cache"
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
mkdir "$scratch/packages"

while read -r package version sha256; do
    [ -n "$package" ] || continue
    fetch "$package" "$version" "$sha256"
    dpkg-deb --extract "$cache/$package.deb" "$scratch/packages/$package"
    echo "$package $version" >>"$scratch/versions"
done <<<"$packages"

python3 "$here/make-test-data.py" --packages "$scratch/packages" --versions "$scratch/versions" --out "$output"
python3 "$here/make-hostile-data.py" --voices "$output/voices" --out "$output/hostile"

cd "$output"
sums() {
    find voices music hostile -type f -print0 | LC_ALL=C sort -z | xargs -0 sha256sum
}
if [ "$*" = --pin ]; then
    sums >SHA256SUMS
elif ! diff SHA256SUMS <(sums) >&2; then
    echo "these files (<: pinned, >: made) are not as pinned in $output/SHA256SUMS" >&2
    exit 1
fi
echo "as pinned: $(wc -l <SHA256SUMS) files in $output"
