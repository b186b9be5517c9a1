#!/usr/bin/env bash
# The Python module of the installation PREFIX: installed by pip in a virtual environment, without network, and as it lies in a prefix
# that was moved; alone and on several ranks.
# usage: tests/python/run.sh PREFIX WORK-FOLDER
set -uo pipefail
source=$(cd "$(dirname "$0")" && pwd)
prefix=$(realpath "$1")
work=$2
source "$source/../lib.sh"
unset PYTHONPATH COHORT_LIBRARY

rm -rf "$work"
mkdir -p "$work"
cp -a "$prefix" "$work/moved"
# Debian's own Python, for which its NumPy and mpi4py are.
check "python environment" /usr/bin/python3 -m venv --system-site-packages "$work/venv"
python=$work/venv/bin/python3
check "python pip install" "$python" -m pip install --no-index "$prefix/share/cohort/python"
check "python without compiled files" sh -c '! find "$1" -name "*.so" | grep .' sh "$work/venv"
check "python types" "$python" -m mypy --cache-dir "$work/mypy" --strict-equality "$prefix/share/cohort/python/cohort"

run() { # run COMMAND...: the tests of a file, each a line of its own
    timeout 300 "$@" 2>&1 || failed=$((failed + 1))
}
run "$python" "$source/alone.py"
run "$python" "$source/installed.py" "$prefix"
run env PYTHONPATH="$work/moved/share/cohort/python" /usr/bin/python3 "$source/installed.py" "$work/moved"
for ranks in 1 2 4; do
    check "python on $ranks ranks" mpirun.openmpi --oversubscribe -n "$ranks" "$python" "$source/ranks.py"
    check "python on $ranks ranks, by messages" env COHORT_FORCE_MESSAGES=1 mpirun.openmpi --oversubscribe -n "$ranks" "$python" \
        "$source/ranks.py"
done
exit "$((failed > 0))"
