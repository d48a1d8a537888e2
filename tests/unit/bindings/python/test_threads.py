"""What threads do to the process: the end of a program."""

import subprocess
import sys

import pytest

ENDS = """
import sys, threading
import numpy as np
import ndb

docs = ndb.open(sys.argv[1]).create_collection("docs", dim=8)
docs.insert_batch([str(i) for i in range(500)], np.ones((500, 8), dtype=np.float32), [{"n": i, "text": "x" * 100} for i in range(500)])
calls = {
    "count": docs.count,
    "search": lambda: docs.search([1.0] * 8, top_k=50, filter={"n": {"$gte": 10}}).ids,
    "payloads": lambda: [match.payload for match in docs.search(np.ones(8, dtype=np.float32), top_k=50)],
    "inserts": lambda: docs.insert("x", [1.0] * 8, {"list": list(range(100))}),
    "failures": lambda: failing(),
    "waits": lambda: docs.wait_for(10_000, timeout=0.2),
}

def failing():
    try:
        docs.get("nobody")
    except ndb.NotFound:
        pass

def endlessly(call):
    started.release()
    try:
        while True:
            call()
    except ndb.Timeout:
        pass

started = threading.Semaphore(0)
for _ in range(4):
    threading.Thread(target=endlessly, args=(calls[sys.argv[2]],), daemon=True).start()
for _ in range(4):
    started.acquire()
"""


@pytest.mark.parametrize("call", ["count", "search", "payloads", "inserts", "failures", "waits"])
def test_a_program_ends_while_daemon_threads_call(tmp_path, call):
    for run in range(3):
        ended = subprocess.run([sys.executable, "-c", ENDS, tmp_path / str(run), call], capture_output=True, text=True, timeout=60)
        assert (ended.returncode, ended.stderr) == (0, "")
