"""Daemons on hosts (hosts.py), and clients that keep account of what they were told: writes that were acknowledged, searches that were answered."""

import http.client
import json
import os
import random
import signal
import subprocess
import threading
import time
from pathlib import Path

from hosts import until

KEY = "hosts-test-key"
PORT = 7700
DIM = 8
NAME = "docs"
DOCS = f"/v1/collections/{NAME}"
BROKEN = (OSError, http.client.HTTPException)  # what a connection that is refused, cut or silent ends with


def vector_of(number):
    """Squared distances between these are whole numbers, so the nearest to each is itself, and nothing else."""
    return [float(number)] + [0.0] * (DIM - 1)


def document(number):
    return {"id": f"w{number}", "vector": vector_of(number), "payload": {"n": number}}


def percentile(values, share):
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(share * len(ordered)))]


class Client:
    """One connection to a daemon, kept, and made anew after it broke. For one thread. host: whose network it is made in, if not the client's."""

    def __init__(self, address, timeout=10, host=None):
        self.address, self.timeout, self.host = address, timeout, host
        self.connection = None

    def _connect(self):
        connection = http.client.HTTPConnection(self.address, PORT, timeout=self.timeout)
        if self.host is None:
            connection.connect()
        else:
            with self.host.inside():
                connection.connect()
        self.connection = connection

    def close(self):
        if self.connection is not None:
            self.connection.close()
        self.connection = None

    def __del__(self):
        self.close()

    def ask(self, method, target, body=None):
        """Status and body of the answer; one of BROKEN where there is none."""
        try:
            if self.connection is None:
                self._connect()
            self.connection.request(method, target, None if body is None else json.dumps(body),
                                    {"api-key": KEY, "Content-Type": "application/json"})
            answer = self.connection.getresponse()
            data = answer.read()
        except BROKEN:
            self.close()
            raise
        if answer.will_close:
            self.close()
        try:
            return answer.status, json.loads(data)
        except ValueError:
            return answer.status, data.decode(errors="replace")

    def call(self, method, target, body=None):
        """The answer, which must be 2xx."""
        status, answer = self.ask(method, target, body)
        if not 200 <= status < 300:
            raise AssertionError(f"{self.address}: {method} {target}: {status} {answer}")
        return answer


class Daemon:
    """ndb-writer or ndb-reader on a host, from its start until somebody, or its host, ends it."""

    def __init__(self, host, binary, data, *flags):
        self.host, self.name = host, f"{Path(binary).name} on {host.name}"
        self.process = host.start(binary, "--data-dir", data, "--listen", f"0.0.0.0:{PORT}", *flags, stderr=subprocess.PIPE, text=True,
                                  env=dict(os.environ, NDB_API_KEY=KEY))
        self.log = []
        self._drain = threading.Thread(target=self._read_log, daemon=True)
        self._drain.start()

    def _read_log(self):
        try:
            for line in self.process.stderr:
                self.log.append(line)
        except ValueError:
            pass  # closed, as the host is gone

    def client(self, timeout=10, inside=False):
        return Client(self.host.address, timeout, self.host if inside else None)

    def call(self, method, target, body=None):
        client = self.client(timeout=60)
        try:
            return client.call(method, target, body)
        finally:
            client.close()

    def is_ready(self, inside=False, path="/readyz"):
        client = self.client(5, inside)
        try:
            return client.ask("GET", path)[0] == 200
        except BROKEN:
            return False
        finally:
            client.close()

    def why_not_ready(self):
        client = self.client(3)
        try:
            return str(client.ask("GET", "/readyz")[1])
        except BROKEN as error:
            return repr(error)
        finally:
            client.close()

    def is_live(self, inside=False):
        return self.is_ready(inside, "/healthz")

    def wait_ready(self, seconds=60):
        until(lambda: self.is_ready() or self.fail_if_ended(), seconds, f"{self.name} being ready")
        return self

    def fail_if_ended(self):
        if self.process.poll() is not None:
            raise AssertionError(f"{self.name} ended with {self.process.returncode}:\n{''.join(self.log[-20:])}")

    def signal(self, number):
        """To the daemon itself, not to nsenter, which stands for it here."""
        children = Path(f"/proc/{self.process.pid}/task/{self.process.pid}/children")
        os.kill(int(until(lambda: self.process.poll() is None and children.read_text(), 10, f"{self.name} having begun")), number)

    def terminate(self):
        self.signal(signal.SIGTERM)

    def wait_ended(self):
        code = self.process.wait(60)
        self._drain.join()
        return code

    def kill(self):
        self.signal(signal.SIGKILL)
        self.process.wait(60)


class Load(threading.Thread):
    """A loop in a thread of its own, until told to stop. What it cannot explain ends it, and is raised again by stop()."""

    def __init__(self):
        super().__init__(daemon=True)
        self.stopping = threading.Event()
        self.error = None

    def run(self):
        try:
            while not self.stopping.is_set():
                self.step()
        except Exception as error:  # told by stop(), in the test's own thread
            self.error = error

    def stop(self):
        self.stopping.set()
        self.join(120)
        if self.error is not None:
            raise self.error
        if self.is_alive():
            raise AssertionError(f"{type(self).__name__} does not stop")


class Ingest(Load):
    """Writes one document after another, each until it is acknowledged. `acknowledged`: seq by number, in their order."""

    RETRIED = (409, 429, 503)  # "another one writes" or "try again": neither says that the write was not kept

    def __init__(self, address, first=0, host=None):
        super().__init__()
        self.client = Client(address, timeout=2, host=host)
        self.number = first
        self.acknowledged, self.times, self.refusals = {}, [], []

    def step(self):
        try:
            status, answer = self.client.ask("POST", f"{DOCS}/documents", {"documents": [document(self.number)]})
        except BROKEN as error:
            status, answer = None, repr(error)
        if status == 200:
            self._note(answer)
        elif status is None or status in self.RETRIED:
            self.refusals.append((status, answer if status is None else answer["error"]["code"]))
            self.stopping.wait(0.02)
        else:
            raise AssertionError(f"a write was answered with {status} {answer}")

    def _note(self, answer):
        last = next(reversed(self.acknowledged.values()), 0)
        if answer["seq"] <= last:
            raise AssertionError(f"acknowledged as {answer['seq']} after {last}: {answer}")
        if answer["durability"] != "sync":
            raise AssertionError(f"not acknowledged as durable: {answer}")
        self.acknowledged[self.number] = answer["seq"]
        self.times.append(time.monotonic())
        self.number += 1

    def wait_for(self, more, seconds=60):
        """Until so many more were acknowledged."""
        wanted = len(self.acknowledged) + more
        until(lambda: len(self.acknowledged) >= wanted or not self.is_alive(), seconds, f"{more} more acknowledged writes, after {self.refusals[-2:]}")
        if self.error is not None:
            raise self.error

    def longest_pause(self):
        return max((b - a for a, b in zip(self.times, self.times[1:])), default=0)


class Searches(Load):
    """Searches for what was acknowledged, one after another, at whoever `rotation` names, and judges each answer.

    An answer must be the document asked for unless the daemon says that it is not that far yet (seq; `older` counts these), or a walk of a graph
    missed it (`missed`); and no daemon may go back. `failed`: what was not answered, for the test to judge; `answered`: by whom how many."""

    def __init__(self, rotation, acknowledged, timeout=30, inside=False):
        super().__init__()
        self.rotation, self.acknowledged = rotation, acknowledged
        self.timeout, self.inside = timeout, inside
        self.random = random.Random(1)
        self.clients, self.seen = {}, {}
        self.answered, self.failed, self.times = {}, [], []
        self.older = self.walks = self.missed = 0

    def client_of(self, daemon):
        if daemon not in self.clients:
            self.clients[daemon] = daemon.client(self.timeout, self.inside)
        return self.clients[daemon]

    def step(self):
        daemon = self.rotation()
        numbers = list(self.acknowledged)
        number = numbers[-1] if self.random.random() < 0.2 else self.random.choice(numbers)
        walk = self.random.random() < 0.5
        seq = self.acknowledged[number]
        began = time.monotonic()
        try:
            status, answer = self.client_of(daemon).ask(
                "POST", f"{DOCS}/search", {"vector": vector_of(number), "top_k": 1, "approximate": walk, "timeout_ms": 20000})
        except BROKEN as error:
            status, answer = None, repr(error)
        if status != 200:
            self.failed.append((daemon.name, status, answer))
            self.stopping.wait(0.02)
            return
        self.times.append(time.monotonic() - began)
        self.judge(daemon, number, seq, walk, answer)

    def judge(self, daemon, number, seq, walk, answer):
        state = (answer["seq"], answer["manifest_version"])
        before = self.seen.get(daemon, (0, 0))
        if any(now < then for now, then in zip(state, before)):
            raise AssertionError(f"{daemon.name} went back from {before} to {state}")
        self.seen[daemon] = state
        self.answered[daemon.name] = self.answered.get(daemon.name, 0) + 1
        self.walks += walk
        if answer["seq"] < seq:
            self.older += 1
        elif [match["id"] for match in answer["matches"]] == [f"w{number}"]:
            pass
        elif walk and len(answer["matches"]) == 1:
            self.missed += 1
        else:
            raise AssertionError(f"{daemon.name}: w{number}, acknowledged as {seq}, was not found: {answer}")

    def wait_for(self, more, seconds=60):
        """Until so many more searches were answered."""
        wanted = len(self.times) + more
        until(lambda: len(self.times) >= wanted or not self.is_alive(), seconds, f"{more} more answers, after {self.failed[-2:]}")

    def stop(self):
        super().stop()
        if self.missed > self.walks // 10:
            raise AssertionError(f"{self.missed} of {self.walks} walks missed")


class Rotation(threading.Thread):
    """What a Service does: asks /readyz of each daemon again and again, and gives those that are ready in turn."""

    def __init__(self, *daemons):
        super().__init__(daemon=True)
        self.daemons = list(daemons)
        self.ready = tuple(daemon for daemon in daemons if daemon.is_ready())
        self.turn = 0
        self.stopping = threading.Event()
        self.start()

    def run(self):
        while not self.stopping.wait(0.05):
            self.ready = tuple(daemon for daemon in list(self.daemons) if daemon.is_ready())

    def __call__(self):
        ready = until(lambda: self.ready, 60, "any reader in rotation")
        self.turn += 1
        return ready[self.turn % len(ready)]

    def stop(self):
        self.stopping.set()
        self.join(60)
