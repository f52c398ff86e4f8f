"""Merging: nothing is lost, links, and what happens when something is wrong."""

import os
import shutil
import unittest

import h5py
import numpy as np
import pandas as pd

import analysis
from analysis import merge
from case import FolderCase, run_command
from synthetic import write_run


class MergeCase(FolderCase):
    def setUp(self):
        super().setUp()
        self.parts = [
            write_run(self.folder / "parts" / f"e{epochs}.h5", {"training.epochs": epochs})
            for epochs in (5, 10)
        ]
        self.parts.append(
            write_run(
                self.folder / "parts" / "half.h5",
                {"training.epochs": 20},
                status="interrupted",
                rounds=2,
            )
        )
        self.output = self.folder / "sweep.h5"

    def assert_same_tree(self, one, other):
        """Two groups hold the same attributes, data sets and groups, down to types and values."""
        self.assert_same_attributes(one, other)
        self.assertEqual(list(one), list(other))
        for name in one:
            if isinstance(one[name], h5py.Group):
                self.assert_same_tree(one[name], other[name])
            else:
                self.assertEqual(one[name].dtype, other[name].dtype, name)
                self.assertEqual(one[name].shape, other[name].shape, name)
                self.assertEqual(one[name][()].tobytes(), other[name][()].tobytes(), name)
                self.assert_same_attributes(one[name], other[name])

    def assert_same_attributes(self, one, other):
        self.assertEqual(list(one.attrs), list(other.attrs))
        for name in one.attrs:
            first, second = one.attrs.get_id(name), other.attrs.get_id(name)
            self.assertEqual((first.dtype, first.shape), (second.dtype, second.shape), name)
            if not isinstance(one.attrs[name], h5py.Empty):
                np.testing.assert_array_equal(one.attrs[name], other.attrs[name], err_msg=name)

    def assert_same_study(self, one, other):
        for name in (
            "runs",
            "rounds",
            "clients",
            "epochs",
            "local_epochs",
            "label_counts",
            "confusion",
        ):
            first, second = getattr(one, name), getattr(other, name)
            pd.testing.assert_frame_equal(
                first.drop(columns="source", errors="ignore"),
                second.drop(columns="source", errors="ignore"),
            )
        self.assertEqual(one.varying, other.varying)


class MergeCopies(MergeCase):
    def test_every_attribute_and_data_set_is_kept(self):
        names = merge.merge(self.parts, self.output)
        self.assertEqual(names, ["e5", "e10", "half"])
        with h5py.File(self.output, "r") as merged:
            self.assertEqual(set(merged), set(names))
            for name, path in zip(names, self.parts):
                with h5py.File(path, "r") as part:
                    self.assert_same_tree(part, merged[name])

    def test_the_merged_file_loads_like_its_parts(self):
        merge.merge(self.parts, self.output)
        self.assert_same_study(analysis.load(self.parts), analysis.load(self.output))
        self.assertEqual(analysis.load(self.output).runs["source"].iloc[0], f"{self.output}:/e5")

    def test_the_merged_file_beside_its_parts_adds_no_run(self):
        merge.merge(self.parts, self.output)
        study = analysis.load([*self.parts, self.output])
        self.assertEqual(len(study.runs), 3)

    def test_merged_files_can_be_merged(self):
        merge.merge(self.parts[:2], self.output)
        both = self.folder / "both.h5"
        self.assertEqual(
            set(merge.merge([self.output, self.parts[2]], both)), {"e5", "e10", "half"}
        )
        self.assert_same_study(analysis.load(self.parts), analysis.load(both))

    def test_files_of_one_name_become_groups_of_different_names(self):
        twin = write_run(
            self.folder / "twin" / "e5.h5", {"training.epochs": 5, "experiment.seed": 2}
        )
        self.assertEqual(merge.merge([self.parts[0], twin], self.output), ["e5", "e5 #2"])


class MergeLinks(MergeCase):
    def test_links_are_relative_and_load_like_the_parts(self):
        merge.merge(self.parts, self.output, links=True)
        with h5py.File(self.output, "r") as merged:
            link = merged.get("e5", getlink=True)
            self.assertIsInstance(link, h5py.ExternalLink)
            self.assertEqual((link.filename, link.path), (os.path.join("parts", "e5.h5"), "/"))
        self.assert_same_study(analysis.load(self.parts), analysis.load(self.output))

    def test_the_folder_can_be_moved_as_a_whole(self):
        merge.merge(self.parts, self.output, links=True)
        home = self.folder / "elsewhere"
        home.mkdir()
        shutil.move(self.folder / "parts", home)
        shutil.move(self.output, home)
        self.assertEqual(len(analysis.load(home / "sweep.h5").runs), 3)

    def test_a_merged_file_can_be_linked(self):
        merge.merge(self.parts, self.output)
        linked = self.folder / "linked.h5"
        merge.merge(self.output, linked, links=True)
        with h5py.File(linked, "r") as file:
            self.assertEqual(file.get("e10", getlink=True).path, "/e10")
        self.assert_same_study(analysis.load(self.parts), analysis.load(linked))

    def test_links_can_be_copied_into_one_file(self):
        linked = self.folder / "linked.h5"
        merge.merge(self.parts, linked, links=True)
        merge.merge(linked, self.output)
        shutil.rmtree(self.folder / "parts")
        self.assertEqual(len(analysis.load(self.output).runs), 3)

    def test_links_of_links_point_to_the_runs_themselves(self):
        linked, again = self.folder / "linked.h5", self.folder / "again.h5"
        merge.merge(self.parts, linked, links=True)
        merge.merge(linked, again, links=True)
        linked.unlink()
        self.assertEqual(len(analysis.load(again).runs), 3)

    def test_a_link_whose_file_is_gone_is_named(self):
        merge.merge(self.parts, self.output, links=True)
        self.parts[1].unlink()
        with self.assertRaisesRegex(
            analysis.ResultsError, r"sweep.h5: e10 is a link to parts/e10.h5, which cannot"
        ):
            analysis.load(self.output)


class MergeRefuses(MergeCase):
    def test_an_existing_file_is_kept_unless_forced(self):
        self.output.write_text("precious")
        outcome = run_command(merge.main, *self.parts, "-o", self.output)
        self.assertEqual((outcome.code, self.output.read_text()), (2, "precious"))
        self.assertIn("already exists; --force replaces it", outcome.stderr)
        outcome = run_command(merge.main, *self.parts, "-o", self.output, "--force")
        self.assertEqual((outcome.code, outcome.stdout), (0, f"{self.output}: 3 runs copied\n"))
        self.assertEqual(len(analysis.load(self.output).runs), 3)

    def test_a_forced_merge_does_not_take_its_output_for_a_part(self):
        output = self.folder / "parts" / "sweep.h5"
        for _ in range(2):
            outcome = run_command(merge.main, f"{self.folder}/parts/*.h5", "-o", output, "--force")
            self.assertIn("3 runs", outcome.stdout)

    def test_a_broken_part_is_named_and_nothing_half_written_stays(self):
        broken = self.folder / "parts" / "broken.h5"
        shutil.copy(self.parts[0], broken)
        os.truncate(broken, broken.stat().st_size // 2)
        before = self.names()
        for options in ([], ["--links"]):
            outcome = run_command(merge.main, *self.parts, broken, "-o", self.output, *options)
            self.assertEqual(outcome.code, 2)
            self.assertIn("broken.h5: damaged", outcome.stderr)
            self.assertEqual(self.names(), before)

    def test_a_failure_keeps_the_file_that_was_to_be_replaced(self):
        merge.merge(self.parts, self.output)
        content = self.output.read_bytes()
        (self.folder / "text.h5").write_text("no")
        outcome = run_command(
            merge.main, self.parts[0], self.folder / "text.h5", "-o", self.output, "--force"
        )
        self.assertIn("text.h5: not an HDF5 file", outcome.stderr)
        self.assertEqual(self.output.read_bytes(), content)

    def test_an_output_that_cannot_be_written(self):
        outcome = run_command(merge.main, *self.parts, "-o", self.parts[0] / "sweep.h5")
        self.assertEqual(outcome.code, 2)
        self.assertIn("cannot be written", outcome.stderr)
        self.assertEqual(outcome.stderr.count("\n"), 1)


if __name__ == "__main__":
    unittest.main()
