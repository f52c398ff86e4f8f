"""The README says what the program does."""

import re
import subprocess
import sys
import unittest

import program

README = program.ROOT / "README.md"


class Readme(unittest.TestCase):
    """What can be checked of it by a machine."""

    def test_reference_is_the_programs_own(self) -> None:
        """Keys, variants and result columns: `make readme` would change nothing."""
        check = subprocess.run(
            [sys.executable, program.ROOT / "jobs" / "setup" / "readme.py", "--check", "--program",
             program.PROGRAM], check=False, text=True, capture_output=True, timeout=60)
        self.assertEqual(check.returncode, 0, check.stderr)

    def test_what_it_points_to_is_there(self) -> None:
        """Files and headings behind its links, and configurations and scripts in its commands."""
        text = README.read_text()
        headings = {re.sub(r"[^\w -]", "", line.lstrip("# ")).lower().replace(" ", "-")
                    for line in text.splitlines() if line.startswith("#")}
        links = re.findall(r"\]\(([^)\s]+)\)", text)
        self.assertGreater(len(links), 3)
        for link in links:
            with self.subTest(link=link):
                if link.startswith("#"):
                    self.assertIn(link[1:], headings)
                elif "://" not in link:
                    self.assertTrue((program.ROOT / link).exists())
        for path in re.findall(r"\b(?!\S*NAME)(?:configs|jobs|src|include|analysis)/[\w./-]*\.\w+", text):
            with self.subTest(path=path):
                self.assertTrue((program.ROOT / path).exists())

    def test_make_targets_exist(self) -> None:
        text = README.read_text()
        targets = set(re.findall(r"^    make ([a-z][\w-]*)", text, re.MULTILINE))
        targets |= set(re.findall(r"`make ([a-z][\w-]*)`", text))
        self.assertIn("demo", targets)
        for target in sorted(targets):
            with self.subTest(target=target):
                made = subprocess.run(["make", "--dry-run", "--no-print-directory", target],
                                      cwd=program.ROOT, check=False, text=True,
                                      capture_output=True, timeout=60)
                self.assertEqual(made.returncode, 0, made.stderr)


if __name__ == "__main__":
    unittest.main()
