#!/usr/bin/env python3
"""Puts one table of raw requests to our server, nginx, Apache and lighttpd, side by side.

    make beside                          all that are installed; who is missing is named
    beside.py [--ours] SERVER [NAME ...] SERVER is the binary; only rows with NAME in their names;
                                         with --ours nobody else is asked

What each answered: the status codes, in order; then `+` if the connection was still open when
nothing more came, and `.` if it was closed. `-` is no byte at all. Behind it stands `!` where the RFC
section in the last column says MUST and it was not so, and `~` where it says SHOULD: that is allowed
to who has a reason. Ours must have neither: exit code 1.
"""
import calendar
import concurrent.futures
import gzip
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

MODIFIED = time.gmtime(784111777)  # of the files that are served
QUIET = 0.5  # seconds without a byte, after which nothing more is expected

HEAD = "GET /small HTTP/1.1\r\nHost: a\r\n"
POST = "POST /small HTTP/1.1\r\nHost: a\r\n"
GLUED = "GET /small?glued HTTP/1.1\r\nHost: a\r\n\r\n"
TEXT = "GET /text.txt HTTP/1.1\r\nHost: a\r\n"
CHUNKED = POST + "Transfer-Encoding: chunked\r\n\r\n"

# Name, bytes, what must be (None: the RFC leaves it open), what should be besides, the section that
# decides. Both are patterns for all that was answered: the codes and the end on a line, then the bytes.
# In a request `{etag}`, `{modified}`, `{rfc850}` and `{asctime}` are those of the file, at this server.
#
# POST on a file is nobody's business: 405 is fine, 200 is, and so is closing; what may not be is that
# the glued request gets an answer of its own.
ANY = r"\d\d\d [+.]"
ALONE = r"\d\d\d \."
REFUSED = r"400 \."
WHOLE = r"200 \+"


def has(codes, *fields):
    """These codes and this end, and these field lines."""
    return codes + "".join(rf"(?=[\s\S]*\n(?i:{field}))" for field in fields)


def without(codes, *texts):
    """These codes and this end, and nothing of these texts."""
    return codes + "".join(rf"(?![\s\S]*{text})" for text in texts)


NO_BODY = r"[\s\S]*\r\n\r\n\Z"
NOT_CODED = without(WHOLE, r"\n(?i:Content-Encoding: *gzip)")

ROWS = [
    # 9112, 2 to 5: lines.
    ("a plain GET", HEAD + "\r\n", has(WHOLE, "Date:"), None, "9110, 6.6.1"),
    ("bare LF in a head", "GET /small HTTP/1.1\nHost: a\n\n", r"(200 \+|400 \.)", None, "9112, 2.2"),
    ("an empty line in front", "\r\n" + HEAD + "\r\n", None, WHOLE, "9112, 2.2"),
    ("a space before the first field", "GET /small HTTP/1.1\r\n Host: a\r\n\r\n", REFUSED, None, "9112, 2.2"),
    ("a line without a colon", HEAD + "X\r\n\r\n", None, REFUSED, "9112, 2.2"),
    ("an empty name", HEAD + ": x\r\n\r\n", None, REFUSED, "9112, 2.2"),
    ("a TLS hello", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + "a" * 40 + "\r\n\r\n", None, REFUSED, "9112, 2.2"),
    ("the refusal has its Date", "GET /small HTTP/1.1\r\n\r\n", has(REFUSED, "Date:"), None, "9110, 6.6.1"),
    ("HTTP/1.2", "GET /small HTTP/1.2\r\nHost: a\r\n\r\n", None, r"200 [+.]", "9110, 2.5"),
    ("HTTP/2.0", "GET /small HTTP/2.0\r\nHost: a\r\n\r\n", r"(505|200|400) [+.]", None, "9110, 2.5"),
    ("http/1.1 in small letters", "GET /small http/1.1\r\nHost: a\r\n\r\n", None, REFUSED, "9112, 2.3"),
    ("no version at all", "GET /small\r\n", None, REFUSED, "9112, 3"),
    ("two spaces", "GET  /small HTTP/1.1\r\nHost: a\r\n\r\n", r"(400 \.|200 \+)", None, "9112, 3"),
    ("a space in the target", "GET /sm all HTTP/1.1\r\nHost: a\r\n\r\n", None, REFUSED, "9112, 3.2"),
    ("a raw # in the target", "GET /small#x HTTP/1.1\r\nHost: a\r\n\r\n", None, REFUSED, "9112, 3.2"),
    ("an endless request line", "GET /" + "a" * 70000 + " HTTP/1.1\r\nHost: a\r\n\r\n", r"414 \.", None, "9112, 3"),
    ("no Host on 1.1", "GET /small HTTP/1.1\r\n\r\n", REFUSED, None, "9112, 3.2"),
    ("two Hosts", HEAD + "Host: b\r\n\r\n", REFUSED, None, "9112, 3.2"),
    ("one Host twice", HEAD + "Host: a\r\n\r\n", REFUSED, None, "9112, 3.2"),
    ("a wrong Host", "GET /small HTTP/1.1\r\nHost: a b\r\n\r\n", REFUSED, None, "9112, 3.2"),
    ("a Host with a user", "GET /small HTTP/1.1\r\nHost: u@a\r\n\r\n", REFUSED, None, "9112, 3.2"),
    ("an absolute target", "GET http://a/small HTTP/1.1\r\nHost: a\r\n\r\n", WHOLE, None, "9112, 3.2.2"),
    ("an absolute target, other Host", "GET http://a/small HTTP/1.1\r\nHost: b\r\n\r\n", WHOLE, None, "9112, 3.2.2"),
    ("an absolute target, no Host", "GET http://a/small HTTP/1.1\r\n\r\n", REFUSED, None, "9112, 3.2"),
    ("GET *", "GET * HTTP/1.1\r\nHost: a\r\n\r\n", None, r"400 [+.]", "9112, 3.2"),
    ("a space before the colon", "GET /small HTTP/1.1\r\nHost : a\r\n\r\n", REFUSED, None, "9112, 5.1"),
    ("a folded line", HEAD + "X: a\r\n b\r\n\r\n", r"(400 \.|200 \+)", None, "9112, 5.2"),
    ("NUL in a value", HEAD + "X: a\0b\r\n\r\n", r"(400 \.|200 \+)", None, "9110, 5.5"),
    ("bare CR in a value", HEAD + "X: a\rb\r\n\r\n", r"(400 \.|200 \+)", None, "9112, 2.2"),
    ("bytes above 7F in a value", HEAD + "X: \xe9\r\n\r\n", None, WHOLE, "9110, 5.5"),
    ("an endless field", HEAD + "X: " + "a" * 70000 + "\r\n\r\n", r"4\d\d [+.]", None, "9110, 5.4"),
    # 9112, 6 and 7: where a body ends.
    ("Content-Length, twice, unequal", POST + "Content-Length: 0\r\nContent-Length: %d\r\n\r\n" % len(GLUED) + GLUED,
     REFUSED, None, "9112, 6.3"),
    ("Content-Length: 0, 5", POST + "Content-Length: 0, 5\r\n\r\n" + GLUED, REFUSED, None, "9112, 6.3"),
    ("Content-Length: +0", POST + "Content-Length: +0\r\n\r\n" + GLUED, REFUSED, None, "9112, 6.3"),
    ("Content-Length: -1", POST + "Content-Length: -1\r\n\r\n" + GLUED, REFUSED, None, "9112, 6.3"),
    ("Content-Length: 0x0", POST + "Content-Length: 0x0\r\n\r\n" + GLUED, REFUSED, None, "9112, 6.3"),
    ("Content-Length with spaces", POST + "Content-Length: 0 0\r\n\r\n" + GLUED, REFUSED, None, "9112, 6.3"),
    ("Content-Length of nothing", POST + "Content-Length: \r\n\r\n" + GLUED, REFUSED, None, "9112, 6.3"),
    ("Content-Length of 30 digits", POST + "Content-Length: " + "9" * 30 + "\r\n\r\n" + GLUED, r"(400|413) \.", None, "9110, 8.6"),
    ("Content-Length and chunked", POST + "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GLUED,
     ALONE, None, "9112, 6.1"),
    # 6.3 wants 400 where chunked is not last, 6.1 would like 501 for what is not known: either will do.
    ("Transfer-Encoding: gzip", POST + "Transfer-Encoding: gzip\r\n\r\n" + GLUED, r"(400|501) \.", None, "9112, 6.3"),
    ("Transfer-Encoding: chunked, gzip", POST + "Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n" + GLUED,
     r"(400|501) \.", None, "9112, 6.3"),
    ("Transfer-Encoding: gzip, chunked", POST + "Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n" + GLUED,
     None, r"501 .*", "9112, 6.1"),
    ("Transfer-Encoding: xchunked", POST + "Transfer-Encoding: xchunked\r\n\r\n" + GLUED, r"(400|501) \.", None, "9112, 6.3"),
    ("Transfer-Encoding on 1.0", "POST /small HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n" + GLUED,
     ALONE, None, "9112, 6.1"),
    ("a body in chunks, then a request", CHUNKED + "3\r\nabc\r\n0\r\nX: y\r\n\r\n" + GLUED,
     r"\d\d\d( 200 \+| \.)", None, "9112, 9.3"),
    ("a chunk extension", CHUNKED + "3;a=\"b;\"\r\nabc\r\n0\r\n\r\n" + GLUED, r"(405|200)( 200 \+| \.)", None, "9112, 7.1.1"),
    ("a chunk size of 20 digits", CHUNKED + "F" * 20 + "\r\nx\r\n0\r\n\r\n" + GLUED, ALONE, None, "9112, 7.1"),
    ("a chunk size with a sign", CHUNKED + "+0\r\n\r\n" + GLUED, None, ALONE, "9112, 2.2"),
    ("a chunk size 0x0", CHUNKED + "0x0\r\n\r\n" + GLUED, None, ALONE, "9112, 2.2"),
    ("a chunk longer than it says", CHUNKED + "1\r\nabc\r\n0\r\n\r\n" + GLUED, None, ALONE, "9112, 2.2"),
    ("bare LF in chunk framing", CHUNKED + "1\na\n0\n\n" + GLUED, None, ALONE, "9112, 2.2"),
    ("a trailer named Host", CHUNKED + "0\r\nHost: b\r\n\r\n", ANY, None, "9110, 6.5.1"),
    # 9112, 9: connections.
    ("HTTP/1.0 closes", "GET /small HTTP/1.0\r\n\r\n", r"200 \.", None, "9112, 9.3"),
    ("HTTP/1.0 keep-alive", "GET /small HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", r"200 [+.]",
     None, "9112, 9.3"),
    ("HTTP/1.0 keep-alive, close", "GET /small HTTP/1.0\r\nConnection: keep-alive, close\r\n\r\n", r"200 \.", None, "9112, 9.3"),
    ("Connection: close", HEAD + "Connection: close\r\n\r\n" + GLUED, r"200 \.", has("200", "Connection: *close"), "9112, 9.6"),
    ("Connection: x, CLOSE", HEAD + "Connection: x, CLOSE\r\n\r\n" + GLUED, r"200 \.", None, "9112, 9.6"),
    ("two in one segment", HEAD + "\r\n" + HEAD + "\r\n", WHOLE.replace("200", "200 200"), None, "9112, 9.3.2"),
    # 9110, 7 to 10: methods, Upgrade, Expect.
    ("Upgrade: h2c", HEAD + "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: AAMAAABkAAQAoAAAAAIAAAAA\r\n\r\n",
     r"(200 \+|101 .*)", None, "9110, 7.8"),
    ("Upgrade on 1.0 is nothing", "GET /small HTTP/1.0\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n", r"200 \.", None, "9110, 7.8"),
    ("an unknown method", "BREW /small HTTP/1.1\r\nHost: a\r\n\r\n", rf"(?!405){ANY}|405(?=[\s\S]*\nAllow:)", r"501 [+.]", "9110, 9.1"),
    ("a method in small letters", "get /small HTTP/1.1\r\nHost: a\r\n\r\n", r"(?!200)" + ANY, None, "9110, 9.1"),
    ("HEAD has no body", "HEAD /small HTTP/1.1\r\nHost: a\r\n\r\n", r"200 \+" + NO_BODY,
     has(WHOLE, "Content-Length: *150"), "9110, 9.3.2"),
    ("HEAD of nothing has no body", "HEAD /none HTTP/1.1\r\nHost: a\r\n\r\n", r"404 [+.]" + NO_BODY, None, "9110, 9.3.2"),
    ("CONNECT", "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n", r"(400|405|501) [+.]", None, "9110, 9.3.6"),
    ("OPTIONS *", "OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", None, r"501 [+.]|" + has(r"(200|204) [+.]", "Allow:"), "9110, 9.3.7"),
    ("TRACE keeps cookies to itself", "TRACE /small HTTP/1.1\r\nHost: a\r\nCookie: secret\r\n\r\n", None,
     without(r"(200|405|501) [+.]", "secret"), "9110, 9.3.8"),
    ("405 has Allow", "DELETE /small HTTP/1.1\r\nHost: a\r\n\r\n", r"501 [+.]|" + has(r"405 [+.]", "Allow:"), None, "9110, 15.5.6"),
    ("an unknown expectation", HEAD + "Expect: tea\r\n\r\n", r"(417|200) [+.]", None, "9110, 10.1.1"),
    ("100-continue, and no body", HEAD + "Expect: 100-continue\r\n\r\n", r"(100 )?200 [+.]", None, "9110, 10.1.1"),
    ("100-continue, body held back", POST + "Content-Length: 5\r\nExpect: 100-continue\r\n\r\n", r"\d\d\d.*", None, "9110, 10.1.1"),
    ("no 100 to 1.0", "POST /small HTTP/1.0\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n", r"(?!100).*", None, "9110, 10.1.1"),
    # 9110, 12.5.3: there is a /text.txt to compress, and a /text.txt.gz.
    ("gzip with q=0 is not sent", TEXT + "Accept-Encoding: gzip;q=0\r\n\r\n", None, NOT_CODED, "9110, 12.5.3"),
    ("nor with q=0.000", TEXT + "Accept-Encoding: gzip;q=0.000, identity\r\n\r\n", None, NOT_CODED, "9110, 12.5.3"),
    ("nor where * has q=0", TEXT + "Accept-Encoding: identity, *;q=0\r\n\r\n", None, NOT_CODED, "9110, 12.5.3"),
    ("nor where the field is empty", TEXT + "Accept-Encoding:\r\n\r\n", None, NOT_CODED, "9110, 12.5.3"),
    ("what depends on it says Vary", TEXT + "Accept-Encoding: gzip\r\n\r\n", None,
     NOT_CODED + "|" + has(WHOLE, "Content-Encoding: *gzip", "Vary:.*Accept-Encoding"), "9110, 12.5.5"),
    # 9110, 13: conditions. `*` and dates are there for who has no ETag.
    ("If-Match of this state", HEAD + "If-Match: {etag}\r\n\r\n", WHOLE, None, "9110, 13.1.1"),
    ("If-Match: *", HEAD + "If-Match: *\r\n\r\n", WHOLE, None, "9110, 13.1.1"),
    ("If-Match of another", HEAD + "If-Match: \"none\"\r\n\r\n", r"412 [+.]", None, "9110, 13.1.1"),
    ("If-Match, weakly", HEAD + "If-Match: W/{etag}\r\n\r\n", r"412 [+.]", None, "9110, 13.1.1"),
    ("If-None-Match of this state", HEAD + "If-None-Match: {etag}\r\n\r\n", has(r"304 \+", "ETag:") + NO_BODY, None, "9110, 13.1.2"),
    ("If-None-Match, weakly", HEAD + "If-None-Match: W/{etag}\r\n\r\n", r"304 \+", None, "9110, 13.1.2"),
    ("If-None-Match, second of two", HEAD + "If-None-Match: \"a,b\", {etag}\r\n\r\n", r"304 \+", None, "9110, 13.1.2"),
    ("If-None-Match, second line", HEAD + "If-None-Match: \"a\"\r\nIf-None-Match: {etag}\r\n\r\n", r"304 \+", None, "9110, 13.1.2"),
    ("If-None-Match: *", HEAD + "If-None-Match: *\r\n\r\n", without(r"304 \+", r"\n(?i:Content-Length: *0)"), None, "9110, 13.1.2"),
    ("HEAD with If-None-Match", HEAD.replace("GET", "HEAD") + "If-None-Match: {etag}\r\n\r\n", r"304 \+", None, "9110, 13.1.2"),
    ("it goes before If-Modified-Since", HEAD + "If-None-Match: \"a\"\r\nIf-Modified-Since: {modified}\r\n\r\n", WHOLE, None, "9110, 13.1.3"),
    ("If-Modified-Since: then", HEAD + "If-Modified-Since: {modified}\r\n\r\n", None, r"304 \+", "9110, 13.1.3"),
    ("the same as RFC 850 had it", HEAD + "If-Modified-Since: {rfc850}\r\n\r\n", r"304 \+", None, "9110, 5.6.7"),
    ("the same as asctime has it", HEAD + "If-Modified-Since: {asctime}\r\n\r\n", r"304 \+", None, "9110, 5.6.7"),
    ("If-Modified-Since: yesterday", HEAD + "If-Modified-Since: yesterday\r\n\r\n", WHOLE, None, "9110, 13.1.3"),
    ("If-Unmodified-Since: long ago", HEAD + "If-Unmodified-Since: Mon, 01 Jan 1990 00:00:00 GMT\r\n\r\n",
     r"412 [+.]", None, "9110, 13.1.4"),
    # 9110, 14: ranges. Who has none may always send the whole.
    ("a range", HEAD + "Range: bytes=0-4\r\n\r\n", WHOLE + "|" + has(r"206 \+", "Content-Range: bytes 0-4/150", "ETag:"), None, "9110, 15.3.7"),
    ("the last five", HEAD + "Range: bytes=-5\r\n\r\n", WHOLE + "|" + has(r"206 \+", "Content-Range: bytes 145-149/150"), None, "9110, 14.1.2"),
    ("up to 30 digits", HEAD + "Range: bytes=140-" + "9" * 30 + "\r\n\r\n",
     WHOLE + "|" + has(r"206 \+", "Content-Range: bytes 140-149/150"), None, "9110, 14.1.2"),
    ("two ranges", HEAD + "Range: bytes=0-0,140-\r\n\r\n", without(r"(200|206) \+", r"\A[\s\S]*?\nContent-Range:[\s\S]*?\r\n\r\n--"),
     None, "9110, 15.3.7.2"),
    ("a range behind the end", HEAD + "Range: bytes=999-\r\n\r\n", r"(200|416) [+.]",
     WHOLE + "|" + has(r"416 [+.]", r"Content-Range: bytes \*/150"), "9110, 15.5.17"),
    ("a unit that nobody knows", HEAD + "Range: lines=0-4\r\n\r\n", WHOLE, None, "9110, 14.2"),
    ("a range on HEAD is nothing", "HEAD /small HTTP/1.1\r\nHost: a\r\nRange: bytes=0-4\r\n\r\n", WHOLE, None, "9110, 14.2"),
    ("If-Range of this state", HEAD + "Range: bytes=0-4\r\nIf-Range: {etag}\r\n\r\n", r"20[06] \+", r"206 \+", "9110, 13.1.5"),
    ("If-Range of another", HEAD + "Range: bytes=0-4\r\nIf-Range: \"a\"\r\n\r\n", WHOLE, None, "9110, 13.1.5"),
    ("If-Range, weakly", HEAD + "Range: bytes=0-4\r\nIf-Range: W/{etag}\r\n\r\n", WHOLE, None, "9110, 13.1.5"),
    ("If-Range, another date", HEAD + "Range: bytes=0-4\r\nIf-Range: Mon, 01 Jan 1990 00:00:00 GMT\r\n\r\n", WHOLE, None, "9110, 13.1.5"),
    ("If-Range, a later date", HEAD + "Range: bytes=0-4\r\nIf-Range: Fri, 01 Jan 2100 00:00:00 GMT\r\n\r\n", WHOLE, None, "9110, 13.1.5"),
    # Paths.
    ("%00 in a path", "GET /small%00 HTTP/1.1\r\nHost: a\r\n\r\n", r"40[04] [+.]", None, "9110, 4.2.4"),
    ("a bad percent", "GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n", r"40[04] [+.]", None, "3986, 2.1"),
    ("out of the root", "GET /../conf HTTP/1.1\r\nHost: a\r\n\r\n", r"40[04] [+.]", None, "9110, 17.3"),
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
        dates = [("modified", "%a, %d %b %Y"), ("rfc850", "%A, %d-%b-%y")]
        self.words = {word: time.strftime(form + " %H:%M:%S GMT", MODIFIED) for word, form in dates}
        self.words["asctime"] = time.asctime(MODIFIED)
        self.log = open(folder / name / "log", "wb")
        words = [word % fill for word in command]
        self.process = subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def wait(self):
        for _ in range(100):
            told, text = self.ask(HEAD + "\r\n")
            if told.startswith("200"):
                found = re.search(r"(?i)\nETag: *(.*)\r\n", text)
                self.words["etag"] = found[1] if found else '"it has none"'
                return True
            time.sleep(0.05)
        return False

    def ask(self, request):
        """The codes and the end, and all that was answered."""
        data, end = b"", "+"
        for word, value in self.words.items():
            request = request.replace("{" + word + "}", value)
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
  gzip on; gzip_types *; gzip_min_length 1; gzip_vary on; default_type text/plain;
  server { listen 127.0.0.1:%(port)d; root %(folder)s/www; } }
"""
APACHE = """LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
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
SetOutputFilter DEFLATE
</Directory>
"""
LIGHTTPD = """server.document-root = "%(folder)s/www"
server.bind = "127.0.0.1"
server.port = %(port)d
include_shell "test -e /usr/lib/lighttpd/mod_deflate.so && echo 'server.modules += (\\"mod_deflate\\")'"
mimetype.assign = ("" => "text/plain")
deflate.mimetypes = ("")
deflate.allowed-encodings = ("gzip")
"""


def start(binary, folder, all_of_them):
    www = folder / "www"
    www.mkdir()
    text = b"Squeeze me. " * 100
    for name, content in [("small", b"x" * 150), ("text.txt", text), ("text.txt.gz", gzip.compress(text))]:
        (www / name).write_bytes(content)
        os.utime(www / name, (calendar.timegm(MODIFIED),) * 2)
    time.sleep(0.2)  # who makes strong tags of times waits until a file has been left alone
    folder.chmod(0o755)
    os.environ["PATH"] += ":/usr/sbin"
    yield Server("ours", [binary, "--bind", "127.0.0.1:%(port)d", "--data", "%(folder)s/data",
                          "--access-log", "off", "%(folder)s/www"], folder)
    if not all_of_them:
        return
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
    _, request, must, should, _ = row
    told, text = server.ask(request)
    holds = lambda pattern: pattern is None or re.match(f"(?:{pattern})", f"{told}\n{text}")
    if not holds(must):
        return told + " !"
    return told if holds(should) else told + " ~"


def main():
    words = [word for word in sys.argv[1:] if word != "--ours"]
    if not words:
        sys.exit(__doc__)
    binary, names = os.path.abspath(words[0]), words[1:]
    rows = [row for row in ROWS if not names or any(name in row[0] for name in names)]
    marks = {}
    with tempfile.TemporaryDirectory() as folder:
        servers = []
        try:
            for server in start(binary, pathlib.Path(folder), "--ours" not in sys.argv):
                servers.append(server)
                if not server.wait():
                    log = (pathlib.Path(folder) / server.name / "log").read_text(errors="replace")
                    sys.exit(f"{server.name} does not serve: {log}")
            print(f"{'':34}" + "".join(f"{server.name:18}" for server in servers) + "RFC")
            with concurrent.futures.ThreadPoolExecutor(32) as pool:
                asked = [[pool.submit(judged, row, server) for server in servers] for row in rows]
            for row, cells in zip(rows, asked):
                shown = [cell.result() for cell in cells]
                print(f"{row[0]:34}" + "".join(f"{cell:18}" for cell in shown) + row[4])
                for server, cell in zip(servers, shown):
                    marks[server.name] = marks.get(server.name, "") + cell[-1]
        finally:
            for server in servers:
                server.stop()
    counts = [f"{held.count('!')} !, {held.count('~')} ~" for held in marks.values()]
    print(f"{f'of {len(rows)} rows':34}" + "".join(f"{count:18}" for count in counts))
    sys.exit(any(mark in "!~" for mark in marks["ours"]))


main()
