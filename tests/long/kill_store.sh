#!/usr/bin/env bash
# Writers of a store killed at two hundred random moments: what was acknowledged to them is there, and the audit is whole.
#
#   tests/long/kill_store.sh [build folder]
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
program=$(realpath "${1:-$root/build}")/tests/store/test_store_processes
if [ ! -x "$program" ]; then
    echo "SKIP kill_store: $program was not built"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
TMPDIR=$work "$program" "$root/tests/store" 200
