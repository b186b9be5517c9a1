#!/usr/bin/env bash
# Runs an example; it succeeds if it exits with 0 and prints PASSED.
# usage: check.sh COMMAND...
output=$("$@" 2>&1)
status=$?
printf '%s\n' "$output"
[ $status -eq 0 ] && [[ $output == *PASSED* && $output != *FAILED* ]]
