#!/bin/sh
# The long tests: unit tests under the sanitizers, some seconds of fuzzing for each target, and the scripts of tests/long.
# Ends with the line "N passed, N failed".      FUZZ_SECONDS=20 tools/run_long_tests.sh [BUILD]
set -u
cd "$(dirname "$0")/.."
build=${1:-build}
good=0 bad=0 left_out=0
. tools/test_counts.sh

ok() { good=$((good + 1)); echo "ok      $1"; }
wrong() { bad=$((bad + 1)); echo "FAILED  $1"; }
skip() { left_out=$((left_out + 1)); echo "SKIP $1"; }

# Address and undefined-behaviour sanitizers, with gcc, whose warnings then see paths that cannot be taken.  Rules of the house, pages and the program's verbs gain nothing from them.
sanitized() {
    [ -f build-asan/build.ninja ] || CC=gcc meson setup build-asan -Dwerror=false -Db_sanitize=address,undefined -Db_lundef=false >build-asan.log 2>&1 || {
        wrong "sanitized build cannot be configured"; tail -20 build-asan.log; return
    }
    ninja -C build-asan >build-asan.log 2>&1 || { wrong "sanitized build"; tail -30 build-asan.log; return; }
    ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
        LSAN_OPTIONS=suppressions="$PWD/tests/lsan.supp":print_suppressions=0 \
        meson test -C build-asan --no-suite cli --no-suite house --no-suite web --no-suite long --timeout-multiplier 10 --print-errorlogs >build-asan/tests.out 2>&1
    read_counts build-asan
    [ "$failed" = 0 ] || cat build-asan/tests.out
    [ "$passed" != 0 ] || { wrong "sanitized tests did not run"; tail -20 build-asan/tests.out; }
    good=$((good + passed)) bad=$((bad + failed)) left_out=$((left_out + skipped))
    echo "sanitized: $passed passed, $failed failed"
}

# One target for a while, from the committed corpus; what it finds new stays in build-fuzz/new.
fuzz() {
    name=$1
    mkdir -p "build-fuzz/new/$name"
    if "build-fuzz/tests/fuzz/$name" -max_total_time="${FUZZ_SECONDS:-20}" -timeout=25 -rss_limit_mb=4000 \
        -artifact_prefix="build-fuzz/$name-" "build-fuzz/new/$name" "tests/fuzz/corpus/${name#fuzz_}" >"build-fuzz/$name.log" 2>&1; then
        ok "$name"
    else
        wrong "$name (build-fuzz/$name.log)"; tail -25 "build-fuzz/$name.log"
    fi
}

fuzzing() {
    command -v clang >/dev/null 2>&1 || { skip "fuzzing: clang is not installed"; return; }
    trial=$(mktemp)
    echo 'int LLVMFuzzerTestOneInput(const char *d, long n) { return d && n < 0; }' |
        clang -x c -fsanitize=fuzzer,address,undefined -o "$trial" - 2>/dev/null || { rm -f "$trial"; skip "fuzzing: this clang has no libFuzzer"; return; }
    rm -f "$trial"
    [ -f build-fuzz/build.ninja ] || CC=clang CFLAGS='-fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=undefined' \
        meson setup build-fuzz -Db_lundef=false -Dwerror=false >build-fuzz.log 2>&1 || { wrong "fuzzing cannot be configured"; tail -20 build-fuzz.log; return; }
    targets=$(cd tests/fuzz && ls fuzz_*.c | sed 's|\.c$||')
    # shellcheck disable=SC2046
    ninja -C build-fuzz $(echo "$targets" | sed 's|^|tests/fuzz/|') >build-fuzz.log 2>&1 || { wrong "fuzzing does not build"; tail -30 build-fuzz.log; return; }
    for target in $targets; do fuzz "$target"; done
}

scripts() {
    for script in tests/long/*.sh; do
        [ -f "$script" ] || continue
        log=$build/$(basename "$script").log
        bash "$script" "$build" >"$log" 2>&1
        case $? in
            0) ok "$script" ;;
            77) skip "$script: $(tail -1 "$log")" ;;
            *) wrong "$script"; tail -25 "$log" ;;
        esac
    done
}

sanitized
fuzzing
scripts
[ "$left_out" = 0 ] || echo "$left_out skipped"
echo "$good passed, $bad failed"
[ "$bad" = 0 ]
