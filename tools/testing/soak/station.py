"""A station of the soak, in its network namespace: sends frames to others and counts what it hears.

Arguments: interface, own number, addresses of all stations, seed, and `forget` to keep one heard frame to itself.
Commands come by standard input, a line each: `go RATE`, `stop`, `report`; each is answered by a line of JSON.
"""

import json
import random
import socket
import struct
import sys
import threading
import time
import zlib

ETHERTYPE = 0x88B5
PACKET_STATISTICS = 6
SOL_PACKET = 263
HEAD = struct.Struct("!BBQI")  # sender, receiver, number, sum of what follows


class Station:
    def __init__(self, interface, number, addresses, seed, forgets):
        self.number, self.addresses = number, [bytes.fromhex(a.replace(":", "")) for a in addresses]
        self.random = random.Random(seed * 100 + number)
        self.forgets = forgets
        self.socket = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, socket.htons(ETHERTYPE))
        self.socket.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 32 << 20)
        self.socket.bind((interface, ETHERTYPE))
        self.rate = 0
        self.sent, self.refused = [0] * len(addresses), 0
        self.heard = {"received": 0, "dropped": 0, "twice": 0, "damaged": 0}
        self.known = [bytearray(1 << 21) for _ in addresses]
        for work in (self.send, self.hear):
            threading.Thread(target=work, daemon=True).start()

    def frame(self, peer):
        body = self.random.randbytes(self.random.choice((20, 64, 400, 1400)))
        head = HEAD.pack(self.number, peer, self.sent[peer], zlib.crc32(body))
        return self.addresses[peer] + self.addresses[self.number] + struct.pack("!H", ETHERTYPE) + head + body

    def send(self):
        peers = [n for n in range(len(self.addresses)) if n != self.number]
        while True:
            if not self.rate:
                time.sleep(0.01)
                continue
            for _ in range(max(1, self.rate // 100)):
                peer = self.random.choice(peers)
                try:
                    self.socket.send(self.frame(peer))
                except OSError:
                    # Its carrier is down, or its queue is full: the frame never was on the wire.
                    self.refused += 1
                self.sent[peer] += 1
            time.sleep(0.01)

    def hear(self):
        while True:
            try:
                frame, where = self.socket.recvfrom(65536)
            except OSError:
                # The interface went down; it comes back.
                continue
            if where[2] == socket.PACKET_OUTGOING:
                continue
            self.take(frame)

    def take(self, frame):
        heard = self.heard
        if self.forgets and heard["received"] == 1000:
            self.forgets = False
            return
        heard["received"] += 1
        if len(frame) < 14 + HEAD.size:
            heard["damaged"] += 1
            return
        sender, receiver, number, total = HEAD.unpack_from(frame, 14)
        body = frame[14 + HEAD.size :]
        if receiver != self.number or sender >= len(self.known) or zlib.crc32(body) != total:
            heard["damaged"] += 1
            return
        known, place = self.known[sender], number % (8 << 21)
        if known[place >> 3] & 1 << (place & 7):
            heard["twice"] += 1
        known[place >> 3] |= 1 << (place & 7)
        # Numbers come round after millions: their places are free again long before.
        ahead = (place + (4 << 21)) % (8 << 21)
        known[ahead >> 3] = 0

    def report(self):
        # The kernel forgets its count when it tells it.
        _, dropped = struct.unpack("II", self.socket.getsockopt(SOL_PACKET, PACKET_STATISTICS, 8))
        self.heard["dropped"] += dropped
        return self.heard | {"sent": sum(self.sent) - self.refused, "refused": self.refused}


def main():
    interface, number, addresses, seed = sys.argv[1], int(sys.argv[2]), sys.argv[3].split(","), int(sys.argv[4])
    station = Station(interface, number, addresses, seed, "forget" in sys.argv[5:])
    for line in sys.stdin:
        words = line.split()
        if words[0] == "go":
            station.rate = int(words[1])
        elif words[0] == "stop":
            station.rate = 0
        print(json.dumps(station.report()), flush=True)


if __name__ == "__main__":
    main()
