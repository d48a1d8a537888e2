#!/usr/bin/env python3
"""docs/openapi.yaml against running daemons: the routes are those of the table in the code, every answer fits what stands there, what it
allows is accepted, what it forbids is refused, and every error it names is provoked (but fenced, no_space and internal, which no client
can provoke: other tests do).

    openapi_test.py WRITER READER SOURCE_DIR
"""

import http.client
import json
import os
import re
import sys
import tempfile
import unittest
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from daemons import Daemon, until  # noqa: E402

try:
    import jsonschema
    import yaml
except ImportError as error:
    print(f"SKIPPED: {error} (deploy/install-deps.sh test)")
    sys.exit(0)

WRITER, READER, SOURCE = sys.argv[1], sys.argv[2], Path(sys.argv[3])
SPEC = yaml.safe_load((SOURCE / "docs" / "openapi.yaml").read_text())
KEY = {"Authorization": "Bearer full-key"}
READ_KEY = {"api-key": "read-key"}
C = "/v1/collections/{name}"
FLAT = "application/vnd.ndb.flatbuffers"


def resolved(node):
    while "$ref" in node:
        target = SPEC
        for part in node["$ref"].removeprefix("#/").split("/"):
            target = target[part]
        node = target
    return node


def validate(value, schema):
    whole = {"$schema": "https://json-schema.org/draft/2020-12/schema", "components": SPEC["components"], "allOf": [schema]}
    jsonschema.Draft202012Validator(whole).validate(value)


class OpenApiTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        data = Path(cls.folder.name) / "data"
        cls.data = data
        environment = dict(os.environ, NDB_API_KEY="full-key", NDB_READ_API_KEY="read-key")
        cls.writer = Daemon(WRITER, data, "--max-body-mb", "1", "--max-inflight-mb", "1", environment=environment)
        cls.reader = Daemon(READER, data, environment=environment)
        cls.forwarding = Daemon(READER, data, "--writer-url", cls.writer.url, environment=environment)
        cls.called = {}  # (path, method) -> statuses that were seen
        cls.codes = set()

    @classmethod
    def tearDownClass(cls):
        for daemon in (cls.forwarding, cls.reader, cls.writer):
            daemon.__exit__()
        cls.folder.cleanup()

    def ask(self, method, path, status, body=None, *, name="docs", id="a", query="", headers=None, daemon=None, key=KEY):
        """Asks, and holds question and answer against the specification."""
        target = path.replace("{name}", name).replace("{id}", id) + query
        sent = dict(key, **(headers or {}))
        got, answered, data = (daemon or self.writer).ask(method, target, body, sent)
        where = f"{method} {target} {body}"
        self.assertEqual(got, status, f"{where}: {data[:300]}")
        if path not in SPEC["paths"] or method.lower() not in SPEC["paths"][path]:
            response = SPEC["components"]["responses"]["Error"]  # no such route
        else:
            operation = SPEC["paths"][path][method.lower()]
            self.called.setdefault((path, method.lower()), set()).add(got)
            response = resolved(operation["responses"].get(str(got)) or operation["responses"]["default"])
            self.assertTrue(str(got) in operation["responses"] or got >= 400, where)
            content = operation.get("requestBody", {}).get("content", {})
            if got < 300 and body is not None and not isinstance(body, bytes):
                validate(body, content["application/json"]["schema"])
        kind = answered["Content-Type"].split(";")[0]
        self.assertIn(kind, response["content"], where)
        value = None
        if kind == "application/json":
            value = json.loads(data)
            validate(value, response["content"][kind]["schema"])
        if got >= 400 and value and "error" in value:
            self.codes.add(value["error"]["code"])
        self.assertEqual("Retry-After" in answered, got in (429, 503), where)
        self.assertEqual("Allow" in answered, got == 405, where)
        return value if value is not None else data

    def test_1_the_routes_are_those_of_the_code(self):
        table = (SOURCE / "bindings/http/router.cpp").read_text()
        in_code = set(re.findall(r'\{Action::\w+,\s*"\w+",\s*"([A-Z]+)",\s*"([^"]*)"', table))
        self.assertGreater(len(in_code), 20)
        in_spec = {(method.upper(), path.removeprefix("/")) for path, item in SPEC["paths"].items() for method in item if method != "parameters"}
        pages = {(method, path) for method, path in in_code if not re.match(r"(v1/|healthz|readyz|metrics|version)", path)}
        self.assertEqual(in_code - pages, in_spec)
        operations = [item[m]["operationId"] for item in SPEC["paths"].values() for m in item if m != "parameters"]
        self.assertEqual(len(operations), len(set(operations)))

    def test_2_what_is_allowed_is_accepted_and_answered_as_it_says(self):
        ask = self.ask
        for path in ("/healthz", "/version", "/metrics", "/v1/collections"):
            ask("GET", path, 200)
            ask("GET", path, 200, daemon=self.reader, key=READ_KEY)
        ask("PUT", C, 201, {"dim": 2, "distance": "euclidean", "durability": "sync", "hnsw": {"m": 8, "ef_construct": 50, "ef_search": 30,
            "quantization": "auto"}, "attributes": {"only": [], "never": ["text"]}, "history": {"retention_s": 3600, "interval_s": 3600}})
        ask("PUT", C, 201, {"dim": 1}, name="empty")
        until(lambda: self.writer.ask("GET", "/readyz")[0] == 200)
        ask("GET", "/readyz", 200)
        documents = [{"id": str(i), "vector": [1, i], "payload": {"n": i}} for i in range(50)] + [{"id": "a/b", "vector": [1, 2]}]
        seq = ask("POST", C + "/documents", 200, {"documents": documents})["seq"]
        ask("POST", C + "/documents", 200, {"documents": []})
        log = max((self.data / "docs" / "wal").iterdir(), key=lambda file: file.stat().st_size).name
        self.assertGreater(len(ask("GET", C + "/wal", 200, query=f"?file={log}", key=READ_KEY)), 64)
        ask("GET", C + "/wal", 200, query=f"?file={log}&offset=1000000&manifest=1000000&wait_ms=1")
        ask("GET", C + "/documents/{id}", 200, id="7")
        self.assertIsNone(ask("GET", C + "/documents/{id}", 200, id="a%2Fb")["payload"])
        ask("GET", C + "/documents/{id}", 200, id="7", headers={"Accept": FLAT})
        ask("POST", C + "/documents/get", 200, {"ids": ["1", "2", "none"]})
        search = {"vector": [1, 7.2], "top_k": 3, "approximate": True, "ef": 20, "filter": {"n": {"$gte": 3}}, "with_payload": True,
                  "with_vector": True, "min_seq": seq, "timeout_ms": 60000, "explain": True}
        for daemon in (self.writer, self.reader, self.forwarding):
            found = ask("POST", C + "/search", 200, search, daemon=daemon, key=READ_KEY)
            self.assertEqual(found["matches"][0]["id"], "7")
        ask("POST", C + "/search", 200, {"vector": [1, 7], "recall": 0.9, "with_payload": False})
        ask("POST", C + "/search/batch", 200, {"searches": [{"vector": [1, 2]}, {"vector": [3, 4], "explain": True}]})
        for body in (None, {}, {"filter": {"n": 3}}):
            ask("POST", C + "/count", 200, body)
        ask("POST", C + "/scroll", 200)
        page = ask("POST", C + "/scroll", 200, {"filter": {}, "limit": 5})
        ask("POST", C + "/scroll", 200, {"limit": 10000, "after": page["next"]})
        for rest in ("/flush", "/compact", "/index"):
            ask("POST", C + rest, 200, query="?wait=true", daemon=self.forwarding)
            ask("POST", C + rest, 200, query="?wait=false")
        ask("GET", C, 200)
        ask("DELETE", C + "/index", 200)
        ask("GET", C + "/manifest", 200, daemon=self.reader)
        until(lambda: len(self.writer.call("GET", "/v1/collections/docs/replicas", headers=KEY)["replicas"]) >= 2)
        ask("GET", C + "/replicas", 200)
        ask("POST", C + "/replicas", 200, {"host": "h", "pid": 1, "pinned_version": 1, "seq": 3})
        ask("DELETE", C + "/documents/{id}", 200, id="7")
        ask("POST", C + "/documents/delete", 200, {"ids": ["8", "none"]})
        ask("POST", C + "/documents/delete", 200, {"filter": {"n": {"$lt": 5}}})
        ask("DELETE", C, 200, name="empty")
        ask("PUT", C + "/history", 200, {"retention_s": 86400, "interval_s": 600}, daemon=self.forwarding)
        old = ask("GET", C + "/history", 200)["versions"][0]
        self.assertEqual(ask("GET", C, 200)["history"]["oldest"], old)
        now = ask("POST", C + "/flush", 200, query="?wait=true")["manifest_version"]
        for daemon in (self.writer, self.reader):
            for at in ({"at_version": old["version"]}, {"at_time": old["time"]}, {"at_time": old["unix_ms"]}):
                self.assertEqual(ask("POST", C + "/count", 200, at, daemon=daemon, key=READ_KEY), {"count": 0, "as_of": old})
                ask("POST", C + "/scroll", 200, dict(at, limit=3), daemon=daemon)
                ask("POST", C + "/search", 200, dict(at, vector=[1, 2]), daemon=daemon)
                ask("POST", C + "/search/batch", 200, dict(at, searches=[{"vector": [1, 2]}]), daemon=daemon)
                self.assertEqual(ask("POST", C + "/documents/get", 200, dict(at, ids=["9"]), daemon=daemon)["missing"], ["9"])
        ask("GET", C + "/documents/{id}", 200, id="9", query=f"?at_version={now}")
        ask("GET", C + "/manifest", 200, query="?at_time=" + old["time"], daemon=self.reader)

    def test_3_every_route_asks_for_its_key(self):
        for path, item in SPEC["paths"].items():
            for method, operation in item.items():
                if method == "parameters" or operation.get("security") == []:
                    continue
                self.ask(method.upper(), path, 401, key={})
                self.ask(method.upper(), path, 401, key={"api-key": "wrong"})

    def test_4_every_error_that_a_client_can_provoke(self):
        ask = self.ask
        ask("PUT", C, 409, {"dim": 2})
        ask("PUT", C, 403, {"dim": 2}, name="new", key=READ_KEY)
        ask("PUT", C, 400, {"dim": 0}, name="new")
        ask("PUT", C, 400, {"dim": 1}, name="no%20name")
        ask("PATCH", C, 405)
        ask("GET", "/v1/nothing", 404)
        for method, path in (("GET", C), ("DELETE", C), ("POST", C + "/documents"), ("POST", C + "/search"), ("POST", C + "/search/batch"),
                             ("POST", C + "/count"), ("POST", C + "/scroll"), ("POST", C + "/documents/get"), ("POST", C + "/documents/delete"),
                             ("GET", C + "/documents/{id}"), ("DELETE", C + "/documents/{id}"), ("POST", C + "/flush"), ("POST", C + "/compact"),
                             ("POST", C + "/index"), ("DELETE", C + "/index"), ("GET", C + "/manifest"), ("GET", C + "/replicas"), ("GET", C + "/history"),
                             ("PUT", C + "/history"),
                             ("POST", C + "/replicas")):
            body = {"/documents": {"documents": []}, "/search": {"vector": [1]}, "/search/batch": {"searches": [{"vector": [1]}]},
                    "/documents/get": {"ids": []}, "/documents/delete": {"ids": []},
                    "/replicas": {"host": "h", "pid": 1, "pinned_version": 1, "seq": 1}}.get(path.removeprefix(C))
            ask(method, path, 404, body if method == "POST" else None, name="none")
            if method == "POST" and not re.search(r"/(flush|compact|index)$", path):
                ask(method, path, 400, {"unknown": 1})
            if method != "GET" and "documents/get" not in path and not re.search(r"/(search|batch|count|scroll)", path):
                ask(method, path, 503, body if method == "POST" else None, name="docs", daemon=self.reader)  # read_only
        ask("GET", C + "/documents/{id}", 404, id="none")
        log = "?file=" + "9".zfill(20) + "-" + "0" * 20 + ".wal"
        ask("GET", C + "/wal", 404, query=log, name="none")
        ask("GET", C + "/wal", 404, query=log)
        ask("GET", C + "/wal", 400)
        ask("GET", C + "/wal", 503, query=log, daemon=self.reader)
        for at in ({"at_version": 0}, {"at_version": 10**9}, {"at_time": "yesterday"}, {"at_time": "2261-01-01T00:00:00Z"}, {"at_version": 1, "at_time": 1}):
            ask("POST", C + "/count", 400, at)
        ask("POST", C + "/count", 404, {"at_time": "1999-12-31T23:59:59Z"})
        ask("GET", C + "/documents/{id}", 404, id="9", query="?at_version=1")
        ask("GET", C + "/documents/{id}", 400, id="9", query="?at_version=one")
        ask("GET", C, 400, query="?at_version=1")
        ask("POST", C + "/search/batch", 400, {"searches": [{"vector": [1, 2], "at_version": 1}]})
        ask("POST", C + "/documents/delete", 400, {"ids": [], "at_version": 1})
        ask("PUT", C + "/history", 400, {"interval_s": 0})
        ask("POST", C + "/flush", 400, query="?wait=perhaps")
        ask("POST", C + "/count", 415, b"x", headers={"Content-Type": FLAT})
        ask("POST", C + "/flush", 413, b"x" * 100_000)
        ask("POST", C + "/count", 417, b"{}", headers={"Expect": "miracles"})
        ask("GET", "/healthz", 431, headers={"X": "x" * 40_000})
        ask("POST", C + "/search", 503, {"vector": [1, 2], "min_seq": 10**9, "timeout_ms": 5}, daemon=self.reader)  # replica_lagging

    def test_5_errors_of_the_daemon(self):
        slow = {"searches": [{"vector": [1, 2], "top_k": 100, "approximate": False, "timeout_ms": 1}] * 5000}
        self.ask("POST", C + "/search/batch", 504, slow)
        # Bodies in flight: one that is announced and not sent fills what there may be.
        holding = http.client.HTTPConnection(self.writer.address, timeout=60)
        holding.putrequest("POST", "/v1/collections/docs/documents")
        holding.putheader("Authorization", KEY["Authorization"])
        holding.putheader("Expect", "100-continue")
        holding.putheader("Content-Length", str(1 << 20))
        holding.endheaders()
        holding.sock.recv(100)
        self.ask("POST", C + "/documents", 429, {"documents": [{"id": "x", "vector": [1, 2]}]})
        holding.close()
        # A second writer, while the first has the lock.
        with Daemon(WRITER, self.data, environment=dict(os.environ, NDB_API_KEY="full-key")) as second:
            self.ask("POST", C + "/documents", 409, {"documents": [{"id": "x", "vector": [1, 2]}]}, daemon=second)
            self.ask("GET", "/readyz", 503, daemon=second)
            until(lambda: False, 0)

    def test_6_a_damaged_file(self):
        self.ask("PUT", C, 201, {"dim": 2}, name="hurt")
        for i in range(50):
            self.ask("POST", C + "/documents", 200, {"documents": [{"id": str(i), "vector": [1, i]}]}, name="hurt")
        self.ask("POST", C + "/flush", 200, name="hurt", query="?wait=true")
        for file in (self.data / "hurt" / "segments").rglob("*"):
            if file.is_file():
                with open(file, "r+b") as opened:
                    opened.truncate(64)
        with Daemon(READER, self.data) as fresh:
            status, _, body = fresh.ask("POST", "/v1/collections/hurt/search", {"vector": [1, 2]})
            self.assertEqual(status, 500, body)
            self.codes.add(json.loads(body)["error"]["code"])

    def test_7_every_operation_and_every_code_was_there(self):
        for path, item in SPEC["paths"].items():
            for method, operation in item.items():
                if method == "parameters":
                    continue
                seen = self.called.get((path, method), set())
                wanted = {int(code) for code in operation["responses"] if code != "default"}
                self.assertEqual(wanted - seen, set(), f"{method} {path}")
        error = SPEC["components"]["responses"]["Error"]["content"]["application/json"]["schema"]
        named = set(error["properties"]["error"]["properties"]["code"]["enum"])
        missing = named - self.codes - {"fenced", "no_space", "internal", "io_error", "corruption", "unavailable"}
        self.assertEqual(missing, set())
        self.assertTrue(self.codes & {"io_error", "corruption"})


if __name__ == "__main__":
    unittest.main(argv=sys.argv[:1])
