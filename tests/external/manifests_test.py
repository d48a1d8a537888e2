#!/usr/bin/env python3
"""What deploy/ ships for running nDB elsewhere: rendered, validated against published schemas, and held to what docs/kubernetes.md says.

    manifests_test.py kustomize|helm|compose SOURCE_DIR NDB_WRITER NDB_READER

kustomize: kubectl renders deploy/kubernetes; helm: deploy/helm/ndb, by helm or, without it, by a small renderer (helm_render, in Go); both are
validated by npm's kubernetes-models. Says that it skips what it has no tools for (deploy/install-deps.sh kubernetes, and npm, see
docs/testing.md).
"""

import copy
import json
import os
import re
import shutil
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

import yaml

MODE, SOURCE, WRITER, READER = sys.argv[1], Path(sys.argv[2]), sys.argv[3], sys.argv[4]
HERE = Path(__file__).resolve().parent
MODULES = SOURCE / "build/deps/node_modules"
NPM = "npm install --prefix build/deps kubernetes-models@5 @kubernetes-models/prometheus-operator@6 typescript@5"
OVERLAYS = sorted(path.name for path in (SOURCE / "deploy/kubernetes/overlays").iterdir())
WITH_PODS = {"StatefulSet", "Deployment", "CronJob"}


def skip(why):
    print(f"SKIPPED: {why}")
    sys.exit(0)


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-3000:]}")
    return done


def parse(text):
    return [one for one in yaml.safe_load_all(text) if one]


def of_kind(objects, *kinds):
    return [one for one in objects if one["kind"] in kinds]


def pod_template(workload):
    spec = workload["spec"]
    return spec["jobTemplate"]["spec"]["template"] if workload["kind"] == "CronJob" else spec["template"]


def validate(objects):
    """What is wrong, by schemas that others have published. Snapshots are in no package: see check_snapshot."""
    known = [one for one in objects if one["kind"] != "VolumeSnapshot"]
    return json.loads(run("node", HERE / "validate.mjs", MODULES, input=json.dumps(known)).stdout)


class Manifests:
    """What holds however the objects are rendered; `variants` are lists of objects by name."""

    variants = {}

    def each(self, *kinds):
        for variant, objects in self.variants.items():
            for one in of_kind(objects, *kinds):
                with self.subTest(variant=variant, kind=one["kind"], name=one["metadata"]["name"]):
                    yield objects, one

    def test_every_object_is_valid(self):
        everything = [one for objects in self.variants.values() for one in objects]
        self.assertGreater(len(everything), 20)
        self.assertEqual(validate(everything), [])

    def test_validation_finds_what_is_wrong(self):
        writer = of_kind(next(iter(self.variants.values())), "StatefulSet")[0]
        wrong = [copy.deepcopy(writer) for _ in range(5)]
        wrong[0]["spec"]["replicas"] = "one"
        wrong[1]["spec"]["template"]["spec"]["containers"][0]["imagePullPollicy"] = "Always"
        wrong[2]["kind"] = "StatefullSet"
        wrong[3]["apiVersion"] = "apps/v9"
        del wrong[4]["spec"]["selector"]
        said = validate(wrong)
        self.assertEqual(len(said), 5, said)
        for part in ("must be integer", "imagePullPollicy", "no such kind", "nothing is known", "property selector"):
            self.assertIn(part, " ".join(said))

    def test_snapshots_are_what_their_definition_asks_for(self):
        # snapshot.storage.k8s.io_volumesnapshots.yaml: source is required, and names exactly one of two things.
        found = 0
        for objects, snapshot in self.each("VolumeSnapshot"):
            found += 1
            self.assertEqual(snapshot["apiVersion"], "snapshot.storage.k8s.io/v1")
            self.assertLessEqual(set(snapshot["spec"]), {"source", "volumeSnapshotClassName"})
            self.assertEqual(list(snapshot["spec"]["source"]), ["persistentVolumeClaimName"])
            claims = [claim["metadata"]["name"] for claim in of_kind(objects, "PersistentVolumeClaim")]
            self.assertIn(snapshot["spec"]["source"]["persistentVolumeClaimName"], claims)
        self.assertGreater(found, 0)

    def test_every_pod_is_confined(self):
        for _, workload in self.each(*WITH_PODS):
            spec = pod_template(workload)["spec"]
            context = spec["securityContext"]
            self.assertTrue(context["runAsNonRoot"])
            self.assertEqual((context["runAsUser"], context["runAsGroup"], context["fsGroup"]), (10001, 10001, 10001))
            self.assertEqual(context["seccompProfile"], {"type": "RuntimeDefault"})
            self.assertIs(spec["automountServiceAccountToken"], False)
            self.assertIs(spec["enableServiceLinks"], False)
            for forbidden in ("hostNetwork", "hostPID", "hostIPC"):
                self.assertNotIn(forbidden, spec)
            self.assertFalse([volume for volume in spec["volumes"] if "hostPath" in volume])
            for container in spec["containers"] + spec.get("initContainers", []):
                security = container["securityContext"]
                self.assertIs(security["allowPrivilegeEscalation"], False)
                self.assertIs(security["readOnlyRootFilesystem"], True)
                self.assertEqual(security["capabilities"], {"drop": ["ALL"]})
                self.assertFalse(security.get("privileged", False))
                self.assertIn("memory", container["resources"]["limits"])
                self.assertFalse([v for v in container.get("env", []) if v["name"] in ("NDB_API_KEY", "NDB_READ_API_KEY")], "keys come as files")

    def test_one_writer_with_time_to_end_and_no_budget(self):
        for objects, writer in self.each("StatefulSet"):
            self.assertEqual(writer["spec"]["replicas"], 1)
            self.assertEqual(len(of_kind(objects, "StatefulSet")), 1)
            spec = pod_template(writer)["spec"]
            self.assertGreater(spec["terminationGracePeriodSeconds"], self.drain_timeout(objects) + 10)
            self.assertNotIn("lifecycle", spec["containers"][0])
            labels = pod_template(writer)["metadata"]["labels"]
            for budget in of_kind(objects, "PodDisruptionBudget"):
                self.assertFalse(budget["spec"]["selector"]["matchLabels"].items() <= labels.items())
            self.assertIn(writer["spec"]["serviceName"], [service["metadata"]["name"] for service in of_kind(objects, "Service")])

    def test_readers_cannot_write_drain_and_are_spread(self):
        found = 0
        for objects, reader in self.each("Deployment"):
            found += 1
            spec = pod_template(reader)["spec"]
            volume = next(volume for volume in spec["volumes"] if volume["name"] == "data")
            self.assertIs(volume["persistentVolumeClaim"]["readOnly"], True)
            container = spec["containers"][0]
            mounted = {mount["name"]: mount.get("readOnly", False) for mount in container["volumeMounts"]}
            self.assertTrue(all(mounted.values()), mounted)
            pause = int(container["lifecycle"]["preStop"]["exec"]["command"][1])
            self.assertGreater(spec["terminationGracePeriodSeconds"], pause + self.drain_timeout(objects))
            labels = pod_template(reader)["metadata"]["labels"]
            keys = {spread["topologyKey"] for spread in spec["topologySpreadConstraints"]}
            self.assertEqual(keys, {"kubernetes.io/hostname", "topology.kubernetes.io/zone"})
            for spread in spec["topologySpreadConstraints"]:
                self.assertLessEqual(spread["labelSelector"]["matchLabels"].items(), labels.items())
            self.assertTrue(any(budget["spec"]["selector"]["matchLabels"].items() <= labels.items()
                                for budget in of_kind(objects, "PodDisruptionBudget")))
            scalers = of_kind(objects, "HorizontalPodAutoscaler")
            self.assertEqual("replicas" in reader["spec"], not scalers, "either says how many")
            self.assertTrue(all(s["spec"]["scaleTargetRef"]["name"] == reader["metadata"]["name"] for s in scalers))
            claims = {claim["metadata"]["name"]: claim["spec"] for claim in of_kind(objects, "PersistentVolumeClaim")}
            self.assertEqual(claims[volume["persistentVolumeClaim"]["claimName"]]["accessModes"], ["ReadWriteMany"])
        self.assertGreater(found, 0)

    def test_probes_ask_what_they_should(self):
        for _, workload in self.each("StatefulSet", "Deployment"):
            container = pod_template(workload)["spec"]["containers"][0]
            self.assertEqual(container["startupProbe"]["httpGet"]["path"], "/healthz")
            self.assertEqual(container["livenessProbe"]["httpGet"]["path"], "/healthz", "liveness never touches storage")
            self.assertEqual(container["readinessProbe"]["httpGet"]["path"], "/readyz")
            for probe in ("startupProbe", "livenessProbe", "readinessProbe"):
                self.assertEqual(container[probe]["httpGet"]["port"], "http")
            self.assertGreaterEqual(container["livenessProbe"]["periodSeconds"] * container["livenessProbe"]["failureThreshold"], 30)

    def test_services_policies_and_monitors_select_what_is_there(self):
        for objects, one in self.each("Service", "NetworkPolicy"):
            selector = one["spec"]["selector"] if one["kind"] == "Service" else one["spec"]["podSelector"]["matchLabels"]
            pods = [pod_template(w)["metadata"]["labels"] for w in of_kind(objects, "StatefulSet", "Deployment")]
            self.assertEqual(sum(selector.items() <= labels.items() for labels in pods), 1)
            if one["kind"] == "NetworkPolicy":
                self.assertEqual(one["spec"]["policyTypes"], ["Ingress", "Egress"])
                peers = [peer for rule in one["spec"]["ingress"] for peer in rule["from"]]
                self.assertIn({"podSelector": {"matchLabels": {"ndb-client": "true"}}}, peers)
        for objects, monitor in self.each("ServiceMonitor"):
            wanted = monitor["spec"]["selector"]
            roles = next(e["values"] for e in wanted["matchExpressions"])
            services = [s["metadata"]["labels"] for s in of_kind(objects, "Service")]
            hit = [l for l in services if wanted["matchLabels"].items() <= l.items() and l["app.kubernetes.io/component"] in roles]
            self.assertEqual(len(hit), 2, "writer and readers, each once")

    def drain_timeout(self, objects):
        return self.settings(objects)["drain_timeout_s"]

    def settings(self, objects):
        return yaml.safe_load(next(c for c in of_kind(objects, "ConfigMap"))["data"]["ndb.yaml"])

    def test_the_daemons_take_what_they_are_told(self):
        for objects, workload in self.each("StatefulSet", "Deployment"):
            container = pod_template(workload)["spec"]["containers"][0]
            with tempfile.TemporaryDirectory() as folder:
                for name in ("config", "keys"):
                    (Path(folder) / name).mkdir()
                (Path(folder) / "config/ndb.yaml").write_text(next(iter(of_kind(objects, "ConfigMap")))["data"]["ndb.yaml"])
                for key in ("api-key", "read-api-key"):
                    (Path(folder) / "keys" / key).write_text("k-" + key)
                told = {v["name"]: str(v.get("value", "2")).replace("/etc/ndb", folder) for v in container["env"]}
                program = {"ndb-writer": WRITER, "ndb-reader": READER}[container["args"][0]]
                printed = run(program, "--print-config", env=told).stdout
            for name in set(told) - {"NDB_CONFIG"}:
                self.assertRegex(printed, rf"# {name}\b", f"{name} is a setting")
            port = container["ports"][0]["containerPort"]
            self.assertTrue(told["NDB_LISTEN"].endswith(f":{port}"))
            if "NDB_WRITER_URL" in told:
                services = {s["metadata"]["name"]: s["spec"]["ports"][0]["port"] for s in of_kind(objects, "Service")}
                host, number = re.fullmatch(r"http://([a-z-]+):(\d+)", told["NDB_WRITER_URL"]).groups()
                self.assertEqual(services[host], int(number))


class KustomizeTest(Manifests, unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        deploy = SOURCE / "deploy/kubernetes"
        cls.variants = {name: parse(run("kubectl", "kustomize", deploy / "overlays" / name).stdout) for name in OVERLAYS}
        with tempfile.TemporaryDirectory(dir=SOURCE / "build") as folder:  # an overlay of one's own, as docs/kubernetes.md shows it
            up = os.path.relpath(deploy, folder)
            (Path(folder) / "kustomization.yaml").write_text(yaml.dump({
                "resources": [f"{up}/overlays/read-replicas"], "nameSuffix": "", "images": [{"name": "ndb", "newName": "r.example.com/ndb", "newTag": "1"}],
                "components": [f"{up}/components/{name}" for name in ("monitoring", "snapshot", "backup")]}))
            cls.variants["everything"] = parse(run("kubectl", "kustomize", folder).stdout)

    def test_overlays_name_their_storage(self):
        classes = {}
        for name, objects in self.variants.items():
            claim = next(c for c in of_kind(objects, "PersistentVolumeClaim") if c["metadata"]["name"] == "ndb-data")
            classes[name] = claim["spec"].get("storageClassName")
            self.assertEqual(claim["spec"]["accessModes"], ["ReadWriteOnce" if name == "single-node" else "ReadWriteMany"])
            for made in of_kind(objects, "StorageClass"):
                self.assertEqual(made["metadata"]["name"], classes[name])
                self.assertEqual(made["reclaimPolicy"], "Retain")
        self.assertEqual(classes, {"single-node": None, "read-replicas": None, "everything": None, "nfs": "", "cephfs": "rook-cephfs",
                                   "aws-efs": "ndb-efs", "google-filestore": "ndb-filestore", "azure-files": "ndb-azure-files"})

    def test_the_namespace_enforces_the_strictest_standard_and_images_are_set(self):
        for objects, namespace in self.each("Namespace"):
            self.assertEqual(namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"], "restricted")
        images = {pod_template(w)["spec"]["containers"][0]["image"] for w in of_kind(self.variants["everything"], *WITH_PODS)}
        self.assertEqual(images, {"r.example.com/ndb:1"})


HELM_VALUES = {
    "writer": {},
    "everything": {"readers": {"enabled": True, "autoscaling": {"enabled": True}}, "persistence": {"accessModes": ["ReadWriteMany"], "storageClassName": "s"},
                   "backup": {"enabled": True}, "volumeSnapshot": {"enabled": True, "className": "c"}, "ingress": {"enabled": True, "ingressClassName": "i"},
                   "metrics": {"serviceMonitor": {"enabled": True, "additionalLabels": {"release": "prometheus"}}},
                   "imagePullSecrets": [{"name": "p"}], "priorityClassName": "high", "podLabels": {"team": "a"}, "env": [{"name": "NDB_POLL_INTERVAL_MS", "value": "200"}]},
    "readers": {"readers": {"enabled": True, "replicaCount": 3}, "persistence": {"accessModes": ["ReadWriteMany"]}, "existingSecret": "mine"},
}


class HelmTest(Manifests, unittest.TestCase):
    chart = SOURCE / "deploy/helm/ndb"
    renderer = []

    @classmethod
    def setUpClass(cls):
        cls.variants = {name: parse(cls.render(values).stdout) for name, values in HELM_VALUES.items()}

    @classmethod
    def render(cls, values, check=True):
        return run(*cls.renderer, check=check, input=yaml.dump(values))

    def test_what_is_asked_for_is_there(self):
        everything = self.variants["everything"]
        self.assertEqual({one["kind"] for one in everything},
                         {"ServiceAccount", "ConfigMap", "PersistentVolumeClaim", "Secret", "NetworkPolicy", "Ingress", "ServiceMonitor", "VolumeSnapshot",
                          "CronJob", "Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler", "StatefulSet"})
        self.assertEqual(of_kind(self.variants["writer"], "Deployment", "PodDisruptionBudget", "CronJob", "Ingress"), [])
        self.assertEqual(of_kind(self.variants["readers"], "Deployment")[0]["spec"]["replicas"], 3)
        self.assertEqual(of_kind(self.variants["readers"], "Secret"), [])
        for claim in of_kind(everything, "PersistentVolumeClaim"):
            self.assertEqual(claim["metadata"]["annotations"]["helm.sh/resource-policy"], "keep", "data outlives the release")
        names = [(one["kind"], one["metadata"]["name"]) for one in everything]
        self.assertEqual(len(names), len(set(names)))

    def test_readers_are_refused_on_a_volume_that_they_cannot_share(self):
        refused = self.render({"readers": {"enabled": True}}, check=False)
        self.assertNotEqual(refused.returncode, 0)
        self.assertIn("ReadWriteMany", refused.stderr)

    def test_keys_are_made_given_or_none(self):
        made = of_kind(self.variants["writer"], "Secret")[0]["data"]
        self.assertEqual(set(made), {"api-key", "read-api-key"})
        self.assertNotEqual(made["api-key"], made["read-api-key"])
        given = of_kind(parse(self.render({"apiKey": "secret", "readOnlyApiKey": False}).stdout), "Secret")[0]["data"]
        self.assertEqual(given, {"api-key": "c2VjcmV0"})
        none = parse(self.render({"apiKey": False, "readOnlyApiKey": False}).stdout)
        self.assertEqual(of_kind(none, "Secret"), [])
        environment = pod_template(of_kind(none, "StatefulSet")[0])["spec"]["containers"][0]["env"]
        self.assertIn({"name": "NDB_INSECURE", "value": "true"}, environment)


class ComposeTest(unittest.TestCase):
    def test_services_are_confined_durable_and_bounded(self):
        compose = yaml.safe_load((SOURCE / "deploy/docker/compose.yaml").read_text())
        self.assertEqual(set(compose["services"]), {"writer", "reader1", "reader2"})
        for name, service in compose["services"].items():
            self.assertTrue(service["read_only"])
            self.assertEqual((service["user"], service["cap_drop"], service["security_opt"]), ("10001:10001", ["ALL"], ["no-new-privileges:true"]))
            self.assertIn("NDB_MEMORY", service["mem_limit"])
            self.assertIn("?", service["environment"]["NDB_API_KEY"], "there is no default key")
            self.assertTrue(all(port.startswith("127.0.0.1:") for port in service["ports"]))
            self.assertEqual(service["volumes"], ["data:/data" if name == "writer" else "data:/data:ro"])
            self.assertEqual(service.get("profiles"), None if name == "writer" else ["readers"])
            told = {**service["environment"], "NDB_API_KEY": "k", "NDB_DATA_DIR": "/data"}
            printed = run({"ndb-writer": WRITER, "ndb-reader": READER}[service["command"][0]], "--print-config", env=told).stdout
            for variable in set(told) - {"NDB_API_KEY"}:
                self.assertRegex(printed, rf"# {variable}\b")
        self.assertEqual(compose["services"]["writer"]["environment"]["NDB_DURABILITY"], "sync")


def check_tools():
    if MODE == "compose":
        return
    for tool in ("node", *(["kubectl"] if MODE == "kustomize" else [])):
        if not shutil.which(tool):
            skip(f"there is no {tool} (deploy/install-deps.sh kubernetes)")
    if not (MODULES / "kubernetes-models").exists() or not (MODULES / "typescript").exists():
        skip(NPM)
    if MODE == "kustomize":
        version = json.loads(run("kubectl", "version", "--client", "-o", "json").stdout).get("kustomizeVersion", "v2")
        if int(re.match(r"v(\d+)", version).group(1)) < 4:
            skip(f"kubectl's kustomize is {version}: older than 4, which knows no components")


def find_helm():
    """How to render the chart: helm if there is one, else helm_render."""
    if shutil.which("helm"):
        run("helm", "lint", HelmTest.chart)
        return ["helm", "template", "rel", HelmTest.chart, "-n", "space", "-f", "-"]
    libraries = Path("/usr/share/gocode")
    if not shutil.which("go") or not (libraries / "src/github.com/Masterminds/sprig").exists() or not (libraries / "src/sigs.k8s.io/yaml").exists():
        skip("there is neither helm nor Go with sprig and yaml (deploy/install-deps.sh kubernetes)")
    program = SOURCE / "build/deps/helm_render"
    run("go", "build", "-o", program, HERE / "helm_render/main.go", env=dict(os.environ, GO111MODULE="off", GOPATH=str(libraries)))
    return [program, HelmTest.chart, "rel", "space"]


if __name__ == "__main__":
    check_tools()
    if MODE == "helm":
        HelmTest.renderer = find_helm()
    chosen = {"kustomize": KustomizeTest, "helm": HelmTest, "compose": ComposeTest}[MODE]
    result = unittest.TextTestRunner().run(unittest.defaultTestLoader.loadTestsFromTestCase(chosen))
    sys.exit(0 if result.wasSuccessful() and result.testsRun else 1)
