#!/bin/sh
# `npx esp0 …` in this checkout, for test/docs.test.ts.
[ "$1" = esp0 ] && shift && exec node "$ESP0" "$@"
echo "npx: only esp0 is known here" >&2
exit 1
