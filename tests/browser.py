"""A headless Chromium without a network, driven through a pipe; nothing to install beside it."""

from __future__ import annotations

import base64
import json
import os
import select
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

PROGRAMS = ("chromium", "chromium-browser", "google-chrome")
ANSWER_S = 120
# No proxy answers there: whatever the page or the browser asked for would fail, and be seen.
OPTIONS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
    *("--no-first-run", "--disable-background-networking", "--disable-component-update"),
    *("--disable-dev-shm-usage", "--proxy-server=127.0.0.1:9", "--remote-debugging-pipe"),
    *("--force-color-profile=srgb", "--disable-extensions"),
)


def find_chromium() -> str | None:
    """Return the program, or None where there is none."""
    return next((found for name in PROGRAMS if (found := shutil.which(name))), None)


@dataclass
class Page:
    """A page that is open, and what it did: requests, errors and words on its console."""

    to_browser: int
    from_browser: int
    session: str = ""
    requests: list[str] = field(default_factory=list)
    errors: list[str] = field(default_factory=list)
    _number: int = 0
    _rest: bytes = b""

    def call(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Return the answer to a command of the DevTools protocol.

        Raises:
            RuntimeError: the browser refused it, or said nothing.
        """
        self._number += 1
        message: dict[str, Any] = {"id": self._number, "method": method, "params": parameters}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.to_browser, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + ANSWER_S
        while time.monotonic() < until:
            for said in self._read(until):
                if said.get("id") == self._number:
                    if "error" in said:
                        raise RuntimeError(f"{method}: {said['error']}")
                    return said["result"]
                self._note(said)
        raise RuntimeError(f"{method}: no answer")

    def _read(self, until: float) -> Iterator[dict[str, Any]]:
        ready, _, _ = select.select([self.from_browser], [], [], max(0, until - time.monotonic()))
        if not ready:
            return
        got = os.read(self.from_browser, 1 << 20)
        if not got:
            raise RuntimeError("the browser ended")
        *whole, self._rest = (self._rest + got).split(b"\0")
        messages = [json.loads(one) for one in whole]
        answers = [one for one in messages if "id" in one]
        yield from (one for one in messages if "id" not in one)
        yield from answers

    def _note(self, said: dict[str, Any]) -> None:
        told = said.get("params", {})
        match said.get("method"):
            case "Network.requestWillBeSent":
                self.requests.append(told["request"]["url"])
            case "Runtime.exceptionThrown":
                details = told["exceptionDetails"]
                self.errors.append(details.get("exception", {}).get("description", str(details)))
            case "Runtime.consoleAPICalled" if told["type"] in ("error", "warning", "assert"):
                self.errors.append(str(told["args"]))
            case "Log.entryAdded" if told["entry"]["level"] in ("error", "warning"):
                self.errors.append(told["entry"]["text"])
            case _:
                pass

    def show(self, path: Path, fragment: str = "") -> None:
        """Open a file and wait until its script has drawn it."""
        self.call("Page.navigate", url="about:blank")
        self.requests.clear()
        self.errors.clear()
        self.call("Page.navigate", url=path.resolve().as_uri() + fragment)
        until = time.monotonic() + ANSWER_S
        while not self.run("document.documentElement?.dataset.ready ?? ''"):
            if time.monotonic() > until or self.errors:
                raise RuntimeError(f"the page did not draw itself: {self.errors}")
            time.sleep(0.05)

    def run(self, script: str) -> Any:
        """Return the value of an expression in the page.

        Raises:
            RuntimeError: it threw.
        """
        said = self.call(
            "Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True
        )
        if "exceptionDetails" in said:
            raise RuntimeError(str(said["exceptionDetails"]))
        return said["result"].get("value")

    def size(self, width: int, height: int, *, is_phone: bool = False) -> None:
        """Lay the page out at this size."""
        self.call(
            "Emulation.setDeviceMetricsOverride",
            **{"width": width, "height": height, "deviceScaleFactor": 1, "mobile": is_phone},
        )

    def media(self, *, is_dark: bool = False, medium: str = "") -> None:
        """Light or dark, on screen or (`print`) on paper."""
        scheme = {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}
        self.call("Emulation.setEmulatedMedia", media=medium, features=[scheme])

    def picture(self, path: Path, *, is_whole: bool = False) -> Path:
        """Write a PNG of what is seen, or of the whole page."""
        shot = self.call("Page.captureScreenshot", captureBeyondViewport=is_whole)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(base64.b64decode(shot["data"]))
        return path


@contextmanager
def open_page() -> Iterator[Page]:
    """Start a browser with one empty page, its network cut off; end it afterwards.

    Raises:
        RuntimeError: there is no Chromium.
    """
    program = find_chromium()
    if program is None:
        raise RuntimeError("no Chromium")
    commands_out, commands_in = os.pipe()
    answers_out, answers_in = os.pipe()
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as profile:
        # The browser reads commands from descriptor 3 and answers on 4.
        line = f'exec "$0" "$@" 3<&{commands_out} 4>&{answers_in}'
        process = subprocess.Popen(
            ["bash", "-c", line, program, *OPTIONS, f"--user-data-dir={profile}", "about:blank"],
            pass_fds=(commands_out, answers_in),
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(commands_out)
        os.close(answers_in)
        page = Page(commands_in, answers_out)
        try:
            target = page.call("Target.createTarget", url="about:blank")["targetId"]
            page.session = page.call("Target.attachToTarget", targetId=target, flatten=True)[
                "sessionId"
            ]
            for domain in ("Page", "Runtime", "Log", "Network"):
                page.call(f"{domain}.enable")
            page.call(
                "Network.emulateNetworkConditions",
                **{"offline": True, "latency": 0, "downloadThroughput": 0, "uploadThroughput": 0},
            )
            yield page
        finally:
            process.terminate()
            try:
                process.wait(20)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            os.close(commands_in)
            os.close(answers_out)
