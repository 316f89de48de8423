#!/bin/sh
# Runs the quick tests and ends with the line "N passed, N failed".   tools/run_tests.sh [BUILD]
# A test that exits with 77 is skipped: it is told by name, with the line SKIP … that it printed.
set -u
cd "$(dirname "$0")/.."
build=${1:-build}

# Configured before cmocka was installed: there are no tests yet.
if [ "$(meson introspect --tests "$build")" = "[]" ]; then
    meson setup --reconfigure "$build" >"$build/tests.out" 2>&1 || cat "$build/tests.out"
fi
if [ ! tests/node/node_modules/.package-lock.json -nt tests/node/package-lock.json ] && command -v npm >/dev/null 2>&1; then
    (cd tests/node && npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1 && touch node_modules/.package-lock.json) || echo "tests/node: npm ci failed; the tests that need it skip themselves"
fi

meson test -C "$build" --print-errorlogs --timeout-multiplier 3 --no-suite long >"$build/tests.out" 2>&1
status=$?
. tools/test_counts.sh
read_counts "$build"
if [ "$status" != 0 ] || [ "$failed" != 0 ] || [ "$passed" = 0 ]; then
    cat "$build/tests.out"
    [ "$failed" != 0 ] || failed=1
fi
[ "$skipped" = 0 ] || echo "$skipped skipped"
echo "$passed passed, $failed failed"
[ "$failed" = 0 ]
