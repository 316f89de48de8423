"""make demo: the desk of examples/shop answers in both languages, is served on a free port when its own is taken, and ends cleanly.

    test_demo.py PROGRAM
"""
import os, re, signal, socket, subprocess, sys, tempfile, urllib.request

build = os.path.dirname(os.path.abspath(sys.argv[1]))
root = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")


def demo(folder, port, language="C", *options):
    env = dict(os.environ, INGOT_DEMO=folder, INGOT_PORT=str(port), LC_ALL=language, OMP_NUM_THREADS="1")
    return subprocess.Popen([os.path.join(root, "tools/demo.sh"), *options, build], env=env, text=True, encoding="utf-8",
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, start_new_session=True)


def answers_in_both_languages_and_ends_by_itself(folder):
    p = demo(folder, 0, "C", "--no-serve")
    out = p.communicate(timeout=240)[0]
    assert p.returncode == 0, out
    assert "Switzerland, Norway and the United Kingdom" in out, out
    assert "普洱可以存放几十年" in out, out
    assert "I do not know the answer to this." in out, out


def read_until(p, pattern):
    seen = ""
    for line in p.stdout:
        seen += line
        found = re.search(pattern, line)
        if found:
            return seen, found
    raise AssertionError(seen)


def a_taken_port_is_told_and_ctrl_c_ends(folder):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        p = demo(folder, port, "zh_CN.UTF-8")
        seen, found = read_until(p, r"(http://[^/]*/console/)#link=il-\S+")
    assert f"端口 {port} 已被占用" in seen, seen
    assert urllib.request.urlopen(found.group(1), timeout=10).status == 200
    read_until(p, "Ctrl-C")
    os.killpg(p.pid, signal.SIGINT)
    out = p.communicate(timeout=60)[0]
    assert p.returncode == 0 and "已结束" in out, (p.returncode, out)


def a_folder_that_is_no_workspace_is_left_alone(folder):
    os.mkdir(folder)
    open(os.path.join(folder, "mine"), "w").close()
    p = demo(folder, 0)
    out = p.communicate(timeout=60)[0]
    assert p.returncode == 1 and "no workspace" in out, out
    assert os.path.exists(os.path.join(folder, "mine"))


with tempfile.TemporaryDirectory() as top:
    desk = os.path.join(top, "desk")
    answers_in_both_languages_and_ends_by_itself(desk)
    a_taken_port_is_told_and_ctrl_c_ends(desk)
    a_folder_that_is_no_workspace_is_left_alone(os.path.join(top, "other"))
