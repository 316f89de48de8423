#!/usr/bin/env bash
# A real support desk (examples/shop) whose commands are killed with SIGKILL at random moments while they add, improve and promote.
# After each kill the workspace must be whole:
#
#   - ls reads it; no version is left building, no folder without a complete version, the live version is complete and never older
#   - ask gives the right stored answer, and that of every addition whose command ended well
#
#   tests/long/kill_desk.sh [build folder] [rounds: 40]
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -um
root=$(cd "$(dirname "$0")/../.." && pwd)
ingot=$(realpath "${1:-$root/build}")/ingot
rounds=${2:-40}
if [ ! -x "$ingot" ]; then
    echo "SKIP kill_desk: $ingot was not built"
    exit 77
fi
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
RANDOM=${SEED:-1}
export LANG=C OMP_NUM_THREADS=${OMP_NUM_THREADS:-1}

fail() {
    echo "kill_desk: round $round: $*"
    tail -5 "$work/stderr" 2>/dev/null
    exit 1
}

desk() { "$ingot" -C "$work/shop" --quiet "$@" 2>>"$work/stderr"; }
answer_to() { desk ask desk "$1" --json; }

# killed TENTHS COMMAND …: in a group of its own, killed with all its children after less than so many tenths of a second; tells how
# it ended.
killed() {
    local after=$((RANDOM % $1))
    shift
    "$ingot" -C "$work/shop" --quiet "$@" >/dev/null 2>>"$work/command" &
    local child=$!
    sleep "$((after / 10)).$((after % 10))"
    kill -9 -- "-$child" 2>/dev/null
    wait "$child" 2>/dev/null
}

check_versions() {
    desk ls --json >"$work/ls.json" || fail "ls does not read the workspace"
    live=$(python3 - "$work/ls.json" "$work/shop/features/desk" "$live" <<'PY'
import json, os, sys
[desk] = json.load(open(sys.argv[1]))["features"]
folder, before = sys.argv[2], int(sys.argv[3])
complete = {v["number"] for v in desk["versions"] if v["status"] == "complete"}
building = [v["number"] for v in desk["versions"] if v["status"] == "building"]
folders = {int(n) for n in os.listdir(folder + "/versions")}
assert not building, f"versions {building} are left building"
assert folders <= complete, f"the folders {folders - complete} have no complete version"
assert desk["live"] in complete & folders, f"the live version {desk['live']} is not complete"
assert desk["live"] >= before, f"version {before} was live, now it is {desk['live']}"
assert not os.path.exists(folder + "/staging"), "staging was left behind"
print(desk["live"])
PY
    ) || fail "a version is not whole"
}

check_answers() {
    answer_to "How long does delivery take?" | grep -q '"outcome":"answered".*Standard delivery takes 3 to 5 working days' ||
        fail "the desk no longer answers"
    for n in $added; do
        answer_to "What is in the box number $n?" | grep -q "Box $n holds tea." || fail "addition $n had ended well and is lost"
    done
}

give_feedback() {
    for question in "how quick is the postman" "can i have my money" "my pot broke"; do
        id=$(answer_to "$question" | grep -o '"id":"int-[^"]*"' | head -1 | cut -d'"' -f4)
        [ -n "$id" ] || fail "a question has no id"
        desk feedback desk "$id" like >/dev/null || fail "feedback is not taken"
    done
}

round=0 live=0 added="" finished=0
"$ingot" init "$work/shop" >/dev/null || fail "init"
desk new support desk --faq "$root/examples/shop/faq.csv" --docs "$root/examples/shop/help" --effort quick >/dev/null || fail "new"
give_feedback
check_versions
check_answers
for ((round = 1; round <= rounds; round++)); do
    case $((round % 3)) in
    1)
        printf 'question,answer\nWhat is in the box number %d?,Box %d holds tea.\n' $round $round >"$work/more.csv"
        killed 40 add desk "$work/more.csv" --force && added="$round" && finished=$((finished + 1))
        ;;
    2) killed 80 improve desk && finished=$((finished + 1)) ;;
    0) killed 8 promote desk --force && finished=$((finished + 1)) ;;
    esac
    check_versions
    check_answers
    [ $((round % 6)) != 0 ] || give_feedback
done
echo "kill_desk: $rounds rounds, $finished commands ended before they were killed, version $live is live"
