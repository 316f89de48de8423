#!/usr/bin/env python3
"""Jinja2 with the settings of transformers' apply_chat_template:   reference.py > RESULTS

RESULTS: a JSON list of what the templates beside this file make of conversations.json, in the order of their names, and then
of expressions.json; null where Jinja2 raises an error.  The files are read here, and not handed over by the generator,
because JavaScript would turn 1.0 into 1.  Written with Jinja2 3.1.6; the environment follows transformers' chat_template_utils (4.46).
"""
import json
import pathlib
import sys
from datetime import datetime, timezone

import jinja2
import jinja2.ext
from jinja2.sandbox import ImmutableSandboxedEnvironment


class Generation(jinja2.ext.Extension):
    tags = {"generation"}

    def parse(self, parser):
        next(parser.stream)
        return parser.parse_statements(["name:endgeneration"], drop_needle=True)


def raise_exception(message):
    raise jinja2.exceptions.TemplateError(message)


def tojson(x, ensure_ascii=False, indent=None, separators=None, sort_keys=False):
    return json.dumps(x, ensure_ascii=ensure_ascii, indent=indent, separators=separators, sort_keys=sort_keys)


env = ImmutableSandboxedEnvironment(trim_blocks=True, lstrip_blocks=True, extensions=[Generation, jinja2.ext.loopcontrols])
env.filters["tojson"] = tojson
env.globals["raise_exception"] = raise_exception
# the clock that tests/text/test_template.c gives
env.globals["strftime_now"] = lambda f: datetime.fromtimestamp(1722000000, timezone.utc).strftime(f)


here = pathlib.Path(__file__).parent


def render(template, variables):
    try:
        return env.from_string(template).render(**variables)
    except Exception:
        return None


conversations = json.loads((here / "conversations.json").read_text(encoding="utf-8"))
expressions = json.loads((here / "expressions.json").read_text(encoding="utf-8"))
results = []
for path in sorted(here.glob("*.jinja")):
    results += [render(path.read_text(encoding="utf-8"), c["variables"]) for c in conversations]
results += [render(t, expressions["variables"]) for t in expressions["templates"]]
json.dump(results, sys.stdout, ensure_ascii=False)
