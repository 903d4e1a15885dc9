"""Serves a store with optuna-dashboard on a free port of the loopback, asks it for its studies and for one
study's trials, and prints both answers: dashboard.py URL. """
import json
import sys
import threading
import urllib.request
from wsgiref.simple_server import WSGIRequestHandler, make_server

import optuna
import optuna_dashboard

optuna.logging.set_verbosity(optuna.logging.ERROR)


class Quiet(WSGIRequestHandler):
    def log_message(self, *arguments):
        pass


server = make_server("127.0.0.1", 0, optuna_dashboard.wsgi(sys.argv[1]), handler_class=Quiet)
threading.Thread(target=server.serve_forever, daemon=True).start()


def get(path):
    with urllib.request.urlopen(f"http://127.0.0.1:{server.server_port}{path}", timeout=60) as answer:
        return json.load(answer)


studies = get("/api/studies")
first = studies["study_summaries"][0]["study_id"]
print(json.dumps({"studies": studies, "study": get(f"/api/studies/{first}?after=0")}))
server.shutdown()
