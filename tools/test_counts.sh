# Sourced by the test runners.   read_counts BUILD: sets passed, failed, skipped from what `meson test` wrote to
# BUILD/tests.out, and prints what was skipped, by name.
count_of() {
    number=$(sed -n "s/^$2: *\([0-9]*\).*/\1/p" "$1/tests.out" | tail -1)
    echo "${number:-0}"
}

read_counts() {
    passed=$(count_of "$1" Ok)
    failed=$(($(count_of "$1" Fail) + $(count_of "$1" Timeout) + $(count_of "$1" 'Unexpected Pass')))
    skipped=$(count_of "$1" Skipped)
    sed -n 's/^ *[0-9]*\/[0-9]* *\(.*[^ ]\)  *SKIP .*/skipped: \1/p' "$1/tests.out"
    grep -hE '^SKIP |\[  SKIPPED \] [a-z_]*$' "$1/meson-logs/testlog.txt" 2>/dev/null | sort -u
}
