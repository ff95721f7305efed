# Bash helper, to be sourced after apt.sh: `ready_venv name requirements...`
# makes the Python environment `name` in the user's cache and prints its
# interpreter. Instant while the requirements are those it was made of.
# A file named *no-deps* is installed without what its packages ask for; only
# there may be packages that have to be built.

ready_venv() {
    local name=$1 folder stamp
    shift
    folder=${XDG_CACHE_HOME:-$HOME/.cache}/earmark/$name
    stamp=$(cat "$@" | sha256sum | cut -d' ' -f1)
    if [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ]; then
        need_apt python3 python3-venv || return 1
        if ! /usr/bin/python3 -c 'import sys; sys.exit(sys.version_info[:2] != (3, 11))'; then
            echo "the requirements are pinned for Python 3.11; /usr/bin/python3 is another" >&2
            return 1
        fi
        mkdir -p "$folder" || return 1
        # Two runs at once would spoil each other's environment.
        ( flock 9 && _make_venv "$folder" "$stamp" "$@" ) 9>"$folder.lock" || return 1
    fi
    echo "$folder/bin/python"
}

_make_venv() {
    local folder=$1 stamp=$2 requirements options
    shift 2
    # Another run may have made it while this one waited.
    [ "$(cat "$folder/stamp" 2>/dev/null)" != "$stamp" ] || return 0
    rm -f "$folder/stamp"
    /usr/bin/python3 -m venv --clear "$folder" || return 1
    for requirements in "$@"; do
        case $requirements in
        *no-deps*) options=(--no-deps --no-build-isolation) ;;
        *) options=(--only-binary=:all:) ;;
        esac
        "$folder/bin/pip" install --quiet --disable-pip-version-check --require-hashes \
            "${options[@]}" --requirement "$requirements" >&2 || return 1
    done
    echo "$stamp" >"$folder/stamp"
}
