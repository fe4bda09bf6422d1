#!/bin/sh
# Installs the Debian packages named, where this is Debian and we may. Failing that, says what is
# missing, and succeeds: a test that needs it says that it was skipped.
missing=
PATH=$PATH:/usr/sbin
for package in "$@"; do
    case $package in
        netcat-openbsd) probe=nc.openbsd ;;
        apache2-bin) probe=apache2 ;;
        *) probe=$package ;;
    esac
    command -v "$probe" >/dev/null 2>&1 || missing="$missing $package"
done
[ -n "$missing" ] || exit 0
if command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    # In runlevel 1 no service is started by its installation.
    # shellcheck disable=SC2086
    { apt-get update -q && RUNLEVEL=1 apt-get install -y -q --no-install-recommends $missing; } >/dev/null 2>&1 && exit 0
fi
echo "not installed, tests that need them are skipped:$missing" >&2
