"""A lab of the soak, as a client and the host see it: the program, its API, its daemon's process."""

import http.client
import json
import os
import socket
import subprocess
import time


class Broken(Exception):
    """An invariant does not hold; its text says which."""


class UnixConnection(http.client.HTTPConnection):
    def __init__(self, path, timeout):
        super().__init__("apus", timeout=timeout)
        self.path = path

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self.path)


class Lab:
    def __init__(self, binary, folder, name, text):
        self.binary, self.folder, self.name = binary, folder, name
        self.file = f"{folder}/{name}.lab.yaml"
        with open(self.file, "w") as file:
            file.write(text)
        self.environment = os.environ | {
            "APUS_STATE_DIR": f"{folder}/s",
            "APUS_DATA_DIR": f"{folder}/d",
            "NO_COLOR": "1",
        }
        self.log = f"{folder}/d/{name}/apus.log"
        # Descriptors and memory of each daemon that there was, by its process; and the most memory at any time.
        self.descriptors, self.memory, self.most, self.pids = {}, {}, 0, []
        self.begun = time.monotonic()

    def apus(self, *words, within=300):
        outcome = subprocess.run(
            [self.binary, *words], env=self.environment, capture_output=True, text=True, timeout=within
        )
        if outcome.returncode:
            raise Broken(f"apus {' '.join(words)}: status {outcome.returncode}: {outcome.stderr.strip()[-800:]}")
        return outcome.stdout

    def up(self):
        self.apus("up", self.file)
        self.pids = [self.pid()]

    def down(self):
        try:
            self.apus("down", self.name)
            return None
        except (Broken, subprocess.TimeoutExpired) as error:
            return str(error)

    def connection(self, within=60):
        return UnixConnection(f"{self.folder}/s/{self.name}/control.sock", within)

    def ask(self, method, path, body=None, within=60, kind="application/json"):
        """Status and bytes of an answer; a status of 500 and above breaks the soak."""
        connection = self.connection(within)
        try:
            data = body if isinstance(body, (bytes, type(None))) else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": kind} if data is not None else {})
            answer = connection.getresponse()
            status, bytes_ = answer.status, answer.read()
        except (OSError, http.client.HTTPException) as error:
            # A daemon that is gone is the better reason.
            self.check_process()
            raise Broken(f"{self.name}: {method} {path}: {type(error).__name__}: {error}") from error
        finally:
            connection.close()
        if status >= 500:
            raise Broken(f"{self.name}: {method} {path}: status {status}: {bytes_[:300]!r}")
        return status, bytes_

    def get(self, path):
        status, text = self.ask("GET", path)
        if status != 200:
            raise Broken(f"{self.name}: GET {path}: status {status}: {text[:300]!r}")
        return json.loads(text)

    def lines(self, method, path, body=None, within=300):
        """Carries out what answers lines; returns the last, which may be an error."""
        status, text = self.ask(method, path, body, within)
        last = json.loads(text.splitlines()[-1]) if text.strip() else {}
        return last if status < 400 else {"error": json.loads(text)["error"]}

    def pid(self):
        with open(f"{self.folder}/s/{self.name}/apus.pid") as file:
            return int(file.read().split()[0])

    def check_process(self):
        if self.pid() != self.pids[-1]:
            raise Broken(f"{self.name}: process {self.pids[-1]} served it, now process {self.pid()} does")
        # Of one that has ended, and of whom nobody has taken notice, there is no memory any more.
        if not os.path.exists(f"/proc/{self.pids[-1]}/exe"):
            raise Broken(f"{self.name}: its daemon, process {self.pids[-1]}, has ended")

    def measure(self, is_quiet):
        """Notes resident memory; what is judged is how much there is, and how many descriptors, when nothing is open."""
        self.check_process()
        pid, now = self.pids[-1], time.monotonic() - self.begun
        with open(f"/proc/{pid}/status") as file:
            rows = dict(line.split(":", 1) for line in file)
        resident = int(rows["VmRSS"].split()[0]) << 10
        self.most = max(self.most, resident)
        if is_quiet:
            self.memory.setdefault(pid, []).append((now, resident))
            self.descriptors.setdefault(pid, []).append((now, len(os.listdir(f"/proc/{pid}/fd"))))

    def forget_warm_up(self):
        self.memory.clear()
        self.descriptors.clear()

    def log_lines(self):
        with open(self.log, "rb") as file:
            return sum(1 for _ in file)

    def check_log(self):
        with open(self.log, errors="replace") as file:
            for line in file:
                if "Fatal error" in line or "Segmentation" in line or "*** " in line:
                    raise Broken(f"{self.name}: its log says: {line.strip()[:300]}")
