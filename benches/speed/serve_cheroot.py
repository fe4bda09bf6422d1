# cheroot, the thread-pool server of CherryPy: serve_cheroot.py PORT THREADS
# /sleep/{ms} does what ours does; every other path is a small response.
import sys
import time

from cheroot.wsgi import Server


def app(environ, start):
    path = environ["PATH_INFO"]
    if path.startswith("/sleep/"):
        time.sleep(float(path.removeprefix("/sleep/")) / 1000)
    start("200 OK", [("Content-Type", "text/plain"), ("Content-Length", "3")])
    return [b"ok\n"]


# Its default backlog of 5 loses connections that come at once.
server = Server(
    ("127.0.0.1", int(sys.argv[1])), app, numthreads=int(sys.argv[2]), request_queue_size=1024
)
try:
    server.start()
except KeyboardInterrupt:
    server.stop()
