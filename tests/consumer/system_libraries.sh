#!/usr/bin/env bash
# pkg-config names the system libraries that rustc says the static library needs, no more and no fewer; libc comes by itself.
# usage: tests/consumer/system_libraries.sh PREFIX FILE-WRITTEN-BY-RUSTC
set -euo pipefail
named=$(PKG_CONFIG_PATH=$1/lib/pkgconfig pkg-config --static --libs-only-l cohort | tr ' ' '\n' | sed '/^$/d; /^-lcohort$/d; /^\//d' | sort -u)
needed=$(tr ' ' '\n' <"$2" | sed '/^$/d; /^-lc$/d; /^-lmpi/d' | sort -u)
diff <(echo "$named") <(echo "$needed")
