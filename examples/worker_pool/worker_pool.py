#!/usr/bin/env python3
"""As under gunicorn: a master listens, forks N workers that all answer searches, and one process writes. Each worker opens the folder after the
fork; what the master had open before is refused in the child, clearly. All share one copy of the index, and see each write at once.

    worker_pool.py FOLDER [WORKERS]
"""

import http.client
import http.server
import json
import os
import signal
import socket
import sys

import numpy as np

import ndb

DIM = 64


def vector_of(number):
    return np.random.default_rng(number).standard_normal(DIM).astype(np.float32)


class Searches(http.server.BaseHTTPRequestHandler):
    docs = None  # opened by each worker for itself

    def do_POST(self):
        request = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        result = self.docs.search(request["vector"], top_k=1, min_seq=request["min_seq"], timeout=30)
        body = json.dumps({"ids": result.ids, "pid": os.getpid()}).encode()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *_):
        pass


class Server(http.server.HTTPServer):
    def __init__(self, listener):
        super().__init__(listener.getsockname(), Searches, bind_and_activate=False)
        self.socket.close()
        self.socket = listener


def work(listener, folder, inherited):
    try:
        inherited.get_collection("docs")
        os._exit(3)  # never: the master's threads do not exist here
    except ndb.Unavailable:
        pass
    Searches.docs = ndb.open(folder).get_collection("docs")
    Server(listener).serve_forever()


def ask(port, number, seq):
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    connection.request("POST", "/search", json.dumps({"vector": vector_of(number).tolist(), "min_seq": seq}))
    answer = json.loads(connection.getresponse().read())
    connection.close()
    return answer


def main(folder, workers="4"):
    db = ndb.open(folder)  # the writer; its workers are forked with it open, as happens
    docs = db.create_collection("docs", dim=DIM)
    listener = socket.create_server(("127.0.0.1", 0), backlog=128)
    pids = []
    for _ in range(int(workers)):
        pid = os.fork()
        if pid == 0:
            work(listener, folder, db)
        pids.append(pid)
    try:
        answered = {}
        for number in range(200):
            seq = docs.insert(str(number), vector_of(number), {"number": number}).seq
            answer = ask(listener.getsockname()[1], number, seq)
            assert answer["ids"] == [str(number)], "a worker did not see the write that came before"
            answered[answer["pid"]] = answered.get(answer["pid"], 0) + 1
        print(f"200 writes by {os.getpid()}, each seen at once by the worker asked next; asked of {len(answered)} workers: {sorted(answered.values())}")
        assert set(answered) <= set(pids)
    finally:
        for pid in pids:
            os.kill(pid, signal.SIGTERM)
        ends = [os.waitpid(pid, 0)[1] for pid in pids]
    assert all(os.WIFSIGNALED(end) for end in ends), ends
    db.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
