#!/bin/sh
# The long tests: unit tests under the sanitizers, a minute of fuzzing for each target, and the scripts of tests/long.
# Ends with the line "N passed, N failed".      FUZZ_SECONDS=60 tools/run_long_tests.sh
set -u
cd "$(dirname "$0")/.."
passed=0 failed=0 skipped=0

ok() { passed=$((passed + 1)); echo "ok      $1"; }
bad() { failed=$((failed + 1)); echo "FAILED  $1"; }
skip() { skipped=$((skipped + 1)); echo "SKIP $1"; }

# Address and undefined-behaviour sanitizers, with gcc.
[ -f build-asan/build.ninja ] || CC=gcc meson setup build-asan -Db_sanitize=address,undefined -Db_lundef=false -Dbuildtype=debugoptimized >build-asan.log 2>&1
export ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1
export LSAN_OPTIONS=suppressions="$PWD/tests/lsan.supp":print_suppressions=0
if ninja -C build-asan >build-asan.log 2>&1; then
    meson test -C build-asan --no-suite cli --no-suite house --no-suite long --timeout-multiplier 6 --print-errorlogs >build-asan/tests.out 2>&1 || cat build-asan/tests.out
    count() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" build-asan/tests.out | tail -1; }
    good=$(count Ok); wrong=$(count Fail); slow=$(count Timeout)
    passed=$((passed + ${good:-0})) failed=$((failed + ${wrong:-0} + ${slow:-0}))
    [ -n "$good" ] || bad "sanitized tests did not run"
    echo "sanitized: ${good:-0} passed, $(( ${wrong:-0} + ${slow:-0} )) failed"
else
    tail -30 build-asan.log
    bad "sanitized build"
fi
unset LSAN_OPTIONS

# A minute of fuzzing for each target, from the committed corpus.
if command -v clang >/dev/null 2>&1 && [ -f tests/fuzz/meson.build ]; then
    [ -f build-fuzz/build.ninja ] || CC=clang meson setup build-fuzz -Db_sanitize=address,undefined,fuzzer-no-link -Db_lundef=false -Dwerror=false >build-fuzz.log 2>&1
    if [ -f build-fuzz/build.ninja ] && ninja -C build-fuzz $(cd tests/fuzz && ls fuzz_*.c | sed 's|\(.*\)\.c|tests/fuzz/\1|') >build-fuzz.log 2>&1; then
        for source in tests/fuzz/fuzz_*.c; do
            name=$(basename "$source" .c) corpus=tests/fuzz/corpus/${name#fuzz_}
            mkdir -p "build-fuzz/new/$name"
            if "build-fuzz/tests/fuzz/$name" -max_total_time="${FUZZ_SECONDS:-60}" -timeout=25 -rss_limit_mb=4000 -artifact_prefix="build-fuzz/$name-" \
                "build-fuzz/new/$name" "$corpus" >"build-fuzz/$name.log" 2>&1; then ok "$name"; else bad "$name (build-fuzz/$name.log)"; tail -25 "build-fuzz/$name.log"; fi
        done
    else
        tail -20 build-fuzz.log
        skip "fuzzing: this clang cannot link the fuzzer"
    fi
else
    skip "fuzzing: clang not found"
fi

for script in tests/long/*.sh; do
    [ -f "$script" ] || continue
    sh "$script" build >"build/$(basename "$script").log" 2>&1
    case $? in
        0) ok "$script" ;;
        77) skip "$script: $(tail -1 "build/$(basename "$script").log")" ;;
        *) bad "$script"; tail -25 "build/$(basename "$script").log" ;;
    esac
done
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
