#!/usr/bin/env python3
"""A whole run that takes a moment, then its resume: short_run.py PROGRAM RANKS [PREFIX...]

For sanitizers and valgrind: everything is switched on that a run can do, and the
exit code is the program's own.
"""

import os
import subprocess
import sys
import tempfile
from pathlib import Path

os.environ["FEDMPI"] = sys.argv[1]
import program  # noqa: E402: reads FEDMPI

SETTINGS = ["data.train_limit=320", "data.validation_samples=20", "data.normalize=standard",
            "data.drop_constant_features=true", "training.persistent_momentum=true",
            "training.weight_decay=0.001", "federated.clients_per_round=5",
            "federated.evaluate_every=2"]


def main() -> int:
    ranks, prefix = int(sys.argv[2]), tuple(sys.argv[3:])
    with tempfile.TemporaryDirectory(prefix="fedmpi-test-") as name:
        folder = Path(name)
        program.write_data(folder / "data", program.make_samples(330),
                           program.make_samples(120, seed=2), compress=True)
        config = folder / "run.ini"
        config.write_text(program.SMALL.format(data=folder / "data", folder=folder))
        overrides = [part for setting in SETTINGS for part in ("--set", setting)]
        for rounds in (2, 3):
            line = program.command(ranks, "--resume", *overrides, "--set",
                                   f"federated.rounds={rounds}", config, prefix=prefix)
            code = subprocess.run(line, check=False, timeout=280).returncode
            if code:
                return code
    return 0


if __name__ == "__main__":
    sys.exit(main())
