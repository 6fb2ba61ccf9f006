#!/usr/bin/env python3
"""Turns sql/queries.sql and sql/migrations/*.sql into C: the names as an enum, the texts as strings.

Usage: embed.py OUT.h OUT.c queries.sql migration.sql…
"""
import hashlib
import os
import re
import sys


def c_string(text):
    lines = text.replace("\\", "\\\\").replace('"', '\\"').split("\n")
    return "\n".join(f'    "{line}\\n"' for line in lines if line.strip())


def expanded(path):
    """Yields (name, text) of each query; one with "-- each: KEY value…" once a value, which stands for {KEY}."""
    for part in re.split(r"^-- name: ", open(path, encoding="utf-8").read(), flags=re.M)[1:]:
        name, _, body = part.partition("\n")
        each = re.match(r"-- each: (\w+) (.*)\n", body)
        if not each:
            yield name, body
            continue
        for value in each[2].split():
            key = "{" + each[1] + "}"
            yield name.replace(key, value.upper()), body.replace(key, value)


def queries(path):
    """Yields (name, statement) in file order; a name given twice is an error."""
    seen = set()
    for name, body in expanded(path):
        if not re.fullmatch(r"[A-Z][A-Z0-9_]*", name) or name in seen:
            sys.exit(f"{path}: bad or repeated query name: {name}")
        seen.add(name)
        statement = "\n".join(line for line in body.split("\n") if not line.startswith("--"))
        yield name, statement.strip().rstrip(";")


def main():
    header, source, query_file, *migration_files = sys.argv[1:]
    rows = list(queries(query_file))
    with open(header, "w", encoding="utf-8") as out:
        out.write("/* Made from sql/ by sql/embed.py. */\n")
        out.write("#ifndef AIRLOCK_DB_QUERIES_H\n#define AIRLOCK_DB_QUERIES_H\n\n")
        out.write("enum db_query {\n" + "".join(f"    Q_{name},\n" for name, _ in rows) + "    Q_COUNT\n};\n\n")
        out.write("struct db_query_text {\n    const char *name;\n    const char *sql;\n};\n")
        out.write("extern const struct db_query_text DB_QUERIES[];\n\n")
        out.write("struct db_migration {\n    const char *name;\n    const char *sha256;\n    const char *sql;\n};\n")
        out.write(f"#define DB_MIGRATION_COUNT {len(migration_files)}\n")
        out.write("extern const struct db_migration DB_MIGRATIONS[];\n\n#endif\n")
    with open(source, "w", encoding="utf-8") as out:
        out.write(f'/* Made from sql/ by sql/embed.py. */\n#include "{os.path.basename(header)}"\n\n')
        out.write("const struct db_query_text DB_QUERIES[] = {\n")
        for name, sql in rows:
            out.write(f'    {{"{name}",\n{c_string(sql)}}},\n')
        out.write("};\n\nconst struct db_migration DB_MIGRATIONS[] = {\n")
        for path in sorted(migration_files):
            raw = open(path, "rb").read()
            name = os.path.basename(path).removesuffix(".sql")
            out.write(f'    {{"{name}", "{hashlib.sha256(raw).hexdigest()}",\n{c_string(raw.decode())}}},\n')
        out.write("};\n")


main()
