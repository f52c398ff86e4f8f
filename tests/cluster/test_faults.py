"""Ranks, daemons, nodes and cables that are lost: the run ends, and goes on to the same bits.

FEDMPI_NODE_KILLS (default 6) says how many kills are tried; with FEDMPI_KILL_REPORT a line for
each is printed.
"""

import contextlib
import os
import random
import signal
import subprocess
import time
import unittest
from collections.abc import Callable
from pathlib import Path

from case import ClusterCase
from network import kill_all
from program import LIMIT_SECONDS, overrides, process_words, wait_for

KILLS = int(os.environ.get("FEDMPI_NODE_KILLS", "6"))
REPORT = bool(os.environ.get("FEDMPI_KILL_REPORT"))
SETTINGS = ("federated.rounds=200", "training.epochs=100", "training.persistent_momentum=true",
            "federated.clients_per_round=5", "centralized.epochs=200")
GIVE_UP_SECONDS = 4
#: Of mpirun's own connections: seconds without a word, and between three questions then.
SHORT_KEEPALIVE = ("--mca", "oob_tcp_keepalive_time", 3, "--mca", "oob_tcp_keepalive_intvl", 1,
                   "--mca", "oob_tcp_keepalive_probes", 3)
#: Open MPI's for a daemon that is lost, and a shell's for a signal.
LOST, KILLED = 205, 128 + signal.SIGKILL


class FaultCase(ClusterCase):
    """A run on three nodes, to which something happens."""

    SLOTS = (2, 2, 2)

    def begin(self, *settings: str, options: tuple = (), slots: tuple = SLOTS,
              resume: bool = False) -> subprocess.Popen:
        line = self.on_nodes(slots, *(("--resume",) if resume else ()),
                             *overrides((*SETTINGS, *settings)), self.config, options=options)
        process = subprocess.Popen(line, cwd=self.folder, text=True, stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        for end in (process.stdout.close, process.stderr.close, process.wait, process.kill):
            self.addCleanup(end)
        self.addCleanup(self.clear)
        return process

    def clear(self) -> None:
        """Every node is there, with no process of a run and a whole cable."""
        for number, node in self.network.nodes.items():
            if not node.dead():
                kill_all(node.processes("fedmpi"))
                kill_all(node.processes("orted"))
            if node.dead() or node.relay:
                self.network.start(number)
        for rest in self.folder.glob("run.h5*"):
            rest.unlink()

    def ranks(self) -> dict[int, list[int]]:
        """Node -> processes of the ranks that live there."""
        return {number: node.processes("fedmpi")
                for number, node in self.network.nodes.items() if not node.dead()}

    def wait_until_gone(self) -> float:
        """Seconds until no rank is left on any node."""
        started = time.monotonic()
        wait_for(lambda: not any(self.ranks().values()), "the end of all ranks")
        return time.monotonic() - started

    def wait_for_ranks(self, process: subprocess.Popen) -> dict[int, list[int]]:
        def all_ranks() -> dict[int, list[int]]:
            ranks = self.ranks()
            return ranks if sum(map(len, ranks.values())) == sum(self.SLOTS) else {}
        return wait_for(all_ranks, "all ranks had started", process)

    def resume_on(self, slots: tuple) -> None:
        """Some rounds more, to the bits of a run to which nothing happened."""
        last = f"federated.rounds={self.rounds_in_file() + 2}"
        path = self.run_on(slots, *SETTINGS, last, resume=True)
        whole = self.run_small(1, *SETTINGS, last, output="whole.h5")
        self.assert_same(whole, path)


class Kills(FaultCase):
    def choose(self, victim: str, draw: random.Random) -> tuple[str, Callable[[], None]]:
        """Who is killed, and how."""
        ranks, number = self.ranks(), draw.choice((2, 3))
        if victim == "server's node":
            return "node 1", self.node(1).kill
        if victim == "node":
            return f"node {number}", self.node(number).kill
        if victim == "daemon":
            return (f"the daemon of node {number}",
                    lambda: kill_all(self.node(number).processes("orted")))
        number = draw.choice((1, 2, 3))
        return f"a rank of node {number}", lambda: kill_all([draw.choice(ranks[number])])

    def kill_once(self, victim: str, draw: random.Random, in_set_up: bool) -> str:
        process = self.begin(options=SHORT_KEEPALIVE)
        self.wait_for_ranks(process)
        rounds = draw.randrange(5)
        if not in_set_up:
            wait_for((self.folder / "run.h5").exists, "it had a results file", process)
            self.wait_for_rounds(process, rounds)
        time.sleep(draw.uniform(0.0, 0.3))
        who, kill = self.choose(victim, draw)
        kill()
        gone = self.wait_until_gone()
        code = process.wait(LIMIT_SECONDS)
        self.assertIn(code, (1, LOST, KILLED, signal.SIGKILL, -signal.SIGKILL), who)
        there = self.rounds_in_file()
        for number, node in self.network.nodes.items():
            if node.dead():
                self.network.start(number)
        self.resume_on(draw.choice(((1,), (0, 2, 2), (1, 1, 1), (2, 2, 2))))
        moment = "in the set-up" if in_set_up else f"behind round {rounds}"
        return f"{who} {moment}: exit code {code}, {there} rounds in the file, all ranks gone in " \
               f"{gone:.1f} s"

    def test_kills_lose_nothing(self):
        """Each victim in turn, every third time in the set-up."""
        draw = random.Random(20250201)
        for i in range(KILLS):
            victim = ("a rank", "daemon", "node", "server's node")[i % 4]
            with self.subTest(kill=i, victim=victim):
                report = self.kill_once(victim, draw, in_set_up=i % 3 == 2)
                self.assertEqual(list(self.folder.glob("*.part")), [])
                if REPORT:
                    print(f"kill {i}: {report}", flush=True)
            self.clear()


class Moments(FaultCase):
    """Kills while a rank stands at a known place of its work, where it has stopped itself."""

    #: Moment -> who stops, before which call of its own, after how many of them.
    MOMENTS = {"set-up": (2, "broadcast", 1), "end of training": (2, "agree", 40),
               "gathering": (4, "gather", 12), "saving": (0, "rename", 9)}
    VICTIMS = ("rank", "daemon", "node")

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.library = cls.data / "stop_at.so"
        subprocess.run(["mpicc", "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1", "-o", cls.library,
                        Path(__file__).with_name("stop_at.c"), "-ldl"], check=True)

    def stopped(self) -> list[tuple[int, int]]:
        """Node and process of ranks that have stopped themselves."""
        return [(number, pid) for number, ranks in self.ranks().items() for pid in ranks
                if process_words(pid)[:1] == ["T"]]

    def kill(self, victim: str, number: int, pid: int) -> None:
        if victim == "node":
            self.node(number).kill()
        else:
            daemon = self.node(number).processes("orted") or self.node(number).processes("mpirun")
            kill_all([pid] if victim == "rank" else daemon)

    def kill_at(self, moment: str, victim: str) -> str:
        rank, call, after = self.MOMENTS[moment]
        process = self.begin(options=(*SHORT_KEEPALIVE, "-x", f"LD_PRELOAD={self.library}", "-x",
                                      f"STOP_RANK={rank}", "-x", f"STOP_AT={call}", "-x",
                                      f"STOP_AFTER={after}"))
        number, pid = wait_for(self.stopped, f"a rank stopped at {moment}", process)[0]
        self.kill(victim, number, pid)
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, signal.SIGCONT)  # where it is not the victim
        gone = self.wait_until_gone()
        code = process.wait(LIMIT_SECONDS)
        self.assertIn(code, (1, LOST, KILLED, signal.SIGKILL, -signal.SIGKILL), f"{victim} at {moment}")
        there = self.rounds_in_file()
        if self.node(number).dead():
            self.network.start(number)
        self.resume_on((1, 1, 1))
        return f"{victim} at {moment}: exit code {code}, {there} rounds in the file, all ranks " \
               f"gone in {gone:.1f} s"

    def test_kills_at_known_moments_lose_nothing(self):
        """Each moment with one victim, with FEDMPI_NODE_KILLS=12 and more with each."""
        all_of_them = [(moment, victim) for victim in self.VICTIMS for moment in self.MOMENTS]
        one_each = [(moment, self.VICTIMS[i % 3]) for i, moment in enumerate(self.MOMENTS)]
        for moment, victim in all_of_them if len(all_of_them) <= KILLS else one_each:
            with self.subTest(moment=moment, victim=victim):
                report = self.kill_at(moment, victim)
                self.assertEqual(list(self.folder.glob("*.part")), [])
                if REPORT:
                    print(report, flush=True)
            self.clear()


class Cables(FaultCase):
    GIVES_UP = f"checkpoint.give_up_after={GIVE_UP_SECONDS}"
    GIVEN_UP = r"(?m)^fedmpi: rank {}: waiting \d+ s, [a-z ]+(, round \d+)?(; expected [0-9.e-]+ s)?; " \
               r"no answer from {} in all that time: given up; --resume goes on from the last checkpoint$"

    def cut(self, number: int) -> None:
        self.node(number).cable("down")
        self.addCleanup(self.mend, number)

    def mend(self, number: int) -> None:
        if not self.node(number).dead():
            self.node(number).cable("up")

    def end_of(self, process: subprocess.Popen) -> tuple[int, str]:
        self.wait_until_gone()
        stderr = process.communicate(timeout=LIMIT_SECONDS)[1]
        return process.returncode, stderr

    def test_a_cut_cable_ends_the_run(self):
        """The server names those that it waits for, and they end too, though nobody tells them."""
        process = self.begin(self.GIVES_UP, options=SHORT_KEEPALIVE)
        self.wait_for_ranks(process)
        self.wait_for_rounds(process, 2)
        self.cut(3)
        code, stderr = self.end_of(process)
        self.assertIn(code, (75, LOST), stderr)
        self.assertRegex(stderr, self.GIVEN_UP.format(0, r"rank 4 \(node3\), rank 5 \(node3\)"))
        self.mend(3)
        self.resume_on((1, 2))

    def test_the_servers_cable(self):
        process = self.begin(self.GIVES_UP, options=SHORT_KEEPALIVE)
        self.wait_for_ranks(process)
        self.wait_for_rounds(process, 2)
        self.cut(1)
        code, stderr = self.end_of(process)
        self.assertIn(code, (75, LOST), stderr)
        self.assertRegex(stderr, self.GIVEN_UP.format(0, r"rank 2 \(node2\), .*rank 5 \(node3\)"))
        self.mend(1)
        self.resume_on((1, 1, 1))

    def test_one_that_is_mended_in_time(self):
        last = "federated.rounds=12"
        process = self.begin("checkpoint.give_up_after=60", last)
        self.wait_for_ranks(process)
        self.wait_for_rounds(process, 2)
        self.cut(2)
        time.sleep(2)
        self.mend(2)
        stderr = process.communicate(timeout=LIMIT_SECONDS)[1]
        self.assertEqual(process.returncode, 0, stderr)
        whole = self.run_small(1, *SETTINGS, last, output="whole.h5")
        self.assert_same(whole, self.folder / "run.h5")

    def test_long_and_lossy_ones(self):
        """20 ms each way and one packet in a hundred lost: slow, and the same bits; also where
        one of them is cut for good."""
        for number in (1, 2, 3):
            self.node(number).slow_cable(delay_seconds=0.02, loss=0.01)
        last = "federated.rounds=6"
        process = self.begin(last)
        stderr = process.communicate(timeout=LIMIT_SECONDS)[1]
        self.assertEqual(process.returncode, 0, stderr)
        whole = self.run_small(1, *SETTINGS, last, output="whole.h5")
        self.assert_same(whole, self.folder / "run.h5")

        process = self.begin(self.GIVES_UP, f"output.file={self.folder}/cut.h5", options=SHORT_KEEPALIVE)
        self.wait_for_ranks(process)
        wait_for(lambda: self.rounds_in_file("cut.h5") > 1, "two rounds", process)
        self.cut(3)
        code, stderr = self.end_of(process)
        self.assertIn(code, (75, LOST), stderr)
        self.assertRegex(stderr, self.GIVEN_UP.format(0, r"rank 4 \(node3\), rank 5 \(node3\)"))


if __name__ == "__main__":
    unittest.main()
