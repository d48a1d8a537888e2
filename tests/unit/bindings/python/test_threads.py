"""What threads do to each other and to the process: the end of a program, and Ctrl-C."""

import subprocess
import sys
import threading

import pytest

import ndb

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


INTERRUPTED = """
import signal, sys, threading, time
import ndb

docs = ndb.open(sys.argv[1]).create_collection("docs", dim=1)
docs.insert("a", [1.0])
calls = {
    "wait_for": lambda: docs.wait_for(99, timeout=3600),
    "search": lambda: docs.search([1.0], min_seq=99, timeout=3600),
    "search_batch": lambda: docs.search_batch([[1.0], [2.0]], min_seq=99, timeout=3600),
}
main = threading.main_thread().ident
threading.Timer(0.3, signal.pthread_kill, (main, signal.SIGINT)).start()
try:
    calls[sys.argv[2]]()
except KeyboardInterrupt:
    print("interrupted", docs.count())
"""


@pytest.mark.parametrize("call", ["wait_for", "search", "search_batch"])
def test_ctrl_c_ends_waiting(tmp_path, call):
    run = subprocess.run([sys.executable, "-c", INTERRUPTED, tmp_path / "data", call], capture_output=True, text=True, timeout=60)
    assert (run.returncode, run.stdout, run.stderr) == (0, "interrupted 1\n", "")


def test_searches_wait_for_min_seq_within_their_timeout(docs):
    for search in (lambda **options: docs.search([0, 0], **options), lambda **options: docs.search_batch([[0, 0], [1, 0]], **options)[1]):
        assert search(min_seq=3).seq == search(min_seq=3, timeout=5).seq == 3
        with pytest.raises(ndb.ReplicaLagging) as caught:
            search(min_seq=4, timeout=0.15)
        assert caught.value.field == "min_seq"
        with pytest.raises(ndb.InvalidArgument):  # not waited for
            search(min_seq=4, timeout=3600, top_k=0)
    assert docs.search_batch([], min_seq=4) == []
    writer = threading.Timer(0.25, lambda: docs.insert("d", [3, 0]))
    writer.start()
    assert docs.search([3, 0], top_k=1, min_seq=4, timeout=60).ids == ["d"]
    writer.join()
