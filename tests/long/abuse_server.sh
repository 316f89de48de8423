#!/usr/bin/env bash
# The server under load and bad treatment, three times as hard as in the quick tests (INGOT_ABUSE=10: ten times); and once as hard with the sanitizers' program.
#
#   tests/long/abuse_server.sh [build folder]
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
build=$(realpath "${1:-$root/build}")
if [ ! -x "$build/ingot" ]; then
    echo "SKIP abuse_server: $build/ingot was not built"
    exit 77
fi
INGOT_ABUSE=${INGOT_ABUSE:-3} python3 "$root/tests/server/test_abuse.py" "$build/ingot" || exit 1
[ -x "$root/build-asan/ingot" ] || exit 0
echo "with the sanitizers:"
INGOT_ABUSE=1 ASAN_OPTIONS=detect_leaks=1:allocator_may_return_null=1:quarantine_size_mb=16 UBSAN_OPTIONS=halt_on_error=1:print_stacktrace=1 \
    LSAN_OPTIONS=suppressions="$root/tests/lsan.supp":print_suppressions=0 python3 "$root/tests/server/test_abuse.py" "$root/build-asan/ingot"
