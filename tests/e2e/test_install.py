"""`make install` and `make uninstall`, and what the installed program needs."""

import os
import re
import shutil
import subprocess
import tempfile
import unittest
from pathlib import Path

import h5py
import program
from markdown_pages import links
from program import ROOT, ProgramCase

BUILD = program.PROGRAM.parent if program.PROGRAM.parent != ROOT else ROOT / "build"
EXPECTED = ("bin/fedmpi", "lib/libfedmpi.a", "lib/pkgconfig/fedmpi.pc",
            "include/fedmpi/core/error.h", "include/fedmpi/sim/engine.h",
            "share/man/man1/fedmpi.1", "share/bash-completion/completions/fedmpi",
            "share/zsh/site-functions/_fedmpi", "share/fedmpi/configs/quick.ini",
            "share/fedmpi/configs/paper/base.ini", "share/fedmpi/jobs/setup/data.sh",
            "share/doc/fedmpi/README.md", "share/doc/fedmpi/LICENSE",
            "share/doc/fedmpi/docs/guide/running.md", "share/doc/fedmpi/docs/example.png")
TINY = """
#include "fedmpi/core/random.h"
#include "fedmpi/comm/comm.h"
#include "fedmpi/math/fixed.h"

#include <stdio.h>

int main(int argc, char **argv) {
    fed_comm_t *comm;
    if (fed_comm_create(&argc, &argv, &comm) != FED_OK)
        return 1;
    fed_stream_t stream = {.seed = 1, .purpose = 2};
    float to[3] = {1, 2, 3}, from[3] = {0}, back[3];
    int64_t sums[3] = {0};
    double norm;
    fed_fixed_accumulate(3, to, from, 0.5, sums, &norm);
    fed_fixed_decode(3, sums, back);
    if (fed_comm_is_server(comm))
        printf("%.17g %g\\n", fed_random_uniform(&stream, 3), (double)back[2]);
    fed_comm_destroy(comm);
    return 0;
}
"""

PACKAGING = ROOT / "jobs/packaging"


def make(*arguments: str, **options) -> subprocess.CompletedProcess:
    return subprocess.run(["make", "--no-print-directory", f"BUILD={BUILD}", "WERROR=-Werror",
                           *arguments], cwd=ROOT, check=True, text=True, capture_output=True,
                          timeout=1200, **options)


def files_below(folder: Path) -> set[str]:
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if not path.is_dir()}


class Recipes(unittest.TestCase):
    def test_they_are_of_this_version(self):
        version = (ROOT / "VERSION").read_text().strip()
        recipe, = (PACKAGING / "easybuild").glob("*.eb")
        self.assertTrue(recipe.name.startswith(f"fedmpi-{version}-"), recipe.name)
        self.assertIn(f"version = '{version}'", recipe.read_text())
        self.assertIn(f'version: "{version}"', (PACKAGING / "conda/recipe.yaml").read_text())

    def test_they_name_every_library(self):
        """As the table of what is installed does."""
        table = (ROOT / "jobs/setup/packages.sh").read_text()
        libraries = re.findall(r"(?m)^build.*\|library (?!stdlib)\S+ .*\|([^|~]+)[^|]*\|[^|]+$", table)
        self.assertEqual(len(libraries), 5, libraries)  # and Random123, which is headers alone
        recipes = [path for path in PACKAGING.rglob("*")
                   if path.suffix in (".py", ".eb", ".yaml") and path.name != "repo.yaml"]
        self.assertEqual(len(recipes), 3, recipes)
        for recipe in recipes:
            for library in (*libraries, "random123"):
                self.assertIn(library, recipe.read_text().lower(), recipe)


class Installed(ProgramCase):
    """One installation for all that only use it."""

    @classmethod
    def setUpClass(cls) -> None:
        super().setUpClass()
        kept = tempfile.TemporaryDirectory(prefix="fedmpi-install-")
        cls.addClassCleanup(kept.cleanup)
        cls.prefix = Path(kept.name) / "prefix"
        make("install", f"PREFIX={cls.prefix}")

    def test_all_of_it_is_there_and_goes_again(self):
        self.prefix = self.folder / "prefix"  # its own
        make("install", f"PREFIX={self.prefix}")
        found = files_below(self.prefix)
        self.assertEqual(set(EXPECTED) - found, set())
        self.assertTrue(any(path.startswith("share/modulefiles/fedmpi/") for path in found))
        listed = (self.prefix / "share/fedmpi/installed.txt").read_text().split()
        self.assertEqual(sorted(listed), sorted(found))
        self.assertEqual({str(path.relative_to(ROOT / "include"))
                          for path in (ROOT / "include").rglob("*.h")},
                         {name.removeprefix("include/") for name in found
                          if name.startswith("include/")})
        mine = self.prefix / "include" / "fedmpi" / "mine.h"
        mine.write_text("")
        other = self.prefix / "bin" / "other"
        other.write_text("")
        make("install", f"PREFIX={self.prefix}")  # again, over what is there
        make("uninstall", f"PREFIX={self.prefix}")
        self.assertEqual(files_below(self.prefix), {"include/fedmpi/mine.h", "bin/other"})
        mine.unlink()
        make("install", f"PREFIX={self.prefix}")
        make("uninstall", f"PREFIX={self.prefix}")
        self.assertEqual(files_below(self.prefix), {"bin/other"})
        self.assertEqual([path for path in self.prefix.rglob("fedmpi")], [])
        with self.assertRaises(subprocess.CalledProcessError):
            make("uninstall", f"PREFIX={self.prefix}")

    def test_pages_link_to_what_is_installed(self):
        pages = sorted((self.prefix / "share/doc").rglob("*.md"))
        found = [(page, name) for page in pages for name, _ in links(page.read_text()) if name]
        self.assertGreater(len(found), 60)
        for page, name in found:
            with self.subTest(page=page.name, link=name):
                target = (page.parent / name).resolve()
                self.assertTrue(target.exists())
                self.assertTrue(target.is_relative_to(self.prefix.resolve()))

    def test_a_packager_has_destdir(self):
        stage = self.folder / "stage"
        make("install", "PREFIX=/usr", f"DESTDIR={stage}")
        self.assertEqual(set(EXPECTED) - files_below(stage / "usr"), set())
        self.assertNotIn(str(stage), (stage / "usr/lib/pkgconfig/fedmpi.pc").read_text())
        make("uninstall", "PREFIX=/usr", f"DESTDIR={stage}")
        self.assertEqual(files_below(stage), set())

    @unittest.skipUnless(shutil.which("pkg-config"), "pkg-config is not installed")
    def test_a_program_against_the_library(self):
        environment = {**os.environ, "PKG_CONFIG_PATH": str(self.prefix / "lib/pkgconfig")}
        flags = subprocess.run(["pkg-config", "--cflags", "--libs", "fedmpi"], check=True,
                               text=True, capture_output=True, env=environment).stdout.split()
        version = subprocess.run(["pkg-config", "--modversion", "fedmpi"], check=True, text=True,
                                 capture_output=True, env=environment).stdout
        self.assertRegex(version, r"^\d+\.\d+\.\d+")
        source = self.write("tiny.c", TINY)
        subprocess.run(["mpicc", "-std=gnu11", "-Wall", "-Werror", source, *flags, "-o",
                        self.folder / "tiny"], check=True, cwd=self.folder, timeout=120)
        done = subprocess.run(["mpirun", "-np", "2", self.folder / "tiny"], check=True, text=True,
                              capture_output=True, cwd=self.folder, timeout=120)
        self.assertRegex(done.stdout, r"^0\.\d+ 1\.5\n$")

    def test_the_installed_program_runs_from_any_folder(self):
        """With a configuration that is only installed; data are where the user is."""
        installed = self.prefix / "bin" / "fedmpi"
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        settings = ["data.dataset=idx", f"data.path={self.data}", "data.train_limit=0",
                    "federated.rounds=1",
                    "partition.clients=4", "partition.samples_per_client=20",
                    "federated.clients_per_round=0", "federated.tracked_clients="]
        line = [installed, *(part for setting in settings for part in ("--set", setting))]
        for number, name in enumerate(("configs/quick.ini", "quick.ini", "paper/e5.ini")):
            done = subprocess.run([*line, "-o", f"{number}.h5", name], cwd=elsewhere, check=False,
                                  text=True, capture_output=True, timeout=120)
            self.assertEqual(done.returncode, 0, done.stderr)
            self.assertIn(f"{self.prefix}/share/fedmpi/configs/", done.stderr)
        with h5py.File(elsewhere / "2.h5") as file:
            self.assertEqual(bytes(file["config"].attrs["training.epochs"]), b"5")
        (elsewhere / "quick.ini").write_text("[federated]\nrounds = none\n")
        done = subprocess.run([*line, "quick.ini"], cwd=elsewhere, check=False, text=True,
                              capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 2, "one that is here comes first")
        done = subprocess.run([*line, "nowhere.ini"], cwd=elsewhere, check=False, text=True,
                              capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 2)
        self.assertIn("fedmpi: nowhere.ini: ", done.stderr)
        self.assertIn(f"{self.prefix}/share/fedmpi/configs", done.stderr)

    def test_what_is_missing_is_told_for_where_the_program_is(self):
        installed = self.prefix / "bin" / "fedmpi"
        done = subprocess.run([installed, "quick.ini"], cwd=self.folder, check=False, text=True,
                              capture_output=True, timeout=120)
        self.assertEqual(done.returncode, 2, done.stderr)
        self.assertIn(f"{self.prefix}/share/fedmpi/jobs/setup/data.sh mnist", done.stderr)
        self.assertNotIn("make data", done.stderr)
        built = subprocess.run([program.PROGRAM, "--set", "data.path=data/not-here", "--output",
                                self.folder / "built.h5", ROOT / "configs/quick.ini"],
                               cwd=ROOT, check=False, text=True, capture_output=True, timeout=120)
        self.assertIn("make data", built.stderr)

    def test_the_installed_script_gets_data_to_where_the_user_is(self):
        script = self.prefix / "share/fedmpi/jobs/setup/data.sh"
        source = ROOT / "data" / "mnist"
        if not (source / "train-images-idx3-ubyte.gz").exists():
            self.skipTest("MNIST is not here")
        elsewhere = self.folder / "elsewhere"
        elsewhere.mkdir()
        done = subprocess.run(["sh", script, "mnist"], cwd=elsewhere, check=False, text=True,
                              capture_output=True, timeout=120,
                              env={**os.environ, "FEDMPI_DATA": str(source)})
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue((elsewhere / "data/mnist/train-images-idx3-ubyte.gz").exists())


class Completion(ProgramCase):
    """The bash script, as bash calls it."""

    SCRIPT = ROOT / "src" / "cli" / "completion" / "fedmpi.bash"

    def complete(self, line: str, function: str = "_fedmpi") -> list[str]:
        """What is offered for a line whose last word has been begun. Words end at "=" too."""
        words = re.findall(r"=|[^\s=]+", line) + ([""] if line[-1] in " =" else [])
        if line[-1] == "=":
            words = words[:-1]  # bash: the "=" is the word
        quoted = " ".join(f"'{word}'" for word in words)
        done = subprocess.run(
            ["bash", "--norc", "-c", f"source {self.SCRIPT}; COMP_WORDS=({quoted}); "
             f"COMP_CWORD={len(words) - 1}; {function} '{words[0]}' '{words[-1]}'; "
             "printf '%s\\n' \"${COMPREPLY[@]}\""],
            check=True, text=True, capture_output=True, cwd=self.folder, timeout=120)
        return sorted(done.stdout.split())

    def test_it_is_registered(self):
        done = subprocess.run(["bash", "--norc", "-c", f"source {self.SCRIPT}; "
                               "complete -p fedmpi; complete -p mpirun"], check=True, text=True,
                              capture_output=True)
        self.assertEqual(done.stdout, "complete -F _fedmpi fedmpi\n"
                         "complete -F _fedmpi_launched mpirun\n")

    def test_options_files_keys_and_choices(self):
        fedmpi = program.PROGRAM
        self.write("other.ini", "")
        (self.folder / "more").mkdir()
        self.assertEqual(self.complete(f"{fedmpi} --re"), ["--resume"])
        self.assertIn("--dry-run", self.complete(f"{fedmpi} -"))
        self.assertEqual(self.complete(f"{fedmpi} "), ["more/", "other.ini", "run.ini"])
        self.assertEqual(self.complete(f"{fedmpi} --set federated.al"),
                         ["federated.algorithm=", "federated.alpha="])
        self.assertEqual(self.complete(f"{fedmpi} --set federated.algorithm=sca"), ["scaffold"])
        self.assertIn("fedavg", self.complete(f"{fedmpi} run.ini -s federated.algorithm="))
        self.assertEqual(self.complete(f"{fedmpi} --set=training.batch"), ["training.batch_size="])
        self.assertEqual(self.complete(f"{fedmpi} --help part"), ["partition"])
        self.assertEqual(self.complete(f"{fedmpi} --set nonsense"), [])

    def test_behind_mpirun(self):
        line = f"mpirun -np 3 {program.PROGRAM} run.ini --set model.ty"
        self.assertEqual(self.complete(line, "_fedmpi_launched"), ["model.type="])
        self.assertIn("run.ini", self.complete("mpirun -np 3 run", "_fedmpi_launched"))

    @unittest.skipUnless(shutil.which("zsh"), "zsh is not installed")
    def test_the_zsh_script_parses(self):
        subprocess.run(["zsh", "-n", self.SCRIPT.with_name("_fedmpi")], check=True, timeout=120)


if __name__ == "__main__":
    unittest.main()
