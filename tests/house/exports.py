#!/usr/bin/env python3
"""libingot.so exports what the public headers declare, and nothing else; all of it begins with ig_.

    exports.py LIBRARY INCLUDE_FOLDER
"""
import pathlib
import re
import shutil
import subprocess
import sys

library, include = sys.argv[1], pathlib.Path(sys.argv[2])
if not shutil.which("nm"):
    print("SKIP exports: nm not found")
    sys.exit(77)

listing = subprocess.run(["nm", "-D", "--defined-only", library], check=True, capture_output=True, text=True).stdout
exported = {line.split()[-1].split("@")[0] for line in listing.splitlines()}


def declared(text):
    """Names of functions declared at the outermost level: no typedefs, no static ones."""
    text = re.sub(r"/\*.*?\*/", " ", text, flags=re.S)
    text = re.sub(r"^\s*#(?:.*\\\n)*.*$", "", text, flags=re.M)
    text = text.replace('extern "C" {', " ")  # its braces are no body
    for statement in re.split(r";|\{[^{}]*\}", text):
        match = re.search(r"\b(ig_\w+)\s*\(", statement)
        if match and not re.search(r"\b(typedef|static|return)\b", statement):
            yield match.group(1)
    yield from re.findall(r"^extern const \w+ (?:\*const )?(ig_\w+)", text, flags=re.M)


public = {name for header in sorted((include / "ingot").glob("*.h")) for name in declared(header.read_text(encoding="utf-8"))}
problems = [f"{name}: exported, and does not begin with ig_" for name in sorted(exported) if not name.startswith("ig_")]
problems += [f"{name}: exported, and in no public header" for name in sorted(exported - public) if name.startswith("ig_")]
problems += [f"{name}: in a public header, and not exported" for name in sorted(public - exported)]
print("\n".join(problems + [f"{len(exported)} exported, {len(public)} declared, {len(problems)} problems"]))
sys.exit(1 if problems or not exported else 0)
