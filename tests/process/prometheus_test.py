#!/usr/bin/env python3
"""What Debian's Prometheus makes of the daemons: promtool finds nothing to say about their metrics, a real server scrapes both with a
key, and what deploy/ ships (scrape configuration, alerts, dashboard) asks for metrics that are there.

    prometheus_test.py WRITER READER SOURCE_DIR
"""

import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
import urllib.parse
import urllib.request
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "support"))
from daemons import Daemon, until  # noqa: E402

WRITER, READER, SOURCE = sys.argv[1], sys.argv[2], Path(sys.argv[3])
KEY = "prometheus-test-read-key"


def metric_names(text):
    return set(re.findall(r"\bndb_[a-z0-9_]+", text))


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class PrometheusTest(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.folder = tempfile.TemporaryDirectory()
        base = Path(cls.folder.name)
        environment = dict(os.environ, NDB_API_KEY="prometheus-test-key", NDB_READ_API_KEY=KEY)
        cls.writer = Daemon(WRITER, base / "data", environment=environment)
        cls.reader = Daemon(READER, base / "data", "--writer-url", cls.writer.url, environment=environment)
        key = {"api-key": "prometheus-test-key"}
        cls.writer.call("PUT", "/v1/collections/docs", {"dim": 2}, key)
        documents = [{"id": str(i), "vector": [1, i]} for i in range(100)]
        cls.writer.call("POST", "/v1/collections/docs/documents", {"documents": documents}, key)
        cls.writer.call("POST", "/v1/collections/docs/flush?wait=true", headers=key)
        cls.writer.call("POST", "/v1/collections/docs/search", {"vector": [1, 2]}, key)
        cls.writer.ask("GET", "/v1/collections/none", headers=key)
        until(lambda: cls.writer.call("GET", "/v1/collections/docs/replicas", headers=key)["replicas"])

    @classmethod
    def tearDownClass(cls):
        for daemon in (cls.reader, cls.writer):
            daemon.__exit__()
        cls.folder.cleanup()

    def metrics_of(self, daemon):
        status, _, data = daemon.ask("GET", "/metrics", headers={"api-key": KEY})
        self.assertEqual(status, 200)
        return data.decode()

    def test_promtool_has_nothing_to_say_about_the_metrics(self):
        for daemon in (self.writer, self.reader):
            text = self.metrics_of(daemon)
            checked = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True)
            self.assertEqual((checked.returncode, checked.stdout + checked.stderr), (0, ""))

    def test_a_real_server_scrapes_both_and_evaluates_the_alerts(self):
        base = Path(self.folder.name) / "prometheus"
        shutil.copytree(SOURCE / "deploy" / "prometheus", base)
        (base / "key").write_text(KEY + "\n")
        config = (base / "prometheus.yml").read_text()
        config = config.replace("/etc/prometheus/ndb-read-key", str(base / "key")).replace("scrape_interval: 5s", "scrape_interval: 1s")
        config = config.replace("127.0.0.1:7700", self.writer.address).replace(', "127.0.0.1:7702"', "")
        config = config.replace("127.0.0.1:7701", self.reader.address)
        (base / "prometheus.yml").write_text(config)
        checked = subprocess.run(["promtool", "check", "config", base / "prometheus.yml"], capture_output=True, text=True)
        self.assertEqual(checked.returncode, 0, checked.stdout + checked.stderr)
        port = free_port()
        server = subprocess.Popen(
            ["prometheus", f"--config.file={base / 'prometheus.yml'}", f"--storage.tsdb.path={base / 'tsdb'}",
             f"--web.listen-address=127.0.0.1:{port}"], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        try:
            self.check_server(port)
        finally:
            server.kill()
            server.wait()

    def evaluated_rules(self, answer):
        """All rules once every one of them has been evaluated, else none: the server evaluates its groups one after another."""
        rules = [rule for group in (answer or {"groups": []})["groups"] for rule in group["rules"]]
        return rules if all(rule["health"] == "ok" for rule in rules) else []

    def check_server(self, port):
        def api(path):
            try:
                with urllib.request.urlopen(f"http://127.0.0.1:{port}/api/v1/{path}", timeout=10) as answer:
                    return json.load(answer)["data"]
            except OSError:
                return None

        def value(query):
            data = api("query?query=" + urllib.parse.quote(query))
            return [float(one["value"][1]) for one in data["result"]] if data else []

        self.assertTrue(until(lambda: value('up{job="ndb"}') == [1.0, 1.0]), "both are scraped")
        self.assertEqual(until(lambda: value('ndb_documents{collection="docs"}')), [100.0, 100.0])
        self.assertEqual(value("ndb_inserts_total > 0"), [100.0])
        self.assertEqual(value("ndb_search_duration_seconds_count > 0"), [1.0])
        self.assertEqual(value('ndb_flush_duration_seconds_count{collection="docs"}'), [1.0])
        self.assertEqual(value('ndb_writable{role="writer"}'), [1.0])
        self.assertEqual(value('ndb_replica_lag_seq{role="writer"}'), [0.0])
        self.assertEqual(value('ndb_errors_total{code="not_found"} > 0'), [1.0])
        rules = until(lambda: self.evaluated_rules(api("rules")))
        self.assertGreater(len(rules), 5)
        self.assertEqual([r["name"] for r in rules if r["state"] == "firing"], [])

    def test_alerts_and_dashboard_ask_for_metrics_that_are_there(self):
        there = metric_names(self.metrics_of(self.writer))
        there |= {name + suffix for name in there for suffix in ("_bucket", "_sum", "_count")}
        dashboard = json.loads((SOURCE / "deploy/grafana/ndb-dashboard.json").read_text())
        expressions = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
        self.assertGreater(len(expressions), 20)
        wanted = metric_names("\n".join(expressions)) | metric_names(
            "\n".join(re.findall(r"expr: (.*)", (SOURCE / "deploy/prometheus/ndb-alerts.yml").read_text())))
        self.assertEqual(wanted - there, set())
        for expression in expressions:  # what promtool accepts as an alert is an expression
            plain = re.sub(r"\$__rate_interval", "5m", expression).replace('"$instance"', '".*"').replace('"$collection"', '".*"')
            rule = {"groups": [{"name": "g", "rules": [{"record": "x", "expr": plain}]}]}
            with tempfile.NamedTemporaryFile("w", suffix=".json") as file:
                json.dump(rule, file)
                file.flush()
                checked = subprocess.run(["promtool", "check", "rules", file.name], capture_output=True, text=True)
            self.assertEqual(checked.returncode, 0, expression + checked.stderr)


if __name__ == "__main__":
    if not shutil.which("promtool") or not shutil.which("prometheus"):
        print("SKIPPED: there is no prometheus and promtool (deploy/install-deps.sh prometheus)")
        sys.exit(0)
    unittest.main(argv=sys.argv[:1])
