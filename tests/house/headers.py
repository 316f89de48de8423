#!/usr/bin/env python3
"""Every public header compiles alone, twice in one file, in C11 and in C++, without a warning.

    headers.py INCLUDE_FOLDER
"""
import os
import pathlib
import shlex
import shutil
import subprocess
import sys

include = pathlib.Path(sys.argv[1])
COMPILERS = [("C11", os.environ.get("CC", "cc"), ["-std=c11", "-x", "c"]), ("C++11", os.environ.get("CXX", "c++"), ["-std=c++11", "-x", "c++"])]
headers = sorted(h.name for h in (include / "ingot").glob("*.h"))
failed = 0
for language, compiler, flags in COMPILERS:
    command = shlex.split(compiler)
    if not shutil.which(command[0]):
        print(f"SKIP headers in {language}: {compiler} not found")
        continue
    for header in headers:
        source = f'#include "ingot/{header}"\n' * 2 + "int main(void) { return 0; }\n"
        run = subprocess.run([*command, *flags, "-Wall", "-Wextra", "-Werror", "-Wpedantic", "-fsyntax-only", f"-I{include}", "-"],
                             input=source, capture_output=True, text=True)
        if run.returncode:
            failed += 1
            print(f"{header} in {language}:\n{run.stderr}")
print(f"{len(headers)} headers, {failed} problems")
sys.exit(1 if failed or not headers else 0)
