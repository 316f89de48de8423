#!/bin/sh
# Runs the quick tests and ends with the line "N passed, N failed".   tools/run_tests.sh [BUILD]
# A test that exits with 77 is skipped; what it printed about why is shown.
set -u
cd "$(dirname "$0")/.."
build=${1:-build}

if [ -f tests/node/package.json ] && [ ! -d tests/node/node_modules ]; then
    (cd tests/node && npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1) || echo "tests/node: npm ci failed; the tests that need it skip themselves"
fi
meson test -C "$build" --print-errorlogs --no-suite long >"$build/tests.out" 2>&1
status=$?
grep -h 'SKIP' "$build"/meson-logs/testlog.txt 2>/dev/null | sort -u
count() { sed -n "s/^$1: *\([0-9]*\).*/\1/p" "$build/tests.out" | tail -1; }
passed=$(count Ok); failed=$(count Fail); timeouts=$(count Timeout); skipped=$(count Skipped)
failed=$(( ${failed:-0} + ${timeouts:-0} ))
if [ "$status" != 0 ] || [ "$failed" != 0 ] || [ -z "$passed" ]; then
    cat "$build/tests.out"
    [ "$failed" != 0 ] || failed=1
fi
[ "${skipped:-0}" = 0 ] || echo "$skipped skipped"
echo "${passed:-0} passed, $failed failed"
[ "$failed" = 0 ]
