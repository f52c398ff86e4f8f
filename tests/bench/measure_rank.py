#!/usr/bin/env python3
"""Run a command and append what it used to a file, as a line of JSON: measure_rank.py FILE COMMAND...

For one rank among others: mpirun -np 1 measure_rank.py FILE ./fedmpi ... : -np 5 ./fedmpi ...
"""

import json
import os
import resource
import subprocess
import sys


def main() -> int:
    code = subprocess.run(sys.argv[2:], check=False).returncode
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    with open(sys.argv[1], "a", encoding="utf-8") as file:
        json.dump({"processor_seconds": used.ru_utime + used.ru_stime,
                   "peak_megabytes": used.ru_maxrss / 1024, "pid": os.getpid()}, file)
        file.write("\n")
    return code


if __name__ == "__main__":
    sys.exit(main())
