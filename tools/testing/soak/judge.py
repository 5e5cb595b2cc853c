"""Judges what a soak has measured: plain functions of numbers, so that each can be shown to fail."""

# Resident memory, in bytes. What a daemon keeps on purpose (events, the recorder, a log of its ports) is there after the
# warm-up or is a few megabytes more; a leak goes on.
LARGEST_GROWTH = 24 << 20
LARGEST_LATE_GROWTH = 8 << 20
LATE_FROM = 30 * 60
# Descriptors at quiet moments, when everything that was opened is closed again.
LARGEST_DESCRIPTOR_GROWTH = 4
# Lines of a daemon's log: some for each operation, and a few a minute for nothing.
LINES_PER_OPERATION = 12
LINES_PER_MINUTE = 30


def median(values):
    values = sorted(values)
    return values[len(values) // 2]


def memory(series):
    """What is wrong with resident memory over time, pairs of seconds and bytes; None if nothing is."""
    if len(series) < 6:
        return None
    third = len(series) // 3
    first, middle, last = (
        median([size for _, size in part])
        for part in (series[:third], series[third : 2 * third], series[-third:])
    )
    if last - first > LARGEST_GROWTH:
        return f"resident memory grew from {first >> 10} to {last >> 10} KiB"
    if series[-1][0] - series[0][0] >= LATE_FROM and last - middle > LARGEST_LATE_GROWTH:
        return f"resident memory still grows late: from {middle >> 10} to {last >> 10} KiB"
    return None


def descriptors(series):
    """What is wrong with open descriptors at quiet moments, pairs of seconds and counts."""
    if len(series) < 2:
        return None
    # The least of some: an operation that has just ended may have one open for a moment.
    some = max(1, min(5, len(series) // 3))
    first, last = (min(count for _, count in part) for part in (series[:some], series[-some:]))
    if last - first > LARGEST_DESCRIPTOR_GROWTH:
        return f"open descriptors grew from {first} to {last}"
    return None


def log(lines, operations, minutes):
    """What is wrong with how much a daemon has written."""
    bound = LINES_PER_OPERATION * operations + LINES_PER_MINUTE * max(minutes, 1)
    return f"{lines} lines in the log of {operations} operations in {minutes:.1f} minutes" if lines > bound else None


def switch(ports):
    """Whether a switch of known stations has accounted for every frame: each came in once, and left or was dropped once."""
    came = sum(port["receive_packets"] for port in ports)
    left = sum(port["transmit_packets"] for port in ports)
    dropped = sum(sum(port["drops"][way].values()) for port in ports for way in ("in", "out"))
    if came != left + dropped:
        return f"{came} frames came in, {left} left and {dropped} were dropped: {came - left - dropped} are not accounted for"
    return None


def station(name, port, interface, heard):
    """Whether a station's kernel and its program have had what its port counted; all as differences to a quiet start."""
    if interface["tx_packets"] != port["receive_packets"]:
        return f"{name} sent {interface['tx_packets']} frames, its port received {port['receive_packets']}"
    had = interface["rx_packets"] + interface["rx_dropped"]
    if had != port["transmit_packets"]:
        return f"{name}'s port transmitted {port['transmit_packets']} frames, its interface had {had}"
    if heard["received"] + heard["dropped"] != interface["rx_packets"]:
        return (
            f"{name}'s interface had {interface['rx_packets']} frames, its program heard {heard['received']} "
            f"and {heard['dropped']} were dropped before it"
        )
    if heard["twice"]:
        return f"{name} heard {heard['twice']} frames twice"
    if heard["damaged"]:
        return f"{name} heard {heard['damaged']} frames that were damaged"
    return None


def self_test():
    """Feeds each judge good and bad numbers; raises AssertionError where one does not judge."""
    flat = [(second, 100 << 20) for second in range(0, 7200, 10)]
    leak = [(second, (100 << 20) + second * 8192) for second in range(0, 7200, 10)]
    slow = [(second, (100 << 20) + second * 4096) for second in range(0, 7200, 10)]
    warm = [(second, (100 << 20) + min(second, 600) * 16384) for second in range(0, 7200, 10)]
    assert memory(flat) is None and memory(warm) is None and memory(flat[:3]) is None
    assert "grew" in memory(leak) and "late" in memory(slow)
    assert descriptors([(0, 80), (9, 83)]) is None and descriptors([(0, 80)]) is None
    assert "grew" in descriptors([(0, 80), (9, 85)])
    assert log(100, 20, 2) is None and "lines" in log(5000, 20, 2)

    def port(received, transmitted, **drops):
        return {"receive_packets": received, "transmit_packets": transmitted, "drops": {"in": {}, "out": drops}}

    assert switch([port(10, 4), port(5, 8, tap_busy=3)]) is None
    assert "1 are not" in switch([port(10, 4), port(5, 8, tap_busy=2)])
    assert "-1 are not" in switch([port(10, 4), port(5, 8, tap_busy=4)])
    there = {"tx_packets": 5, "rx_packets": 3, "rx_dropped": 1}
    heard = {"received": 3, "dropped": 0, "twice": 0, "damaged": 0}
    assert station("a", port(5, 4), there, heard) is None
    for change, word in [
        (dict(port=port(4, 4)), "received 4"),
        (dict(port=port(5, 5)), "transmitted 5"),
        (dict(heard=heard | {"received": 2}), "heard 2"),
        (dict(heard=heard | {"twice": 1}), "twice"),
        (dict(heard=heard | {"damaged": 1}), "damaged"),
    ]:
        said = station("a", **({"port": port(5, 4), "interface": there, "heard": heard} | change))
        assert said and word in said, (change, said)
