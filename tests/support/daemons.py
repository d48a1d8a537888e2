"""Real daemons for tests written in Python: started, spoken to, ended with the test."""

import http.client
import json
import subprocess
import threading
import time
import urllib.parse


class Daemon:
    """ndb-writer or ndb-reader on a free port. As a context manager it is killed at the end, whatever happened."""

    def __init__(self, binary, data_dir, *arguments, environment=None):
        command = [binary, "--data-dir", str(data_dir), "--listen", "127.0.0.1:0", *arguments]
        self.process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment)
        self.log = []
        self.url = None
        for line in self.process.stderr:
            self.log.append(line)
            if "listening on " in line:
                self.url = line.split("listening on ")[1].split()[0]
                break
        if self.url is None:
            raise RuntimeError("".join(self.log))
        self.address = urllib.parse.urlsplit(self.url).netloc
        self._drain = threading.Thread(target=self._read_on, daemon=True)
        self._drain.start()

    def _read_on(self):
        for line in self.process.stderr:
            self.log.append(line)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()
        self._drain.join()
        self.process.stderr.close()

    def stop(self):
        """SIGTERM; the exit code."""
        self.process.terminate()
        return self.process.wait(60)

    def ask(self, method, target, body=None, headers=None):
        """Status, headers and body of the answer; a body that is no bytes is sent as JSON."""
        connection = http.client.HTTPConnection(self.address, timeout=60)
        sent = dict(headers or {})
        if body is not None and not isinstance(body, (bytes, str)):
            body = json.dumps(body)
            sent.setdefault("Content-Type", "application/json")
        connection.request(method, target, body, sent)
        response = connection.getresponse()
        data = response.read()
        connection.close()
        return response.status, response.headers, data

    def call(self, method, target, body=None, headers=None):
        """The parsed answer, which must be 2xx."""
        status, _, data = self.ask(method, target, body, headers)
        assert 200 <= status < 300, (method, target, status, data)
        return json.loads(data)


def until(condition, seconds=60):
    """Asks until the condition holds, and gives what it returned."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value or time.monotonic() > end:
            return value
        time.sleep(0.05)
