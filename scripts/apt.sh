# Bash helper, to be sourced: `need_apt package...` installs the Debian
# packages that are missing and is silent and instant when none is.

need_apt() {
    local package missing=()
    for package in "$@"; do
        if [ "$(dpkg-query -W -f '${db:Status-Status}' "$package" 2>/dev/null)" != installed ]; then
            missing+=("$package")
        fi
    done
    [ ${#missing[@]} -gt 0 ] || return 0

    if ! command -v apt-get >/dev/null; then
        echo "needed but not installed: ${missing[*]} (this is no Debian system: install their like by hand)" >&2
        return 1
    fi
    local as_root=()
    if [ "$(id -u)" -ne 0 ]; then
        if ! command -v sudo >/dev/null; then
            echo "needed but not installed: ${missing[*]} (run as root: apt-get install ${missing[*]})" >&2
            return 1
        fi
        as_root=(sudo)
    fi

    # apt's own words go to stderr: a caller's stdout carries its result.
    _apt_install "${missing[@]}" && return 0
    # A stale or empty package list is the usual cause: refresh it, once.
    "${as_root[@]}" apt-get update >&2 && _apt_install "${missing[@]}" && return 0
    echo "apt-get could not install: ${missing[*]}" >&2
    return 1
}

# Uses `as_root` of need_apt.
_apt_install() {
    "${as_root[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -q --no-install-recommends "$@" >&2
}
