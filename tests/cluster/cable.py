"""A long and lossy cable: a program that carries packets between two network interfaces.

    cable.py NAME DELAY_SECONDS LOSS SEED

makes the interfaces NAME and NAME-eth0 in the network where it runs, says "ready", and carries
what is sent into one to the other, that much later, but for a share that it drops. Both end with
it. It needs nothing of the kernel but tap devices; the queueing discipline that would do it for
real interfaces is not in every kernel.
"""

import fcntl
import os
import random
import select
import struct
import sys
import time
from collections import deque

TUNSETIFF = 0x400454CA
IFF_TAP, IFF_NO_PI = 0x0002, 0x1000
LARGEST_FRAME = 1 << 16


def make_tap(name: str) -> int:
    """An interface whose packets this process reads and writes; without offloading, so that all
    are small and have their checksums."""
    tap = os.open("/dev/net/tun", os.O_RDWR | os.O_NONBLOCK)
    fcntl.ioctl(tap, TUNSETIFF, struct.pack("16sH22x", name.encode(), IFF_TAP | IFF_NO_PI))
    return tap


def write(tap: int, frame: bytes) -> None:
    try:
        os.write(tap, frame)
    except OSError:
        pass  # the interface is down: the packet is lost


def read_all(tap: int):
    """Every packet that is there."""
    while True:
        try:
            yield os.read(tap, LARGEST_FRAME)
        except OSError:
            return


def carry(taps: tuple[int, int], delay: float, loss: float, draw: random.Random) -> None:
    underway = deque()  # (when, into which, frame); the delay is one for all: in order
    while True:
        wait = max(0.0, underway[0][0] - time.monotonic()) if underway else None
        readable = select.select(taps, (), (), wait)[0]
        now = time.monotonic()
        for tap in readable:
            for frame in read_all(tap):
                if draw.random() >= loss:
                    underway.append((now + delay, taps[tap == taps[0]], frame))
        while underway and underway[0][0] <= time.monotonic():
            write(*underway.popleft()[1:])


def main() -> None:
    name, delay, loss, seed = sys.argv[1:]
    taps = make_tap(name), make_tap(f"{name}-eth0")
    print("ready", flush=True)
    carry(taps, float(delay), float(loss), random.Random(int(seed)))


if __name__ == "__main__":
    main()
