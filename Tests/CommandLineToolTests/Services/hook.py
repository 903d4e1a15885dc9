"""A target of notices: prints its port and appends what it gets to `notices`, a line of JSON each.

  hook.py plain|busy|refused|garbage|hang

busy      503 twice before it takes one
refused   403
garbage   bytes that are no HTTP
hang      never answers
"""
import hashlib
import hmac
import json
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

mode = sys.argv[1]
seen = 0


class Hook(BaseHTTPRequestHandler):
    def do_POST(self):
        global seen
        seen += 1
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if mode == "hang":
            time.sleep(600)
        if mode == "garbage":
            self.wfile.write(b"\x00\x01\x02 hello\r\n\r\n")
            self.close_connection = True
            return
        status = 503 if mode == "busy" and seen < 3 else 403 if mode == "refused" else 204
        if status == 204:
            own = "sha256=" + hmac.new(b"key", body, hashlib.sha256).hexdigest()
            with open("notices", "a") as file:
                file.write(json.dumps({
                    "event": self.headers["Needletail-Event"], "path": self.path,
                    "signed": self.headers["Needletail-Signature"] == own,
                    "team": self.headers["X-Team"], "body": json.loads(body)}) + "\n")
        self.send_response(status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *words):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Hook)
print(server.server_port, flush=True)
server.serve_forever()
