"""See that the packages are there that this one is made of, before their absence is a traceback."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import List, Sequence

#: The modules of requirements.txt.
MODULES = ("h5py", "numpy", "pandas", "matplotlib", "scipy", "jinja2", "tabulate")

#: Where Debian's packages are, for those whose `python3` is another one.
_SYSTEM = "/usr/bin/python3"


def check() -> None:
    """Say in one line which packages are missing and what brings them.

    A command of this package (`python3 -m`) ends with exit code 2, an import with ImportError.
    """
    missing = [name for name in MODULES if find_spec(name) is None]
    if not missing:
        return
    message = f"{sys.executable} has no {', '.join(missing)}; {_remedy(missing)}"
    if sys.argv[0] != "-m":  # what stands there while -m looks for the module
        raise ImportError(message)
    print(f"error: {message}", file=sys.stderr)
    sys.exit(2)


def _remedy(missing: Sequence[str]) -> str:
    if _system_has_all():
        return f"{_SYSTEM} has them: use that one"
    file = Path(__file__).with_name("requirements.txt")
    what = f"-r {file}" if file.exists() else " ".join(missing)
    ways: List[str] = [f"`{sys.executable} -m pip install {what}`"]
    if os.path.realpath(sys.executable) == os.path.realpath(_SYSTEM):
        ways.insert(0, "`apt install " + " ".join(f"python3-{name}" for name in missing) + "`")
    return " or ".join(ways)


def _system_has_all() -> bool:
    """Whether the system's own Python, which is not this one, has all of the packages."""
    if os.path.realpath(sys.executable) == os.path.realpath(_SYSTEM) or not os.path.exists(_SYSTEM):
        return False
    look = "import sys; from importlib.util import find_spec; sys.exit(not all(map(find_spec, sys.argv[1:])))"
    return subprocess.run([_SYSTEM, "-c", look, *MODULES], check=False).returncode == 0
