#!/bin/sh
# Installs httpbin from PyPI, for tests/client/httpbin.rs. Says so, and succeeds, where it cannot be had:
# that test then says that it was skipped.
set -eu
cd "$(dirname "$0")"
[ ! -x venv/bin/gunicorn ] || exit 0
skip() {
    echo "not installed, tests that need it are skipped: httpbin: $1" >&2
    rm -rf venv
    exit 0
}
command -v python3 >/dev/null 2>&1 || skip 'python3 is not installed'
python3 -m venv venv 2>/dev/null || skip 'python3 cannot make a venv'
venv/bin/pip install -q --disable-pip-version-check --timeout 10 --retries 1 -r requirements.txt \
    2>/dev/null || skip 'pip cannot install it'
