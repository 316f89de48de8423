#!/usr/bin/env bash
# Workers killed at two hundred random moments while they add, learn, promote and clear: no half version is left.
#
#   tests/long/kill_loop.sh [build folder]
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
program=$(realpath "${1:-$root/build}")/tests/features/test_features_processes
if [ ! -x "$program" ]; then
    echo "SKIP kill_loop: $program was not built"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
TMPDIR=$work "$program" 200
