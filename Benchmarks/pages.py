"""Measures the dashboard's pages in headless Chromium, and optuna-dashboard's on the same database."""

import datetime
import os
import pathlib
import random
import socket
import sqlite3
import statistics
import subprocess
import sys
import threading
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "Tests/Browser"))
from browser import Browser, BrowserError, end_with_parent  # noqa: E402

LONGEST = 300

# The moment, in milliseconds since the page was asked for, at which what is wanted is there and painted: looked for
# in every frame, and noted in the one after.
PAINTED = """(() => { const look = () => {
    let is = false;
    try { is = !!(%s); } catch { /* not yet */ }
    requestAnimationFrame(is ? () => { window.benchPainted = performance.now(); } : look);
}; requestAnimationFrame(look); })()"""
# The moments at which rows of trials appeared.
ROWS = """(() => { window.benchRows = {}; new MutationObserver(() => {
    for (const row of document.querySelectorAll('tr[data-trial]'))
        if (!(row.dataset.trial in benchRows)) {
            benchRows[row.dataset.trial] = null;
            requestAnimationFrame(() => { benchRows[row.dataset.trial] = Date.now(); });
        }
}).observe(document, { childList: true, subtree: true }); })()"""
# Both show the best value and the history with all its points then.
OURS_IS_THERE = ("performance.getEntriesByName('needletail-drawn').length"
                 " && document.querySelector('.fact dd').textContent.length > 1")
THEIRS_IS_THERE = "document.querySelector('.js-plotly-plot .scatterlayer .points path')"


class Server:
    """A program that serves pages while the block runs."""

    def __init__(self, words, url=None):
        self.words, self.url = [str(word) for word in words], url

    def __enter__(self):
        self.process = subprocess.Popen(self.words, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True,
                                        preexec_fn=end_with_parent)
        if self.url is None:
            self.url = self.process.stdout.readline().split()[-1]
        deadline = time.monotonic() + 120
        while True:
            try:
                urllib.request.urlopen(self.url, timeout=60).read()
                return self
            except OSError:
                if time.monotonic() > deadline or self.process.poll() is not None:
                    sys.exit(f"{self.words} did not serve")
                time.sleep(0.05)

    def __exit__(self, *_):
        self.process.terminate()
        self.process.wait(60)

    def seconds(self):
        """The processor time that it has taken."""
        fields = pathlib.Path(f"/proc/{self.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Writer:
    """Adds finished trials to a study as Optuna would, over a connection of its own."""

    def __init__(self, path):
        self.database = sqlite3.connect(path, timeout=60, isolation_level=None, check_same_thread=False)
        self.study, = self.database.execute("SELECT study_id FROM studies").fetchone()
        self.number, = self.database.execute("SELECT max(number) + 1 FROM trials").fetchone()
        self.space = self.database.execute(
            "SELECT param_name, distribution_json FROM trial_params WHERE trial_id ="
            " (SELECT min(trial_id) FROM trials WHERE study_id = ?)", (self.study,)).fetchall()

    def add(self):
        """Adds one; returns its number and the moment at which it was in the store."""
        number, self.number = self.number, self.number + 1
        now = datetime.datetime.now().isoformat(" ")
        self.database.execute("BEGIN IMMEDIATE")
        trial = self.database.execute(
            "INSERT INTO trials (number, study_id, state, datetime_start, datetime_complete)"
            " VALUES (?, ?, 'COMPLETE', ?, ?)", (number, self.study, now, now)).lastrowid
        self.database.executemany(
            "INSERT INTO trial_params (trial_id, param_name, param_value, distribution_json) VALUES (?, ?, ?, ?)",
            [(trial, name, random.uniform(-5, 5), json) for name, json in self.space])
        self.database.execute(
            "INSERT INTO trial_values (trial_id, objective, value, value_type) VALUES (?, 0, ?, 'FINITE')",
            (trial, random.uniform(50, 500)))
        self.database.execute("COMMIT")
        return number, time.time()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def paints(browser, url, wanted, visits):
    """When a page shows what is wanted, in seconds, at most LONGEST, each time in a browser that has not seen it."""
    times = []
    for _ in range(visits):
        page = browser.page()
        page.call("Page.addScriptToEvaluateOnNewDocument", source=PAINTED % wanted)
        page.open(url)
        try:
            times.append(page.wait("window.benchPainted", LONGEST) / 1e3)
        except BrowserError:
            times.append(float(LONGEST))  # it takes longer, and nobody waits longer
        page.close()
    return times


def latencies(browser, url, writer, trials):
    """From a trial being in the store to its row being on the screen, in seconds."""
    page = browser.page()
    page.call("Page.addScriptToEvaluateOnNewDocument", source=ROWS)
    page.open(url)
    page.wait("document.getElementById('live').textContent === 'live'", 120)
    found = []
    for _ in range(trials):
        number, written = writer.add()
        seen = page.wait(f"window.benchRows[{number}]", 60)
        found.append(seen / 1e3 - written)
        time.sleep(random.uniform(0.05, 0.3))
    page.close()
    return found


def load(browser, server, url, writer, pages, seconds, rate):
    """What the server takes of one core while so many pages are open and trials arrive."""
    opened = [browser.page(800, 600) for _ in range(pages)]
    for page in opened:
        page.open(url)
    for page in opened:
        page.wait("document.getElementById('live')?.textContent === 'live'"
                  " && performance.getEntriesByName('needletail-drawn').length", 300)
    is_over = threading.Event()

    def write():
        while not is_over.wait(1 / rate):
            writer.add()

    thread = threading.Thread(target=write)
    thread.start()
    first = writer.number
    time.sleep(1)
    start, taken = time.monotonic(), server.seconds()
    time.sleep(seconds)
    share = (server.seconds() - taken) / (time.monotonic() - start)
    is_over.set()
    thread.join()
    for page in opened:  # all of them have followed to the end
        page.wait(f"document.querySelector('tr[data-trial=\"{writer.number - 1}\"]')", 120)
        page.close()
    return share, (writer.number - first) / (seconds + 1)


def measure(bench, needletail, path, study):
    bench.head("The dashboard's page of a study of 10,000 trials, in headless Chromium")
    with Browser() as browser:
        with Server([needletail, "dashboard", path]) as served:
            url = f"{served.url}/studies/{study}"
            ours = paints(browser, url, OURS_IS_THERE, 9)
        port = free_port()
        command = [pathlib.Path(sys.executable).parent / "optuna-dashboard", f"sqlite:///{path}", "--port", port, "--quiet",
                   "--server", "wsgiref"]
        with Server(command, f"http://127.0.0.1:{port}/dashboard/") as peer:
            theirs = paints(browser, f"{peer.url}studies/1", THEIRS_IS_THERE, 3)
        for name, times in (("needletail", ours), ("optuna-dashboard", theirs)):
            bench.keep({"bench": "first_paint", "peer": name, "params": {"trials": 10_000}, "n": len(times),
                        "seconds": statistics.median(times), "max_s": max(times), "load1": os.getloadavg()[0]})
        median, peer = statistics.median(ours), statistics.median(theirs)
        bench.row("first useful paint, median, ms", f"{1e3 * median:.0f}", f"optuna-dashboard {1e3 * peer:,.0f}",
                  f"{peer / median:.0f} ×", "< 500, ≥ 5 ×", median < 0.5 and peer / median >= 5)
        bench.row("the first visit after the server's start, ms", f"{1e3 * ours[0]:.0f}", f"{1e3 * theirs[0]:,.0f}",
                  f"{theirs[0] / ours[0]:.0f} ×", "", True)
        writer = Writer(path)
        with Server([needletail, "dashboard", path]) as served:
            found = sorted(latencies(browser, f"{served.url}/studies/{study}", writer, 50))
        middle, last = statistics.median(found), found[-1]
        bench.keep({"bench": "row_latency", "peer": "needletail", "params": {"trials": 10_000}, "n": len(found),
                    "seconds": middle, "max_s": last, "load1": os.getloadavg()[0]})
        bench.row("from a trial in the store to its row on the screen, median and longest of 50, ms",
                  f"{1e3 * middle:.0f} and {1e3 * last:.0f}", "", "", "< 300", last < 0.3)
        with Server([needletail, "serve", "--store", path, "--listen", "127.0.0.1:0"]) as served:
            url = f"{served.url}/studies/{study}"
            alone, _ = load(browser, served, url, writer, 0, 5, 20)
            share, rate = load(browser, served, url, writer, 50, 20, 20)
        bench.keep({"bench": "open_pages", "peer": "needletail", "params": {"pages": 50, "trials_per_s": rate},
                    "share": share, "without": alone, "load1": os.getloadavg()[0]})
        bench.row(f"50 open pages and {rate:.0f} new trials/s: % of a core", f"{100 * share:.1f}",
                  f"without pages {100 * alone:.1f}", "", "< 10", share < 0.1)
