#!/usr/bin/env bash
# Puts Asterisk into the user's cache and prints the folder: `<folder>/asterisk` starts it. Instant when
# it is already there. Debian 12 has no Asterisk, so it comes from Debian unstable, with all libraries it
# needs: unpacked beside the system and never installed into it, so that root is not needed either.
#
# Unstable moves. Where it no longer has the pinned version, its newest is taken and said so, and
# `<folder>/version` records what was got. EARMARK_DEBIAN_UNSTABLE names another mirror, such as a day of
# snapshot.debian.org, which keeps every version.
#
# Exit codes: 3 not Debian on x86-64, 4 the mirror was not reached, 5 something else went wrong.
set -euo pipefail

version='1:22.10.1+dfsg+~cs6.17.60671434-1'
mirror=${EARMARK_DEBIAN_UNSTABLE:-http://deb.debian.org/debian}
keys=/usr/share/keyrings/debian-archive-keyring.gpg
folder=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/asterisk

give_up() {
    echo "no Asterisk: $2" >&2
    exit "$1"
}

if [ "$(cat "$folder/wanted" 2>/dev/null)" = "$version" ]; then
    echo "$folder"
    exit 0
fi
command -v apt-get >/dev/null && command -v dpkg-deb >/dev/null && [ -r "$keys" ] ||
    give_up 3 "it is taken from Debian's packages, and this is no Debian with apt-get and $keys"
[ "$(dpkg --print-architecture)" = amd64 ] || give_up 3 "the pinned package is for amd64"

mkdir -p "$folder"
# Two runs at once would spoil each other's folder.
exec 9>"$folder.lock"
flock 9
if [ "$(cat "$folder/wanted" 2>/dev/null)" = "$version" ]; then
    echo "$folder"
    exit 0
fi
rm -rf "$folder"
mkdir -p "$folder"/{apt/state/lists/partial,apt/cache/archives/partial,root}

# An apt of its own: it knows this mirror alone, and that nothing is installed, so it brings everything.
: >"$folder/apt/status"
echo "deb [signed-by=$keys check-valid-until=no] $mirror sid main" >"$folder/apt/sources.list"
cat >"$folder/apt/apt.conf" <<CONF
Dir::Etc::sourcelist "$folder/apt/sources.list";
Dir::Etc::sourceparts "/dev/null";
Dir::Etc::preferences "/dev/null";
Dir::Etc::preferencesparts "/dev/null";
Dir::State "$folder/apt/state";
Dir::State::status "$folder/apt/status";
Dir::Cache "$folder/apt/cache";
Dir::Log "$folder/apt/log";
Acquire::Languages "none";
Acquire::Retries "3";
APT::Sandbox::User "";
APT::Install-Recommends "false";
CONF
export APT_CONFIG=$folder/apt/apt.conf

apt-get -q update >&2 && apt-cache show asterisk >/dev/null 2>&1 ||
    give_up 4 "the package lists of $mirror did not come"
wanted=asterisk=$version
if ! apt-cache madison asterisk | grep -qF " $version "; then
    wanted=asterisk
    echo "unstable no longer has asterisk $version: taking its newest" >&2
fi
apt-get -q -y --download-only install "$wanted" >&2 || give_up 4 "its packages did not come from $mirror"
for package in "$folder"/apt/cache/archives/*.deb; do
    dpkg-deb --extract "$package" "$folder/root" >&2 || give_up 5 "$package can't be unpacked"
done
dpkg-deb --field "$folder"/apt/cache/archives/asterisk_*.deb Version >"$folder/version"
rm -rf "$folder/apt"

# Through the loader it came with, since its C library is newer than this system's.
cat >"$folder/asterisk" <<'START'
#!/bin/sh
root=$(dirname "$(readlink -f "$0")")/root
lib=$root/usr/lib/x86_64-linux-gnu
exec "$root/usr/lib64/ld-linux-x86-64.so.2" --library-path "$lib" "$root/usr/sbin/asterisk" "$@"
START
chmod +x "$folder/asterisk"
"$folder/asterisk" -V >&2 || give_up 5 "what was unpacked does not start"
echo "$version" >"$folder/wanted"
echo "$folder"
