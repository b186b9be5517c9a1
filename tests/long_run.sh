#!/usr/bin/env bash
# Random programs in blocks, and a line for each block: for runs of hours. Stops at the first block that fails, which prints the smallest
# program found. Against: results (the default), devices (results of programs that run on PoCL's devices too), dependences or
# device-dependences.
# usage: tests/long_run.sh PROGRAMS [FIRST-SEED [BLOCK [AGAINST]]]     COHORT_TEST_EXECUTABLE: a copy of the test, instead of building it
set -euo pipefail
programs=$1 first=${2:-0} block=${3:-10000}
case ${4:-results} in
results) name=random_programs_do ;;
devices) name=random_programs_with_devices ;;
dependences) name=no_dependence_is_missing ;;
device-dependences) name=no_dependence_on_devices ;;
*) echo "against $4: results, devices, dependences or device-dependences" >&2; exit 2 ;;
esac
root=$(cd "$(dirname "$0")/.." && pwd)
test=${COHORT_TEST_EXECUTABLE:-}
if [ -z "$test" ]; then
    cd "$root"
    test=$(cargo test --locked --release --test property_runtime --no-run 2>&1 | sed -n 's/.*Executable.*(\(.*\))$/\1/p')
fi
end=$((first + programs)) passed=0
while [ "$first" -lt "$end" ]; do
    count=$((end - first < block ? end - first : block))
    begun=$SECONDS
    if ! output=$(COHORT_TEST_FIRST=$first COHORT_TEST_PROGRAMS=$count "$test" "$name" --nocapture 2>&1); then
        printf '%s\n' "$output"
        echo "$(date +%T) FAILED among the seeds $first to $((first + count - 1)); $passed passed before"
        exit 1
    fi
    passed=$((passed + count)) first=$((first + count))
    echo "$(date +%T) $passed passed, up to seed $((first - 1)); $((SECONDS - begun)) s for this block of $count"
done
