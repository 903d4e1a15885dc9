"""A Flask service to tune: prints its port, streams a report per step and then the loss."""
import json
import time

from flask import Flask, Response, request
from werkzeug.serving import make_server

app = Flask(__name__)


@app.post("/train")
def train():
    x = request.get_json()["x"]
    if x > 0.9:
        return {"detail": "x is too large"}, 422

    def lines():
        for step in range(1, 6):
            yield json.dumps({"step": step, "loss": x + 1 / step}) + "\n"
            time.sleep(0.01)
        yield json.dumps({"loss": x}) + "\n"

    return Response(lines(), mimetype="application/x-ndjson")


server = make_server("127.0.0.1", 0, app, threaded=True)
print(server.server_port, flush=True)
server.serve_forever()
