"""What tools/bench asks of a QEMU that it started itself.

machine.py run AGENT LINE
    Runs a line in the built-in guest by its agent's socket, prints what it said and ends with its status. One that does not
    answer is waited for; in the end it is said what QEMU and the guest's console say (`qmp` and `console` beside AGENT).
machine.py move SOURCE TARGET URI
    Moves a machine by the QMP sockets of both, the target waiting (-incoming defer). Prints, in milliseconds: from the
    source's STOP to the target's RESUME by their own clocks, and the whole move; then the two times, in seconds.
"""
import base64, json, os, socket, sys, time

# Seconds that a busy host may take. Not by the clock on the wall, which may be set.
PATIENCE = 600


def connect(path):
    end = time.monotonic() + 60
    while True:
        try:
            peer = socket.socket(socket.AF_UNIX)
            peer.settimeout(120)
            peer.connect(path)
            return peer
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class Monitor:
    def __init__(self, path):
        self.socket = connect(path)
        self.lines = self.socket.makefile()
        self.times = {}
        self.lines.readline()
        self.ask("qmp_capabilities")

    def ask(self, command, **arguments):
        self.socket.sendall(json.dumps({"execute": command, "arguments": arguments}).encode())
        while True:
            answer = json.loads(self.lines.readline())
            if "event" in answer:
                stamp = answer["timestamp"]
                self.times[answer["event"]] = stamp["seconds"] + stamp["microseconds"] / 1e6
            elif "error" in answer:
                sys.exit(f"{command}: {answer['error']['desc']}")
            else:
                return answer["return"]

    def ends(self):
        end = time.monotonic() + PATIENCE
        while (status := self.ask("query-migrate").get("status")) not in ("completed", "failed", "cancelled"):
            if time.monotonic() > end:
                sys.exit(f"the move does not end: {self.ask('query-migrate')}")
            time.sleep(0.02)
        return status


def move(source, target, uri):
    source, target = Monitor(source), Monitor(target)
    for monitor in source, target:
        monitor.ask("migrate-set-capabilities", capabilities=[
            {"capability": name, "state": True} for name in ("events", "return-path")])
    target.ask("migrate-incoming", uri=uri)
    source.ask("migrate-set-parameters", **{"max-bandwidth": 1 << 30, "downtime-limit": 20})
    begun = time.time()
    source.ask("migrate", uri=uri)
    if source.ends() != "completed" or target.ends() != "completed":
        sys.exit(f"it did not move: {source.ask('query-migrate')}")
    ended = time.time()
    stop, resume = source.times["STOP"], target.times["RESUME"]
    print(f"{(resume - stop) * 1000:.1f} {(ended - begun) * 1000:.0f} {stop:.6f} {resume:.6f}")


def state(path):
    """What there is to say of a machine whose guest is silent."""
    folder = os.path.dirname(path)
    try:
        monitor = Monitor(f"{folder}/qmp")
        words = f"QEMU says {monitor.ask('query-status')}, {monitor.ask('query-migrate')}"
    except (OSError, ValueError, SystemExit) as error:
        words = f"QEMU's monitor: {error!r}"
    try:
        with open(f"{folder}/console", errors="replace") as console:
            return f"{words}; its console: {' | '.join(console.read().splitlines()[-5:])}"
    except OSError:
        return words


def answering(path):
    """Connects to the guest's agent, again each half minute, and returns once it has answered."""
    end = time.monotonic() + PATIENCE
    text = ""
    while time.monotonic() < end:
        peer = connect(path)
        peer.settimeout(0.5)
        text = ""
        again = time.monotonic() + 30
        while time.monotonic() < again:
            try:
                peer.sendall(b"ping b1\n")
                more = peer.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            if not more:
                break
            text += more.decode()
            if "pong b1\n" in text:
                return peer, text.split("pong b1\n")[-1]
        peer.close()
        time.sleep(0.5)
    sys.exit(f"the guest's agent at {path} has not answered for {PATIENCE} s, but has said {text!r}; {state(path)}")


def run(path, line):
    peer, rest = answering(path)
    peer.settimeout(PATIENCE)
    peer.sendall(f"run b1 {base64.b64encode(line.encode()).decode()}\n".encode())
    while True:
        *lines, rest = rest.split("\n")
        for words in (line.split() for line in lines):
            if words[:2] in (["out", "b1"], ["err", "b1"]):
                (sys.stdout if words[0] == "out" else sys.stderr).write(base64.b64decode(words[2]).decode())
            elif words[:2] == ["exit", "b1"]:
                sys.exit(int(words[2]))
        try:
            more = peer.recv(65536)
        except OSError:
            more = b""
        if not more:
            sys.exit(f"the guest's agent at {path} does not end `{line}`, but has said {rest!r}; {state(path)}")
        rest += more.decode()


{"run": run, "move": move}[sys.argv[1]](*sys.argv[2:])
