#!/usr/bin/env bash
# A disk that gets full while a run saves: the run stops with a reason, the last good checkpoint stays, and with room again
# the run goes on and ends with the weights of one that never lacked any.
#
#   tests/long/full_disk.sh [build folder]        needs root, for a small tmpfs; skipped otherwise
[ -n "${BASH_VERSION:-}" ] || exec bash "$0" "$@"
set -u
root=$(cd "$(dirname "$0")/../.." && pwd)
ingot=$(realpath "${1:-$root/build}")/ingot
work=$(mktemp -d)
trap 'umount "$work/disk" 2>/dev/null; rm -rf "$work"' EXIT

fail() {
    echo "full_disk: $*"
    tail -5 "$work/stderr" 2>/dev/null
    exit 1
}

mkdir "$work/disk"
if [ "$(id -u)" != 0 ] || ! mount -t tmpfs -o size=64m tmpfs "$work/disk" 2>/dev/null; then
    echo "SKIP full_disk: a tmpfs cannot be mounted here"
    exit 77
fi

head -c 20000 "$root/recipes/data/tinyshakespeare.txt" >"$work/text.txt"
cat >"$work/recipe.yaml" <<'YAML'
name: full
model: {config: {model_type: gpt2, n_layer: 2, n_head: 2, n_embd: 64, bias: false}}
tokenizer: {kind: char}
data: {train: text.txt, validation: 0.1}
train: {steps: 30, batch: 4, context: 16, precision: f32}
evaluate: {every: 5}
checkpoint: {every: 5}
YAML

train() { "$ingot" train "$work/recipe.yaml" --threads 1 --quiet "$@" >"$work/stdout" 2>"$work/stderr"; }
digest() { sha256sum "$1/model.safetensors" | cut -d' ' -f1; }
bytes() { stat -c %s "$1"; }

train --out "$work/whole" || fail "the run with room failed"
checkpoint=$(bytes "$work/whole/run/checkpoints/step-00000030.ckpt")
model=$(bytes "$work/whole/model.safetensors")

# Room, in kilobytes, that runs out in another place each time: while the first model is saved, while a later one is, at a
# checkpoint with none before it, at one with one or two before it.
for room in $((model / 2)) $((model + checkpoint / 2)) $((model + checkpoint + model / 2)) $((2 * model + checkpoint * 3 / 2)) $((2 * model + checkpoint * 5 / 2)); do
    rm -rf "$work/disk"/*
    free=$(df --output=avail -B1 "$work/disk" | tail -1)
    head -c $((free - room - 32768)) /dev/zero >"$work/disk/filler"
    train --out "$work/disk/out" && fail "with $room bytes of room the run did not stop"
    grep -q "No space left on device" "$work/stderr" || fail "with $room bytes of room: the reason is not told"
    ls -A "$work/disk/out/run/checkpoints" | grep -q tmp && fail "a half-written checkpoint stayed"
    good=$(ls "$work/disk/out/run/checkpoints" | tail -1)
    if [ -n "$good" ]; then grep -q "last good checkpoint stays: $good" "$work/stderr" || fail "$good is not named"; fi
    rm "$work/disk/filler"
    train --out "$work/disk/out" --resume || fail "with room again the run did not go on"
    [ "$(digest "$work/disk/out")" = "$(digest "$work/whole")" ] || fail "the weights differ"
    echo "full_disk: $room bytes of room: stopped, kept ${good:-nothing}, went on"
done
