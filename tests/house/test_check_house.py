#!/usr/bin/env python3
"""tools/check_house.py finds what it is there to find: a small house with one violation of each rule.

    test_check_house.py TOOLS_FOLDER
"""
import pathlib
import sys
import tempfile

sys.dont_write_bytecode = True
sys.path.insert(0, sys.argv[1])
import check_house  # noqa: E402

HOUSE = {
    "include/ingot/base.h": "#include <stdio.h>\n",
    "include/ingot/limits.h": "",
    "include/ingot/tensor.h": '#include "ingot/base.h"\n',
    "include/ingot/nn.h": '#include "ingot/tensor.h"\n',
    "src/base/tree.h": "",
    "src/models/bert/bert.h": "",
    "src/features/loop/loop.h": "",
    "src/features/search/search.h": "",
    "src/cli/words.h": "",
}

# file -> content, and what must be told about which line; None: nothing
RULES = [
    ("src/cli/main.c", '#include "base/tree.h"\n#include "words.h"\n#include "ingot/nn.h"\n', None),
    ("src/base/up.c", '#include <string.h>\n#include "ingot/tensor.h"\n', "2: base may not include include/ingot/tensor.h of tensor"),
    ("src/store/side.c", '#include "ingot/tensor.h"\n', "1: store may not include include/ingot/tensor.h of tensor"),
    ("src/text/angle.c", "#include <ingot/tensor.h>\n", "1: text may not include include/ingot/tensor.h of tensor"),
    ("src/tensor/kernels/k.c", '#include "ingot/tensor.h"\n', "1: a kernel knows no tensor"),
    ("src/models/gpt/f.c", '#include "models/bert/bert.h"\n', "1: a family knows no other family"),
    ("src/models/bert/f.c", '#include "models/bert/bert.h"\n', None),
    ("src/features/desk/k.c", '#include "features/search/search.h"\n', "1: a kind knows no other kind"),
    ("src/features/desk/l.c", '#include "features/loop/loop.h"\n', None),
    ("include/ingot/cli.h", '#include "cli/words.h"\n', "1: a public header includes src/cli/words.h"),
    ("src/nn/lost.c", '#include "nn/gone.h"\n', '1: "nn/gone.h" is not found'),
    ("src/garage/car.c", "", "1: belongs to no room"),
    ("src/graph/d.c", "#include <dnnl.h>\n", "1: <dnnl.h> is for src/tensor/dnnl.c"),
    ("src/net/a.c", "void f(void)\n{\n    abort();\n}\n", "3: abort() is not called here"),
    ("src/net/m.c", "void *p = malloc(3);\n", "1: malloc() is not called here: ig_malloc"),
    ("src/base/memory.c", "void *p = malloc(3);\n", None),
    ("src/net/t.c", '/* abort() */ const char *s = "exit(1)"; // assert(0)\nint n = x.exit(1) + my_exit(2);\n', None),
]


def run(path, text):
    with tempfile.TemporaryDirectory() as folder:
        root = pathlib.Path(folder)
        for name, content in {**HOUSE, path: text}.items():
            (root / name).parent.mkdir(parents=True, exist_ok=True)
            (root / name).write_text(content)
        return check_house.check(root)[0]


failed = 0
for path, text, expected in RULES:
    problems = run(path, text)
    good = len(problems) == 1 and problems[0].startswith(f"{path}:{expected}") if expected else not problems
    if not good:
        failed += 1
        print(f"{path}: expected {expected}, found {problems}")
print(f"{len(RULES) - failed} rules hold, {failed} do not")
sys.exit(1 if failed else 0)
