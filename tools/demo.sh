#!/bin/sh
# A support desk for the shop of examples/shop, from nothing: it learns, answers in two languages, and is served with its console.
#
#     tools/demo.sh [--no-serve] [BUILD]
#
# The workspace is runs/demo-shop, or INGOT_DEMO; it is made anew every time. The port is 8080, or INGOT_PORT, and when that one is taken
# any that is free. Ctrl-C ends the server, which finishes what runs.
set -eu
cd "$(dirname "$0")/.."
serve=yes build=build
for argument; do
    case $argument in
        --no-serve) serve=no ;;
        -*) echo "usage: tools/demo.sh [--no-serve] [BUILD]" >&2; exit 2 ;;
        *) build=$argument ;;
    esac
done
ingot=$(realpath "$build")/ingot
shop=$(realpath examples/shop)
workspace=${INGOT_DEMO:-runs/demo-shop}

case ${LC_ALL:-${LC_MESSAGES:-${LANG:-}}} in zh*) chinese=yes ;; *) chinese=no ;; esac
say() { if [ $chinese = yes ]; then printf '%s\n' "$2"; else printf '%s\n' "$1"; fi; }
# A command is shown, then run.
show() {
    printf '\n$ ingot'
    for word; do case $word in *[!A-Za-z0-9._/=-]*) printf ' "%s"' "$word" ;; *) printf ' %s' "$word" ;; esac; done
    printf '\n'
    "$ingot" "$@"
}

# Only what is a workspace, or nothing, is replaced.
if [ -e "$workspace" ] && [ ! -e "$workspace/ingot.yaml" ]; then
    say "$workspace is there and is no workspace: move it away, or name another folder in INGOT_DEMO" \
        "$workspace 已存在且不是工作区：请移走，或用 INGOT_DEMO 指定其他文件夹" >&2
    exit 1
fi
rm -rf "$workspace"
mkdir -p "$(dirname "$workspace")"
"$ingot" init "$workspace" >/dev/null
cp -R "$shop/faq.csv" "$shop/help" "$workspace/"
cd "$workspace"

say "A tea shop's questions and help pages become a support desk. The workspace is $workspace." \
    "把一家茶叶店的问答和帮助页面变成客服台。工作区：$workspace。"
show new support desk --faq faq.csv --docs help
show ask desk "do you ship to Norway?"
show ask desk "普洱茶怎么保存"
show ask desk "who won the football match?"
[ $serve = yes ] || exit 0

"$ingot" key new --role admin --name console >/dev/null 2>&1
server=

# Starts the server on a port, and sets url once it listens; fails when it ended instead.
start() {
    "$ingot" --lang en --quiet serve --port "$1" 2>serve.log &
    server=$!
    while kill -0 "$server" 2>/dev/null; do
        url=$(sed -n 's|^serving on \(http://[^ ]*\)/v1 .*|\1|p' serve.log)
        [ -z "$url" ] || return 0
        sleep 0.1
    done
    wait "$server" || return 1
}

# Ctrl-C reaches the server by itself; a signal to this script alone is passed on.
stopped=no
trap 'stopped=yes' INT
trap 'stopped=yes; [ -z "$server" ] || kill -TERM "$server" 2>/dev/null' TERM HUP

port=${INGOT_PORT:-8080}
if ! start "$port"; then
    grep -q "in use" serve.log || { cat serve.log >&2; exit 1; }
    printf '\n'
    say "Port $port is taken; another one is used." "端口 $port 已被占用，改用其他端口。"
    start 0 || { cat serve.log >&2; exit 1; }
fi
link=$("$ingot" console --url "$url" 2>/dev/null)

printf '\n'
say "The console, signed in by this link once, within ten minutes:" "控制台（该链接十分钟内可登录一次）："
printf '\n    %s\n\n' "$link"
say "What to try there:
  Ask       a question in your own words, and \"Why this answer?\"
  Thumbs    judge answers, and name the right one; then Versions, \"Improve\", compare, promote, roll back
  Keys      a public key puts the chat on a web page: copy the line that it shows
In another terminal:
  cd $workspace && $ingot ask desk \"my parcel arrived broken\"
A new link: ingot console --url $url (in $workspace)      Ctrl-C ends the server." \
    "可以试试：
  提问     用自己的话提问，再看“为什么这样回答？”
  评价     点赞或点踩，指出正确答案；然后到“版本”中改进、比较、上线、回退
  密钥     用公开密钥把聊天窗口放到网页上：复制所示的一行代码
在另一个终端中：
  cd $workspace && $ingot ask desk \"能寄到挪威吗？\"
新的登录链接：ingot console --url $url（在 $workspace 中）      Ctrl-C 结束服务。"

# wait returns early when a signal came.
while kill -0 "$server" 2>/dev/null; do wait "$server" || code=$?; done
[ $stopped = yes ] && { printf '\n'; say "ended" "已结束"; exit 0; }
cat serve.log >&2
exit "${code:-1}"
