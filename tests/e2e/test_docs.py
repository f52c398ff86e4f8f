"""The documentation says what the program does, and what it points to is there."""

import functools
import os
import re
import shutil
import subprocess
import sys
import unittest
from pathlib import Path

import program
from markdown_pages import links

ROOT = program.ROOT
REFERENCE = ROOT / "docs" / "reference"
NOT_OURS = {".git", "build", "data", "results", "report", "fedmpi-build"}


@functools.lru_cache
def pages() -> dict[Path, str]:
    """Every page in Markdown of the repository, without its blocks of code."""
    found = {}
    for folder, folders, files in os.walk(ROOT):
        folders[:] = [name for name in folders if name not in NOT_OURS]
        for name in files:
            if name.endswith(".md"):
                path = Path(folder) / name
                found[path] = path.read_text(encoding="utf-8")
    return found


def anchors(text: str) -> set[str]:
    """Of the headings, as GitHub makes them."""
    found: dict[str, int] = {}
    for heading in re.findall(r"^#+ (.*)$", re.sub(r"^```.*?^```$", "", text,
                                                   flags=re.MULTILINE | re.DOTALL), re.MULTILINE):
        heading = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading)
        slug = re.sub(r"[^\w -]", "", heading).strip().lower().replace(" ", "-")
        number = found.get(slug, 0)
        found[slug] = number + 1
        if number:
            found[f"{slug}-{number}"] = 1
    return set(found)


class Links(unittest.TestCase):
    """In all pages of the repository."""

    def test_files_and_headings_are_there(self) -> None:
        found = [(page, *link) for page, text in pages().items() for link in links(text)]
        self.assertGreater(len(found), 60)
        for page, name, anchor in found:
            target = (page.parent / name).resolve() if name else page
            with self.subTest(page=str(page.relative_to(ROOT)), link=f"{name}#{anchor}"):
                self.assertTrue(target.exists())
                self.assertTrue(target.is_relative_to(ROOT))
                if anchor:
                    self.assertIn(anchor, anchors(pages()[target]))

    def test_links_that_are_broken_are_found(self) -> None:
        self.assertEqual(anchors("# A `b` c, d\n## A b c d\n```\n# no\n```\n"),
                         {"a-b-c-d", "a-b-c-d-1"})

    def test_every_page_is_reached_from_the_front(self) -> None:
        reached, waiting = set(), [ROOT / "README.md"]
        while waiting:
            page = waiting.pop()
            if page in reached:
                continue
            reached.add(page)
            for link, _ in links(pages()[page]):
                target = (page.parent / link).resolve()
                if target in pages():
                    waiting.append(target)
        self.assertEqual(sorted(map(str, set(pages()) - reached)), [])

    def test_files_in_commands_and_texts_are_there(self) -> None:
        """Those of a diff need not be: it makes them."""
        for page, text in pages().items():
            text = re.sub(r"^```diff.*?^```$", "", text, flags=re.MULTILINE | re.DOTALL)
            for path in re.findall(r"(?<![\w./-])(?!\S*NAME)(?:configs|jobs|src|include|analysis|tests|docs)"
                                   r"/[\w./-]*\.\w+", text):
                with self.subTest(page=str(page.relative_to(ROOT)), path=path):
                    self.assertTrue((ROOT / path).exists())

    def test_make_targets_exist(self) -> None:
        targets = set()
        for text in pages().values():
            targets |= set(re.findall(r"^    make ([a-z][\w-]*)", text, re.MULTILINE))
            targets |= set(re.findall(r"`make ([a-z][\w-]*)`", text))
        self.assertIn("demo", targets)
        known = subprocess.run(["make", "--print-data-base", "--dry-run", "help"], cwd=ROOT,
                               check=True, text=True, capture_output=True, timeout=120).stdout
        known = set(re.findall(r"(?<!^# Not a target:\n)^([a-z][\w-]*):", known, re.MULTILINE))
        self.assertEqual(targets - known, set())

    def test_make_help_lists_every_target(self) -> None:
        makefiles = [ROOT / "Makefile", *ROOT.glob("tests/**/*.mk")]
        phony = {name for path in makefiles
                 for names in re.findall(r"^\.PHONY: (.*)$", path.read_text(), re.MULTILINE)
                 for name in names.split() if re.fullmatch(r"[a-z-]+", name)}
        self.assertLess({"demo", "tidy", "bench", "soak"}, phony)
        said = subprocess.run(["make", "--no-print-directory", "help"], cwd=ROOT, check=True,
                              text=True, capture_output=True, timeout=120).stdout
        listed = set(re.findall(r"^  ([a-z-]+) ", said, re.MULTILINE))
        self.assertEqual(phony - listed, {"fuzz-build"})  # what fuzz needs

    def test_modules_of_the_analysis_exist(self) -> None:
        for page, text in pages().items():
            for name in re.findall(r"python3? -m analysis\.(\w+)", text):
                with self.subTest(page=str(page.relative_to(ROOT)), name=name):
                    self.assertTrue((ROOT / "analysis" / f"{name}.py").exists())

    def test_keys_that_are_named_exist(self) -> None:
        """`section.key` in code, and what --set is given."""
        keys = set(subprocess.run([program.PROGRAM, "--complete", ""], check=True, text=True,
                                  capture_output=True).stdout.replace("=", "").split())
        sections = {key.split(".")[0] for key in keys}
        self.assertIn("federated.rounds", keys)
        for page, text in pages().items():
            if page.parent.name == "extend" or page.name == "CHANGELOG.md":
                continue  # they speak of keys that come or went
            named = re.findall(r"`(\w+\.\w+)(?: ?=[^`]*)?`", text)
            named += re.findall(r"(?:--set|-s) (\w+\.\w+)=", text)
            for key in named:
                if key.split(".")[0] in sections and key.split(".")[1] not in ("h", "c", "py"):
                    with self.subTest(page=str(page.relative_to(ROOT)), key=key):
                        self.assertIn(key, keys)


class Design(unittest.TestCase):
    """docs/design/."""

    def test_rooms_and_folders_of_variants_are_those_of_the_sources(self) -> None:
        page = (ROOT / "docs/design/rooms.md").read_text()
        rooms = {path.name for path in (ROOT / "src").iterdir()}
        self.assertEqual(set(re.findall(r"^\| \[`(\w+)`\]", page, re.MULTILINE)), rooms)
        inner = {"completion", "simd"}  # no variants
        folders = {path.name for path in (ROOT / "src").glob("*/*/")} - inner
        self.assertEqual(set(re.findall(r"`(\w+)/`", page)), folders)


class Front(unittest.TestCase):
    """README.md, and what a project is expected to say of itself."""

    def test_it_stays_a_front_page(self) -> None:
        self.assertLessEqual(len((ROOT / "README.md").read_text().splitlines()), 200)

    def test_versions_agree(self) -> None:
        version = (ROOT / "VERSION").read_text().strip()
        self.assertRegex(version, r"^\d+\.\d+\.\d+$")
        self.assertIn(f"\nversion: {version}\n", (ROOT / "CITATION.cff").read_text())
        self.assertIn(f"\n## {version}", (ROOT / "CHANGELOG.md").read_text())
        said = subprocess.run([program.PROGRAM, "--version"], check=True, text=True,
                              capture_output=True).stdout.split()[1]
        self.assertRegex(said, r"^\d+\.\d+\.\d+(\+\d+\.g[0-9a-f]+)?$")

    def test_the_license_is_bsd(self) -> None:
        text = (ROOT / "LICENSE").read_text()
        for words in ("the fedmpi authors", "Redistribution and use in source and binary forms",
                      "Neither the name"):
            self.assertIn(words, text)


class Reference(unittest.TestCase):
    """docs/reference/."""

    def test_it_is_the_programs_own(self) -> None:
        """Keys, variants, columns, options and codes: `make docs` would change nothing."""
        check = subprocess.run([sys.executable, REFERENCE / "make.py", "--check", "--program",
                                program.PROGRAM], check=False, text=True, capture_output=True,
                               timeout=120)
        self.assertEqual(check.returncode, 0, check.stderr)

    def test_every_variable_of_the_scripts_is_listed(self) -> None:
        listed = (REFERENCE / "environment.md").read_text()
        inner = {"FEDMPI_CFLAGS", "FEDMPI_LIBS"}  # what make tells its scripts
        named = set()
        for path in ROOT.glob("jobs/**/*"):
            if path.is_file():
                named |= set(re.findall(r"\bFEDMPI_[A-Z_]+\b", path.read_text()))
        self.assertEqual({name for name in named - inner if f"`{name}`" not in listed}, set())

    def test_the_plugin_that_is_shown_is_the_one_that_runs(self) -> None:
        (shown,) = re.findall(r"^```c\n(.*?)^```$", (ROOT / "docs/extend/README.md").read_text(),
                              re.MULTILINE | re.DOTALL)
        self.assertTrue((ROOT / "src/fl/algorithms/fedprox.c").read_text().endswith(shown))

    @unittest.skipUnless(shutil.which("man"), "man is not installed")
    def test_the_manual_page_renders(self) -> None:
        shown = subprocess.run(["man", "--warnings=w", "-l", REFERENCE / "fedmpi.1"], check=True,
                               text=True, capture_output=True, timeout=120,
                               env={**os.environ, "MANWIDTH": "80", "LC_ALL": "C.UTF-8"})
        self.assertEqual(shown.stderr, "")
        for part in ("NAME", "SYNOPSIS", "--dry-run", "EXIT STATUS", "clients_per_round",
                     "FEDMPI_SIMD"):
            self.assertIn(part, shown.stdout)


if __name__ == "__main__":
    unittest.main()
