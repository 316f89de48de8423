#!/bin/sh
# Installs what is missing of the Debian packages in packaging/debian-LIST.txt:   tools/install_packages.sh build test
# A package counts as there when dpkg knows it as installed, or when the command of its name comes from elsewhere.
set -eu
cd "$(dirname "$0")/.."

missing=""
for list in "$@"; do
    while read -r package; do
        case "$package" in ''|'#'*) continue ;; esac
        dpkg-query -W -f='${Status}' "$package" 2>/dev/null | grep -q 'install ok installed' && continue
        case "$package" in
            gcc|g++|make|meson|npm|python3|zstd|clang|pkg-config) command -v "$package" >/dev/null 2>&1 && continue ;;
            ninja-build) command -v ninja >/dev/null 2>&1 && continue ;;
            nodejs) command -v node >/dev/null 2>&1 && continue ;;
        esac
        missing="$missing $package"
    done < "packaging/debian-$list.txt"
done
[ -n "$missing" ] || exit 0

echo "installing:$missing" >&2
root=""
if [ "$(id -u)" != 0 ]; then
    command -v sudo >/dev/null 2>&1 || { echo "These packages are missing and there is no sudo; as root, run: apt-get install$missing" >&2; exit 1; }
    root=sudo
fi
export DEBIAN_FRONTEND=noninteractive
# shellcheck disable=SC2086
{ $root apt-get update -qq && $root apt-get install -y -qq --no-install-recommends $missing; } >/dev/null || {
    echo "The packages could not be installed; try: ${root:+sudo }apt-get install$missing" >&2
    exit 1
}
