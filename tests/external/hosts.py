"""Hosts on one machine: each with its own network, processes, mounts, name and boot id, on one bridge; and MooseFS as the volume they share.

Everything lives in namespaces of the process that called isolate(): when it ends, even by SIGKILL, the kernel ends all processes in them and
takes their mounts and networks down. Nothing has a name outside. The process itself is on the bridge, too, as a client would be.
"""

import contextlib
import ctypes
import os
import shutil
import subprocess
import sys
import time
import uuid
from pathlib import Path

ISOLATED = "NDB_HOSTS_ISOLATED"
BRIDGE = "ndb-hosts"
PREFIX = "10.77.0."
CLIENT = PREFIX + "1"
MASTER_PORT = 9421
CONNECTIONS = "/sys/fs/fuse/connections"
CLONE_NEWNET = 0x40000000
TOOLS = ("unshare", "nsenter", "ip", "mount", "umount", "mfsmaster", "mfschunkserver", "mfsmount")
libc = ctypes.CDLL(None, use_errno=True)


def run(*command, check=True, **options):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, stdin=subprocess.DEVNULL, **options)
    if check and done.returncode != 0:
        raise AssertionError(f"{command} ended with {done.returncode}\n{done.stdout[-2000:]}\n{done.stderr[-2000:]}")
    return done


def until(condition, seconds=60, what="what was waited for", pause=0.01):
    """Asks until the condition holds, and gives what it returned; an AssertionError after so many seconds."""
    end = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > end:
            raise AssertionError(f"{what}: not within {seconds} s")
        time.sleep(pause)


def missing():
    """Why hosts cannot be had here, or nothing."""
    os.environ["PATH"] += ":/usr/sbin:/sbin"
    for tool in TOOLS:
        if not shutil.which(tool):
            return f"there is no {tool}"
    if os.geteuid() != 0:
        return "only root can make hosts"
    if not os.access("/dev/fuse", os.R_OK | os.W_OK):
        return "there is no /dev/fuse"
    tried = run("unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--mount-proc", "ip", "link", "add", "x", "type", "bridge",
                check=False)
    return f"no namespaces or bridges: {tried.stderr.strip()}" if tried.returncode != 0 else None


def isolate():
    """Starts this program anew as the first process of its own namespaces; comes back there, on a bridge without hosts."""
    if ISOLATED not in os.environ:
        os.environ[ISOLATED] = "1"
        os.execvp("unshare", ["unshare", "--mount", "--net", "--pid", "--fork", "--kill-child=SIGKILL", "--mount-proc", sys.executable,
                              *sys.argv])
    run("mount", "-t", "fusectl", "none", CONNECTIONS, check=False)  # where it is mounted already, that does as well
    run("ip", "link", "set", "lo", "up")
    run("ip", "link", "add", BRIDGE, "type", "bridge")
    run("ip", "address", "add", f"{CLIENT}/24", "dev", BRIDGE)
    run("ip", "link", "set", BRIDGE, "up")


class Host:
    """A machine of its own, as far as the kernel can make one. Its first process waits for the end of its input: then the host is gone."""

    numbers = iter(range(10, 250))
    up = []

    def __init__(self, name, folder):
        self.name = name
        self.number = next(Host.numbers)
        self.address = f"{PREFIX}{self.number}"
        self.link = f"link{self.number}"
        self.programs, self.volumes = [], []
        boot = Path(folder) / f"boot-id-{self.number}"
        boot.write_text(f"{uuid.uuid4()}\n")
        script = (f"hostname {name} && mount --bind {boot} /proc/sys/kernel/random/boot_id && mount -t tmpfs -o size=64m tmpfs /dev/shm && "
                  "ip link set lo up && echo up && exec cat")
        self.first = subprocess.Popen(["unshare", "--mount", "--net", "--pid", "--uts", "--ipc", "--fork", "--kill-child=SIGKILL",
                                       "--mount-proc", "sh", "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        if self.first.stdout.readline() != "up\n":
            raise AssertionError(f"host {name} does not start")
        self.pid = int(Path(f"/proc/{self.first.pid}/task/{self.first.pid}/children").read_text())
        run("ip", "link", "add", self.link, "type", "veth", "peer", "name", "eth0", "netns", self.pid)
        run("ip", "link", "set", self.link, "master", BRIDGE, "up")
        self.run("sh", "-c", f"ip address add {self.address}/24 dev eth0 && ip link set eth0 up")
        Host.up.append(self)

    def is_up(self):
        return self in Host.up

    def start(self, *words, **options):
        """A program that ends with the host at the latest."""
        program = subprocess.Popen(self.command(*words), stdin=subprocess.DEVNULL, **options)
        self.programs.append(program)
        return program

    def command(self, *words):
        return ["nsenter", "--mount", "--net", "--pid", "--uts", "--ipc", "--target", str(self.pid), "--wd=/", *map(str, words)]

    def run(self, *words, check=True):
        return run(*self.command(*words), check=check)

    def cut(self):
        """Pulls the cable."""
        run("ip", "link", "set", self.link, "down")

    def heal(self):
        run("ip", "link", "set", self.link, "up")

    @contextlib.contextmanager
    def inside(self):
        """What this thread opens meanwhile belongs to the host's network, cut off or not."""
        with open("/proc/thread-self/ns/net") as own, open(f"/proc/{self.pid}/ns/net") as there:
            self._enter(there)
            try:
                yield
            finally:
                self._enter(own)

    @staticmethod
    def _enter(network):
        if libc.setns(network.fileno(), CLONE_NEWNET) != 0:
            raise OSError(ctypes.get_errno(), "setns")

    def crash(self):
        """All its processes are gone at once, the clients of its file systems, too."""
        if self.is_up():
            Host.up.remove(self)
        for number in self.volumes:
            # A process that is inside the volume's client, and that client itself, can wait for each other for ever when they are killed.
            with contextlib.suppress(OSError):
                Path(f"{CONNECTIONS}/{number}/abort").write_text("1")
        for process in (self.first, *self.programs):  # the first one takes all others with it
            if process is self.first:
                process.kill()
            process.wait(60)
            for stream in (process.stdin, process.stderr, process.stdout):
                if stream:
                    stream.close()


class Service:
    """An address that moves from host to host, as that of a Service in Kubernetes leads to one pod, and then to another."""

    def __init__(self, host):
        self.address = f"{PREFIX}{next(Host.numbers)}"
        self.host = None
        self.move(host)

    def move(self, host):
        if self.host is not None and self.host.is_up():
            self.host.run("ip", "address", "del", f"{self.address}/24", "dev", "eth0")
        self.host = host
        host.run("ip", "address", "add", f"{self.address}/24", "dev", "eth0")
        run("ip", "neighbour", "flush", "to", self.address)
        for other in Host.up:
            other.run("ip", "neighbour", "flush", "to", self.address)


class Moose:
    """A MooseFS: master and chunk server on a host of their own. Its files are in `folder`; sync reaches what that is on."""

    # By default a client drops cached pages of files that change elsewhere, which others may be reading just now: it has been seen to hang.
    OPTIONS = ("mfscachemode=DIRECT",)

    def __init__(self, folder):
        self.folder = Path(folder)
        self.host = Host("store", folder)
        self.servers = []
        for name in ("master", "chunks", "disk"):
            (self.folder / name).mkdir(mode=0o700)
        (self.folder / "master/metadata.mfs").write_text("MFSM NEW")
        (self.folder / "exports").write_text("* / rw,alldirs,maproot=0\n* . rw\n")
        (self.folder / "disks").write_text(f"{self.folder}/disk\n")
        common = "WORKING_USER = root\nWORKING_GROUP = root\nLOCK_MEMORY = 0\nNICE_LEVEL = 0\nDISABLE_OOM_KILLER = 0\n"
        listen = "".join(f"MATO{who}_LISTEN_HOST = {self.host.address}\n" for who in ("ML", "CS", "CL"))
        (self.folder / "master.cfg").write_text(
            f"{common}{listen}DATA_PATH = {self.folder}/master\nEXPORTS_FILENAME = {self.folder}/exports\n"
            f"TOPOLOGY_FILENAME = {self.folder}/none\nMATOCL_LISTEN_PORT = {MASTER_PORT}\n")
        (self.folder / "chunks.cfg").write_text(
            f"{common}DATA_PATH = {self.folder}/chunks\nHDD_CONF_FILENAME = {self.folder}/disks\nHDD_LEAVE_SPACE_DEFAULT = 1MiB\n"
            f"MASTER_HOST = {self.host.address}\nCSSERV_LISTEN_HOST = {self.host.address}\nBIND_HOST = {self.host.address}\n"
            "MASTER_RECONNECTION_DELAY = 1\nHDD_FSYNC_BEFORE_CLOSE = 0\n")
        self._serve("mfsmaster", "master.cfg")
        self._serve("mfschunkserver", "chunks.cfg")

    def _serve(self, program, config):
        with open(self.folder / f"{program}.log", "w") as log:
            self.servers.append(self.host.start(program, "-f", "-c", self.folder / config, "start", stdout=log, stderr=subprocess.STDOUT))

    def logs(self):
        return "".join(f"--- {file.name}\n{file.read_text()[-1500:]}" for file in sorted(self.folder.glob("*.log")))

    def mount(self, host, place, *options):
        """Mounts the volume on `host` at `place`; tries until the servers are up."""
        place.mkdir(exist_ok=True)
        words = [word for option in (*self.OPTIONS, *options) for word in ("-o", option)]
        until(lambda: self._mounted(host, place, words), 60, "mounting the volume", pause=0.2)
        host.volumes.append(os.minor(os.stat(f"/proc/{host.pid}/root{place}").st_dev))

    def _mounted(self, host, place, words):
        done = host.run("mfsmount", "-H", self.host.address, "-P", MASTER_PORT, "-L", host.address, *words, place, check=False)
        if done.returncode != 0:
            for server in self.servers:
                if server.poll() is not None:
                    raise AssertionError(f"MooseFS does not run\n{self.logs()}")
        return done.returncode == 0

    def stop(self):
        self.host.crash()
