"""What a soak does to its labs: operations, each of which is chosen by the seed."""

import http.client
import json
import re
import shutil
import threading
import time

from daemon import Broken

STATIONS = 4
NET, VM = "soak-net", "soak-vm"


def address(number):
    return f"02:50:a0:00:00:{number + 1:02x}"


def net_text():
    """A switch of stations whose addresses are fixed and whose kernels are silent: no frame is flooded there.

    Beside it one where anything may happen.
    """
    stations = "".join(
        f"  s{n}: {{ kind: netns, nics: {{ eth0: {{ switch: sw1, mac: '{address(n)}' }} }},"
        " sysctl: { net.ipv6.conf.eth0.disable_ipv6: 1 } }\n"
        for n in range(STATIONS)
    )
    return (
        f"version: 1\nname: {NET}\nrecorder: 512K\n"
        "vlans: { red: 10, blue: 20 }\nswitches: { sw1: {}, sw2: {} }\nnodes:\n" + stations
        + "  x1: { kind: netns, nics: { eth0: { switch: sw2, vlan: red, address: 10.6.0.1/24 } } }\n"
        "  x2: { kind: netns, nics: { eth0: { switch: sw2, vlan: red, address: 10.6.0.2/24 }, eth1: { address: 10.7.0.2/24 } } }\n"
        "  x3: { kind: netns, nics: { eth0: { address: 10.7.0.3/24 } } }\n"
        'links:\n  - { name: w, ends: ["x2:eth1", "x3:eth0"] }\n'
        "tests:\n  - { ping: x1 -> x2, within: 20s }\n"
    )


def vm_text(guests):
    nodes = "".join(
        f"  g{n}: {{ kind: vm, image: builtin, memory: 128M, cpus: 1,"
        f" nics: {{ eth0: {{ switch: sw1, address: 10.5.0.{n}/24 }} }} }}\n"
        for n in range(1, guests + 1)
    )
    return (
        f"version: 1\nname: {VM}\nrecorder: 512K\nswitches: {{ sw1: {{}} }}\nnodes:\n{nodes}"
        "  p: { kind: netns, nics: { eth0: { switch: sw1, address: 10.5.0.99/24 } } }\n"
    )


class Operations:
    """Carries out one operation after the other on a lab, and counts them by kind."""

    def __init__(self, lab, random, work, upgrade_pause):
        self.lab, self.random, self.work = lab, random, work
        # Seconds between two upgrades: each daemon is to run for long enough to show what it keeps.
        self.upgrade_pause, self.last_upgrade = upgrade_pause, None
        self.counts, self.refusals, self.busy = {}, {}, {}
        self.captures, self.added = {}, []
        self.last = 0

    def step(self, kinds):
        name = self.random.choices(list(kinds), weights=[kinds[kind] for kind in kinds])[0]
        self.run(name)

    def run(self, name):
        self.counts[name] = self.counts.get(name, 0) + 1
        begun = time.monotonic()
        getattr(self, name.replace("-", "_"))()
        self.busy[name] = max(self.busy.get(name, 0), time.monotonic() - begun)

    def expect(self, status, text, *also):
        """Refusals that an operation may meet are counted by their words; others break the soak."""
        if status < 300:
            return True
        if status not in also:
            raise Broken(f"{self.lab.name}: status {status}: {text[:400]!r}")
        self.refuse(json.loads(text)["error"]["message"] if text else str(status))
        return False

    def refuse(self, message):
        words = re.sub("02:50(:[0-9a-f]{2}){4}", "ADDRESS", message)[:70]
        self.refusals[words] = self.refusals.get(words, 0) + 1

    def done(self, last, *also):
        """As `expect`, of what answered lines; `also` are exit codes."""
        if "error" in last and last["error"]["code"] not in also:
            raise Broken(f"{self.lab.name}: {json.dumps(last)[:600]}")
        if "error" in last:
            self.refuse(last["error"]["message"])
        return "error" not in last

    def fresh(self):
        self.last += 1
        return self.last

    # Ports.

    def port_add(self):
        if len(self.added) >= 12:
            return self.port_remove()
        name = f"p{self.fresh()}"
        if self.random.random() < 0.5:
            body = {"switch": "sw1", "kind": "vhost-user", "target": f"{self.work}/{name}.sock"}
        else:
            body = {"switch": "sw2", "kind": "tap", "target": f"soak-{name}", "vlan": self.random.choice(["red", "blue"])}
        self.expect(*self.lab.ask("POST", "/v1/ports", body | {"name": name}))
        self.added.append((name, body["kind"]))

    def port_remove(self):
        if self.added:
            name, _ = self.added.pop(self.random.randrange(len(self.added)))
            self.expect(*self.lab.ask("DELETE", f"/v1/ports/{name}"))

    def port_set(self):
        taps = [name for name, kind in self.added if kind == "tap"] + ["x1.eth0"]
        body = self.random.choice([{"vlan": "red"}, {"vlan": "blue"}, {"trunk": ["red", "blue"]}, {"mtu": 1500}])
        self.expect(*self.lab.ask("PATCH", f"/v1/ports/{self.random.choice(taps)}", body))

    # Links.

    def link(self):
        return self.random.choice([f"s{n}.eth0" for n in range(STATIONS)] + ["w", "x1.eth0"])

    def link_down(self):
        self.expect(*self.lab.ask("PATCH", f"/v1/links/{self.link()}", {"carrier": False}))

    def link_up(self):
        self.expect(*self.lab.ask("PATCH", f"/v1/links/{self.link()}", {"carrier": True}))

    def link_impair(self):
        impair = self.random.choice(
            [{"loss": "5%"}, {"delay": "20ms", "jitter": "5ms"}, {"rate": "2Mbit", "queue": "20"}, {"reorder": "10%", "delay": "5ms"}]
        )
        self.expect(*self.lab.ask("PATCH", f"/v1/links/{self.link()}", {"impair": impair}))

    def link_reset(self):
        self.expect(*self.lab.ask("POST", f"/v1/links/{self.link()}/reset"))

    def link_flap(self):
        link = self.link()
        for _ in range(self.random.randint(2, 6)):
            for isUp in (False, True):
                self.expect(*self.lab.ask("PATCH", f"/v1/links/{link}", {"carrier": isUp}))

    # Captures.

    def capture_start(self):
        if len(self.captures) >= 6:
            return self.capture_stop()
        name = f"c{self.fresh()}"
        target = self.random.choice(["all", "s0.eth0", "s1.eth0,s2.eth0", "sw1"])
        drops = self.random.choice(["", "&drops=include"])
        path = f"/v1/capture?target={target}&id={name}&snap={self.random.choice([0, 64])}{drops}"
        self.captures[name] = Stream(self.lab, path)

    def capture_stop(self):
        if not self.captures:
            return
        name = self.random.choice(sorted(self.captures))
        stream = self.captures.pop(name)
        if self.random.random() < 0.5:
            stream.abandon()
        else:
            self.expect(*self.lab.ask("DELETE", f"/v1/captures/{name}"), 404)
            stream.end()

    def capture_filter(self):
        for name in sorted(self.captures)[:1]:
            expression = self.random.choice(["", "less 200", "ether host 02:50:a0:00:00:01"])
            self.expect(*self.lab.ask("PATCH", f"/v1/captures/{name}", {"filter": expression}), 404)

    def recording(self):
        self.expect(*self.lab.ask("GET", f"/v1/recording?last={self.random.choice([1, 60])}&count=500"))

    # The rest of the API.

    def read_everything(self):
        """Asks each GET of the description once."""
        names = {
            "node": [row["node"] for row in self.lab.get("/v1/nodes")],
            "port": [row["name"] for row in self.lab.get("/v1/ports")],
            "link": [row["name"] for row in self.lab.get("/v1/links")],
        }
        ends = {"/v1/events": "?follow=false&since=1m", "/v1/live": "?count=1"}
        for path, methods in self.lab.get("/openapi.json")["paths"].items():
            if "get" not in methods or any(word in path for word in ("console", "/exec", "{image}", "{name}")):
                continue
            wanted = [part[1:-1] for part in path.split("/") if part.startswith("{")]
            if any(name not in names for name in wanted):
                continue
            for name in wanted:
                path = path.replace("{" + name + "}", self.random.choice(names[name]))
            status, text = self.lab.ask("GET", path + ends.get(path, ""))
            if status not in (200, 400, 404):
                raise Broken(f"{self.lab.name}: GET {path}: status {status}: {text[:300]!r}")

    def read_mistakes(self):
        """Asks for what is not there and what cannot be."""
        for method, path, body, status in [
            ("GET", "/v1/ports/nobody.eth0", None, 404),
            ("PATCH", "/v1/links/w", {"carier": True}, 400),
            ("POST", "/v1/ports", {"name": "x", "switch": "sw9", "kind": "tap", "target": "soak-x"}, 404),
            ("DELETE", "/v1/captures/nothing", None, 404),
            ("PUT", "/v1/nothing", {}, 404),
        ]:
            found, text = self.lab.ask(method, path, body)
            if found != status:
                raise Broken(f"{self.lab.name}: {method} {path}: status {found}, not {status}: {text[:200]!r}")

    def stations(self):
        mac = f"02:50:b0:00:00:{self.random.randrange(16):02x}"
        self.expect(*self.lab.ask("PUT", f"/v1/fdb/{mac}", {"switch": "sw2", "port": "x1.eth0", "vlan": "red"}), 400, 409)
        self.expect(*self.lab.ask("DELETE", f"/v1/fdb/{mac}?switch=sw2"), 404)

    def trace(self):
        frame = bytes.fromhex(address(1).replace(":", "") + address(0).replace(":", "") + "88b5") + bytes(46)
        self.expect(*self.lab.ask("POST", "/v1/trace", {"port": "s0.eth0", "frame": list(frame)}))

    def tests(self):
        # One may fail, as links are down.
        self.lab.ask("POST", "/v1/tests", within=120)

    # The lab as a whole.

    def up_again(self):
        self.lab.apus("up", self.lab.file)

    def save(self):
        folder = f"{self.work}/saved-{self.lab.name}"
        self.done(self.lab.lines("POST", f"/v1/lab/save?to={folder}", within=600), 3)
        shutil.rmtree(folder, ignore_errors=True)

    def upgrade(self):
        now = time.monotonic()
        if self.last_upgrade is not None and now - self.last_upgrade < self.upgrade_pause:
            self.counts["upgrade"] -= 1
            return self.run("up-again")
        self.last_upgrade = now
        # Captures of clients end with it.
        self.end_captures()
        last = self.lab.lines("POST", "/v1/upgrade", {"program": self.lab.binary}, within=120)
        if self.done(last, 1):
            self.lab.pids.append(last["upgraded"]["pid"])
        self.lab.check_process()

    def node_stop_start(self):
        node = self.random.choice(["x1", "x3"])
        for verb in ("stop", "start"):
            self.done(self.lab.lines("POST", f"/v1/nodes/{node}/{verb}"))

    # Machines.

    def guest(self):
        return self.random.choice([row["node"] for row in self.lab.get("/v1/nodes") if row["kind"] == "vm"])

    def guest_restart(self):
        self.done(self.lab.lines("POST", f"/v1/nodes/{self.guest()}/restart"))

    def guest_stop_start(self):
        guest = self.guest()
        for verb in ("stop", "start"):
            self.done(self.lab.lines("POST", f"/v1/nodes/{guest}/{verb}"))

    def guest_migrate(self):
        # Refused of one that is not ready.
        self.done(self.lab.lines("POST", f"/v1/nodes/{self.guest()}/migrate"), 1, 3)

    def guest_exec(self):
        self.done(self.lab.lines("POST", f"/v1/nodes/{self.guest()}/exec", {"command": ["cat", "/proc/uptime"]}), 1, 3)

    def guest_link(self):
        link = f"{self.guest()}.eth0"
        for body in ({"carrier": False}, {"carrier": True}, {"impair": {"delay": "5ms", "loss": "1%"}}):
            self.expect(*self.lab.ask("PATCH", f"/v1/links/{link}", body))
        self.expect(*self.lab.ask("POST", f"/v1/links/{link}/reset"))

    def guest_answers(self):
        """Whatever was done to it, a machine whose link is whole answers in the end."""
        guest = self.guest()
        self.expect(*self.lab.ask("POST", f"/v1/links/{guest}.eth0/reset"))
        ping = {"command": ["ping", "-c", "1", "-W", "2", f"10.5.0.{guest[1:]}"]}
        end = time.monotonic() + 240
        while self.lab.lines("POST", "/v1/nodes/p/exec", ping).get("exit") != 0:
            if time.monotonic() > end:
                raise Broken(f"{self.lab.name}: {guest} has not answered for four minutes")
            time.sleep(0.5)

    # Quiet.

    def end_captures(self):
        for name in sorted(self.captures):
            self.captures.pop(name).abandon()
        self.eventually("captures have ended", lambda: self.lab.get("/v1/captures") == [])

    def settle(self):
        """Takes back all that it has added and set, so that the lab is as it was at first."""
        self.end_captures()
        while self.added:
            self.port_remove()
        for row in self.lab.get("/v1/links"):
            self.expect(*self.lab.ask("POST", f"/v1/links/{row['name']}/reset"))

    def eventually(self, what, condition, seconds=30):
        end = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > end:
                raise Broken(f"{self.lab.name}: {what}: not within {seconds} s")
            time.sleep(0.1)


class Stream:
    """A capture that a client reads as it comes, and throws away."""

    def __init__(self, lab, path):
        self.connection = lab.connection(None)
        self.connection.request("POST", path)
        self.answer = self.connection.getresponse()
        if self.answer.status != 200:
            raise Broken(f"{lab.name}: POST {path}: status {self.answer.status}: {self.answer.read()[:300]!r}")
        self.count = 0
        self.reader = threading.Thread(target=self.read, daemon=True)
        self.reader.start()

    def read(self):
        try:
            while chunk := self.answer.read1(65536):
                self.count += len(chunk)
        except (OSError, ValueError, AttributeError, http.client.HTTPException):
            pass

    def end(self):
        self.reader.join(20)
        if self.reader.is_alive():
            raise Broken("a capture that was ended goes on")
        self.connection.close()

    def abandon(self):
        sock = self.connection.sock
        if sock is not None:
            try:
                sock.shutdown(2)
            except OSError:
                pass
        self.reader.join(20)
        self.connection.close()
        self.answer.close()
