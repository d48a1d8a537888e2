#!/usr/bin/env python3
"""nDB on several hosts with a shared volume between them: a writer on one, readers on others with the volume mounted read-only; what happens
when links, hosts, mounts and writers go and come. Nothing acknowledged may be lost, no answer wrong.

    hosts_test.py NDB_WRITER NDB_READER [TEST...]

Hosts are namespaces of this machine, the volume is MooseFS (hosts.py). Needs root, namespaces, /dev/fuse and MooseFS
(deploy/install-deps.sh hosts), and says that it skips without them. TEST is a class or a method; NDB_HOSTS_TIMES multiplies the load.
Figures are printed, never judged: the limits on time here are for what hangs.
"""

import os
import shutil
import sys
import tempfile
import time
import unittest
from collections import Counter
from pathlib import Path

import hosts
from cluster import DIM, DOCS, NAME, PORT, Daemon, Ingest, Rotation, Searches, document, percentile, vector_of
from hosts import Host, Moose, Service, run, until

TIMES = float(os.environ.get("NDB_HOSTS_TIMES", "1"))
LOCKED_CHUNK_S = 300  # what a lost host was about to write to, MooseFS lets nobody read for two minutes
WRITER = READER = FOLDER = MOOSE = None


def say(text):
    print(text, file=sys.stderr, flush=True)


def figures(values):
    return f"p50 {percentile(values, 0.5) * 1e3:.1f} ms, p99 {percentile(values, 0.99) * 1e3:.1f} ms, most {max(values) * 1e3:.1f} ms, of {len(values)}"


def summary(failed):
    """What searches failed with, and how often."""
    return dict(Counter(f"{status} {answer['error']['code'] if isinstance(answer, dict) else answer}" for _, status, answer in failed))


class Case(unittest.TestCase):
    """Each test has its own folder on the volume, and its own hosts."""

    def setUp(self):
        self.volume = FOLDER / "volume"
        self.data = self.volume / self._testMethodName
        self.began = time.monotonic()
        self.addCleanup(lambda: say(f"    {time.monotonic() - self.began:.1f} s"))

    def host(self, name, *options):
        host = Host(name, FOLDER)
        self.addCleanup(host.crash)
        MOOSE.mount(host, self.volume, *options)
        return host

    def daemon(self, host, binary, *flags, grace=900):
        return Daemon(host, binary, self.data, "--gc-grace-s", grace, *flags)

    def writer(self, host, **options):
        return self.daemon(host, WRITER, "--index-min-rows", "200", **options)

    def reader(self, host, writer, *flags, **options):
        """writer: the address of whom it asks, or None. It is not waited for."""
        return self.daemon(host, READER, *(["--writer-url", f"http://{writer}:{PORT}"] if writer else []), *flags, **options)

    def start_writer(self, host, **options):
        """On an empty folder; with the collection."""
        writer = self.writer(host, **options).wait_ready()
        writer.call("PUT", DOCS, {"dim": DIM, "distance": "euclidean", "durability": "sync"})
        return writer

    def check_complete(self, daemon, acknowledged):
        """Everything that was acknowledged is there, as it was written."""
        numbers = list(acknowledged)
        newest = max(acknowledged.values())
        daemon.call("POST", f"{DOCS}/search", {"vector": vector_of(0), "top_k": 1, "min_seq": newest, "timeout_ms": 60000})
        for begin in range(0, len(numbers), 1000):
            some = numbers[begin:begin + 1000]
            answer = daemon.call("POST", f"{DOCS}/documents/get", {"ids": [f"w{number}" for number in some]})
            self.assertEqual(answer["missing"], [], daemon.name)
            self.assertEqual({doc["id"]: (doc["vector"], doc["payload"]) for doc in answer["documents"]},
                             {f"w{number}": (vector_of(number), {"n": number}) for number in some}, daemon.name)

    def start(self, load):
        self.addCleanup(lambda: load.stopping.set())
        load.start()
        return load

    def write_first(self, writer, *hosts):
        """From its first write on a collection is open at the writer; then readers find their way there within a second or so."""
        writer.call("POST", f"{DOCS}/documents", {"documents": [document(0)]})
        replicas = until(lambda: len(found := writer.call("GET", f"{DOCS}/replicas")["replicas"]) == len(hosts) and found, 60, "readers having reported")
        self.assertEqual({replica["host"] for replica in replicas}, set(hosts))

    def measure_freshness(self, writer, readers, count):
        """Seconds from each acknowledgement until each reader shows the write; no reader may go back."""
        to_writer, to_readers = writer.client(), {reader: reader.client() for reader in readers}
        took = {reader: [] for reader in readers}
        seen = dict.fromkeys(readers, (0, 0))
        for number in range(count):
            seq = to_writer.call("POST", f"{DOCS}/documents", {"documents": [document(number)]})["seq"]
            acknowledged = time.monotonic()
            waiting = list(readers)
            while waiting:
                reader = waiting.pop(0)
                answer = to_readers[reader].call("POST", f"{DOCS}/search", {"vector": vector_of(number), "top_k": 1})
                now = (answer["seq"], answer["manifest_version"])
                self.assertTrue(all(a >= b for a, b in zip(now, seen[reader])), f"{reader.name} went back from {seen[reader]} to {now}")
                seen[reader] = now
                if answer["seq"] >= seq:
                    self.assertEqual(answer["matches"][0]["id"], f"w{number}")
                    took[reader].append(time.monotonic() - acknowledged)
                    continue
                waiting.append(reader)
                time.sleep(0.001)
                self.assertLess(time.monotonic() - acknowledged, 60, f"{reader.name} does not show w{number}")
            if number % 100 == 50:
                to_writer.call("POST", f"{DOCS}/flush")
        return took

    def search_all(self, ingest, *readers, **options):
        """Searches of each reader, for what `ingest` was told, under way."""
        return [self.start(Searches(lambda reader=reader: reader, ingest.acknowledged, **options)) for reader in readers]

    def check_uninterrupted(self, searches, more=20):
        """Goes on for a while; then no search may have failed."""
        for search in searches:
            search.wait_for(more)
        for search in searches:
            search.stop()
            self.assertEqual(search.failed, [])

    def take_over(self, what, end_of_writer):
        """A writer on host a ends while there is load, another one on host d takes over, and clients find it at the same address."""
        a, b, c, d = self.host("a"), self.host("b", "ro"), self.host("c", "ro"), self.host("d")
        service = Service(a)
        writer = self.start_writer(a)
        readers = [self.reader(host, service.address).wait_ready() for host in (b, c)]
        ingest = self.start(Ingest(service.address))
        ingest.wait_for(100)
        searches = self.search_all(ingest, *readers)
        began = time.monotonic()
        new = end_of_writer(writer, d)
        ended = time.monotonic()
        new = new or self.writer(d)
        new.wait_ready(LOCKED_CHUNK_S)
        say(f"  {what}: ended within {ended - began:.2f} s, the new writer ready {time.monotonic() - ended:.2f} s later")
        service.move(d)
        ingest.wait_for(100)
        self.check_uninterrupted(searches)
        ingest.stop()
        say(f"  {what}: nothing acknowledged for {ingest.longest_pause():.2f} s; searches meanwhile: "
            + "; ".join(figures(search.times) for search in searches))
        for daemon in (new, *readers):
            self.check_complete(daemon, ingest.acknowledged)
        self.assertEqual(new.call("GET", DOCS)["epoch"], 2)

    def remove_lock(self, host, writer):
        """Once a writer has found that the volume keeps the lock of a lost host, as somebody would do it by hand."""
        until(lambda: "is locked by" in writer.why_not_ready(), LOCKED_CHUNK_S, "the new writer finding the lock")
        host.run("rm", self.data / NAME / "LOCK")


class Hosts(Case):
    def test_readers_on_other_hosts_show_what_was_acknowledged(self):
        a, b, c = self.host("a"), self.host("b", "ro"), self.host("c", "ro")
        writer = self.start_writer(a)
        self.assertNotEqual(b.run("touch", self.data / "x", check=False).returncode, 0, "the readers' mount is read-only")
        pushed = [self.reader(b, a.address).wait_ready(), self.reader(c, a.address).wait_ready()]
        self.assertFalse(list(Path(f"/proc/{b.pid}/root/dev/shm").iterdir()), "nothing wakes readers through shared memory")
        self.write_first(writer, "b", "c")
        for reader, took in self.measure_freshness(writer, pushed, int(300 * TIMES)).items():
            say(f"  {reader.name}, pushed: {figures(took)}")

    def test_a_writer_is_killed_and_one_on_another_host_takes_over(self):
        self.take_over("kill -9", lambda writer, _: writer.kill())

    def test_files_are_collected_under_readers(self):
        a, b, c = self.host("a"), self.host("b", "ro"), self.host("c", "ro")
        writer = self.start_writer(a, grace=1)
        readers = [self.reader(b, a.address).wait_ready(), self.reader(c, None).wait_ready()]  # one that pins, one that only polls
        ingest = self.start(Ingest(a.address))
        ingest.wait_for(20)
        searches = self.search_all(ingest, *readers)
        named = set()

        def round_of_segments():
            ingest.wait_for(60)
            for step in ("flush", "compact"):
                writer.call("POST", f"{DOCS}/{step}?wait=true")
                named.update(now := set(a.run("ls", self.data / NAME / "segments").stdout.split()))
            return named - now

        for _ in range(int(5 * TIMES)):
            round_of_segments()
        gone = until(lambda: len(gone := round_of_segments()) >= 5 and gone, 120, "files being collected")
        self.check_uninterrupted(searches, 50)
        ingest.stop()
        say(f"  {len(gone)} of {len(named)} segments collected; searches: " + "; ".join(figures(search.times) for search in searches))
        for reader in readers:
            self.check_complete(reader, ingest.acknowledged)

    def test_readers_come_and_go_and_no_search_fails(self):
        a, *more = self.host("a"), *(self.host(name, "ro") for name in "bcde")
        self.start_writer(a)
        ingest = self.start(Ingest(a.address))
        ingest.wait_for(50)
        rotation = Rotation(self.reader(more[0], a.address, "--shutdown-delay-s", "3").wait_ready())
        self.addCleanup(rotation.stop)
        searches = [self.start(Searches(rotation, ingest.acknowledged)) for _ in range(3)]
        searches[0].wait_for(50)
        began = time.monotonic()
        rotation.daemons += [self.reader(host, a.address, "--shutdown-delay-s", "3") for host in more[1:]]
        until(lambda: len(rotation.ready) == 4, 60, "four readers in rotation")
        say(f"  four readers after {time.monotonic() - began:.2f} s")
        for search in searches:
            search.wait_for(int(200 * TIMES))
        going, staying = rotation.daemons[:3], rotation.daemons[3]  # the first one goes, too
        for reader in going:
            reader.terminate()
        for reader in going:
            self.assertEqual(reader.wait_ended(), 0, reader.name)
        self.check_uninterrupted(searches, 50)
        ingest.stop()
        for search in searches:
            self.assertEqual(len(search.answered), 4, search.answered)
        say(f"  {sum(len(search.times) for search in searches)} searches: " + figures([took for search in searches for took in search.times]))
        self.check_complete(staying, ingest.acknowledged)


class MoreHosts(Case):
    """What takes its time."""

    def test_readers_that_know_no_writer_poll(self):
        a, b = self.host("a"), self.host("b", "ro")
        writer = self.start_writer(a)
        reader = self.reader(b, None).wait_ready()
        took = self.measure_freshness(writer, [reader], int(200 * TIMES))[reader]
        say(f"  {reader.name}, polling every 50 ms: {figures(took)}")
        status, answer = reader.client().ask("POST", f"{DOCS}/documents", {"documents": [document(0)]})
        self.assertEqual((status, answer["error"]["code"]), (503, "read_only"))

    def test_the_log_may_be_on_a_disk_of_the_writers_own(self):
        a, b = self.host("a"), self.host("b", "ro")
        first = self.start_writer(a)
        first.terminate()
        self.assertEqual(first.wait_ended(), 0)
        wal, own = self.data / NAME / "wal", FOLDER / "own-disk"
        a.run("sh", "-c", f"mkdir {own} && cp -a {wal}/. {own} && rm {wal}/* && mount --bind {own} {wal}")
        writer = self.writer(a).wait_ready()
        reader = self.reader(b, a.address).wait_ready()
        self.write_first(writer, "b")
        took = self.measure_freshness(writer, [reader], int(200 * TIMES))[reader]
        say(f"  {reader.name}, pushed, the log elsewhere: {figures(took)}")
        written = {number: number + 2 for number in range(len(took))}  # w0 was written before, too
        self.assertEqual(b.run("ls", wal).stdout, "", "the volume has no log")
        self.assertTrue(list(own.iterdir()))
        writer.kill()  # what is shown stays; what was acknowledged is in the log on that disk
        self.check_complete(reader, written)
        again = self.writer(a).wait_ready()
        ingest = self.start(Ingest(a.address, first=len(took)))
        ingest.wait_for(50)
        ingest.stop()
        for daemon in (again, reader):
            self.check_complete(daemon, written | ingest.acknowledged)

    def test_a_reader_that_is_cut_off_says_nothing_wrong_and_catches_up(self):
        a, b, c = self.host("a"), self.host("b", "ro"), self.host("c", "ro")
        writer = self.start_writer(a)
        cut, other = self.reader(b, a.address, grace=6).wait_ready(), self.reader(c, a.address).wait_ready()
        ingest = self.start(Ingest(a.address))
        ingest.wait_for(100)
        there, elsewhere = *self.search_all(ingest, cut, timeout=3, inside=True), *self.search_all(ingest, other)
        there.wait_for(20)
        self.assertEqual(there.failed, [])
        b.cut()
        began = time.monotonic()
        ingest.wait_for(100)
        for step in ("flush", "compact"):
            writer.call("POST", f"{DOCS}/{step}?wait=true")
        until(lambda: not cut.is_ready(inside=True), 60, "the reader that is cut off knowing it")
        say(f"  cut off: not ready after {time.monotonic() - began:.1f} s")
        until(lambda: any(status == 503 for _, status, _ in there.failed), 60, "the reader answering no more from what may be gone")
        say(f"  cut off: no answers after {time.monotonic() - began:.1f} s")
        self.assertTrue(cut.is_live(inside=True), "who is only cut off must not be restarted")
        b.heal()
        began = time.monotonic()
        until(cut.is_ready, 120, "the reader being ready again")
        say(f"  ready again {time.monotonic() - began:.1f} s after the link came back")
        there.wait_for(20)
        there.stop()
        say(f"  {len(there.times)} answers, {there.older} of them older than asked for; failed: {summary(there.failed)}")
        self.assertLessEqual({status for _, status, _ in there.failed}, {None, 503})
        self.check_uninterrupted([elsewhere])
        ingest.stop()
        for daemon in (writer, cut, other):
            self.check_complete(daemon, ingest.acknowledged)

    def test_a_volume_may_be_mounted_anew_under_a_reader(self):
        a, b = self.host("a"), self.host("b", "ro")
        writer = self.start_writer(a)
        reader = self.reader(b, a.address).wait_ready()
        ingest = self.start(Ingest(a.address))
        ingest.wait_for(50)
        writer.call("POST", f"{DOCS}/flush?wait=true")
        searches = self.search_all(ingest, reader)
        searches[0].wait_for(20)
        b.run("umount", "--lazy", self.volume)
        ingest.wait_for(50)
        writer.call("POST", f"{DOCS}/flush?wait=true")
        until(lambda: not reader.is_ready(), 60, "the reader missing its volume")
        self.assertTrue(reader.is_live())
        searches[0].wait_for(20)
        MOOSE.mount(b, self.volume, "ro")
        began = time.monotonic()
        until(reader.is_ready, 60, "the reader being ready again")
        say(f"  ready {time.monotonic() - began:.1f} s after the volume came back")
        self.check_uninterrupted(searches)
        ingest.stop()
        self.check_complete(reader, ingest.acknowledged)

    def test_a_writer_is_replaced_by_one_on_another_host(self):
        def terminate(writer, _):
            writer.terminate()
            self.assertEqual(writer.wait_ended(), 0)

        self.take_over("SIGTERM", terminate)

    def test_a_writer_that_waits_on_another_host_takes_over_at_once(self):
        def terminate(writer, host):
            waiting = self.writer(host)
            until(lambda: waiting.is_ready(path="/healthz"), 60, "the waiting writer serving")
            until(lambda: "is locked by" in waiting.why_not_ready(), 60, "the new writer finding the lock")
            writer.terminate()
            self.assertEqual(writer.wait_ended(), 0)
            return waiting

        self.take_over("SIGTERM, the next one waits", terminate)

    def test_a_host_is_lost_and_a_writer_on_another_one_takes_over(self):
        def lose(writer, host):
            writer.host.crash()
            new = self.writer(host)
            until(lambda: new.is_ready(path="/healthz"), 60, "the new writer serving")
            self.remove_lock(host, new)
            return new

        self.take_over("host lost", lose)

    def test_a_writer_that_was_cut_off_and_replaced_acknowledges_nothing_any_more(self):
        a, b, d = self.host("a"), self.host("b", "ro"), self.host("d")
        old = self.start_writer(a)
        reader = self.reader(b, None).wait_ready()
        ingest = self.start(Ingest(a.address, host=a))
        ingest.wait_for(100)
        ingest.stop()
        a.cut()
        in_vain = self.start(Ingest(a.address, first=500_000, host=a))
        until(lambda: in_vain.refusals, 60, "a write being stuck at the old writer")
        new = self.writer(d)
        until(lambda: new.is_ready(path="/healthz"), 60, "the new writer serving")
        self.remove_lock(d, new)
        new.wait_ready(LOCKED_CHUNK_S)
        second = self.start(Ingest(d.address, first=1_000_000))
        second.wait_for(100)
        a.heal()
        until(lambda: old.process.poll() is not None, 120, "the old writer seeing that it is replaced")
        self.assertEqual(old.wait_ended(), 1)
        self.assertIn("another writer took over", "".join(old.log))
        second.wait_for(50)
        for load in (in_vain, second):
            load.stop()
        self.assertEqual(in_vain.acknowledged, {})
        say(f"  refused by the old writer: {dict(Counter(str(answer) for _, answer in in_vain.refusals))}")
        for daemon in (new, reader):
            self.check_complete(daemon, ingest.acknowledged | second.acknowledged)


def main():
    global WRITER, READER, FOLDER, MOOSE
    if hosts.ISOLATED not in os.environ and (why := hosts.missing()):
        print(f"SKIPPED: {why} (deploy/install-deps.sh hosts)")
        sys.exit(0)
    hosts.isolate()
    WRITER, READER = (str(Path(program).resolve()) for program in sys.argv[1:3])
    FOLDER = Path(tempfile.mkdtemp(prefix="ndb-hosts-"))
    # Megabytes are used, but MooseFS wants 640 MiB free for each file that is open to be written, also of hosts that are gone.
    run("mount", "-t", "tmpfs", "-o", "size=100g", "tmpfs", FOLDER)
    try:
        MOOSE = Moose(FOLDER)
        done = unittest.main(argv=sys.argv[:1] + sys.argv[3:], verbosity=2, exit=False)
    finally:
        if MOOSE:
            MOOSE.stop()
        run("umount", "--lazy", FOLDER)
        shutil.rmtree(FOLDER, ignore_errors=True)
    sys.exit(not done.result.wasSuccessful())


if __name__ == "__main__":
    main()
