"""The power fails at any moment: what the disk has then goes on to the same bits.

A run is recorded: what it writes, renames, removes and syncs. From the records follow the states
that a disk may have after a power loss: of a file what was synced is there, of what was not any
part; of the names in a folder those that were synced, and of what was done to them since then no
more than the first few. FEDMPI_POWER_LOSSES (default 60) says how many states are tried of each
run; with FEDMPI_POWER_LOSS_REPORT a line for each is printed.
"""

import os
import random
import re
import shutil
import subprocess
import unittest
from dataclasses import dataclass, field
from pathlib import Path

import h5py
from program import ProgramCase, overrides

STATES = int(os.environ.get("FEDMPI_POWER_LOSSES", "60"))
REPORT = bool(os.environ.get("FEDMPI_POWER_LOSS_REPORT"))
ROUNDS = 4
SETTINGS = ("training.persistent_momentum=true", "federated.clients_per_round=5",
            "model.hidden=6", "federated.tracked_clients=0", "centralized.epochs=3")


@dataclass
class Call:
    """A record; see record_disk.c."""

    kind: str
    inode: int
    a: int
    b: int
    path: str
    path2: str
    data: bytes = b""


def read_calls(path: Path) -> list[Call]:
    records, at, calls = path.read_bytes(), 0, []
    while at < len(records):
        end = records.index(b"\n", at)
        kind, inode, a, b, first, second = records[at:end].decode().split(" ")
        call = Call(kind, int(inode), int(a), int(b), first, second)
        at = end + 1
        if kind == "write":
            call.data = records[at:at + call.a]
            at += call.a
        calls.append(call)
    return calls


@dataclass
class File:
    """What is on the disk, and what was done since."""

    content: bytes = b""
    pending: list[Call] = field(default_factory=list)


def with_calls(content: bytes, calls: list[Call]) -> bytes:
    """What a file holds behind some writes to it."""
    found = bytearray(content)
    for call in calls:
        end = call.a if call.kind == "resize" else call.b + call.a
        found.extend(bytes(max(0, end - len(found))))
        if call.kind == "resize":
            del found[call.a:]
        else:
            found[call.b:end] = call.data
    return bytes(found)


class Disk:
    """A folder's names and files, on the disk and in the memory of the system."""

    def __init__(self, folder: Path) -> None:
        self.folder = str(folder)
        self.files: dict[int, File] = {}
        self.names: dict[str, int] = {}     # on the disk
        self.renamed: list[tuple[Call, int]] = []  # what was done to names since, and to which file
        self.current: dict[str, int] = {}   # as processes see them

    def take(self, call: Call) -> None:
        if call.kind == "sync":
            self.sync(call)
        elif call.kind in ("write", "resize"):
            self.files.setdefault(call.inode, File()).pending.append(call)
        else:
            inode = call.inode if call.kind == "create" else self.current[call.path]
            if call.kind == "create":
                self.files[inode] = File()
            self.renamed.append((call, inode))
            self.change(self.current, call, inode)

    def sync(self, call: Call) -> None:
        if call.path.rstrip("/") == self.folder:
            for done, inode in self.renamed:
                self.change(self.names, done, inode)
            self.renamed.clear()
        else:
            file = self.files.setdefault(call.inode, File())
            file.content = with_calls(file.content, file.pending)
            file.pending.clear()

    @staticmethod
    def change(names: dict[str, int], call: Call, inode: int) -> None:
        if call.kind in ("create", "link", "rename"):
            names[call.path if call.kind == "create" else call.path2] = inode
        if call.kind in ("unlink", "rename"):
            names.pop(call.path, None)

    def after_power_loss(self, draw: random.Random, kind: str) -> dict[str, bytes]:
        """A state of the disk: name -> content. Kinds: nothing of what was not synced is there;
        names are, and no data; all of it is, as where only the program is killed; or anything."""
        done = {"nothing": 0, "names": len(self.renamed), "all": len(self.renamed),
                "anything": draw.randint(0, len(self.renamed))}[kind]
        names = dict(self.names)
        for call, inode in self.renamed[:done]:
            self.change(names, call, inode)
        share = {"nothing": 0.0, "names": 0.0, "all": 1.0, "anything": draw.random()}[kind]
        return {Path(path).name: with_calls(
            self.files[inode].content,
            [call for call in self.files[inode].pending if draw.random() < share])
            for path, inode in names.items()}


def saved_round(calls: list[Call], folder: Path) -> int:
    """How many checkpoints are on the disk for good: renamed, and the folder synced."""
    renamed = synced = 0
    for call in calls:
        if call.kind == "rename" and call.path2.endswith("run.h5.checkpoint"):
            renamed += 1
        elif call.kind == "sync" and call.path.rstrip("/") == str(folder):
            synced = renamed
    return synced


class PowerLoss(ProgramCase):
    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        cls.library = cls.data / "record_disk.so"
        subprocess.run([os.environ.get("CC", "cc"), "-D_GNU_SOURCE", "-shared", "-fPIC", "-O1",
                        "-o", cls.library, Path(__file__).with_name("record_disk.c"), "-ldl"],
                       check=True)

    def record(self, ranks: int, *settings: str) -> tuple[list[Call], Path]:
        """What a run does to its folder."""
        place, records = self.folder / "recorded", self.folder / "records"
        place.mkdir()
        environment = {**os.environ, "LD_PRELOAD": str(self.library),
                       "RECORD_FOLDER": str(place), "RECORD_FILE": str(records)}
        outcome = self.launch(ranks, *overrides(settings), "--output", place / "run.h5",
                              self.config, prefix=("env", *(f"{name}={environment.pop(name)}" for name
                                                            in ("LD_PRELOAD",))), env=environment)
        self.assertEqual(outcome.code, 0, outcome.stderr)
        return read_calls(records), place

    def go_on(self, state: dict[str, bytes], settings: tuple, saved: int, what: str) -> str:
        """Resume from a state of the disk; what the program says of where it goes on."""
        place = self.folder / "after"
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir()
        for name, content in state.items():
            (place / name).write_bytes(content)
        if "run.h5" in state:
            h5py.File(place / "run.h5").close()  # it can be read before it is made whole
        outcome = self.launch(0, "--resume", *overrides(settings), "--output", place / "run.h5",
                              self.config)
        self.assertEqual(outcome.code, 0, f"{what}\n{outcome.stderr}\n{sorted(state)}")
        self.assert_same(self.whole, place / "run.h5", what)
        self.assertEqual(list(place.glob("*.part")), [], what)
        found = re.search(r"after round (\d+)|: starting", outcome.stderr)
        round_ = int(found[1] or 0) if found else ROUNDS  # what is complete makes no words
        self.assertGreaterEqual(round_, min(saved, ROUNDS), f"{what}\n{outcome.stderr}")
        return f"went on after round {round_}"

    def lose_power(self, ranks: int, *settings: str) -> None:
        settings = (*settings, f"federated.rounds={ROUNDS}")
        self.whole = self.run_small(1, *settings, output="whole.h5")
        calls, folder = self.record(ranks, *settings)
        self.assertGreater(len(calls), 20 * ROUNDS)
        kinds = ("nothing", "names", "anything", "all")
        draw, disk = random.Random(20261127), Disk(folder)
        every, tried = max(1, len(calls) // STATES), set()
        for i, call in enumerate(calls):
            disk.take(call)
            if i % every:
                continue
            kind = kinds[i // every % len(kinds)]
            state = disk.after_power_loss(draw, kind)
            key = hash(tuple(sorted(state.items())))
            if key in tried:
                continue
            tried.add(key)
            what = f"behind call {i} ({call.kind} {Path(call.path).name}) of {len(calls)}, {kind}"
            with self.subTest(what):
                said = self.go_on(state, settings, saved_round(calls[:i + 1], folder), what)
                if REPORT:
                    print(f"{what}: {said}", flush=True)
        self.assertGreater(len(tried), 10)

    def test_results_checkpoint_and_journal(self):
        self.lose_power(0)

    def test_states_of_clients_of_several_ranks(self):
        self.lose_power(3, *SETTINGS)


if __name__ == "__main__":
    unittest.main()
