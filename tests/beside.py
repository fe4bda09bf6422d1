#!/usr/bin/env python3
"""Puts one table of raw requests to our server, nginx, Apache and lighttpd, side by side.

    make beside                   all that are installed; who is missing is named
    beside.py SERVER [NAME ...]   SERVER is the binary; only rows with NAME in their names

What each answered: the status codes, in order; then `+` if the connection was still open when
nothing more came, and `.` if it was closed. `-` is no byte at all. A `!` stands behind what the RFC
section in the last column does not allow, with what was missing. Ours must have none: exit code 1.
"""
import concurrent.futures
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time

QUIET = 0.7  # seconds without a byte, after which nothing more is expected

HEAD = "GET /small HTTP/1.1\r\nHost: a\r\n"
POST = "POST /small HTTP/1.1\r\nHost: a\r\n"
GLUED = "GET /small?glued HTTP/1.1\r\nHost: a\r\n\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"

# Name, bytes, what the RFC allows (a pattern for all the codes and the end), a pattern that the
# answer needs besides, the section that decides. POST on a file is nobody's business: 405 is fine,
# and so is its closing; what may not be is that the glued request gets an answer of its own.
ROWS = [
    ("a plain GET", HEAD + "\r\n", r"200 \+", r"(?i)\nDate:", "9110, 6.6.1"),
    ("HTTP/1.0 closes", "GET /small HTTP/1.0\r\n\r\n", r"200 \.", None, "9112, 9.3"),
    ("HTTP/1.0 keep-alive", "GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", r"200 [+.]",
     None, "9112, 9.3"),
    ("Connection: close", HEAD + "Connection: close\r\n\r\n", r"200 \.", r"(?i)\nConnection: *close", "9112, 9.6"),
    ("Connection: x, CLOSE", HEAD + "Connection: x, CLOSE\r\n\r\n", r"200 \.", None, "9112, 9.6"),
    ("two in one segment", HEAD + "\r\n" + HEAD + "\r\n", r"200 200 \+", None, "9112, 9.3.2"),
    ("bare LF in a head", "GET /small HTTP/1.1\nHost: a\n\n", r"(200 \+|400 \.)", None, "9112, 2.2"),
    ("empty lines in front", "\r\n\r\n" + HEAD + "\r\n", r"200 \+", None, "9112, 2.2"),
    ("absolute target", "GET http://a/small HTTP/1.1\r\nHost: a\r\n\r\n", r"200 \+", None, "9112, 3.2.2"),
    ("absolute target, other Host", "GET http://a/small HTTP/1.1\r\nHost: b\r\n\r\n", r"200 \+", None, "9112, 3.2.2"),
    ("absolute target, no Host", "GET http://a/small HTTP/1.1\r\n\r\n", r"400 \.", None, "9112, 3.2"),
    ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", r"(200|204) \+", r"(?i)\nAllow:", "9110, 9.3.7"),
    ("GET *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", r"400 [+.]", None, "9112, 3.2.4"),
    ("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", r"(400|405|501) [+.]", None, "9110, 9.3.6"),
    ("TRACE", "TRACE /small HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n", r"(405|501) [+.]",
     r"(?is)^(?!.*secret)", "9110, 9.3.8"),
    ("DELETE of a file: 405 has Allow", "DELETE /small HTTP/1.1\r\nHost: a\r\n\r\n", r"405 [+.]",
     r"(?i)\nAllow:", "9110, 15.5.6"),
    ("an unknown method", "BREW /small HTTP/1.1\r\nHost: a\r\n\r\n", r"501 [+.]", None, "9110, 9.1"),
    ("a method in small letters", "get /small HTTP/1.1\r\nHost: a\r\n\r\n", r"(400|501) [+.]", None, "9110, 9.1"),
    ("no Host on 1.1", "GET /small HTTP/1.1\r\n\r\n", r"400 \.", None, "9112, 3.2"),
    ("two Hosts", HEAD + "Host: b\r\n\r\n", r"400 \.", None, "9112, 3.2"),
    ("a wrong Host", "GET /small HTTP/1.1\r\nHost: a b\r\n\r\n", r"400 \.", None, "9112, 3.2"),
    ("HTTP/1.2", "GET /small HTTP/1.2\r\nHost: a\r\n\r\n", r"200 [+.]", None, "9110, 2.5"),
    ("HTTP/2.0", "GET /small HTTP/2.0\r\nHost: a\r\n\r\n", r"505 \.", None, "9110, 15.6.6"),
    ("http/1.1 in small letters", "GET /small http/1.1\r\nHost: a\r\n\r\n", r"400 \.", None, "9112, 2.3"),
    ("no version at all", "GET /small\r\n", r"400 \.", None, "9112, 3"),
    ("two spaces", "GET  /small HTTP/1.1\r\nHost: a\r\n\r\n", r"(400 \.|200 \+)", None, "9112, 3"),
    ("a space in the target", "GET /sm all HTTP/1.1\r\nHost: a\r\n\r\n", r"400 \.", None, "9112, 3.2"),
    ("a raw # in the target", "GET /small#x HTTP/1.1\r\nHost: a\r\n\r\n", r"400 \.", None, "9112, 3.2"),
    ("a space before the colon", "GET /small HTTP/1.1\r\nHost : a\r\n\r\n", r"400 \.", None, "9112, 5.1"),
    ("a folded line", HEAD + "X: a\r\n b\r\n\r\n", r"(400 \.|200 \+)", None, "9112, 5.2"),
    ("a space before the first field", "GET /small HTTP/1.1\r\n Host: a\r\n\r\n", r"400 \.", None, "9112, 2.2"),
    ("a line without a colon", HEAD + "X\r\n\r\n", r"400 \.", None, "9112, 5"),
    ("an empty name", HEAD + ": x\r\n\r\n", r"400 \.", None, "9112, 5"),
    ("NUL in a value", HEAD + "X: a\0b\r\n\r\n", r"(400 \.|200 \+)", None, "9110, 5.5"),
    ("bare CR in a value", HEAD + "X: a\rb\r\n\r\n", r"(400 \.|200 \+)", None, "9112, 2.2"),
    ("bytes above 7F in a value", HEAD + "X: \xe9\r\n\r\n", r"200 \+", None, "9110, 5.5"),
    ("Upgrade: h2c", HEAD + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
     r"(200 \+|101 .*)", None, "9110, 7.8"),
    ("an unknown expectation", HEAD + "Expect: tea\r\n\r\n", r"(417|200) [+.]", None, "9110, 10.1.1"),
    ("100-continue, no body, no 100", HEAD + "Expect: 100-continue\r\n\r\n", r"200 \+", None, "9110, 10.1.1"),
    ("HEAD has no body", "HEAD /small HTTP/1.1\r\nHost: a\r\n\r\n", r"200 \+", r"(?is)\nContent-Length: *150\r\n(.*\r\n)?\r\n$", "9110, 9.3.2"),
    ("HEAD of nothing has no body", "HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n", r"404 [+.]", r"\r\n\r\n$", "9110, 9.3.2"),
    ("Content-Length, twice, unequal", POST + "Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(GLUED) + GLUED,
     r"400 \.", None, "9112, 6.3"),
    ("Content-Length: 0, 5", POST + "Content-Length: 0, 5\r\n\r\n" + GLUED, r"400 \.", None, "9112, 6.3"),
    ("Content-Length: +0", POST + "Content-Length: +0\r\n\r\n" + GLUED, r"400 \.", None, "9110, 8.6"),
    ("Content-Length: -1", POST + "Content-Length: -1\r\n\r\n" + GLUED, r"400 \.", None, "9110, 8.6"),
    ("Content-Length: 0x0", POST + "Content-Length: 0x0\r\n\r\n" + GLUED, r"400 \.", None, "9110, 8.6"),
    ("Content-Length with spaces", POST + "Content-Length: 0 0\r\n\r\n" + GLUED, r"400 \.", None, "9110, 8.6"),
    ("Content-Length of 30 digits", POST + "Content-Length: " + "9" * 30 + "\r\n\r\n" + GLUED, r"(400|413) \.", None, "9110, 8.6"),
    ("Content-Length and chunked", POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GLUED,
     r"\d\d\d \.", None, "9112, 6.1"),
    ("Transfer-Encoding: gzip", POST + "Transfer-Encoding: gzip\r\n\r\n" + GLUED, r"(400|501) \.", None, "9112, 6.3"),
    ("Transfer-Encoding: chunked, gzip", POST + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + GLUED,
     r"400 \.", None, "9112, 6.3"),
    ("Transfer-Encoding: gzip, chunked", POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + GLUED,
     r"501 [+.].*", None, "9112, 6.1"),
    ("Transfer-Encoding: xchunked", POST + "Transfer-Encoding: xchunked\r\n\r\n" + GLUED, r"(400|501) \.", None, "9112, 6.3"),
    ("Transfer-Encoding on 1.0", "POST /small HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GLUED,
     r"\d\d\d \.", None, "9112, 6.1"),
    ("a chunk size of 20 digits", CHUNKED + "F" * 20 + "\r\nx\r\n0\r\n\r\n" + GLUED, r"4\d\d \.", None, "9112, 7.1"),
    ("a chunk size with a sign", CHUNKED + "+0\r\n\r\n" + GLUED, r"4\d\d \.", None, "9112, 7.1"),
    ("a chunk size 0x0", CHUNKED + "0x0\r\n\r\n" + GLUED, r"4\d\d \.", None, "9112, 7.1"),
    ("a chunk longer than it says", CHUNKED + "1\r\nabc\r\n0\r\n\r\n" + GLUED, r"4\d\d \.", None, "9112, 7.1"),
    ("bare LF in chunk framing", CHUNKED + "1\na\n0\n\n" + GLUED, r"4\d\d \.", None, "9112, 7.1"),
    ("an endless request line", "GET /" + "a" * 70000 + " HTTP/1.1\r\nHost: a\r\n\r\n", r"414 \.", None, "9110, 15.5.15"),
    ("an endless field", HEAD + "X: " + "a" * 70000 + "\r\n\r\n", r"(431|400) \.", None, "9110, 5.4"),
    ("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "a" * 40 + "\r\n\r\n", r"400 \.", None, "9112, 3"),
    ("%00 in a path", "GET /small%00 HTTP/1.1\r\nHost: a\r\n\r\n", r"40[04] [+.]", None, "9110, 4.2.4"),
    ("a bad percent", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", r"40[04] [+.]", None, "3986, 2.1"),
    ("out of the root", "GET /../conf HTTP/1.1\r\nHost: a\r\n\r\n", r"40[04] [+.]", None, "9110, 17.3"),
    ("a range", HEAD + "Range: bytes=0-4\r\n\r\n", r"206 \+", r"(?i)\nContent-Range: bytes 0-4/150", "9110, 14.2"),
    ("a range behind the end", HEAD + "Range: bytes=999-\r\n\r\n", r"416 [+.]", r"(?i)\nContent-Range: bytes \*/150", "9110, 15.5.17"),
    ("a range on HEAD is nothing", "HEAD /small HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4\r\n\r\n", r"200 \+", None, "9110, 14.2"),
    ("If-None-Match: *", HEAD + "If-None-Match: *\r\n\r\n", r"304 \+", r"(?is)^(?!.*\nContent-Length: *0)", "9110, 13.1.2"),
    ("If-Match of another", HEAD + "If-Match: \"none\"\r\n\r\n", r"412 [+.]", None, "9110, 13.1.1"),
    ("If-Modified-Since: soon", HEAD + "If-Modified-Since: Fri, 01 Jan 2100 00:00:00 GMT\r\n\r\n", r"(304|200) \+", None, "9110, 13.1.3"),
    ("If-Unmodified-Since: long ago", HEAD + "If-Unmodified-Since: Mon, 01 Jan 1990 00:00:00 GMT\r\n\r\n",
     r"412 [+.]", None, "9110, 13.1.4"),
]


class Server:
    """One that runs. `conf` is its configuration's text; `{port}` and `{folder}` are filled in."""

    def __init__(self, name, command, folder, conf=""):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        fill = {"port": self.port, "folder": folder, "user": "user root;" if os.geteuid() == 0 else ""}
        (folder / name).mkdir()
        (folder / name / "conf").write_text(conf % fill)
        self.name = name
        self.log = open(folder / name / "log", "wb")
        words = [word % fill for word in command]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def wait(self):
        for _ in range(100):
            if self.ask(HEAD + "\r\n")[0].startswith("200"):
                return True
            time.sleep(0.05)
        return False

    def ask(self, request):
        """The codes and the end, and all that was answered."""
        data, end = b"", "+"
        try:
            with socket.create_connection(("127.0.0.1", self.port), timeout=5) as peer:
                peer.settimeout(QUIET)
                try:
                    peer.sendall(request.encode("latin-1"))
                except OSError:
                    pass  # it may have answered before it had read all
                while len(data) < 1 << 20:
                    piece = peer.recv(65536)
                    if not piece:
                        end = "."
                        break
                    data += piece
        except TimeoutError:
            pass
        except OSError:
            end = "."
        text = data.decode("latin-1")
        codes = re.findall(r"HTTP/1\.[01] (\d\d\d)", text)
        return " ".join(codes or ["-"]) + " " + end, text

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        try:
            self.process.wait(5)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


NGINX = """%(user)s daemon off; pid %(folder)s/nginx/pid; worker_processes 1; error_log stderr;
events { worker_connections 512; }
http { access_log off; client_body_temp_path %(folder)s/nginx/t1; proxy_temp_path %(folder)s/nginx/t2;
  fastcgi_temp_path %(folder)s/nginx/t3; uwsgi_temp_path %(folder)s/nginx/t4; scgi_temp_path %(folder)s/nginx/t5;
  server { listen 127.0.0.1:%(port)d; root %(folder)s/www; } }
"""
APACHE = """LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
Listen 127.0.0.1:%(port)d
ServerName a
ServerRoot %(folder)s
PidFile %(folder)s/apache/pid
DefaultRuntimeDir %(folder)s/apache
User www-data
Group www-data
ErrorLog /dev/stderr
DocumentRoot %(folder)s/www
<Directory %(folder)s/www>
Require all granted
</Directory>
"""
LIGHTTPD = """server.document-root = "%(folder)s/www"
server.bind = "127.0.0.1"
server.port = %(port)d
"""


def start(binary, folder):
    (folder / "www").mkdir()
    (folder / "www" / "small").write_bytes(b"x" * 150)
    old = time.time() - 1000
    os.utime(folder / "www" / "small", (old, old))
    folder.chmod(0o755)
    os.environ["PATH"] += ":/usr/sbin"
    yield Server("ours", [binary, "--bind", "127.0.0.1:%(port)d", "--data", "%(folder)s/data",
                          "--access-log", "off", "%(folder)s/www"], folder)
    for name, program, package, flags, conf in [
        ("nginx", "nginx", "nginx-light", ["-e", "stderr", "-p", "%(folder)s/nginx", "-c", "%(folder)s/nginx/conf"], NGINX),
        ("apache", "apache2", "apache2", ["-D", "FOREGROUND", "-f", "%(folder)s/apache/conf"], APACHE),
        ("lighttpd", "lighttpd", "lighttpd", ["-D", "-f", "%(folder)s/lighttpd/conf"], LIGHTTPD),
    ]:
        if shutil.which(program):
            yield Server(name, [program, *flags], folder, conf)
        else:
            print(f"{name} is not here: apt-get install {package}")


def judged(row, server):
    _, request, allowed, needed, _ = row
    told, text = server.ask(request)
    if not re.fullmatch(allowed, told):
        return told, told + " !"
    if needed and not re.search(needed, text):
        return told, told + " ! " + ("no Allow" if "Allow" in needed else "fields")
    return told, told


def main():
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    binary, names = os.path.abspath(sys.argv[1]), sys.argv[2:]
    rows = [row for row in ROWS if not names or any(name in row[0] for name in names)]
    wrong = {}
    with tempfile.TemporaryDirectory() as folder:
        servers = []
        try:
            for server in start(binary, pathlib.Path(folder)):
                servers.append(server)
                if not server.wait():
                    log = (pathlib.Path(folder) / server.name / "log").read_text(errors="replace")
                    sys.exit(f"{server.name} does not serve: {log}")
            print(f"{'':34}" + "".join(f"{server.name:18}" for server in servers) + "RFC")
            with concurrent.futures.ThreadPoolExecutor(16) as pool:
                asked = [[pool.submit(judged, row, server) for server in servers] for row in rows]
            for row, cells in zip(rows, asked):
                shown = [cell.result()[1] for cell in cells]
                print(f"{row[0]:34}" + "".join(f"{cell:18}" for cell in shown) + row[4])
                for server, cell in zip(servers, shown):
                    wrong[server.name] = wrong.get(server.name, 0) + ("!" in cell)
        finally:
            for server in servers:
                server.stop()
    print(f"{'not allowed':34}" + "".join(f"{str(count) + ' of ' + str(len(rows)):18}" for count in wrong.values()))
    sys.exit(wrong["ours"] > 0)


main()
