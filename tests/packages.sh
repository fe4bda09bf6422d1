#!/bin/sh
# Installs the programs that some tests need: Debian packages, if this is Debian and the user is root;
# httpbin and two linters from PyPI; Playwright from npm. Names what it could not install, and
# succeeds: make test skips the tests that need it.
set -u
cd "$(dirname "$0")" || exit 1
PATH=$PATH:/usr/sbin

packages=
# need PACKAGE COMMAND...: adds the package to the list unless the command succeeds.
need() {
    package=$1
    shift
    "$@" >/dev/null 2>&1 || packages="$packages $package"
}
for program in curl ncat python3 strace chromium wget nginx npm shellcheck brotli zstd git jq goaccess logrotate rclone archivemount nsd unbound groff zsh fish openssl; do
    need "$program" command -v "$program"
done
need netcat-openbsd command -v nc.openbsd
need apache2-bin command -v apache2
need apache2-utils command -v htpasswd
need nodejs command -v node
need dnsmasq-base command -v dnsmasq
need bind9-dnsutils command -v dig
need bind9-host command -v host
need knot-dnsutils command -v kdig
need haproxy command -v haproxy
need libnginx-mod-stream test -e /usr/lib/nginx/modules/ngx_stream_module.so
need aria2 command -v aria2c
need libarchive-tools command -v bsdtar
need fuse3 command -v fusermount
need systemd command -v systemd-analyze
need bubblewrap command -v bwrap
need python3-venv python3 -m ensurepip --version
if [ -n "$packages" ] && command -v apt-get >/dev/null 2>&1 && [ "$(id -u)" = 0 ]; then
    # In runlevel 1 no service is started by its installation.
    # shellcheck disable=SC2086
    { apt-get update -q && RUNLEVEL=1 apt-get install -y -q --no-install-recommends $packages; } >/dev/null 2>&1 &&
        packages=
fi

# venv FOLDER PROGRAM: installs what the folder's requirements.txt lists, unless the program is there.
venv() {
    [ ! -x "$1/venv/bin/$2" ] || return 0
    { python3 -m venv "$1/venv" && "$1/venv/bin/pip" install -q --disable-pip-version-check --timeout 10 \
        --retries 1 -r "$1/requirements.txt"; } >/dev/null 2>&1 && return
    rm -rf "$1/venv"
    packages="$packages $2"
}
venv httpbin gunicorn
venv linter redbot
[ -d site/node_modules ] || (cd site && npm ci --silent) >/dev/null 2>&1 || packages="$packages playwright-core"

[ -z "$packages" ] || echo "not installed, the tests that need them are skipped:$packages" >&2
