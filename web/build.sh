#!/bin/sh
# What Meson runs: the console and the widget as a C table.   web/build.sh FOLDER TABLE.c DEPFILE
# Without Node, or before `npm ci` in web/ (make does both), the table holds web/plain.html alone, which tells how to get the
# console; the program is whole but for its pages.
set -eu
here=$(dirname "$0")
out=$1 table=$2 depfile=$3

if command -v node >/dev/null 2>&1 && [ -d "$here/node_modules/esbuild" ]; then
    exec node "$here/build.mjs" --out "$out" --table "$table" --depfile "$depfile"
fi

echo "web: the program is built without its console: npm's packages are missing (cd web && npm ci)" >&2
{
    echo '/* Made by web/build.sh: the console could not be built. */'
    echo '#include "server/web_files.h"'
    echo 'static const unsigned char page[] = {'
    od -An -v -tu1 "$here/plain.html" | sed 's/  */,/g; s/^,//; s/$/,/'
    echo '};'
    echo 'const web_file web_files[] = {'
    echo '    {"/console/index.html", "text/html; charset=utf-8", page, sizeof page},'
    echo '    {0},'
    echo '};'
} >"$table.new"
if cmp -s "$table.new" "$table"; then rm "$table.new"; else mv "$table.new" "$table"; fi
# esbuild is no file yet: a dependency that does not exist makes ninja ask again at every build.
echo "$table: $here/plain.html $here/build.sh $here/node_modules/esbuild/package.json" >"$depfile"
