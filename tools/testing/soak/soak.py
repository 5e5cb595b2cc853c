"""The soak itself; tools/soak says what it is for."""

import argparse
import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time

import churn
import judge
from daemon import Broken, Lab

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__)))))
RATE = 300
NET_KINDS = {
    "port-add": 6, "port-remove": 5, "port-set": 4, "link-down": 3, "link-up": 4, "link-impair": 4, "link-reset": 4,
    "link-flap": 2, "capture-start": 4, "capture-stop": 3, "capture-filter": 2, "recording": 2, "read-everything": 2,
    "read-mistakes": 2, "stations": 3, "trace": 2, "tests": 1, "up-again": 1, "save": 0.5, "node-stop-start": 1,
    "upgrade": 0.3,
}  # fmt: skip
VM_KINDS = {
    "guest-restart": 1, "guest-stop-start": 1, "guest-migrate": 3, "guest-exec": 4, "guest-link": 4,
    "guest-answers": 2, "read-everything": 1, "save": 1, "upgrade": 0.3,
}  # fmt: skip


class Stations:
    """The programs in the stations' namespaces, and what their kernels count."""

    def __init__(self, lab, seed, forgets):
        addresses = ",".join(churn.address(n) for n in range(churn.STATIONS))
        program = os.path.join(os.path.dirname(os.path.abspath(__file__)), "station.py")
        self.processes = [
            subprocess.Popen(
                ["ip", "netns", "exec", f"apus-{lab.name}-s{n}", sys.executable, "-B", program, "eth0", str(n), addresses,
                 str(seed)] + (["forget"] if forgets and n == 0 else []),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True,
            )
            for n in range(churn.STATIONS)
        ]  # fmt: skip

    def say(self, words):
        answers = []
        for process in self.processes:
            try:
                process.stdin.write(words + "\n")
                process.stdin.flush()
                answers.append(json.loads(process.stdout.readline()))
            except (OSError, ValueError) as error:
                raise Broken(f"a station's program has ended: {error}") from error
        return answers

    def interfaces(self):
        """What each station's kernel has counted."""
        found = []
        for process in self.processes:
            # /proc of a process shows the interfaces of its namespace.
            with open(f"/proc/{process.pid}/net/dev") as file:
                fields = next(line.split(":")[1].split() for line in file if line.strip().startswith("eth0:"))
            numbers = [int(field) for field in fields]
            found.append(
                {"rx_packets": numbers[1], "rx_dropped": numbers[3], "tx_packets": numbers[9], "tx_dropped": numbers[11]}
            )
        return found

    def end(self):
        for process in self.processes:
            process.kill()
            process.wait()


class Soak:
    def __init__(self, options, folder):
        self.options, self.folder = options, folder
        self.begun = time.monotonic()
        self.end = self.begun + options.minutes * 60
        self.broken = None
        self.stop = threading.Event()
        binary = os.environ.get("APUS_BINARY") or os.path.join(ROOT, ".build/release/apus")
        self.net = Lab(binary, folder, churn.NET, churn.net_text())
        self.labs = [self.net]
        self.operations = {churn.NET: self.churn(self.net)}
        if not options.no_guests:
            self.vm = Lab(binary, folder, churn.VM, churn.vm_text(1 if options.minutes < 10 else 2))
            self.labs.append(self.vm)
            self.operations[churn.VM] = self.churn(self.vm)
        self.stations, self.base, self.totals, self.quiet_moments = None, None, None, 0
        self.open = []

    def churn(self, lab):
        return churn.Operations(lab, random.Random(f"{self.options.seed} {lab.name}"), self.folder, self.options.minutes * 20)

    # The stations' switch at rest.

    def rest(self):
        """Has the stations stop, waits until no frame moves any more, and judges."""
        self.stations.say("stop")
        before, end = None, time.monotonic() + 30
        while True:
            time.sleep(0.3)
            now = self.counted()
            if now == before:
                break
            if time.monotonic() > end:
                raise Broken("frames have not come to rest within 30 s")
            before = now
        self.quiet_moments += 1
        self.judge(now)

    def counted(self):
        ports = {row["name"]: row for row in self.net.get("/v1/ports")}
        mine = [ports[f"s{n}.eth0"] for n in range(churn.STATIONS)]
        counters = [{key: port[key] for key in ("receive_packets", "transmit_packets", "drops")} for port in mine]
        return counters, self.stations.interfaces(), self.stations.say("report")

    def judge(self, now):
        ports, interfaces, heard = now
        if self.base is None:
            self.base = (ports, interfaces)
        found = []
        for n in range(churn.STATIONS):
            was, then = self.base[0][n], self.base[1][n]
            port = {key: ports[n][key] - was[key] for key in ("receive_packets", "transmit_packets")}
            port["drops"] = {
                way: {
                    reason: count - was["drops"][way].get(reason, 0) for reason, count in ports[n]["drops"][way].items()
                }
                for way in ("in", "out")
            }
            found.append(port)
            interface = {key: interfaces[n][key] - then[key] for key in then}
            self.require(judge.station(f"s{n}", port, interface, heard[n]))
        self.require(judge.switch(found))
        self.totals = found, [interfaces[n]["tx_dropped"] - self.base[1][n]["tx_dropped"] for n in range(churn.STATIONS)], heard

    @staticmethod
    def require(complaint):
        if complaint:
            raise Broken(complaint)

    # The run.

    def run(self):
        for lab in self.labs:
            lab.up()
        operations = self.operations[churn.NET]
        for n in range(churn.STATIONS):
            body = {"switch": "sw1", "mac": churn.address(n), "port": f"s{n}.eth0"}
            operations.expect(*self.net.ask("POST", "/v1/fdb", body))
        self.stations = Stations(self.net, self.options.seed, self.options.breaks == "loss")
        self.rest()
        others = [threading.Thread(target=self.machines, daemon=True)] if len(self.labs) > 1 else []
        for thread in others:
            thread.start()
        self.net_churn(operations)
        self.stop.set()
        for thread in others:
            thread.join(600)
            if thread.is_alive():
                raise Broken("an operation on a machine has not ended for ten minutes")
        self.check()
        self.finish()

    def net_churn(self, operations):
        """Everything once, as a warm-up; then by chance until the time is over, with a rest every now and then."""
        for kind in NET_KINDS:
            self.stations.say(f"go {RATE}")
            operations.run(kind)
        self.settle(operations)
        self.net.forget_warm_up()
        self.net.measure(is_quiet=True)
        while time.monotonic() < self.end:
            self.stations.say(f"go {RATE}")
            pause = min(self.end, time.monotonic() + 15)
            while time.monotonic() < pause:
                self.check()
                operations.step(NET_KINDS)
                self.net.measure(is_quiet=False)
                time.sleep(0.1)
            self.breaking()
            self.settle(operations)
            self.net.measure(is_quiet=True)

    def settle(self, operations):
        operations.settle()
        self.rest()
        # What clients have closed is closed here a moment later.
        time.sleep(0.5)

    def machines(self):
        """Operations on the machines' lab, which take longer, at the same time."""
        operations = self.operations[churn.VM]
        try:
            for kind in VM_KINDS:
                if not self.stop.is_set():
                    operations.run(kind)
            self.vm.forget_warm_up()
            while not self.stop.is_set():
                operations.step(VM_KINDS)
                self.vm.measure(is_quiet=True)
                time.sleep(0.3)
        except (Broken, OSError, subprocess.TimeoutExpired, ValueError, KeyError) as error:
            self.broken = self.broken or f"{type(error).__name__}: {error}"

    def breaking(self):
        """Breaks on purpose what was asked for."""
        if self.options.breaks == "leak":
            for _ in range(5):
                connection = self.net.connection(None)
                connection.request("GET", "/v1/events")
                self.open.append((connection, connection.getresponse()))
        if self.options.breaks == "dead":
            os.kill(self.net.pids[-1], signal.SIGKILL)

    def check(self):
        if self.broken:
            raise Broken(self.broken)

    def finish(self):
        """What is judged of the whole."""
        minutes = (time.monotonic() - self.begun) / 60
        for lab in self.labs:
            for pid, series in lab.memory.items():
                self.require(self.told(lab, judge.memory(series)))
            for pid, series in lab.descriptors.items():
                self.require(self.told(lab, judge.descriptors(series)))
            lab.check_process()
            lab.check_log()
            operations = sum(self.operations[lab.name].counts.values())
            self.require(self.told(lab, judge.log(lab.log_lines(), operations, minutes)))

    @staticmethod
    def told(lab, complaint):
        return complaint and f"{lab.name}: {complaint}"

    # The block.

    def report(self):
        minutes = (time.monotonic() - self.begun) / 60
        print(f"soak: {minutes:.1f} minutes, seed {self.options.seed}, {self.quiet_moments} quiet moments")
        for lab in self.labs:
            operations = self.operations[lab.name]
            counts = " ".join(f"{kind} {count}" for kind, count in sorted(operations.counts.items()))
            print(f"{lab.name}: {sum(operations.counts.values())} operations: {counts}")
            slowest = sorted(operations.busy.items(), key=lambda item: -item[1])[:3]
            print("  slowest: " + ", ".join(f"{kind} {seconds:.1f} s" for kind, seconds in slowest))
            for words, count in sorted(operations.refusals.items()):
                print(f"  refused {count} times: {words}")
            for number, (pid, series) in enumerate(lab.memory.items()):
                descriptors = [count for _, count in lab.descriptors[pid]]
                print(
                    f"  daemon {number + 1} of {len(lab.memory)}, for {(series[-1][0] - series[0][0]) / 60:.1f} minutes: "
                    f"resident {series[0][1] >> 10} -> {series[-1][1] >> 10} KiB, "
                    f"descriptors {descriptors[0]} -> {descriptors[-1]}"
                )
            print(f"  most resident at any time: {lab.most >> 10} KiB")
            if os.path.exists(lab.log):
                print(f"  log: {lab.log_lines()} lines")
        if self.totals:
            ports, unsent, heard = self.totals
            came, left = (sum(port[key] for port in ports) for key in ("receive_packets", "transmit_packets"))
            drops = {}
            for port in ports:
                for way in ("in", "out"):
                    for reason, count in port["drops"][way].items():
                        drops[reason] = drops.get(reason, 0) + count
            said = ", ".join(f"{reason} {count}" for reason, count in sorted(drops.items()) if count) or "none"
            print(f"frames: {came} in = {left} out + {sum(drops.values())} dropped ({said})")
            print(
                f"  stations heard {sum(h['received'] for h in heard)}, none twice, none damaged; their own kernels kept back "
                f"{sum(unsent)}, since a link was down or a queue full"
            )

    def clean_up(self):
        self.stop.set()
        if self.stations:
            self.stations.end()
        for connection, answer in self.open:
            connection.close()
            answer.close()
        return [complaint for complaint in (lab.down() for lab in reversed(self.labs)) if complaint]


def options():
    parser = argparse.ArgumentParser(prog="tools/soak", add_help=False)
    parser.add_argument("minutes", type=float, nargs="?")
    parser.add_argument("--seed", type=int)
    parser.add_argument("--no-guests", action="store_true")
    parser.add_argument("--break", dest="breaks", choices=["loss", "leak", "dead"])
    parser.add_argument("--self-test", action="store_true")
    found = parser.parse_args()
    if found.minutes is None and not found.self_test:
        parser.error("how many minutes?")
    if found.seed is None:
        found.seed = random.SystemRandom().randrange(1 << 31)
    return found


def main():
    found = options()
    # Judges that cannot fail would make any run a good one.
    judge.self_test()
    if found.self_test:
        print("soak: the judges tell good numbers from bad ones")
        return 0
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    folder = tempfile.mkdtemp(prefix="soak-", dir="/tmp")
    soak, reason = Soak(found, folder), None
    print(f"soak: {found.minutes:g} minutes, seed {found.seed}", file=sys.stderr)
    try:
        soak.run()
    except (Broken, subprocess.TimeoutExpired) as error:
        reason = str(error)
    finally:
        try:
            soak.report()
        finally:
            left = soak.clean_up()
    reason = reason or (left[0] if left else None)
    if reason:
        for lab in soak.labs:
            if os.path.exists(lab.log):
                with open(lab.log, errors="replace") as file:
                    print("".join(f"  {lab.name}: {line}" for line in file.readlines()[-20:]), file=sys.stderr, end="")
        print(f"soak: broken: {reason} (seed {found.seed}; {folder} is kept)")
        return 1
    shutil.rmtree(folder, ignore_errors=True)
    print("soak: all that must hold held")
    return 0


sys.exit(main())
