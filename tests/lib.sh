# What the test scripts share: source it, call check and count, end with close_sections or `exit "$((failed > 0))"`.
passed=0
failed=0
section_names=()
section_starts=() # of each section: what had passed, what had failed, and the second at which it began

section() { # section NAME
    printf '\n== %s\n' "$*"
    section_names+=("$*")
    section_starts+=("$passed $failed $SECONDS")
}

close_sections() { # a line for each section with its counts and seconds, then all counts; succeeds if nothing failed
    local i before after
    section_starts+=("$passed $failed $SECONDS")
    printf '\n%8s %8s %8s\n' passed failed seconds
    for ((i = 0; i < ${#section_names[@]}; i++)); do
        read -ra before <<<"${section_starts[i]}"
        read -ra after <<<"${section_starts[i + 1]}"
        printf '%8d %8d %8d  %s\n' "$((after[0] - before[0]))" "$((after[1] - before[1]))" "$((after[2] - before[2]))" \
            "${section_names[i]}"
    done
    printf '\n%d passed, %d failed\n' "$passed" "$failed"
    [ "$failed" -eq 0 ]
}

ok() { # ok NAME
    echo "ok $1"
    passed=$((passed + 1))
}

not_ok() { # not_ok NAME OUTPUT
    echo "FAILED $1"
    printf '%s\n' "$2" | tail -n 40
    failed=$((failed + 1))
}

check() { # check NAME COMMAND...: one test; its output shows only when it fails
    local name=$1 output status=0
    shift
    output=$(timeout 600 "$@" 2>&1) || status=$?
    case $status in
        0) ok "$name" ;;
        124) not_ok "$name (ended after 600 seconds)" "$output" ;;
        *) not_ok "$name" "$output" ;;
    esac
}

says() { # says NAME TEXT... -- COMMAND...: the command succeeds and prints each text; one with a ^ before it begins a line
    local name=$1 wanted=() output text
    shift
    while [ "$1" != -- ]; do
        wanted+=("$1")
        shift
    done
    shift
    if ! output=$(timeout 120 "$@" 2>&1); then
        not_ok "$name" "$output"
        return
    fi
    for text in "${wanted[@]}"; do
        if [[ $'\n'$output != *"${text/#^/$'\n'}"* ]]; then
            not_ok "$name: \"$text\" is not in the output" "$output"
            return
        fi
    done
    ok "$name"
}

count() { # count COMMAND...: many tests, counted by cargo's summaries or by lines that begin with ok and FAILED; says what was skipped
    local output status=0 good bad
    output=$(timeout 2400 "$@" 2>&1) || status=$?
    read -r good bad < <(printf '%s\n' "$output" | awk '
        /^test result:/ { good += $4; bad += $6 }
        /^ok / { good++ }
        /^FAILED / { bad++ }
        END { print good + 0, bad + 0 }')
    # A command that fails without a failed test did not come to its tests, and none at all is no success.
    if [ "$bad" -eq 0 ] && { [ "$status" -ne 0 ] || [ "$good" -eq 0 ]; }; then
        bad=1
    fi
    if [ "$bad" -gt 0 ]; then
        printf '%s\n' "$output" | grep -A 20 '^FAILED \|^test .* FAILED\|panicked at' | head -n 100
        printf '%s\n' "$output" | tail -n 40
    fi
    printf '%s\n' "$output" | grep '^skipped' || true
    echo "$good passed, $bad failed: $*"
    passed=$((passed + good))
    failed=$((failed + bad))
}

together() { # together FUNCTION...: all at the same time; they print and count as if one after the other
    local folder function good bad
    folder=$(mktemp -d)
    for function; do
        (
            passed=0 failed=0
            "$function" >"$folder/$function" 2>&1
            echo "$passed $failed" >"$folder/$function.counts"
        ) &
    done
    wait
    for function; do
        cat "$folder/$function"
        if [ -s "$folder/$function.counts" ]; then
            read -r good bad <"$folder/$function.counts"
            passed=$((passed + good))
            failed=$((failed + bad))
        else
            not_ok "$function came to its end" ""
        fi
    done
    rm -r "$folder"
}

check_ctest() { # check_ctest FOLDER: each test of a CMake build; as many at a time as there are processors for what each says that it takes
    local name result output wanted
    wanted=$(ctest --test-dir "$1" --show-only 2>/dev/null | grep -c '^ *Test *#')
    output=$(ctest --test-dir "$1" --output-on-failure --parallel "$(nproc)" 2>&1) || true
    check "all $wanted tests in $(basename "$1")" test "$wanted" -gt 0 -a "$(results_of_ctest <<<"$output" | wc -l)" -eq "$wanted"
    while read -r name result; do
        case $result in
            Passed | Skipped) ok "$name" ;;
            *) not_ok "$name ($result)" "$(awk -v start=": $name " '/ Test +#[0-9]+: |% tests passed/ { shows = index($0, start) } shows' <<<"$output")" ;;
        esac
    done < <(results_of_ctest <<<"$output")
}

results_of_ctest() { # of ctest's output: the name of each test, and Passed, Skipped or what else became of it
    sed -n 's/^ *[0-9]\+\/[0-9]\+ Test *#[0-9]\+: \([^ ]\+\) [. ]*\**\([A-Z][A-Za-z ]*[a-z]\).*/\1 \2/p'
}
