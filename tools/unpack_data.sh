#!/bin/sh
# Unpack one archive of the test data, once, and print its folder.   tools/unpack_data.sh NAME
#
# Archives stand in ../shared/data beside the project (or in $INGOT_DATA) and are never changed; they are unpacked into
# build/data, which git ignores.  Where an archive is absent, a line SKIP NAME … is printed and the exit code is 77, which
# Meson counts as skipped.
set -eu
name=$1
root=$(cd "$(dirname "$0")/.." && pwd)
archive=${INGOT_DATA:-$root/../shared/data}/$name.tar.zst
folder=$root/build/data/$name

if [ -d "$folder" ]; then
    echo "$folder"
    exit 0
fi
if [ ! -f "$archive" ]; then
    echo "SKIP $name: ../shared/data/$name.tar.zst not found"
    exit 77
fi
mkdir -p "$root/build/data"
part=$(mktemp -d "$root/build/data/.unpack.XXXXXX")
trap 'rm -rf "$part"' EXIT
tar --zstd -xf "$archive" -C "$part"
chmod -R u+w "$part"
mv -T "$part/$name" "$folder" 2>/dev/null || [ -d "$folder" ] # another test may have been quicker
echo "$folder"
