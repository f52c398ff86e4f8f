"""Set-up: packages that are missing, and data sets from folders and mirrors."""

import functools
import gzip
import hashlib
import http.server
import os
import shutil
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

import program

PACKAGES = program.ROOT / "jobs" / "setup" / "packages.sh"
DATA = program.ROOT / "jobs" / "setup" / "data.sh"
TOOLS = ("sh awk cut grep id mktemp rm sed tr cat env gcc cc make mpicc mpirun ld as ar"
         " pkg-config").split()
MNIST = {"train-images-idx3-ubyte.gz", "train-labels-idx1-ubyte.gz",
         "t10k-images-idx3-ubyte.gz", "t10k-labels-idx1-ubyte.gz"}
APT = """#!/bin/sh
echo "apt-get $*" >>"{log}"
"""


class SetupCase(unittest.TestCase):
    """A test with a folder."""

    def setUp(self) -> None:
        folder = tempfile.TemporaryDirectory(prefix="fedmpi-test-")
        self.addCleanup(folder.cleanup)
        self.folder = Path(folder.name)

    def call(self, *line: object, **environment: str) -> subprocess.CompletedProcess:
        return subprocess.run([str(part) for part in line], check=False, text=True,
                              capture_output=True, timeout=120, stdin=subprocess.DEVNULL,
                              cwd=program.ROOT, env={**os.environ, **environment})

    def executable(self, path: Path, text: str) -> None:
        path.write_text(text)
        path.chmod(0o755)


class Packages(SetupCase):
    """jobs/setup/packages.sh, and make where a library is missing."""

    def tools(self) -> Path:
        """A PATH with what the script calls, and nothing that installs."""
        folder = self.folder / "bin"
        folder.mkdir()
        for name in TOOLS:
            if path := shutil.which(name):
                (folder / name).symlink_to(path)
        return folder

    def test_says_nothing_where_nothing_is_missing(self) -> None:
        for arguments in (["--missing", "build"], ["build"]):
            done = self.call(PACKAGES, *arguments)
            self.assertEqual((done.returncode, done.stdout, done.stderr), (0, "", ""))

    def test_names_packages_where_it_cannot_install(self) -> None:
        done = self.call(PACKAGES, "demo", PATH=str(self.tools()), PYTHON="/bin/false")
        self.assertEqual(done.returncode, 1)
        for part in ("Python module h5py", "apt install python3-h5py", "dnf install", "brew install",
                     "spack install py-h5py", "conda install -c conda-forge h5py"):
            self.assertIn(part, done.stderr)
        self.assertNotIn("libhdf5-dev", done.stderr)

    def test_installs_only_what_is_missing(self) -> None:
        """By one apt-get update and one install, which here do nothing but write a line."""
        tools, log = self.tools(), self.folder / "log"
        self.executable(tools / "apt-get", APT.format(log=log))
        self.executable(tools / "sudo", "#!/bin/sh\nexec \"$@\"\n")
        (tools / "tail").symlink_to(shutil.which("tail"))
        done = self.call(PACKAGES, "demo", PATH=str(tools), PYTHON="/bin/false")
        self.assertEqual(done.returncode, 1, "still missing: the message names it")
        update, install = log.read_text().splitlines()
        self.assertIn("update", update)
        self.assertIn("install -y --no-install-recommends", install)
        self.assertIn("python3-h5py python3-pandas python3-matplotlib", install)
        self.assertNotIn("libhdf5-dev", install)

    def test_names_the_library_of_which_only_a_header_is_there(self) -> None:
        """As where another package brings a cblas.h and OpenBLAS is not installed."""
        (self.folder / "bin").mkdir()
        self.executable(self.folder / "bin" / "pkg-config",
                        "#!/bin/sh\ncase $* in *--libs*openblas*) echo -lnothere; exit;; esac\n"
                        f"exec {shutil.which('pkg-config')} \"$@\"\n")
        done = self.call(PACKAGES, "--missing", "build",
                         PATH=f"{self.folder / 'bin'}:{os.environ['PATH']}")
        self.assertEqual(done.returncode, 1)
        self.assertIn("(Debian package libopenblas-dev)", done.stderr)
        self.assertNotIn("libhdf5-dev", done.stderr)

    def test_unknown_task_is_refused(self) -> None:
        for arguments in ([], ["everything"], ["build", "demo"]):
            done = self.call(PACKAGES, *arguments)
            self.assertEqual(done.returncode, 2)
            self.assertIn("usage: ", done.stderr)

    def make(self, *variables: str, **environment: str) -> subprocess.CompletedProcess:
        target = self.folder / "build" / "libraries.found"
        return self.call("make", f"BUILD={target.parent}", *variables, target, MAKEFLAGS="",
                         **environment)

    def test_make_names_the_missing_library(self) -> None:
        for variable, package, others in (
                ("HDF5_LIBS=-lnothere", "libhdf5-dev", ("libsodium-dev", "zlib1g-dev")),
                ("HDF5_CFLAGS=", "libhdf5-dev", ("libsodium-dev",)),
                ("SODIUM_LIBS=", "libsodium-dev", ("libhdf5-dev", "zlib1g-dev"))):
            with self.subTest(variable=variable):
                done = self.make(variable)
                self.assertNotEqual(done.returncode, 0)
                self.assertIn(f"(Debian package {package})", done.stderr)
                for other in others:
                    self.assertNotIn(other, done.stderr)

    def test_make_takes_a_compiler_of_several_words(self) -> None:
        """As ccache, or a compiler for another machine with its options."""
        done = self.make("CC=nothere --sysroot=/")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nothere", done.stderr)
        done = self.make("CC=env OURS=1 mpicc")
        self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_make_builds_elsewhere_too(self) -> None:
        """Also where ./fedmpi is newer than all sources; which is the build asked for last."""
        tree = self.folder / "tree"
        for name in ("src", "include", "jobs", "tests"):
            shutil.copytree(program.ROOT / name, tree / name)
        for name in ("Makefile", "VERSION"):
            shutil.copy(program.ROOT / name, tree)
        (tree / "fedmpi").write_text("another build")
        said = self.call("make", "-C", tree, "--dry-run", "BUILD=other", MAKEFLAGS="").stdout
        self.assertRegex(said, r"-o other/fedmpi\n")
        self.assertRegex(said, r"cp other/fedmpi fedmpi\n")

    def test_make_takes_a_prefix(self) -> None:
        """HDF5 where neither pkg-config nor the compiler finds it."""
        prefix = self.folder / "hdf5"
        flags = self.call("pkg-config", "--cflags", "--libs", "hdf5").stdout.split()
        folders = [flag[2:] for kind in ("-I", "-L") for flag in flags if flag.startswith(kind)]
        if len(folders) != 2:
            self.skipTest("HDF5 is where the compiler looks by itself")
        prefix.mkdir()
        (prefix / "include").symlink_to(folders[0])
        (prefix / "lib").symlink_to(folders[1])
        (self.folder / "bin").mkdir()
        self.executable(self.folder / "bin" / "pkg-config",
                        "#!/bin/sh\ncase $* in *hdf5*) exit 1;; esac\n"
                        f"exec {shutil.which('pkg-config')} \"$@\"\n")
        self.executable(self.folder / "bin" / "h5cc", "#!/bin/sh\nexit 1\n")
        path = f"{self.folder / 'bin'}:{os.environ['PATH']}"
        self.assertNotEqual(self.make(PATH=path).returncode, 0)
        done = self.make(f"HDF5_DIR={prefix}", PATH=path)
        self.assertEqual(done.returncode, 0, done.stderr)


def find_mnist() -> Path:
    """The real files, wherever a developer or a test machine has them; or a skip."""
    places = [program.ROOT / "data" / "mnist", program.ROOT.parent / "shared" / "data" / "mnist"]
    if given := os.environ.get("FEDMPI_DATA"):
        places = [Path(given), Path(given) / "mnist", *places]
    for place in places:
        if MNIST <= {path.name for path in place.glob("*.gz")}:
            return place
    raise unittest.SkipTest("MNIST is not here")


class QuietHandler(http.server.SimpleHTTPRequestHandler):
    """A mirror that does not log."""

    def log_message(self, *_arguments: object) -> None:
        pass


class Data(SetupCase):
    """jobs/setup/data.sh, from a copy that has no shared folder beside it."""

    def setUp(self) -> None:
        super().setUp()
        self.script = self.folder / "repository" / "jobs" / "setup" / "data.sh"
        self.script.parent.mkdir(parents=True)
        shutil.copy(DATA, self.script)
        self.target = self.folder / "data" / "mnist"

    def get(self, **environment: str) -> subprocess.CompletedProcess:
        environment = {"FEDMPI_DATA": "", "FEDMPI_MIRRORS": "http://127.0.0.1:1", **environment}
        return self.call(self.script, "mnist", self.target, **environment)

    def serve(self) -> tuple[Path, str]:
        """A mirror on this machine: its folder and its address."""
        folder = self.folder / "mirror"
        folder.mkdir()
        handler = functools.partial(QuietHandler, directory=str(folder))
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        return folder, f"http://127.0.0.1:{server.server_port}"

    def assert_complete(self) -> None:
        self.assertEqual({path.name for path in self.target.iterdir()}, MNIST)
        labels = gzip.decompress((self.target / "t10k-labels-idx1-ubyte.gz").read_bytes())
        self.assertEqual(hashlib.sha256(labels).hexdigest()[:16], "ff7bcfd416de3373")

    def test_nothing_reachable_names_the_choices(self) -> None:
        done = self.get()
        self.assertEqual(done.returncode, 1)
        for part in ("http://127.0.0.1:1 cannot be reached", "FEDMPI_DATA=", "FEDMPI_MIRRORS=",
                     "data.path", "train-images-idx3-ubyte"):
            self.assertIn(part, done.stderr)
        self.assertFalse(self.target.exists(), "nothing is left")

    def test_wrong_and_broken_files_of_a_mirror_leave_nothing(self) -> None:
        folder, address = self.serve()
        for content in (gzip.compress(b"another content"), b"<html>", b"\x1f\x8b\x08\x00broken"):
            (folder / "train-images-idx3-ubyte.gz").write_bytes(content)
            done = self.get(FEDMPI_MIRRORS=address)
            self.assertEqual(done.returncode, 1)
            self.assertIn("another content than expected", done.stderr)
            self.assertFalse(self.target.exists())

    def test_next_mirror_helps_out(self) -> None:
        folder, address = self.serve()
        (folder / "good").symlink_to(find_mnist())
        (folder / "bad").mkdir()
        whole = (folder / "good" / "train-images-idx3-ubyte.gz").read_bytes()
        (folder / "bad" / "train-images-idx3-ubyte.gz").write_bytes(whole[:100000])
        done = self.get(FEDMPI_MIRRORS=f"{address}/bad {address}/good")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_complete()
        again = self.get()
        self.assertEqual((again.returncode, again.stderr),
                         (0, f"fedmpi: {self.target} is complete\n"))

    def test_folder_with_plain_files(self) -> None:
        place = find_mnist()
        for folder in (self.folder / "all" / "mnist", self.folder / "flat"):
            folder.mkdir(parents=True)
            for name in MNIST:
                shutil.copy(place / name, folder)
        plain = self.folder / "flat" / "t10k-labels-idx1-ubyte"
        plain.write_bytes(gzip.decompress((plain.parent / (plain.name + ".gz")).read_bytes()))
        (plain.parent / (plain.name + ".gz")).unlink()
        done = self.get(FEDMPI_DATA=str(self.folder / "all"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assert_complete()
        shutil.rmtree(self.target)
        done = self.get(FEDMPI_DATA=str(self.folder / "flat"))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((self.target / plain.name).exists())

    def test_damaged_file_is_replaced(self) -> None:
        """Also one whose plain form the program would read in place of the good one."""
        place = find_mnist()
        shutil.copytree(place, self.target)
        (self.target / "t10k-labels-idx1-ubyte").write_bytes(b"damaged")
        (self.target / "train-labels-idx1-ubyte.gz").write_bytes(b"damaged")
        done = self.get(FEDMPI_DATA=str(place))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertIn("2 files checked", done.stderr)
        self.assert_complete()

    def test_unknown_data_set_is_refused(self) -> None:
        done = self.call(self.script, "mnits", self.target)
        self.assertEqual(done.returncode, 2)
        self.assertIn("usage: ", done.stderr)
        self.assertFalse(self.target.exists())


if __name__ == "__main__":
    unittest.main()
