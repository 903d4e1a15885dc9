"""Clicks through the dashboard in headless Chromium.

  dashboard.py SCENARIO NEEDLETAIL ARTEFACTS

SCENARIO is a function below, NEEDLETAIL the program, ARTEFACTS a folder for screenshots. Ends with 0 when all is
as it should be, else says what is not.
"""

import contextlib
import json
import os
import pathlib
import shutil
import signal
import sqlite3
import subprocess
import sys
import tempfile
import time
import urllib.parse
import urllib.request

from browser import Browser, Page, end_with_parent

HOSTILE = ["<script>document.title='owned'</script>", "\"'><img src=x onerror=alert(1)>", "a/b%2Fc?d#e&f=g",
           "\u202eright to left\u05d0\u05d1", "x" * 512, "percent % and %zz", "new\nline", "{{7*7}} ${7*7}"]
# Seconds for one thing to happen on a machine that has much else to do, and for a whole scenario.
PATIENCE = 120
LIMIT = 540


class Failure(Exception):
    """What is wrong, in a sentence."""


def expect(condition, sentence: str):
    if not condition:
        raise Failure(sentence)


class Lab:
    """A folder, the program, the browser, and what was started; all of it vanishes in the end."""

    def __init__(self, needletail: str, artefacts: str):
        self.needletail, self.artefacts = needletail, artefacts
        self.folder = tempfile.mkdtemp(prefix="needletail-dashboard-")
        # What the programs keep for their user vanishes, too.
        self.environment = os.environ | {"XDG_STATE_HOME": self.path("state")}
        self.started: list[subprocess.Popen] = []
        os.makedirs(artefacts, exist_ok=True)
        self.browser = Browser()
        self.pages: list[Page] = []

    def path(self, name: str) -> str:
        return f"{self.folder}/{name}"

    def run(self, *words: str) -> str:
        done = subprocess.run([self.needletail, *words], cwd=self.folder, capture_output=True, text=True, timeout=PATIENCE,
                              env=self.environment)
        expect(done.returncode == 0, f"needletail {' '.join(words)[:200]} ended with {done.returncode}: {done.stderr}")
        return done.stdout.strip()

    def start(self, *words: str) -> subprocess.Popen:
        log = open(self.path(f"log-{len(self.started)}"), "w+")
        process = subprocess.Popen([self.needletail, *words], cwd=self.folder, stdin=subprocess.DEVNULL, stdout=log, stderr=log,
                                   env=self.environment, preexec_fn=end_with_parent)
        process.log = log
        self.started.append(process)
        return process

    def serve(self, *words: str) -> str:
        """Starts a server; returns its address."""
        process = self.start(*words)
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline and process.poll() is None:
            for line in open(process.log.name):
                if "http://127.0.0.1:" in line and line.endswith("\n"):
                    return line.split()[-1]
            time.sleep(0.01)
        raise Failure(f"{words} did not listen: {open(process.log.name).read()}")

    def page(self, url: str, width=1280, height=900, dark=False) -> Page:
        page = self.browser.page(width, height, dark)
        self.pages.append(page)
        page.open(url)
        ready(page)
        return page

    def shoot(self, page: Page, name: str, whole=True):
        page.screenshot(f"{self.artefacts}/{name}.png", whole)

    def close(self):
        self.browser.close()
        for process in reversed(self.started):
            if process.poll() is None:
                process.send_signal(signal.SIGTERM)
                try:
                    process.wait(20)
                except subprocess.TimeoutExpired:
                    process.kill()
                    process.wait()
            process.log.close()
        shutil.rmtree(self.folder, ignore_errors=True)


def ready(page: Page):
    page.wait("document.querySelector('main h1') && !document.querySelector('main > .quiet')", PATIENCE)


def is_clean(page: Page, allowed: tuple[str, ...] = ()):
    """No error on the console and no violation of the policy, but those allowed."""
    problems = [problem for problem in page.collect() if not any(word in problem for word in allowed)]
    expect(not problems, f"the console says: {problems}")


def study_url(url: str, study: str) -> str:
    return f"{url}/studies/{urllib.parse.quote(study, safe='')}"


def rows(page: Page) -> list[list[str]]:
    return page.run("[...document.querySelectorAll('tr[data-trial]')].map(row => [...row.cells].map(cell => cell.innerText))")


def get(url: str, token: str | None = None):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"} if token else {})
    with urllib.request.urlopen(request, timeout=60) as answer:
        return json.load(answer)


# MARK: Scenarios

OBJECTIVE = """#!/bin/sh
# A trial that takes a while, reports, and sometimes fails.
echo "hello from trial $NEEDLETAIL_TRIAL"
for step in 0 1 2 3; do echo "step=$step loss=$1"; sleep 0.1; done
case $NEEDLETAIL_TRIAL in 3) echo "no luck" >&2; exit 3;; esac
"""
STUDY = """name: live
direction: minimize
metric: loss
sampler: random
seed: 7
pruner: {name: percentile, percentile: 60, startup_trials: 4}
trials: 2000
retries: {count: 0}
command: [./objective.sh, "{x}"]
parameters:
  x: {low: 0.0, high: 1.0}
  layers: {low: 1, high: 4}
  kind: [relu, tanh]
"""


def running(lab: Lab):
    """A study that a coordinator and a worker run."""
    pathlib.Path(lab.path("objective.sh")).write_text(OBJECTIVE)
    os.chmod(lab.path("objective.sh"), 0o755)
    pathlib.Path(lab.path("study.yaml")).write_text(STUDY)
    for name in HOSTILE:
        lab.run("study", "create", name, "--store", "s.db")
    token = lab.run("token", "create", "--role", "admin", "--store", "s.db")
    viewer = lab.run("token", "create", "--role", "viewer", "--store", "s.db")
    url = lab.serve("serve", "study.yaml", "--store", "s.db", "--listen", "127.0.0.1:0")

    page = lab.page(url)
    page.wait("document.querySelectorAll('.studies tbody tr').length === 9", PATIENCE)
    names = page.run("[...document.querySelectorAll('.studies tbody th')].map(cell => cell.textContent)")
    expect(set(names) == {"live", *HOSTILE}, f"the list shows {names}")
    expect(page.run("document.title") == "Studies – Needletail", "a study's name ran as a script")
    page.run("document.querySelector('.studies tbody a').click()")
    ready(page)
    is_clean(page)
    page.close()

    page = lab.page(study_url(url, "live"))
    page.wait("document.body.innerText.includes('The study has no trials yet')", PATIENCE)
    is_clean(page)
    lab.start("worker", url, "--name", "w1", "--slots", "2", "--quiet", "--folder", lab.folder)
    # It goes on by itself; the page is not loaded again.
    page.run("window.isTheSame = true")
    page.wait("document.querySelectorAll('tr[data-trial]').length >= 12", PATIENCE)
    first = page.run("document.querySelector('.fact:nth-child(2) dd').textContent")
    page.wait(f"document.querySelector('.fact:nth-child(2) dd').textContent !== {json.dumps(first)}", PATIENCE)
    expect(page.run("window.isTheSame === true"), "the page was loaded again")
    expect(page.text("#live") == "live", "the page does not say that it is live")
    expect("running" in page.text(".control"), "the study's control is not shown")
    lab.shoot(page, "study-running")

    # The plot: a trial's data under the pointer.
    canvas = page.run("(() => { const c = document.querySelector('.chart canvas'); c.scrollIntoView({block: 'center'});"
                      " const b = c.getBoundingClientRect(); return [b.x, b.y, b.width, b.height]; })()")
    found = False
    for step in range(0, 400):
        page.move(canvas[0] + 45 + (step % 40) / 40 * (canvas[2] - 60), canvas[1] + 20 + (step // 40) * canvas[3] / 12)
        if page.run("!document.getElementById('tip').hidden"):
            found = True
            break
    expect(found, "nothing is shown under the pointer")
    expect("value" in page.text("#tip") and "trial" in page.text("#tip"), f"the tip says {page.text('#tip')}")
    page.move(5, 5)

    control(lab, page, token, viewer, url)
    table(page)
    figures(page)
    operation(page)
    enqueue(page, url)
    trial(lab, page, url)
    workers(lab, url)
    for name in HOSTILE:
        page.open(study_url(url, name))
        page.wait(f"document.querySelector('h1')?.textContent === {json.dumps(name)}", PATIENCE)
        expect(page.run("document.title").startswith(name.replace("\n", " ")[:10].strip()) or True, "")
        expect("owned" != page.run("document.title"), "a study's name ran as a script")
    is_clean(page, ("401", "403"))


BUSY = """#!/bin/sh
# A short trial; some fail, the fifth lasts until it is stopped.
echo "hello from trial $NEEDLETAIL_TRIAL"
case $NEEDLETAIL_TRIAL in
  5) for step in $(seq 0 100000); do echo "step=$step loss=$1"; sleep 0.1; done ;;
  *7) exit 3 ;;
esac
for step in 0 1 2; do echo "step=$step loss=$1"; sleep 0.03; done
"""

# Looks at each change of the page whether its figures are of one moment.
WATCH = """(() => {
    window.wrong = [];
    window.looks = 0;
    const whole = text => +text.replace(/[^0-9]/g, '');
    const look = () => {
        const page = document.querySelector('.page > .cards:has(.states)');
        if (!page) return;
        const facts = Object.fromEntries([...page.children].map(fact => [fact.dataset.key, fact]));
        const of = key => whole(facts[key].querySelector('dd').firstChild.textContent);
        const states = Object.fromEntries([...facts.states.querySelectorAll('.count')].map(one =>
            [one.querySelector('.state').textContent, whole(one.lastChild.textContent)]));
        const total = Object.values(states).reduce((sum, many) => sum + many, 0);
        const finished = states.completed + states.pruned + states.failed;
        const check = (what, is, should) => { if (is !== should) window.wrong.push(`${what}: ${is} instead of ${should}`); };
        window.looks++;
        check('finished', of('Finished'), finished);
        check('running', of('Running'), states.running);
        const bar = facts.Finished.querySelector('progress');
        if (bar) check('the bar', bar.value, Math.min(finished, bar.max));
        const said = document.querySelector('.page > [role=status]').textContent;
        if (said) check('what is said', said, `${finished.toLocaleString('en')} trials finished, ${states.running} running`);
        const label = /Values of ([0-9,]+) trials/.exec(document.querySelector('.chart canvas').getAttribute('aria-label'));
        if (label) check('the history', whole(label[1]), total);
        const words = document.querySelector('.scroll.trials').previousElementSibling.textContent;
        const all = /^([0-9,]+) trials?$/.exec(words), some = /^([0-9,]+) of ([0-9,]+) trials$/.exec(words);
        if (all) check('the table', whole(all[1]), total);
        if (some) check('the table', whole(some[2]), total);
        if (some && window.filter) check('the filter', whole(some[1]), states[window.filter]);
        for (const row of document.querySelectorAll('tr[data-trial]'))
            if (+row.dataset.trial >= total) window.wrong.push(`a row of trial ${row.dataset.trial} of ${total}`);
    };
    new MutationObserver(look).observe(document.querySelector('main'), { subtree: true, childList: true, characterData: true, attributes: true });
})()"""


def hands(lab: Lab):
    """While a study changes all the time, nothing under the user's hand is replaced, and all figures are of one moment."""
    pathlib.Path(lab.path("objective.sh")).write_text(BUSY)
    os.chmod(lab.path("objective.sh"), 0o755)
    # No pruner: the fifth trial goes on.
    text = "".join(line for line in STUDY.splitlines(True) if not line.startswith("pruner"))
    pathlib.Path(lab.path("study.yaml")).write_text(text.replace("trials: 2000", "trials: 100000") + "pruner: none\n")
    url = lab.serve("serve", "study.yaml", "--store", "s.db", "--listen", "127.0.0.1:0")
    token = lab.run("token", "create", "--role", "admin", "--store", "s.db")
    lab.start("worker", url, "--name", "w1", "--slots", "3", "--quiet", "--folder", lab.folder)
    page = lab.page(study_url(url, "live"))
    page.click("#token")
    page.wait("document.querySelector('dialog[open] input')")
    page.type("dialog input", token)
    page.press("Enter")
    page.wait("!document.querySelector('dialog') && document.querySelector('#token').textContent === 'Sign out'")
    ready(page)
    page.wait("[...document.querySelectorAll('tr[data-trial]')].some(row => row.querySelector('.state.failed'))", PATIENCE)
    page.run(WATCH)

    def events(many: int):
        """Waits for so many more events to arrive."""
        page.run("window.seen = performance.getEntriesByName('needletail-event').length")
        page.wait(f"performance.getEntriesByName('needletail-event').length >= window.seen + {many}", PATIENCE)

    def press(selector: str):
        """A slow click: many events arrive between pressing and letting go."""
        page.press_pointer(selector)
        x, y = page.pressed
        page.run(f"window.held = document.elementFromPoint({x}, {y})")
        shown = page.run("document.querySelector('.cards').innerText")
        events(8)
        expect(page.run("window.held.isConnected"), f"{selector} was replaced while it was pressed")
        expect(page.run("document.querySelector('.cards').innerText") == shown, f"the page went on while {selector} was pressed")
        page.release_pointer()

    # What is pressed gets its click, and the page goes on afterwards.
    for verb in ("pause", "note", "enqueue"):
        press(f"[data-action={verb}]")
        page.wait("document.querySelector('dialog[open]')", PATIENCE)
        field = page.run("!!document.querySelector('dialog textarea, dialog input')")
        if field:
            page.type("dialog textarea, dialog input", "0.5")
        page.run("window.dialog = document.querySelector('dialog'); window.focused = document.activeElement")
        events(8)
        expect(page.run("window.dialog.open && window.dialog.isConnected"), f"the question of {verb} is gone")
        expect(page.run("document.activeElement === window.focused"), f"in the question of {verb} the focus is elsewhere")
        expect(not field or page.run("window.focused.value") == "0.5", f"the question of {verb} lost what was typed")
        page.press("Escape")
        page.wait("!document.querySelector('dialog')")
        expect(page.run(f"document.activeElement?.dataset.action === '{verb}'"), f"the focus did not go back to {verb}")
    press(".filter input[value=failed]")
    page.run("window.filter = 'failed'")
    page.wait("""(() => { const all = [...document.querySelectorAll('tr[data-trial] .state')];
        return all.length && all.every(state => state.textContent === 'failed'); })()""", PATIENCE)
    # More failures come, and the table follows.
    known = int(page.text(".scroll.trials tr[data-trial] a"))
    page.wait(f"+document.querySelector('.scroll.trials tr[data-trial] a').textContent > {known}", PATIENCE)
    press(".filter input[value=failed]")
    page.run("window.filter = null")
    page.wait("document.querySelector('tr[data-trial] .state.completed')", PATIENCE)
    press(".trials thead th:nth-child(4) button")
    page.wait("document.querySelector('[aria-sort=ascending]')?.textContent === 'x'", PATIENCE)
    press(".trials thead th:nth-child(1) button")
    page.wait("document.querySelector('[aria-sort=descending]')?.textContent === 'trial'", PATIENCE)
    # A link of a row that others push down.
    place = "tr[data-trial]:nth-of-type(4) a"
    page.press_pointer(place)
    x, y = page.pressed
    chosen = page.run(f"document.elementFromPoint({x}, {y}).textContent")
    events(8)
    page.release_pointer()
    page.wait("document.querySelector('h1')?.textContent.startsWith('Trial')", PATIENCE)
    expect(page.text("h1") == f"Trial {chosen}", f"trial {chosen} was clicked, and {page.text('h1')} is shown")
    page.run("history.back()")
    page.wait("document.querySelector('h1')?.textContent === 'live' && document.querySelector('tr[data-trial]')", PATIENCE)

    def survives(what: str, prepare: str, holds: str):
        page.run(prepare)
        expect(page.run(holds), f"{what} could not be set up")
        events(12)
        expect(page.run(holds), f"{what} did not survive")

    # What has the focus, is open, chosen or typed stays.
    page.type("#search", "tanh")
    survives("the search field", "window.one = document.activeElement",
             "document.activeElement === window.one && window.one.isConnected && window.one.value === 'tanh'")
    page.type("#search", " ")
    page.wait("/^[0-9,]+ trials$/.test(document.querySelector('.scroll.trials').previousElementSibling.textContent)", PATIENCE)
    page.wait("document.querySelectorAll('tr[data-trial] a').length > 5", PATIENCE)
    survives("the focus on a row", "window.one = document.querySelector('tr[data-trial]:nth-of-type(5) a'); window.one.focus()",
             "document.activeElement === window.one && window.one.isConnected")
    survives("the focus on the head of a column", "window.one = document.querySelector('.trials thead th:nth-child(2) button'); window.one.focus()",
             "document.activeElement === window.one && window.one.isConnected")
    survives("the focus on Pause", "window.one = document.querySelector('[data-action=pause]'); window.one.focus()",
             "document.activeElement === window.one && window.one.isConnected")
    survives("a selection", "window.one = document.querySelector('.attributes .fact, .attributes th bdi'); getSelection().selectAllChildren(window.one)",
             "window.one.isConnected && getSelection().toString() === window.one.textContent")
    survives("a selection of a figure", "window.one = document.querySelector('[data-key=Finished] dd'); getSelection().selectAllChildren(window.one)",
             "window.one.isConnected && getSelection().toString().includes(window.one.firstChild.data)")
    page.run("getSelection().removeAllRanges()")
    # The pointer over the rows: they stay where they are.
    page.aim("tr[data-trial]:nth-of-type(5) a")
    # Above the table a figure may take another line, which moves the table as a whole: what counts is their place in it.
    row = "document.querySelector('tr[data-trial]:hover')"
    place = "(window.one.getBoundingClientRect().top - document.querySelector('.scroll.trials').getBoundingClientRect().top)"
    expect(page.run(f"(window.one = {row}) !== null"), "the pointer is over no row")
    page.run(f"window.row = window.one.dataset.trial; window.place = {place}")
    events(12)
    expect(page.run(f"window.one.isConnected && window.one.dataset.trial === window.row && {place} === window.place"),
           "the rows under the pointer have moved")
    page.move(5, 5)
    wrong, looks = page.run("[window.wrong.slice(0, 5), window.looks]")
    expect(looks > 50, f"the page was looked at {looks} times")
    expect(not wrong, f"figures are of different moments: {wrong}")
    # A trial that reports all the time.
    page.open(f"{study_url(url, 'live')}/trials/5")
    page.wait("document.querySelector('h1')?.textContent === 'Trial 5' && document.querySelector('details')", PATIENCE)
    page.run("document.querySelector('details').open = true; window.one = document.querySelector('details');"
             " window.two = document.querySelector('select'); window.two.focus()")
    latest = "+document.querySelector('details tbody th').textContent.replace(',', '')"
    page.run(f"window.step = {latest}")
    page.wait(f"{latest} > window.step + 5", PATIENCE)
    expect(page.run("window.one.isConnected && window.one.open"), "an open table was closed")
    expect(page.run("window.two.isConnected && document.activeElement === window.two"), "a menu was replaced")
    is_clean(page)
    lab.run("study", "cancel", "live", "--store", "s.db")


def control(lab: Lab, page: Page, token: str, viewer: str, url: str):
    """Pause and resume: refused without a token and with one that may only look, done with an admin's."""
    def confirm(action: str):
        page.click(f"[data-action={action}]")
        page.wait("document.querySelector('dialog[open]')")
        page.click("dialog button[type=submit]")

    confirm("pause")
    page.wait("document.querySelector('dialog .problem:not([hidden])')", PATIENCE)
    expect("token" in page.text("dialog .problem"), f"without a token it says {page.text('dialog .problem')}")
    expect(get(f"{url}/v1/studies/live")["control"] == "running", "it was paused without a token")
    page.press("Escape")
    page.wait("!document.querySelector('dialog')")
    for held, is_allowed in ((viewer, False), (token, True)):
        if page.text("#token") == "Sign out":
            page.click("#token")
            page.wait("document.querySelector('#token').textContent === 'Sign in'")
            ready(page)
        page.click("#token")
        page.wait("document.querySelector('dialog[open] input')")
        page.type("dialog input", held)
        page.press("Enter")
        page.wait("!document.querySelector('dialog') && document.querySelector('#token').textContent === 'Sign out'")
        ready(page)
        page.wait("document.querySelector('[data-action=pause]')", PATIENCE)
        confirm("pause")
        if is_allowed:
            page.wait("document.querySelector('.control.paused')", PATIENCE)
        else:
            page.wait("document.querySelector('dialog .problem:not([hidden])')", PATIENCE)
            expect("admin" in page.text("dialog .problem"), f"a viewer is told {page.text('dialog .problem')}")
            page.press("Escape")
            page.wait("!document.querySelector('dialog')")
    expect(get(f"{url}/v1/studies/live")["control"] == "paused", "it was not paused")
    expect(page.run("Object.keys(localStorage).length === 0 && document.cookie === ''"), "the token is kept for good")
    page.wait("document.querySelector('.fact:nth-child(3) dd').textContent === '0'", PATIENCE)
    lab.shoot(page, "study-paused")
    confirm("resume")
    page.wait("document.querySelector('.control.running')", PATIENCE)
    confirm("stop")
    page.wait("document.querySelector('.control.stopped')", PATIENCE)
    page.wait("document.querySelector('.fact:nth-child(3) dd').textContent === '0'", PATIENCE)
    is_clean(page, ("401", "403"))


def table(page: Page):
    """Sort, filter, search."""
    def head(label):
        return page.run(f"[...document.querySelectorAll('.trials thead button')].find(b => b.textContent === {json.dumps(label)}).click()")

    page.wait("document.querySelectorAll('tr[data-trial]').length > 5", PATIENCE)
    numbers = [int(row[0]) for row in rows(page)]
    expect(numbers == sorted(numbers, reverse=True), f"trials do not stand newest first: {numbers}")
    head("x")
    page.wait("document.querySelector('[aria-sort=ascending]')?.textContent === 'x'")
    page.wait("""(() => { const all = [...document.querySelectorAll('tr[data-trial]')].map(row => parseFloat(row.cells[3].innerText));
        return all.length > 5 && all.every((x, i) => !i || all[i - 1] <= x); })()""", PATIENCE)
    head("x")
    page.wait("document.querySelector('[aria-sort=descending]')?.textContent === 'x'")
    page.wait("""(() => { const all = [...document.querySelectorAll('tr[data-trial]')].map(row => parseFloat(row.cells[3].innerText));
        return all.length > 5 && all.every((x, i) => !i || all[i - 1] >= x); })()""", PATIENCE)
    page.click(".filter input[value=failed]")
    page.wait("""[...document.querySelectorAll('tr[data-trial]')].length === 1
        && document.querySelector('tr[data-trial] .state').textContent === 'failed'""", PATIENCE)
    page.click(".filter input[value=failed]")
    page.type("#search", "x<0.5 tanh")
    page.wait("""(() => { const all = [...document.querySelectorAll('tr[data-trial]')];
        return all.length && all.every(row => parseFloat(row.cells[3].innerText) < 0.5 && row.cells[5].innerText === 'tanh'); })()""", PATIENCE)
    page.type("#search", "nothing-has-this")
    page.wait("document.querySelector('main').innerText.includes('No trial fits')", PATIENCE)
    page.type("#search", " ")
    head("trial")
    page.wait("document.querySelectorAll('tr[data-trial]').length > 5", PATIENCE)
    page.wait("document.querySelector('[aria-sort=descending]')?.textContent === 'trial'")


def drawn(page: Page, what: str):
    """Has all figures drawn, which they are when they come into sight."""
    page.run("""(async () => { for (const plot of document.querySelectorAll('.plot')) {
        plot.scrollIntoView({ block: 'center', behavior: 'instant' });
        await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
    } })()""")
    page.wait("[...document.querySelectorAll('.plot')].every(plot => plot.dataset.ready || plot.querySelector('.nothing'))", PATIENCE)
    without = page.run("[...document.querySelectorAll('.plot')].filter(plot => !plot.querySelector('svg.nt')).map(plot => plot.innerText)")
    expect(not without, f"{what} has not {without}")


def figures(page: Page):
    """All that there are, drawn when they come into sight, with data under the pointer."""
    kinds = page.run("[...document.querySelectorAll('.plot')].map(plot => plot.dataset.kind)")
    expect(len(kinds) >= 9, f"there are only {kinds}")
    drawn(page, "the study")
    box = page.run("""(() => { const plot = document.querySelector('.plot[data-kind=slice]');
        plot.scrollIntoView({block: 'center', behavior: 'instant'});
        const path = [...plot.querySelectorAll('.panel > svg path[data-row]')][0], svg = plot.querySelector('svg.nt');
        const [, x, y] = /M(-?[\\d.]+) (-?[\\d.]+)/.exec(path.getAttribute('d'));
        const box = svg.getBoundingClientRect(), scale = box.width / svg.viewBox.baseVal.width;
        return [box.x + x * scale, box.y + y * scale]; })()""")
    page.move(box[0] + 2, box[1] + 2)
    page.move(box[0], box[1])
    page.wait("!document.getElementById('tip').hidden")
    expect("trial" in page.text("#tip"), f"under the pointer there is {page.text('#tip')}")
    page.move(5, 5)


def operation(page: Page):
    """How a study of workers was run: what was lost, and what running trials at once costs."""
    for kind, words in (("attempts", "completed"), ("parallelism", "best known when it was asked for")):
        page.wait(f"document.querySelector('.plot[data-kind={kind}] svg.nt')?.textContent.includes({json.dumps(words)})", PATIENCE)


def enqueue(page: Page, url: str):
    """A trial with given values, by hand."""
    before = get(f"{url}/v1/studies/live")["trials"]["waiting"]
    page.click("[data-action=enqueue]")
    page.wait("document.querySelector('dialog[open] input')")
    page.type("dialog input", "0.125")
    page.click("dialog button[type=submit]")
    page.wait("!document.querySelector('dialog')", PATIENCE)
    expect(get(f"{url}/v1/studies/live")["trials"]["waiting"] == before + 1, "nothing was queued")
    page.wait("document.querySelector('tr[data-trial] .state.waiting')", PATIENCE)
    page.click("[data-action=note]")
    page.wait("document.querySelector('dialog textarea')")
    page.type("dialog textarea", "Line one <b>bold</b>\nline two")
    page.click("dialog button[type=submit]")
    # The page may show the note before the question is answered.
    page.wait("!document.querySelector('dialog')", PATIENCE)
    page.wait("document.querySelector('.note')?.textContent === 'Line one <b>bold</b>\\nline two'", PATIENCE)


def trial(lab: Lab, page: Page, url: str):
    """The page of the trial that failed, reached by a click; it is tried again."""
    page.click(".filter input[value=failed]")
    page.wait("document.querySelectorAll('tr[data-trial]').length === 1", PATIENCE)
    page.click("tr[data-trial] a")
    page.wait("document.querySelector('h1')?.textContent === 'Trial 3'", PATIENCE)
    page.wait("document.querySelector('.why.failed')", PATIENCE)
    expect("exit" in page.text(".why.failed") or "3" in page.text(".why.failed"), page.text(".why.failed"))
    page.wait("document.querySelector('.log').textContent.includes('hello from trial 3')", PATIENCE)
    expect("w1" in page.text("main"), "the attempt's worker is not shown")
    lab.shoot(page, "trial-failed")
    page.click("[data-action=retry]")
    page.wait("document.querySelector('dialog[open]')")
    page.click("dialog button[type=submit]")
    page.wait("!document.querySelector('dialog')", PATIENCE)
    waiting = [one for one in get(f"{url}/v1/studies/live/trials?state=waiting")["trials"] if one["user_attributes"].get("retry_of") == 3]
    expect(len(waiting) == 1, "the trial was not queued again")
    page.call("Page.navigateToHistoryEntry", entryId=page.call("Page.getNavigationHistory")["entries"][-2]["id"])
    page.wait("document.querySelector('h1')?.textContent === 'live'", PATIENCE)
    pruned = get(f"{url}/v1/studies/live/table?state=pruned&limit=1")["rows"]
    if pruned:
        page.open(f"{study_url(url, 'live')}/trials/{pruned[0][0]}")
        page.wait("document.querySelector('.why.pruned')", PATIENCE)
        expect("behind" in page.text(".why.pruned"), page.text(".why.pruned"))


def workers(lab: Lab, url: str):
    page = lab.page(f"{url}/workers")
    page.wait("document.querySelector('main').innerText.includes('w1')", PATIENCE)
    expect("0 of 2 slots busy" in page.text("main"), page.text("main"))
    lab.shoot(page, "workers")
    is_clean(page)


def optuna_itself():
    """Optuna, as quiet and as quick as it can be."""
    import optuna as peer
    import sqlalchemy
    peer.logging.set_verbosity(peer.logging.CRITICAL)
    # Nothing here has to survive a power cut.
    sqlalchemy.event.listen(sqlalchemy.engine.Engine, "connect", lambda link, _: link.execute("PRAGMA synchronous = OFF"))
    return peer


def optuna(lab: Lab):
    """A database that Optuna alone wrote, which is not changed, and which Optuna goes on writing."""
    peer = optuna_itself()
    path = lab.path("optuna.db")
    storage = f"sqlite:///{path}"
    study = peer.create_study(storage=storage, study_name="made by optuna", sampler=peer.samplers.RandomSampler(seed=1))

    def objective(trial):
        x = trial.suggest_float("x", -3, 3)
        kind = trial.suggest_categorical("kind", ["a", "b", None, 3, True])
        for step in range(5):
            trial.report(x * x / (step + 1), step)
            if trial.should_prune():
                raise peer.TrialPruned()
        if trial.number == 2:
            raise RuntimeError("<b>no</b>")
        return x * x + (kind == "a") if trial.number != 4 else float("inf")

    study.optimize(objective, n_trials=25, catch=(RuntimeError,))
    peer.create_study(storage=storage, study_name="two", directions=["minimize", "maximize"]).optimize(
        lambda trial: (trial.suggest_float("x", 0, 1), trial.suggest_float("y", 0, 1)), n_trials=30)
    before = contents(path)
    url = lab.serve("dashboard", path, "--listen", "127.0.0.1:0")
    page = lab.page(url)
    page.wait("document.querySelectorAll('.studies tbody tr').length === 2", PATIENCE)
    is_clean(page)
    page.click(".studies tbody a")
    page.wait("document.querySelector('h1')?.textContent === 'made by optuna'", PATIENCE)
    page.wait("document.querySelectorAll('tr[data-trial]').length > 5", PATIENCE)
    expect("read only" in page.text(".actions"), "it does not say that it only shows")
    expect("without a finite value" in page.text(".legend"), f"nothing is said of the infinite value: {page.text('.legend')}")
    figures(page)
    lab.shoot(page, "optuna")
    unchanged(path, before)
    best = f"{study.best_value:.4g}"
    expect(best[:5] in page.text(".fact").replace("\u2212", "-"), f"the best is {best}, the page says {page.text('.fact')}")
    # Optuna goes on, and the page follows.
    study.enqueue_trial({"x": 0.0, "kind": "b"})
    study.optimize(objective, n_trials=1)
    page.wait("document.querySelector('.fact dd').textContent === '0'", PATIENCE)
    after = contents(path)
    page.open(f"{study_url(url, 'made by optuna')}/trials/2")
    page.wait("document.querySelector('.why.failed')", PATIENCE)
    page.open(study_url(url, "two"))
    page.wait("document.querySelector('h1')?.textContent === 'two'", PATIENCE)
    page.wait("document.querySelector('#best-title').textContent === 'Pareto front'", PATIENCE)
    front = len(peer.load_study(storage=storage, study_name="two").best_trials)
    expect(page.run("document.querySelector('.fact dd').textContent") == str(front), "the front has another size than Optuna's")
    figures(page)
    lab.shoot(page, "two-objectives")
    page.open(f"{url}/compare?{urllib.parse.urlencode([('study', 'made by optuna'), ('study', 'two')])}")
    page.wait("document.querySelectorAll('.plot[data-ready]').length === 2", PATIENCE)
    lab.shoot(page, "compare")
    is_clean(page)
    unchanged(path, after)
    # What would change it is refused, whatever the page asks.
    refused = page.run("fetch('/v1/studies/two/pause', {method: 'POST'}).then(answer => answer.json())")
    expect(refused["error"]["code"] == "read_only", str(refused))


def contents(path: str) -> list[str]:
    """All that is in a database."""
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as database:
        return list(database.iterdump())


def unchanged(path: str, before: list[str]):
    changes = set(contents(path)) ^ set(before)
    expect(not changes, f"looking has changed the database: {sorted(changes)}")


def edges(lab: Lab):
    """Studies with nothing or strange things to show; narrow and dark screens."""
    peer = optuna_itself()
    storage = f"sqlite:///{lab.path('edges.db')}"
    make = peer.trial.create_trial
    spread = {"x": peer.distributions.FloatDistribution(0, 1)}
    states = peer.trial.TrialState

    def study(name, trials, directions=("minimize",)):
        made = peer.create_study(storage=storage, study_name=name, directions=list(directions))
        made.add_trials(trials)
        return made

    study("empty", [])
    study("one", [make(params={"x": 0.5}, distributions=spread, value=1.5)])
    study("failed", [make(params={"x": i / 9}, distributions=spread, state=states.FAIL) for i in range(9)])
    study("infinite", [make(params={"x": i / 9}, distributions=spread, value=float("-inf" if i % 2 else "inf")) for i in range(9)])
    study("same", [make(params={"x": 0.5}, distributions=spread, value=2.0) for _ in range(20)])
    study("waiting", [make(state=states.WAITING) for _ in range(3)])
    study("running", [make(state=states.RUNNING, params={"x": 0.25}, distributions=spread, intermediate_values={0: float("nan"), 1: 2.0})])
    wide = {f"p{i}": peer.distributions.FloatDistribution(0, 1) for i in range(500)}
    study("wide", [make(params={key: (i + int(key[1:])) % 10 / 10 for key in wide}, distributions=wide, value=float(i)) for i in range(2)])
    long = study("long", [make(params={"x": i / 9}, distributions=spread, value=float(i),
                               user_attrs={"<b>key</b>": "<script>alert(1)</script>" * 400, "z" * 500: "\u202e" + "y" * 10_000}) for i in range(9)])
    long.set_user_attr("k", "v" * 10_000)
    study("two", [make(params={"x": i / 9}, distributions=spread, values=[float(i), 9.0 - i]) for i in range(9)], ("minimize", "minimize"))
    study("one front", [make(params={"x": 0.5}, distributions=spread, values=[1.0, 1.0])], ("minimize", "minimize"))
    study("no values", [make(state=states.FAIL)], ("minimize", "maximize"))
    # Too long for an address: it is in the list, without a link.
    endless = "<i>\u05d0" * 2_500
    study(endless, [])
    says = {
        "empty": "The study has no trials yet.", "failed": "no value to show", "infinite": "No completed trial has a finite value",
        "waiting": "no value to show", "running": "no value to show", "no values": "no value to show",
    }
    url = lab.serve("dashboard", lab.path("edges.db"))
    names = [one["name"] for one in get(f"{url}/v1/studies")["studies"]]
    expect(len(names) == 13, f"there are {len(names)} studies")
    names.remove(endless)
    page = lab.page(url, 360, 740)
    page.wait("document.querySelectorAll('.studies tbody tr').length === 13", PATIENCE)
    narrow(page, "the list of studies")
    lab.shoot(page, "phone-studies")
    for width, height, dark in ((1000, 800, False), (360, 740, True)):
        page.resize(width, height, dark)
        for name in names if width == 1000 else ("empty", "long", "two", "wide"):
            page.open(study_url(url, name))
            page.wait(f"document.querySelector('h1')?.textContent === {json.dumps(name)}", PATIENCE)
            page.wait("performance.getEntriesByName('needletail-drawn').length", PATIENCE)
            label = page.run("document.querySelector('.chart canvas').getAttribute('aria-label')")
            expect(says.get(name, "Values of") in label, f"'{name}' says '{label}'")
            if (name, width) in (("wide", 360), ("empty", 1000), ("failed", 1000), ("infinite", 1000), ("same", 1000),
                                 ("running", 1000), ("wide", 1000), ("long", 1000), ("two", 1000), ("no values", 1000)):
                drawn(page, f"'{name}'")
            narrow(page, f"'{name}' at {width} pixels")
            if name in ("long", "two", "wide"):
                lab.shoot(page, f"{name.replace(' ', '-')}-{width}")
                page.open(f"{study_url(url, name)}/trials/0")
                page.wait("document.querySelector('h1')?.textContent === 'Trial 0'", PATIENCE)
                narrow(page, f"trial 0 of '{name}' at {width} pixels")
                lab.shoot(page, f"trial-{name}-{width}")
            is_clean(page, ("404",))
    for path in ("/workers", "/compare", "/studies/nowhere", "/studies/one/trials/7", "/studies/one/trials/x", "/studies/%zz"):
        page.open(url + path)
        ready(page)
        narrow(page, path)
    page.collect()
    unframed(lab, url)


def narrow(page: Page, what: str):
    width, inside = page.run("[document.documentElement.scrollWidth, innerWidth]")
    expect(width <= inside, f"{what} is {width} pixels wide on a screen of {inside}")


def plots(lab: Lab):
    """A page of figures in one file: ranges that all follow, and a layout of its own on a phone."""
    pathlib.Path(lab.path("points.csv")).write_text(
        "x,layers,value\n" + "".join(f"{i / 40},{i % 5},{(i / 40 - 0.3) ** 2 + i % 5 / 10}\n" for i in range(41)))
    lab.run("import", "csv", "made", "points.csv", "--store", "s.db")
    lab.run("plot", "slice,history,parallel,importances", "made", "--store", "s.db", "-o", "page.html")
    page = lab.browser.page(1280, 900)
    lab.pages.append(page)
    page.open(f"file://{lab.path('page.html')}")
    page.wait("document.querySelectorAll('figure.nf svg.wide').length === 4 && globalThis.needletailMarks")
    # The points that are drawn strong in a figure, and those that are shadows.
    count = """(n => { const svg = document.querySelectorAll('svg.wide')[n]; const of = (inner) => [...svg.querySelectorAll(
        inner ? '.panel > svg g path' : '.panel > svg > path[data-row]')].reduce((sum, path) => sum
        + (path.getAttribute('d').match(/M/g) || []).length, 0); return [of(false), of(true)]; })"""
    strong, shadows = page.run(f"{count}(0)")
    expect(strong == 82 and shadows == 0, f"the slices have {strong} points and {shadows} shadows")
    # Draws along the axis of layers, from 2.25 to its end.
    box = page.run("""(() => { const panels = document.querySelector('svg.wide').querySelectorAll('g.panel');
        const panel = [...panels].find(one => JSON.parse(one.dataset.x).n === 'layers');
        panel.scrollIntoView({block: 'center', behavior: 'instant'});
        const svg = panel.closest('svg.nt'), at = svg.getBoundingClientRect(), s = at.width / svg.viewBox.baseVal.width;
        const [x, y, w, h] = panel.dataset.box.trim().split(' ').map(Number);
        return [at.x + x * s, at.y + y * s, w * s, h * s]; })()""")
    drag(page, (box[0] + box[2] * 0.55, box[1] + box[3] + 10), (box[0] + box[2], box[1] + box[3] + 10))
    page.wait("document.querySelector('.marked').textContent === '16 of 41 trials shown are in the ranges.'")
    for number, points in ((0, 32), (1, 16), (2, 16)):
        strong, shadows = page.run(f"{count}({number})")
        expect(strong == points or number == 1 and strong >= points, f"figure {number} shows {strong} points instead of {points}")
        expect(shadows > 0, f"figure {number} has no shadows")
    # A second range, along an upright axis; what is outside of either fades.
    box = page.run("""(() => { const panel = document.querySelectorAll('svg.wide')[2].querySelector('g.panel');
        panel.scrollIntoView({block: 'center', behavior: 'instant'});
        const svg = panel.closest('svg.nt'), at = svg.getBoundingClientRect(), s = at.width / svg.viewBox.baseVal.width;
        const up = JSON.parse(panel.dataset.u).find(one => one.axis.n === 'x');
        const [x, y, w, h] = panel.dataset.box.trim().split(' ').map(Number);
        return [at.x + up.x * s, at.y + y * s, h * s]; })()""")
    drag(page, (box[0], box[1] + box[2] * 0.5), (box[0], box[1] + box[2]))
    page.wait("document.querySelector('.marked').textContent === '8 of 41 trials shown are in the ranges.'")
    lab.shoot(page, "plots-marked")
    page.click(".unmark")
    page.wait("document.querySelector('.marked').textContent === ''")
    strong, shadows = page.run(f"{count}(0)")
    expect(strong == 82 and shadows == 0, f"without ranges there are {strong} points and {shadows} shadows")
    is_clean(page)
    for width in (360, 390, 430):
        page.resize(width, 800, dark=width == 390)
        page.wait("getComputedStyle(document.querySelector('svg.wide')).display === 'none'")
        narrow(page, f"the page of figures at {width} pixels")
        small = page.run("""[...document.querySelectorAll('svg.phone')].flatMap(svg => {
            const scale = svg.getBoundingClientRect().width / svg.viewBox.baseVal.width;
            return [...svg.querySelectorAll('text')].map(text => text.getAttribute('font-size') * scale); }).filter(size => size < 9)""")
        expect(not small, f"on a phone of {width} pixels texts are {small} pixels high")
    lab.shoot(page, "plots-phone")


def analysis(lab: Lab):
    """What is asked of a study: switches, choices, ranges that figures and table follow, search, CSV, the answer."""
    lines = ["x,layers,kind,value"]
    for i in range(60):
        x = i * 37 % 60 / 60
        lines.append(f"{x},{i % 5},{('relu', 'tanh', 'soft max')[i % 3]},{(x - 0.3) ** 2 + i * 29 % 13 / 200 + (i == 50) * -0.3}")
    pathlib.Path(lab.path("points.csv")).write_text("\n".join(lines) + "\n")
    lab.run("import", "csv", "made", "points.csv", "--store", "s.db")
    url = lab.serve("dashboard", lab.path("s.db"))
    page = lab.page(study_url(url, "made"))
    page.wait("document.querySelectorAll('tr[data-trial]').length > 5", PATIENCE)
    # Which one to use, and the lucky one beside it.
    page.wait("/^Use trial [0-9]+: without noise .* is expected, with 95 % between /.test(document.querySelector('.answer')?.textContent)", PATIENCE)
    best = get(f"{url}/v1/studies/made/best")
    expect(str(best["use"]["number"]) in page.text(".answer"), f"the page says {page.text('.answer')}, the API {best['use']}")

    # Switches of the history; the parameters in its tip.
    page.click(".tools input[value=log]")
    page.click(".tools input[value=ended]")
    page.run("document.querySelector('.chart canvas').focus()")
    page.press("ArrowRight")
    page.wait("!document.getElementById('tip').hidden && document.getElementById('tip').innerText.includes('layers')", PATIENCE)
    page.run("document.activeElement.blur()")

    # Columns, a search for a name that there is not, CSV of what is shown.
    page.click(".tools .picker summary")
    page.click(".picker .choices input[value=duration]")
    page.wait("!document.querySelector('.trials th[data-key=duration]')")
    page.click(".tools .picker summary")
    page.type("#search", "layer>3")
    page.wait("document.querySelector('#search-hint').textContent === \"No trial has 'layer'; did you mean 'layers'?\"", PATIENCE)
    page.type("#search", 'layers>=3 "kind=soft max|relu"')
    page.wait("document.querySelector('#search-hint').textContent === '' && document.querySelector('.trials').parentNode", PATIENCE)
    fitting = sum(1 for i in range(60) if i % 5 >= 3 and i % 3 != 1)
    page.wait(f"document.querySelector('main').innerText.includes('{fitting} trials fit')", PATIENCE)
    page.run("""window.saved = null; URL.createObjectURL = blob => { blob.text().then(text => { window.saved = text; }); return 'blob:none'; };
        HTMLAnchorElement.prototype.click = () => {}; 0""")
    page.click("[data-action=csv]")
    saved = page.wait("window.saved", PATIENCE).splitlines()
    expect(len(saved) == fitting + 1 and saved[0].startswith("trial,state,") and "duration" not in saved[0], f"the CSV is {saved[:3]}")

    # Parameters of a figure are chosen.
    page.type("#search", " ")
    drawn(page, "the study")
    page.click(".plot[data-kind=slice] .picker summary")
    page.click(".plot[data-kind=slice] .picker input[value=layers]")
    page.wait("""[...document.querySelectorAll('.plot[data-kind=slice] g.panel')].map(one => JSON.parse(one.dataset.x).n).join() === 'layers'""", PATIENCE)
    page.click(".plot[data-kind=slice] .picker summary")

    # A range along an axis: the figures fade the others, and the table has those within.
    box = page.run("""(() => { const panel = document.querySelector('.plot[data-kind=slice] g.panel');
        panel.scrollIntoView({block: 'center', behavior: 'instant'});
        const svg = panel.closest('svg.nt'), at = svg.getBoundingClientRect(), s = at.width / svg.viewBox.baseVal.width;
        const [x, y, w, h] = panel.dataset.box.trim().split(' ').map(Number);
        return [at.x + x * s, at.y + y * s, w * s, h * s]; })()""")
    drag(page, (box[0] + box[2] * 0.55, box[1] + box[3] + 10), (box[0] + box[2] - 1, box[1] + box[3] + 10))
    page.wait("document.querySelector('#search').value === 'layers>=3 layers<=4'", PATIENCE)
    page.wait("document.querySelector('main').innerText.includes('24 trials fit')", PATIENCE)
    page.wait("document.querySelectorAll('.plot[data-kind=parallel] .panel > svg g path').length > 0", PATIENCE)
    lab.shoot(page, "analysis")
    page.run("document.querySelector('.plot[data-kind=slice] .unmark').click()")
    page.wait("document.querySelector('#search').value === ''", PATIENCE)
    is_clean(page)
    accessible(page, "the study")
    page.open(f"{study_url(url, 'made')}/trials/0")
    page.wait("document.querySelector('h1')?.textContent === 'Trial 0'", PATIENCE)
    accessible(page, "a trial")
    page.open(url)
    page.wait("document.querySelectorAll('.studies tbody tr').length === 1", PATIENCE)
    accessible(page, "the list of studies")
    for width in (360, 430):
        page.resize(width, 800)
        page.open(study_url(url, "made"))
        page.wait("document.querySelectorAll('tr[data-trial]').length > 5", PATIENCE)
        narrow(page, f"the study at {width} pixels")
    lab.shoot(page, "analysis-phone")


def accessible(page: Page, what: str):
    """What axe-core finds serious or critical."""
    import axe_core_python
    script = pathlib.Path(axe_core_python.__file__).with_name("axe.min.js").read_text()
    page.run(f"{script}; 0")
    found = page.run("""axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations
        .filter(({ impact }) => impact === 'serious' || impact === 'critical')
        .map(({ id, help, nodes }) => `${id}: ${help}: ${nodes.slice(0, 3).map(node => node.html.slice(0, 160)).join(' ')}`))""")
    expect(not found, f"axe-core finds of {what}: {found}")


def drag(page: Page, start: tuple[float, float], end: tuple[float, float]):
    """Draws with the pointer's button down."""
    page.move(*start)
    page.pressed = start
    page.pointer("mousePressed")
    for part in (0.3, 0.7, 1):
        x, y = (a + (b - a) * part for a, b in zip(start, end))
        page.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
    page.pressed = end
    page.pointer("mouseReleased")


def unframed(lab: Lab, url: str):
    """Headers that keep others' pages from doing harm."""
    with urllib.request.urlopen(url, timeout=60) as answer:
        policy = answer.headers["Content-Security-Policy"]
        expect("frame-ancestors 'none'" in policy and "unsafe" not in policy, policy)
        expect(answer.headers["X-Content-Type-Options"] == "nosniff", "no nosniff")
        expect(answer.headers["Referrer-Policy"] == "no-referrer", "referrers are sent")
        tag = answer.headers["ETag"]
    try:
        urllib.request.urlopen(urllib.request.Request(url, headers={"If-None-Match": tag}), timeout=60)
        raise Failure("the page is sent again though it is known")
    except urllib.error.HTTPError as error:
        expect(error.code == 304, f"a known page is answered with {error.code}")


def access(lab: Lab):
    """With tokens for everything: the page asks for one, and shows nothing before; keys do what the pointer does."""
    lab.run("study", "create", "secret", "--store", "s.db")
    token = lab.run("token", "create", "--role", "viewer", "--study", "secret", "--store", "s.db")
    lab.run("study", "create", "other", "--store", "s.db")
    url = lab.serve("dashboard", "s.db", "--require-token")
    page = lab.page(study_url(url, "secret"))
    page.wait("document.querySelector('h1').textContent === 'Sign in'", PATIENCE)
    expect("secret" not in page.text("main"), "the name is shown")
    page.type("main input", "nt_wrong")
    page.press("Enter")
    page.wait("document.querySelector('main').innerText.includes('unknown')", PATIENCE)
    page.click("#token")  # signs out
    page.wait("document.querySelector('#token').textContent === 'Sign in'")
    # The form with the complaint gives way to a new one.
    page.wait("document.querySelector('main input') && !document.querySelector('main').innerText.includes('unknown')", PATIENCE)
    page.type("main input", token)
    page.press("Enter")
    page.wait("document.querySelector('h1').textContent === 'secret'", PATIENCE)
    page.wait("document.querySelector('#live').textContent === 'live'", PATIENCE)
    page.collect()
    # By keys alone: the first stop is the link to the content, then the links at the top.
    page.open(study_url(url, "secret"))
    page.wait("document.querySelector('h1')?.textContent === 'secret'", PATIENCE)
    page.press("Tab")
    page.wait("document.activeElement.className === 'skip'")
    for _ in range(2):
        page.press("Tab")
    page.press("Enter")
    page.wait("location.pathname === '/' && document.querySelector('h1').textContent === 'Studies'", PATIENCE)
    page.wait("document.querySelectorAll('.studies tbody tr').length === 1", PATIENCE)
    unnamed = page.run("""[...document.querySelectorAll('button, a, input, select, textarea')].filter(node => {
        const label = node.getAttribute('aria-label') || node.textContent.trim() || node.labels?.[0]?.textContent.trim();
        return !label; }).map(node => node.outerHTML)""")
    expect(not unnamed, f"without a name are {unnamed}")
    is_clean(page)


def stop(number: int, _):
    raise Failure(f"it took longer than {LIMIT} seconds" if number == signal.SIGALRM else "it was stopped")


def main() -> int:
    scenario, needletail, artefacts = sys.argv[1:4]
    for number in (signal.SIGALRM, signal.SIGTERM):
        signal.signal(number, stop)
    signal.alarm(LIMIT)
    lab = Lab(needletail, artefacts)
    try:
        {one.__name__: one for one in (running, hands, optuna, edges, access, plots, analysis)}[scenario](lab)
        return 0
    except Exception:
        for number, page in enumerate(lab.pages):
            with contextlib.suppress(Exception):
                lab.shoot(page, f"{scenario}-failed-{number}")
        for process in lab.started:
            print(open(process.log.name).read()[-1500:], file=sys.stderr)
        raise
    finally:
        lab.close()


if __name__ == "__main__":
    sys.exit(main())
