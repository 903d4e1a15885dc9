"""A service under load: compresses requests with zlib, and says how small and how fast that was.

  service.py [PORT]      prints the port that it listens on; 8077 by default, 0 for a free one

POST /measure takes {"level": 1…9, "window": 9…15, "memory": 1…9, "block": bytes}, serves a few hundred requests with that and
answers {"ratio": …, "p99_ms": …}, in JSON lines: one with a step for each hundred requests, and the last with all.
"""
import json
import random
import sys
import time
import zlib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

WORDS = "the quick brown fox jumps over the lazy dog while seven boxing wizards judge my vow of black quartz".split()
REQUESTS, ROUNDS = 100, 4


def requests(block, seed):
    draw = random.Random(seed)
    for _ in range(REQUESTS):
        text = " ".join(draw.choices(WORDS, k=block // 5))
        yield text.encode()[:block]


class Service(BaseHTTPRequestHandler):
    def do_POST(self):
        given = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(200)
        self.send_header("Content-Type", "application/x-ndjson")
        self.end_headers()
        latencies, sent, received = [], 0, 0
        for step in range(1, ROUNDS + 1):
            for body in requests(given["block"], step):
                start = time.perf_counter()
                packer = zlib.compressobj(given["level"], zlib.DEFLATED, given["window"], given["memory"])
                packed = packer.compress(body) + packer.flush()
                latencies.append(1e3 * (time.perf_counter() - start))
                received, sent = received + len(body), sent + len(packed)
            self.answer({"step": step, "ratio": sent / received})
        latencies.sort()
        self.answer({"ratio": sent / received, "p99_ms": latencies[int(0.99 * (len(latencies) - 1))]})

    def answer(self, document):
        self.wfile.write((json.dumps(document) + "\n").encode())
        self.wfile.flush()

    def log_message(self, *words):
        pass


server = ThreadingHTTPServer(("127.0.0.1", int(sys.argv[1]) if len(sys.argv) > 1 else 8077), Service)
print(server.server_port, flush=True)
server.serve_forever()
