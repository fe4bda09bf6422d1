#!/usr/bin/env python3
"""Grades our server and others with `client check`, and compares them.

    make beside            all servers that are installed; those that are missing are named
    beside.py BUILT        BUILT is the folder of the programs `client` and `server`
    beside.py --ours BUILT
                           our server only
    beside.py BUILT NAME='COMMAND'
                           one more server, started by COMMAND, in which {port} and {root} are filled in
    beside.py BUILT NAME='COMMAND' /PATH
                           the same, for a server that has its page at PATH

Prints how many checks each server fails, by level, and each check in which they differ: `x` fails,
`-` is skipped, and so is all that comes after the check in which a server stops answering. Exit code 1
if our server fails one.
"""
import json
import pathlib
import shutil
import subprocess
import sys
import tempfile

LEVELS = ["first", "http10", "http11", "concurrent", "robust", "secure"]
PAGE = "/hello.html"

NGINX = """user root; daemon off; pid %(folder)s/pid; worker_processes 2; error_log stderr;
events { worker_connections 1024; }
http { access_log off; include /etc/nginx/mime.types; gzip on; gzip_min_length 1; gzip_vary on;
  client_body_temp_path %(folder)s/t1; proxy_temp_path %(folder)s/t2; fastcgi_temp_path %(folder)s/t3;
  uwsgi_temp_path %(folder)s/t4; scgi_temp_path %(folder)s/t5;
  server { listen 127.0.0.1:$1; root $2; } }
"""
APACHE = """LoadModule mpm_event_module /usr/lib/apache2/modules/mod_mpm_event.so
LoadModule authz_core_module /usr/lib/apache2/modules/mod_authz_core.so
LoadModule mime_module /usr/lib/apache2/modules/mod_mime.so
LoadModule dir_module /usr/lib/apache2/modules/mod_dir.so
LoadModule filter_module /usr/lib/apache2/modules/mod_filter.so
LoadModule deflate_module /usr/lib/apache2/modules/mod_deflate.so
Listen 127.0.0.1:$1
ServerName a
ServerRoot %(folder)s
PidFile %(folder)s/pid
DefaultRuntimeDir %(folder)s
User www-data
Group www-data
ErrorLog /dev/stderr
TypesConfig /etc/mime.types
DocumentRoot $2
<Directory $2>
Require all granted
SetOutputFilter DEFLATE
</Directory>
"""
LIGHTTPD = """server.document-root = "$2"
server.bind = "127.0.0.1"
server.port = $1
index-file.names = ("index.html")
mimetype.assign = (".html" => "text/html", ".txt" => "text/plain", ".css" => "text/css", ".png" => "image/png")
"""
NODE = """const http = require("http"), fs = require("fs"), path = require("path"), [port, root] = process.argv.slice(2);
const types = { ".html": "text/html", ".txt": "text/plain", ".css": "text/css", ".png": "image/png" };
http.createServer((request, response) => {
  const send = (status, body, type) => {
    response.writeHead(status, { "Content-Type": type, "Content-Length": Buffer.byteLength(body) });
    response.end(body);
  };
  if (!["GET", "HEAD"].includes(request.method)) {
    response.setHeader("Allow", "GET, HEAD");
    return send(405, "405\\n", "text/plain");
  }
  try {
    const name = path.normalize("/" + decodeURIComponent(new URL(request.url, "http://a").pathname));
    const file = path.join(root, name.endsWith("/") ? name + "index.html" : name);
    send(200, fs.readFileSync(file), types[path.extname(file)] || "application/octet-stream");
  } catch { send(404, "404\\n", "text/plain"); }
}).listen(Number(port), "127.0.0.1");
"""

# Name, program, Debian package, text of the configuration ($1 is the port, $2 the folder), command.
OTHERS = [
    ("nginx", "nginx", "nginx-light", NGINX, "nginx -e stderr -p %(folder)s -c %(folder)s/conf"),
    ("Apache", "apache2", "apache2", APACHE, "apache2 -D FOREGROUND -f %(folder)s/conf"),
    ("lighttpd", "lighttpd", "lighttpd", LIGHTTPD, "lighttpd -D -f %(folder)s/conf"),
    ("Caddy", "caddy", "caddy", "", "caddy file-server --listen 127.0.0.1:$1 --root $2"),
    ("Node http", "node", "nodejs", NODE, "node %(folder)s/conf.js $1 $2"),
    ("Python", "python3", "python3", "", "python3 -m http.server $1 -b 127.0.0.1 -d $2"),
]


def start_script(name, conf, command, folder):
    """Writes the script that starts a server, and returns the command for it."""
    place = folder / name.replace(" ", "-")
    place.mkdir()
    fill = {"folder": place}
    script = place / "start"
    kind = "js" if command.startswith("node") else "conf"
    if kind == "js":
        (place / "conf.js").write_text(conf)
        conf = ""
    script.write_text(f"cat >{place}/conf <<END\n{conf % fill}END\nexec {command % fill}\n")
    return f"exec sh {script} {{port}} {{root}}"


def servers(built, others, more, folder):
    ours = f"--bind 127.0.0.1:{{port}} --data {folder}/data --access-log off {{root}}"
    yield "threadbare", f"exec {built}/server {ours}", PAGE
    for name, program, package, conf, command in others:
        if shutil.which(program, path="/usr/local/bin:/usr/bin:/usr/sbin:/bin"):
            yield name, start_script(name, conf, command, folder), PAGE
        else:
            print(f"{name} is not here: apt-get install {package}")
    for at, argument in enumerate(more):
        if not argument.startswith("/"):
            name, command = argument.split("=", 1)
            page = more[at + 1] if more[at + 1 : at + 2] and more[at + 1].startswith("/") else PAGE
            yield name, command, page


def graded(built, name, command, page):
    """Returns the checks of a report: names to rows."""
    url = "http://127.0.0.1:{port}" + page
    check = [f"{built}/client", "check", "--level", "secure", "--format", "json", "--server", command, url]
    done = subprocess.run(check, stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    if done.returncode not in (0, 22, 99):
        sys.exit(f"{command}: {done.stderr.decode()}")
    report = json.loads(done.stdout)
    if report["stopped"]:
        print(f"{name} {report['stopped']}")
    return {row["name"]: row for row in report["checks"]}


def failed(rows, level):
    """Returns how many checks of a level failed; `-` if none was made."""
    outcomes = [row["outcome"] for row in rows.values() if row["level"] == level]
    return str(outcomes.count("failed")) if set(outcomes) - {"skipped"} else "-"


def table(rows):
    """Prints rows of cells as a table of Markdown."""
    for number, row in enumerate(rows):
        print("| " + " | ".join(row) + " |")
        if number == 0:
            print("|---" * len(row) + "|")


def main():
    words = [word for word in sys.argv[1:] if word != "--ours"]
    if not words:
        sys.exit(__doc__)
    others = OTHERS if len(words) == len(sys.argv) - 1 else []
    built, marks = pathlib.Path(words[0]).resolve(), {"failed": "x", "skipped": "-", "passed": ""}
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder)
        path.chmod(0o755)
        reports = {name: graded(built, name, *how) for name, *how in servers(built, others, words[1:], path)}
    print()
    table([["level", *reports], *([f"`{level}`", *(failed(rows, level) for rows in reports.values())] for level in LEVELS)])
    print()
    rows = [["check", "", "section", *reports]]
    for name, check in reports["threadbare"].items():
        cells = [marks[report[name]["outcome"]] if name in report else "-" for report in reports.values()]
        if "x" in cells:
            rows.append([f"`{name}`", check["force"], check["section"], *cells])
    table(rows)
    return any(row["outcome"] == "failed" for row in reports["threadbare"].values())


sys.exit(main())
