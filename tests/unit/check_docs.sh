#!/bin/sh
# Fails when the committed page is not what the tables say. Arguments: the generator, the page.
"$1" | diff -u "$2" - && exit 0
echo "stale: run $1 > $2" >&2
exit 1
