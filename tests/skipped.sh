#!/bin/sh
# Lists the tests that were skipped, by reason, at the end of make test: skipped.sh FILE, where the file has
# a line `SKIPPED test: reason` for each of them.
set -eu
[ -s "$1" ] || {
    echo 'No test was skipped.'
    exit 0
}
echo 'Skipped (make packages installs the missing programs):'
sort -u "$1" | sed 's/^SKIPPED \([^ ]*\): /\1 /' | awk '
    { test = $1; sub(/^[^ ]* /, ""); tests[$0] = tests[$0] "\n    " test }
    END { for (reason in tests) print "  " reason ":" tests[reason] }'
