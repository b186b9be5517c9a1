#!/usr/bin/env bash
# Without root, what is missing is named and nothing is installed; the message is the command that root must run.
# usage: tests/unprivileged.sh
set -uo pipefail
root=$(cd "$(dirname "$0")/.." && pwd)
source "$root/tests/lib.sh"
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
chmod 755 "$folder"
cp "$root/cmake/dependencies.sh" "$folder"

# A dpkg-query that knows no gfortran and no mpich, and an apt-get that must not be called.
cat >"$folder/dpkg-query" <<'QUERY'
#!/bin/sh
case $3 in gfortran | mpich) exit 1 ;; esac
echo 'install ok installed'
QUERY
printf '#!/bin/sh\necho "apt-get was called"\n' >"$folder/apt-get"
printf '#!/bin/sh\necho "rustc 1.60.0 (old)"\n' >"$folder/rustc"
printf '#!/bin/sh\necho "cargo 1.60.0"\n' >"$folder/cargo"
# Of rustc it offers 1.63, and of rustc-web what OFFERED says.
cat >"$folder/apt-cache" <<'CACHE'
#!/bin/sh
case $2 in rustc-web) echo "  Candidate: ${OFFERED:-(none)}" ;; *) echo '  Candidate: 1.63.0+dfsg1-2' ;; esac
CACHE
chmod 755 "$folder"/*

as_nobody() { # as_nobody NAME STATUS TEXT GROUP...: what dependencies.sh says to a user who is not root
    local name=$1 wanted_status=$2 wanted=$3 output status=0 user=()
    shift 3
    [ "$(id -u)" -ne 0 ] || user=(setpriv --reuid=65534 --regid=65534 --clear-groups)
    output=$(cd / && "${user[@]}" env OFFERED="${OFFERED:-}" PATH="$folder:/usr/bin:/bin" "$folder/dependencies.sh" "$@" 2>&1) || status=$?
    if [ "$status" -eq "$wanted_status" ] && [ "$output" = "$wanted" ]; then
        ok "dependencies: $name"
    else
        not_ok "dependencies: $name (status $status)" "$output"
    fi
}
as_nobody "packages missing" 1 "These Debian packages are missing; install them as root: apt-get install mpich gfortran" build mpich fortran
as_nobody "an old Rust" 1 "Rust 1.88 or newer is needed (found: 1.60.0); this Debian has none, so install it with rustup" build
OFFERED=1.96.0+dfsg1-1 as_nobody "an old Rust where Debian has a newer one" 1 \
    "These Debian packages are missing; install them as root: apt-get install rustc-web cargo-web" build
as_nobody "a group that does not exist" 2 "dependencies.sh: unknown group 'gpu'; groups are build, mpi, mpich, fortran, flang, mini-app, python, benches, tests" gpu
exit "$((failed > 0))"
