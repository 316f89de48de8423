#!/usr/bin/env python3
"""Jinja2 with the settings of transformers' apply_chat_template:   reference.py < JOBS > RESULTS

JOBS: a JSON list of {"template", "variables"}; RESULTS: a list of the text, or null where Jinja2 raises an error.
Written with Jinja2 3.1.6; the environment follows transformers' chat_template_utils (4.46).
"""
import json
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


def render(job):
    try:
        return env.from_string(job["template"]).render(**job["variables"])
    except Exception:
        return None


json.dump([render(j) for j in json.load(sys.stdin)], sys.stdout, ensure_ascii=False)
