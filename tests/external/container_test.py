#!/usr/bin/env python3
"""deploy/docker/Dockerfile, built and run: a writer and a reader as two containers on one volume, each process 1 of its own, no root, on a
read-only root file system; what is inserted is found; SIGTERM ends both with exit code 0.

    container_test.py SOURCE_DIR CACHE_DIR NDB NDB_WRITER NDB_READER

The programs are those of this build, put into the image's last stage. The base image is made by debootstrap and kept in CACHE_DIR. Needs root,
podman, buildah and debootstrap (deploy/install-deps.sh container), and says that it skips without them.
"""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import time
import unittest
import urllib.error
import urllib.request
from pathlib import Path

UNSHARED = "NDB_CONTAINER_TEST_UNSHARED"
BASE = "localhost/ndb-test-base:bookworm"
IMAGE = "localhost/ndb-test:latest"
KEY = "container-test-key"
USER = 10001


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout[-3000:]}\n{done.stderr[-5000:]}")
    return done


def skip(why):
    print(f"SKIPPED: {why} (deploy/install-deps.sh container)")
    sys.exit(0)


def debian_release():
    for line in Path("/etc/os-release").read_text().splitlines():
        if line.startswith("VERSION_CODENAME="):
            return line.split("=")[1].strip('"')
    return ""


def make_base(cache):
    """Debian's smallest system with this machine's package sources, as an image; made once."""
    if run("podman", "image", "exists", BASE, check=False).returncode == 0:
        return
    tree = cache / "debian"
    shutil.rmtree(tree, ignore_errors=True)
    made = run("debootstrap", "--variant=minbase", debian_release(), tree, check=False)
    if made.returncode != 0:
        skip(f"debootstrap cannot make a base image: {made.stdout[-300:]}")
    shutil.copytree("/etc/apt", tree / "etc/apt", dirs_exist_ok=True, symlinks=True)
    tar = subprocess.Popen(["tar", "-C", str(tree), "-c", "."], stdout=subprocess.PIPE)
    run("podman", "import", "-", BASE, stdin=tar.stdout)
    tar.wait()
    shutil.rmtree(tree)


def build_image(source, cache, programs):
    with tempfile.TemporaryDirectory(dir=cache) as context:
        ready = Path(context) / "programs"
        (ready / "bin").mkdir(parents=True)
        run("install", "--strip", "-t", ready / "bin", *programs)
        (ready / "packages").write_text(run(source / "deploy/docker/library-packages.sh", *programs).stdout)
        for file in (ready / "packages", ready / "bin", *(ready / "bin").iterdir()):
            os.utime(file, (0, 0))  # the layers of the last run are used again if nothing changed
        run("buildah", "build", "--isolation=chroot", "--network=host", "--format=docker", "--layers", "--pull=never",
            "--ulimit", "nofile=1024:1024", "--ulimit", "nproc=1024:1024", "--build-arg", f"BASE={BASE}",
            "--build-context", f"programs={context}", "-t", IMAGE, "-f", source / "deploy/docker/Dockerfile", source / "deploy/docker")


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Container:
    """A daemon in a container, as strictly confined as the compose file and the Kubernetes manifests do it."""

    def __init__(self, role, volume, *flags, **variables):
        self.name = f"ndb-test-{os.getpid()}-{role}-{free_port()}"
        self.port = free_port()
        variables = dict(variables, NDB_LISTEN=f"127.0.0.1:{self.port}", NDB_API_KEY=KEY)
        environment = [word for item in variables.items() for word in ("-e", "=".join(item))]
        run("podman", "run", "-d", "--name", self.name, "--network=host", "--cgroups=disabled", "--ulimit", "nofile=1024:1024",
            "--ulimit", "nproc=1024:1024", "--read-only", "--read-only-tmpfs=false", "--cap-drop=all", "--security-opt=no-new-privileges",
            "-v", volume, *flags, *environment, IMAGE, *([f"ndb-{role}"] if role != "writer" else []))

    def call(self, method, target, body=None):
        request = urllib.request.Request(f"http://127.0.0.1:{self.port}{target}", method=method,
                                         data=None if body is None else json.dumps(body).encode(),
                                         headers={"api-key": KEY, "Content-Type": "application/json"})
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)

    def execute(self, *command, check=True):
        return run("podman", "exec", self.name, *command, check=check)

    def is_healthy(self):
        return run("podman", "healthcheck", "run", self.name, check=False).returncode == 0

    def logs(self):
        done = run("podman", "logs", self.name)
        return done.stdout + done.stderr

    def wait_until_healthy(self):
        end = time.monotonic() + 60
        while not self.is_healthy():
            if time.monotonic() > end:
                raise AssertionError("not healthy:\n" + self.logs())
            time.sleep(0.1)

    def terminate(self):
        """SIGTERM; the exit code."""
        run("podman", "kill", "--signal", "TERM", self.name)
        return int(run("podman", "wait", self.name).stdout)

    def remove(self):
        run("podman", "rm", "-f", "-t", "0", self.name, check=False)


class ContainerTest(unittest.TestCase):
    def setUp(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        self.data = Path(folder.name) / "data"
        self.data.mkdir(mode=0o700)
        Path(folder.name).chmod(0o755)
        os.chown(self.data, USER, USER)

    def start(self, role, volume, *flags, **variables):
        container = Container(role, volume, *flags, **variables)
        self.addCleanup(container.remove)
        return container

    def check_confined(self, container, program):
        status = dict(line.split(":\t", 1) for line in container.execute("cat", "/proc/1/status").stdout.splitlines() if ":\t" in line)
        self.assertEqual(status["Name"], program, "the daemon itself is process 1")
        self.assertEqual(status["Uid"].split(), [str(USER)] * 4)
        self.assertEqual(status["Gid"].split(), [str(USER)] * 4)
        self.assertEqual(int(status["CapEff"], 16), 0)
        self.assertEqual(int(status["CapBnd"], 16), 0)
        self.assertEqual(status["NoNewPrivs"], "1")
        for place in ("/x", "/tmp/x", "/usr/local/bin/x"):
            self.assertIn("Read-only file system", container.execute("touch", place, check=False).stderr)

    def test_a_writer_and_a_reader_on_one_volume_and_a_clean_end(self):
        writer = self.start("writer", f"{self.data}:/data")
        reader = self.start("reader", f"{self.data}:/data:ro", NDB_WRITER_URL=f"http://127.0.0.1:{writer.port}")
        writer.wait_until_healthy()
        reader.wait_until_healthy()
        self.check_confined(writer, "ndb-writer")
        self.check_confined(reader, "ndb-reader")
        self.assertIn("Read-only file system", reader.execute("touch", "/data/x", check=False).stderr)

        writer.call("PUT", "/v1/collections/docs", {"dim": 3, "durability": "sync"})
        documents = [{"id": f"d{i}", "vector": [1, i, 0]} for i in range(100)]
        seq = reader.call("POST", "/v1/collections/docs/documents", {"documents": documents})["seq"]  # passed on to the writer
        query = {"vector": [1, 0, 0], "top_k": 1, "min_seq": seq, "timeout_ms": 30000}
        self.assertEqual(reader.call("POST", "/v1/collections/docs/search", query)["matches"][0]["id"], "d0")
        listed = writer.execute("ndb", "list", "--json", "--data-dir", "/data").stdout  # the tool is in the image, too
        self.assertEqual(json.loads(listed)["collections"][0]["documents"], 100)

        self.assertEqual(reader.terminate(), 0, reader.logs())
        self.assertEqual(writer.terminate(), 0, writer.logs())
        self.assertIn("ndb-writer stopped", writer.logs())
        self.assertIn("ndb-reader stopped", reader.logs())

        again = self.start("writer", f"{self.data}:/data")
        again.wait_until_healthy()
        self.assertEqual(again.call("GET", "/v1/collections/docs")["documents"], 100)

    def test_health_is_about_being_ready_and_open_addresses_need_a_key(self):
        early = self.start("reader", f"{self.data}:/data:ro", NDB_DATA_DIR="/data/not-there-yet")
        end = time.monotonic() + 60
        while "listening on" not in early.logs() and time.monotonic() < end:
            time.sleep(0.1)
        self.assertFalse(early.is_healthy())
        self.assertEqual(early.execute("ndb", "health", "--live").returncode, 0)
        refused = run("podman", "run", "--rm", "--network=host", "--cgroups=disabled", "--ulimit", "nofile=1024:1024", "--ulimit",
                      "nproc=1024:1024", "--read-only", IMAGE, check=False)
        self.assertEqual(refused.returncode, 2)
        self.assertIn("set NDB_API_KEY", refused.stderr)

    def test_the_image_says_what_it_is(self):
        about = json.loads(run("podman", "image", "inspect", IMAGE).stdout)[0]
        config = about["Config"]
        self.assertEqual(config["User"], f"{USER}:{USER}")
        self.assertEqual(config["StopSignal"], "SIGTERM")
        self.assertEqual(config["Cmd"], ["ndb-writer"])
        self.assertFalse(config.get("Entrypoint"))
        self.assertEqual(about["HealthCheck" if "HealthCheck" in about else "Healthcheck"]["Test"], ["CMD", "ndb", "health", "--timeout", "4"])
        self.assertEqual(list(config["Volumes"]), ["/data"])
        base = json.loads(run("podman", "image", "inspect", BASE).stdout)[0]["Size"]
        self.assertLess(about["Size"] - base, 150 << 20, "what nDB adds to its base")
        print(f"image: {about['Size'] >> 20} MiB, {(about['Size'] - base) >> 20} MiB more than its base", file=sys.stderr)


def main():
    source, cache, programs = Path(sys.argv[1]), Path(sys.argv[2]), sys.argv[3:]
    for tool in ("podman", "buildah", "debootstrap", "unshare"):
        if not shutil.which(tool):
            skip(f"there is no {tool}")
    if os.geteuid() != 0:
        skip("only root can build and run the image here")
    if UNSHARED not in os.environ:  # mounts, and a control group tree that podman cannot use, must not be those of the machine
        os.environ[UNSHARED] = "1"
        os.execvp("unshare", ["unshare", "-m", sys.executable, *sys.argv])
    run("umount", "/sys/fs/cgroup/unified", check=False)
    cache.mkdir(parents=True, exist_ok=True)
    # Images of the tests stay apart from those of the machine.
    (cache / "storage.conf").write_text(f'[storage]\ndriver = "overlay"\ngraphroot = "{cache}/images"\nrunroot = "{cache}/run"\n')
    os.environ["CONTAINERS_STORAGE_CONF"] = str(cache / "storage.conf")
    make_base(cache)
    build_image(source, cache, programs)
    unittest.main(argv=sys.argv[:1])


if __name__ == "__main__":
    main()
