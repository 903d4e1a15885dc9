"""Headless Chromium, driven over the DevTools protocol."""

import base64
import ctypes
import json
import os
import select
import shutil
import signal
import socket
import struct
import subprocess
import tempfile
import time


def end_with_parent():
    """Called in a child: it is killed when whoever started it ends, however that happens."""
    ctypes.CDLL(None).prctl(1, signal.SIGKILL)  # PR_SET_PDEATHSIG


class BrowserError(Exception):
    """The browser did not do what it was told, or a page did not become what was waited for."""


class Browser:
    """A Chromium of its own, with a profile that vanishes with it."""

    def __init__(self, *more: str):
        program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
        if not program:
            raise BrowserError("there is no chromium; install the Debian package chromium")
        self.folder = tempfile.mkdtemp(prefix="needletail-browser-")
        self.log = open(f"{self.folder}/log", "w+")
        # The sandbox needs namespaces that a container may not have; only pages of this machine are loaded.
        self.process = subprocess.Popen(
            [program, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
             "--disable-background-networking", "--disable-component-update", "--disable-extensions", "--disable-sync",
             "--no-default-browser-check", "--mute-audio", "--hide-scrollbars", "--disable-features=Translate,OptimizationHints",
             "--remote-debugging-port=0", f"--user-data-dir={self.folder}/profile", *more, "about:blank"],
            stdout=self.log, stderr=self.log, env={**os.environ, "HOME": self.folder}, preexec_fn=end_with_parent)
        self.socket, self.waiting, self.number, self.events = None, {}, 0, []
        deadline = time.monotonic() + 120
        port_file = f"{self.folder}/profile/DevToolsActivePort"
        while not (os.path.exists(port_file) and open(port_file).read().count("\n")):
            if self.process.poll() is not None or time.monotonic() > deadline:
                self.log.seek(0)
                raise BrowserError(f"chromium did not start: {self.log.read()[-2000:]}")
            time.sleep(0.02)
        port, path = open(port_file).read().split("\n")[:2]
        self.socket = WebSocket(int(port), path)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        if self.socket:
            try:
                self.call("Browser.close", within=5)
            except (BrowserError, OSError):
                pass
            self.socket.close()
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()
        for _ in range(20):  # its helpers may still be writing
            shutil.rmtree(self.folder, ignore_errors=True)
            if not os.path.exists(self.folder):
                return
            time.sleep(0.1)

    def call(self, method: str, session: str | None = None, within: float = 60, **parameters):
        """Sends a command and returns its result."""
        self.number += 1
        number = self.number
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        self.socket.send(json.dumps(message))
        deadline = time.monotonic() + within
        while number not in self.waiting:
            self.read(deadline - time.monotonic(), method)
        answer = self.waiting.pop(number)
        if "error" in answer:
            raise BrowserError(f"{method}: {answer['error']['message']}")
        return answer["result"]

    def read(self, seconds: float, what: str = "an event"):
        """Takes the next message."""
        text = self.socket.receive(max(0, seconds))
        if text is None:
            raise BrowserError(f"the browser did not answer in time: {what}")
        message = json.loads(text)
        if "id" in message:
            self.waiting[message["id"]] = message
        else:
            self.events.append(message)

    def page(self, width: int = 1280, height: int = 900, dark: bool = False) -> "Page":
        """A page in a context of its own: nothing is shared with others."""
        context = self.call("Target.createBrowserContext")["browserContextId"]
        target = self.call("Target.createTarget", url="about:blank", browserContextId=context)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        return Page(self, session, context, width, height, dark)


class Page:
    """A tab: what is clicked, typed and seen in it."""

    def __init__(self, browser: Browser, session: str, context: str, width: int, height: int, dark: bool):
        self.browser, self.session, self.context = browser, session, context
        self.problems: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.call(f"{domain}.enable")
        self.call("Page.addScriptToEvaluateOnNewDocument", source="""
            addEventListener('securitypolicyviolation', event => console.error(
              `CSP: ${event.violatedDirective} ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`));""")
        self.resize(width, height, dark)

    def call(self, method: str, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def resize(self, width: int, height: int, dark: bool = False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                  mobile=width < 600)
        self.call("Emulation.setEmulatedMedia",
                  features=[{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}])

    def open(self, url: str):
        self.call("Page.navigate", url=url)

    def run(self, script: str):
        """The value of an expression; promises are waited for."""
        result = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True, userGesture=True)
        if "exceptionDetails" in result:
            details = result["exceptionDetails"]
            raise BrowserError(f"{script}: {details.get('exception', {}).get('description', details['text'])}")
        return result["result"].get("value")

    def wait(self, script: str, within: float = 60):
        """The value of an expression, once it is true."""
        deadline = time.monotonic() + within
        while True:
            try:
                value = self.run(script)
            except BrowserError as error:
                # The page may be between two documents.
                if "context" not in str(error) and "null" not in str(error) or time.monotonic() > deadline:
                    raise
                value = None
            # What a script takes for true: an element comes as {}.
            if value not in (None, False, 0, ""):
                return value
            if time.monotonic() > deadline:
                text = self.run("document.body ? document.body.innerText.slice(0, 1500) : ''")
                raise BrowserError(f"{script} did not become true; the page says: {text}; problems: {self.collect()}")
            time.sleep(0.02)

    def center(self, selector: str) -> tuple[float, float]:
        """Where the middle of an element is, scrolled into sight."""
        box = self.wait(f"""(() => {{
            const node = document.querySelector({json.dumps(selector)});
            if (!node) return null;
            node.scrollIntoView({{ block: 'center', inline: 'center', behavior: 'instant' }});
            const box = node.getBoundingClientRect();
            return box.width ? [box.x + box.width / 2, box.y + box.height / 2] : null;
        }})()""")
        return box[0], box[1]

    def move(self, x: float, y: float, is_pressed: bool = False):
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, buttons=int(is_pressed))

    def aim(self, selector: str) -> tuple[float, float]:
        """Moves to an element that is at rest, as a person does before pressing."""
        place = self.center(selector)
        while True:
            self.move(*place)
            self.run("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")
            again = self.center(selector)
            if again == place:
                return place
            place = again

    def press_pointer(self, selector: str):
        """Presses the pointer's button on an element and keeps it down; ``self.pressed`` is there.

        What moves away between the look and the press is aimed at again, and what was pressed instead gets no click.
        """
        deadline = time.monotonic() + 60
        while True:
            self.pressed = self.aim(selector)
            self.pointer("mousePressed")
            hit, other = self.run(f"""(() => {{
                const wanted = document.querySelector({json.dumps(selector)});
                const top = document.elementFromPoint(...{json.dumps(self.pressed)});
                return [wanted?.contains(top) || top?.closest('label')?.control === wanted, top?.outerHTML.slice(0, 200)];
            }})()""")
            if hit:
                return
            self.pressed = (1, 1)
            self.move(*self.pressed, is_pressed=True)
            self.pointer("mouseReleased")
            if time.monotonic() > deadline:
                raise BrowserError(f"{selector} cannot be pressed; on top of it is {other}")

    def release_pointer(self):
        self.pointer("mouseReleased")

    def pointer(self, kind: str):
        x, y = self.pressed
        self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", buttons=1 if kind == "mousePressed" else 0,
                  clickCount=1)

    def click(self, selector: str):
        """Clicks as a person would, on what is on top there."""
        self.press_pointer(selector)
        self.release_pointer()

    def type(self, selector: str, text: str):
        self.click(selector)
        self.run(f"document.querySelector({json.dumps(selector)}).select?.()")
        self.call("Input.insertText", text=text)

    def press(self, key: str):
        codes = {"Enter": 13, "Tab": 9, "Escape": 27, "ArrowRight": 39, "ArrowLeft": 37}
        more = {"text": "\r"} if key == "Enter" else {}
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, code=key,
                      windowsVirtualKeyCode=codes[key], **(more if kind == "keyDown" else {}))

    def text(self, selector: str = "main") -> str:
        return self.run(f"(document.querySelector({json.dumps(selector)}) ?? {{}}).innerText ?? ''")

    def screenshot(self, path: str, whole: bool = False):
        options = {}
        if whole:
            size = self.call("Page.getLayoutMetrics")["cssContentSize"]
            options = {"captureBeyondViewport": True,
                       "clip": {"x": 0, "y": 0, "width": size["width"], "height": min(size["height"], 8000), "scale": 1}}
        with open(path, "wb") as file:
            file.write(base64.b64decode(self.call("Page.captureScreenshot", **options)["data"]))

    def collect(self) -> list[str]:
        """Errors on the console, uncaught exceptions and violations of the policy since the last time."""
        self.run("0")  # what happened before has arrived then
        rest = []
        for event in self.browser.events:
            if event.get("sessionId") != self.session:
                rest.append(event)
                continue
            parameters = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                details = parameters["exceptionDetails"]
                self.problems.append(details.get("exception", {}).get("description", details["text"]))
            elif event["method"] == "Runtime.consoleAPICalled" and parameters["type"] in ("error", "warning", "assert"):
                self.problems.append(" ".join(str(a.get("value", a.get("description", ""))) for a in parameters["args"]))
            elif event["method"] == "Log.entryAdded" and parameters["entry"]["level"] in ("error", "warning"):
                self.problems.append(f"{parameters['entry']['text']} {parameters['entry'].get('url', '')}")
        self.browser.events = rest
        found, self.problems = self.problems, []
        return found

    def close(self):
        self.browser.call("Target.disposeBrowserContext", browserContextId=self.context)


class WebSocket:
    """The client's side of RFC 6455, as far as DevTools needs it: text messages on this machine."""

    def __init__(self, port: int, path: str):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=60)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        key = base64.b64encode(os.urandom(16)).decode()
        self.socket.sendall((f"GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                             f"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n").encode())
        self.buffer = b""
        while b"\r\n\r\n" not in self.buffer:
            self.buffer += self.socket.recv(65536)
        head, self.buffer = self.buffer.split(b"\r\n\r\n", 1)
        if b" 101 " not in head.split(b"\r\n")[0]:
            raise BrowserError(f"no WebSocket: {head[:200]}")
        self.message = b""

    def send(self, text: str):
        data = text.encode()
        size = len(data)
        head = b"\x81" + (struct.pack("!B", 0x80 | size) if size < 126 else
                          struct.pack("!BH", 0x80 | 126, size) if size < 65536 else struct.pack("!BQ", 0x80 | 127, size))
        mask = os.urandom(4)
        # Whole words at a time: a byte at a time would take long.
        padded = data + b"\0" * (-size % 4)
        masked = (int.from_bytes(padded, "big") ^ int.from_bytes(mask * (len(padded) // 4), "big")).to_bytes(len(padded), "big")
        self.socket.sendall(head + mask + masked[:size])

    def receive(self, seconds: float) -> str | None:
        """The next message; None when none comes in time."""
        deadline = time.monotonic() + seconds
        while True:
            frame = self.frame()
            if frame:
                is_last, kind, data = frame
                if kind == 8:
                    raise BrowserError("chromium closed the connection")
                if kind in (0, 1):
                    self.message += data
                    if is_last:
                        text, self.message = self.message.decode(), b""
                        return text
                continue
            left = deadline - time.monotonic()
            if left < 0 or not select.select([self.socket], [], [], left)[0]:
                return None
            more = self.socket.recv(1 << 20)
            if not more:
                raise BrowserError("chromium is gone")
            self.buffer += more

    def frame(self):
        buffer = self.buffer
        if len(buffer) < 2:
            return None
        size, start = buffer[1] & 127, 2
        if size == 126:
            if len(buffer) < 4:
                return None
            size, start = struct.unpack("!H", buffer[2:4])[0], 4
        elif size == 127:
            if len(buffer) < 10:
                return None
            size, start = struct.unpack("!Q", buffer[2:10])[0], 10
        if len(buffer) < start + size:
            return None
        self.buffer = buffer[start + size:]
        return bool(buffer[0] & 128), buffer[0] & 15, buffer[start:start + size]

    def close(self):
        self.socket.close()
