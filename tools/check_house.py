#!/usr/bin/env python3
"""The rules of the house, read from the sources:   tools/check_house.py [ROOT]

Rooms include only from rooms below them (BELOW; what a room's neighbours below may include, it may too); a kernel knows no
tensor, a family no other family, a kind no other kind; libraries with a room of their own are included nowhere else; and a
few libc calls are not made at all.  Prints every violation as FILE:LINE: reason, and exits with 1 when there is one.
"""
import pathlib
import re
import sys

BELOW = {
    "base": [],
    "tensor": ["base"], "graph": ["tensor"], "nn": ["graph"],
    "text": ["base"], "net": ["base"], "store": ["base"], "stats": ["base"],
    "planning": ["stats"],
    "formats": ["tensor", "text"], "data": ["tensor", "text", "stats"],
    "models": ["nn", "data", "formats"], "infer": ["models"],
    "train": ["infer"], "retrieval": ["infer"],
    "trust": ["infer", "store", "stats"],
    "features": ["train", "retrieval", "trust", "store", "net"],
    "server": ["features", "planning"], "cli": ["server"],
}

# public headers that are named after a part of their room
ROOM_OF_HEADER = {
    "limits": "base", "quant": "tensor", "template": "text", "analyze": "text", "grammar": "infer",
    "examples": "data", "documents": "data", "pictures": "data", "vision": "infer", "conv": "tensor", "interactions": "data", "recommend": "models", "fit": "train", "tabular": "data", "text_rows": "data", "predict": "infer",
    "loop_store": "store",
    "index": "retrieval", "matcher": "retrieval", "ranker": "retrieval",
}

# header of a library -> the files that may include it
CONFINED = {
    r"(oneapi/dnnl/)?dnnl.*": ["src/tensor/dnnl.c", "src/tensor/dnnl_"],
    r"(cblas|lapacke?)\.h": ["src/tensor/", "src/nn/"],
    r"omp\.h": ["src/base/executor.c", "src/base/context.c", "src/tensor/"],
    r"yaml\.h": ["src/base/"],
    r"pcre2\.h": ["src/text/"],
    r"zip\.h": ["src/formats/", "src/data/"],
    r"expat\.h|gumbo\.h|md4c\.h": ["src/data/"],
    r"jpeglib\.h|jerror\.h": ["src/data/picture_jpeg.c"],
    r"png\.h": ["src/data/picture_png.c"],
    r"webp/.*": ["src/data/picture_webp.c"],
    r"sqlite3\.h": ["src/store/sqlite.c", "src/store/sqlite_"],
    r"sodium\.h": ["src/store/"],
    r"unicode/.*|libstemmer\.h": ["src/text/"],
    r"microhttpd\.h|curl/.*": ["src/net/"],
}

# call -> why not; never in src/
BANNED = {
    "abort": "a library returns a status", "assert": "a library returns a status", "exit": "only main returns to the system",
    "gets": "no bound", "strcpy": "no bound", "strcat": "no bound", "sprintf": "no bound", "vsprintf": "no bound",
    "strtok": "hidden state", "atoi": "errors are not told", "atol": "errors are not told", "atof": "errors are not told",
    "alloca": "the stack has no status", "rand": "random numbers are counter-based (ig_rng)",
    "malloc": "ig_malloc", "calloc": "ig_calloc", "realloc": "ig_realloc", "strdup": "ig_strdup", "strndup": "ig_strndup",
}
ALLOCATOR = ["src/base/memory.c", "src/base/blocks.c"]

INCLUDE = re.compile(r'^\s*#\s*include\s*([<"])([^>"]+)[>"]')
CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
NOT_CODE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', re.S)


def reachable(room):
    found, todo = set(), [room]
    while todo:
        r = todo.pop()
        if r not in found:
            found.add(r)
            todo += BELOW[r]
    return found


def room_of(path):
    """The room of src/ROOM/… or include/ingot/ROOM.h; None when there is no such room."""
    parts = path.split("/")
    if parts[0] == "include":
        name = parts[-1].removesuffix(".h")
        name = ROOM_OF_HEADER.get(name, name)
        return name if name in BELOW else None
    return parts[1] if len(parts) > 2 and parts[1] in BELOW else None


def resolve(root, path, name):
    """The file that #include "name" means in the file `path`, relative to the root."""
    for candidate in (pathlib.PurePosixPath(path).parent / name, pathlib.PurePosixPath("include") / name,
                      pathlib.PurePosixPath("src") / name):
        if (root / candidate).is_file():
            return str(candidate)
    return None


def sibling(path, target, folder, shared):
    """True when both lie in folders below `folder` that must not know each other."""
    a, b = path.split("/"), target.split("/")
    n = len(folder.split("/"))
    inside = all("/".join(p[:n]) == folder and len(p) > n + 1 for p in (a, b))
    return inside and a[n] != b[n] and b[n] not in shared


def check_own(path, target):
    room, below = room_of(path), room_of(target)
    if below is None:
        return f"{target} belongs to no room"
    if below not in reachable(room):
        return f"{room} may not include {target} of {below}"
    if path.startswith("src/tensor/kernels/") and not target.startswith(("src/tensor/kernels/", "include/ingot/base.h",
                                                                       "include/ingot/limits.h", "include/ingot/quant.h")):
        return f"a kernel knows no tensor: {target}"
    if sibling(path, target, "src/models", []):
        return f"a family knows no other family: {target}"
    if sibling(path, target, "src/features", ["loop"]):
        return f"a kind knows no other kind: {target}"
    if path.startswith("include/") and not target.startswith("include/"):
        return f"a public header includes {target}, which is not installed"
    return None


def check_library(path, name):
    for pattern, places in CONFINED.items():
        if re.fullmatch(pattern, name) and not path.startswith(tuple(places)):
            return f"<{name}> is for {', '.join(places)} only"
    return None


def check_include(root, path, quote, name):
    if quote == "<" and not name.startswith("ingot/"):
        return check_library(path, name)
    target = resolve(root, path, name)
    return check_own(path, target) if target else f'"{name}" is not found from src/, include/ or this folder'


def check_calls(path, text):
    blank = NOT_CODE.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    for number, line in enumerate(blank.split("\n"), 1):
        for call in CALL.findall(line):
            if not (path in ALLOCATOR and BANNED[call].startswith("ig_")):
                yield number, f"{call}() is not called here: {BANNED[call]}"


def check_file(root, path):
    text = (root / path).read_text(encoding="utf-8")
    if room_of(path) is None:
        yield 1, "belongs to no room of tools/check_house.py"
        return
    for number, line in enumerate(text.split("\n"), 1):
        match = INCLUDE.match(line)
        problem = match and check_include(root, path, *match.groups())
        if problem:
            yield number, problem
    if path.startswith("src/"):
        yield from check_calls(path, text)


def check(root):
    files = sorted(str(p.relative_to(root)) for folder in ("src", "include") for p in (root / folder).rglob("*.[ch]"))
    return [f"{path}:{line}: {problem}" for path in files for line, problem in check_file(root, path)], len(files)


def main():
    root = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent).resolve()
    problems, count = check(root)
    for problem in problems:
        print(problem)
    print(f"{count} files, {len(problems)} violations")
    return 1 if problems or not count else 0


if __name__ == "__main__":
    sys.exit(main())
