#!/usr/bin/env python3
"""Turns templates/*.{subject,txt,html} into C: a table of their names and texts.

Usage: embed.py OUT.c template…
"""
import os
import sys


def c_string(text):
    lines = text.replace("\\", "\\\\").replace('"', '\\"').split("\n")
    return "\n".join(f'     "{line}\\n"' for line in lines[:-1])


def main():
    source, *files = sys.argv[1:]
    with open(source, "w", encoding="utf-8") as out:
        out.write("/* Made from src/notify/templates/ by src/notify/embed.py. */\n")
        out.write('#include "notify/templates.h"\n\nconst struct template_builtin TEMPLATE_BUILTINS[] = {\n')
        for path in sorted(files):
            name, _, kind = os.path.basename(path).rpartition(".")
            with open(path, encoding="utf-8") as template:
                out.write(f'    {{"{name}", "{kind}",\n{c_string(template.read())}}},\n')
        out.write("    {NULL, NULL, NULL},\n};\n")


main()
