#!/usr/bin/env bash
# Writers of interactions and feedback killed at a hundred random moments, with the store on a disk: none that was acknowledged is
# lost.  Then a hundred thousand items in one change beside interactions, and as many interactions as a stream.
#
#   tests/long/kill_loop_store.sh [build folder]
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
programs=$(realpath "${1:-$root/build}")/tests/store
if [ ! -x "$programs/test_store_loop_processes" ]; then
    echo "SKIP kill_loop_store: $programs/test_store_loop_processes was not built"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
TMPDIR=$work "$programs/test_store_loop_processes" "$root/tests/store" 100 || exit 1
TMPDIR=$work "$programs/test_store_scale" "$root/tests/store" 100000
