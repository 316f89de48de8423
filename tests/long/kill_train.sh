#!/usr/bin/env bash
# A run that is killed with SIGKILL at 100 random moments and resumed each time ends with the same weights, bit for bit.
#
#   tests/long/kill_train.sh [build folder] [kills]
#
# One run takes about a second of computing and is killed many times on its way; when it has come to its end, its weights are
# compared and the next one begins, until there were as many kills as asked for.
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
ingot=$(realpath "${1:-$root/build}")/ingot
kills=${2:-100}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
RANDOM=20240511

fail() {
    echo "kill_train: $*"
    [ -f "$work/stderr" ] && tail -5 "$work/stderr"
    exit 1
}

head -c 20000 "$root/recipes/data/tinyshakespeare.txt" >"$work/text.txt"
cat >"$work/recipe.yaml" <<'YAML'
name: killed
seed: 3
model: {config: {model_type: gpt2, n_layer: 2, n_head: 2, n_embd: 32, bias: false}}
tokenizer: {kind: char}
data: {train: text.txt, validation: 0.1, order: shuffled}
train: {steps: 600, batch: 4, context: 16, accumulate: 2, precision: f32}
optimiser: {name: adamw, lr: 3e-3, clip_norm: 1, ema: 0.9}
schedule: {name: plateau, warmup: 10, patience: 1, gamma: 0.5}
regularise: {dropout: 0.2}
evaluate: {every: 25, sample: {prompt: "a", tokens: 4}}
checkpoint: {every: 10}
YAML

train() { "$ingot" train "$work/recipe.yaml" --threads 1 --quiet "$@" >"$work/stdout" 2>"$work/stderr"; }
digest() { sha256sum "$1/model.safetensors" | cut -d' ' -f1; }

begin=$(date +%s%N)
train --out "$work/whole" || fail "the run without kills failed"
whole_ms=$((($(date +%s%N) - begin) / 1000000))
expected=$(digest "$work/whole")

# Every step stands in the log once, in order.
check_log() {
    sed -n 's/^{"current_steps":\([0-9]*\),"total_steps":[0-9]*,"loss".*/\1/p' "$1/run/log.jsonl" >"$work/steps"
    seq 600 | cmp -s - "$work/steps" || fail "the log does not have every step once"
}

check_end() {
    [ "$(digest "$1")" = "$expected" ] || fail "the weights differ after $done_kills kills"
    check_log "$1"
}

done_kills=0 ends=0 out=$work/parts
while [ "$done_kills" -lt "$kills" ]; do
    train --out "$out" --resume &
    pid=$!
    # from the first millisecond of the process to past its end
    ms=$((RANDOM % (whole_ms / 2 + 60) + 1))
    sleep "$(printf '%d.%03d' $((ms / 1000)) $((ms % 1000)))"
    child=$(pgrep -P "$pid" -x "$(basename "$ingot")" || true)
    if [ -n "$child" ] && kill -9 $child 2>/dev/null; then
        wait "$pid" 2>/dev/null
        done_kills=$((done_kills + 1))
        continue
    fi
    wait "$pid" || fail "a resumed run failed after $done_kills kills"
    check_end "$out"
    ends=$((ends + 1))
    rm -rf "$out"
done
train --out "$out" --resume || fail "the last resume failed"
check_end "$out"
echo "kill_train: $done_kills kills, $((ends + 1)) runs, each ended with $expected"
