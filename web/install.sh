#!/bin/sh
# npm's packages for the console, as package-lock.json names them; once per change of it.   web/install.sh
# Where the registry cannot be reached, it says so and goes on: the program is then built without its console.
set -u
cd "$(dirname "$0")"
[ node_modules/.package-lock.json -nt package-lock.json ] && exit 0
command -v npm >/dev/null 2>&1 || { echo "web: there is no npm; building without the console" >&2; exit 0; }
npm ci --ignore-scripts --no-audit --no-fund >/dev/null 2>&1 && touch node_modules/.package-lock.json && exit 0
echo "web: npm ci failed (is registry.npmjs.org reachable?); building without the console" >&2
exit 0
