"""Figures: each shows its data, and each refuses to be empty."""

import unittest

import numpy as np
from matplotlib.figure import Figure

import analysis
from analysis import figures
from analysis.figures.style import GUIDE, series_styles
from analysis.figures.timing import round_parts
from analysis.paper import PUBLISHED
from analysis.statistics import label_skew
from case import FolderCase
from synthetic import PAPER, write_idx, write_run

#: sample_digits, which draws the data set, has tests of its own.
OF_A_STUDY = [getattr(figures, name) for name in figures.OF_A_STUDY]


def legend_of(figure):
    """The texts of the legend under the panels."""
    return [text.get_text() for legend in figure.legends for text in legend.get_texts()]


def small_print(figure):
    """What stands outside the panels and the legend, lines joined."""
    return " ".join(text.get_text().replace("\n", " ") for text in figure.texts)


def data_lines(axes):
    """The lines of an axes that show data, as pairs of arrays."""
    return [line.get_data(orig=False) for line in axes.lines if line.get_gid() != GUIDE]


class FigureCase(FolderCase):
    def study(self, *configs, **options):
        for i, config in enumerate(configs or [{}]):
            write_run(self.folder / f"{i}.h5", config, **options)
        return analysis.load(f"{self.folder}/*.h5")

    def scaling_study(self):
        for ranks in (2, 3, 5):
            write_run(self.folder / f"strong{ranks}.h5", {"partition.clients": 40}, ranks=ranks)
            write_run(
                self.folder / f"weak{ranks}.h5",
                {"partition.clients": 10 * (ranks - 1)},
                ranks=ranks,
            )
        return analysis.load(f"{self.folder}/*.h5")


class EveryFigure(FigureCase):
    def test_has_data_in_every_panel(self):
        write_run(self.folder / "skewed.h5", {"partition.scheme": "dirichlet"})
        write_run(self.folder / "private.h5", {"privacy.mechanism": "gaussian"})
        study = self.scaling_study()
        for draw in OF_A_STUDY:
            with self.subTest(draw.__name__):
                figure = draw(study)
                self.assertIsInstance(figure, Figure)
                figures.assert_drawn(figure)

    def test_raises_where_there_is_nothing_to_draw(self):
        tables = ["federated/rounds", "federated/local_epochs", "centralized/epochs"]
        for skip in ([], tables):  # tables without rows, and none at all
            study = self.study(
                status="running",
                federated=False,
                centralized=False,
                skip=["partition/label_counts", *skip],
            )
            for draw in OF_A_STUDY:
                with self.subTest(draw.__name__), self.assertRaises(analysis.NothingToDraw):
                    draw(study)

    def test_of_one_run_refuses_unknown_names(self):
        study = self.study()
        for draw in (
            figures.local_training,
            figures.label_distribution,
            figures.confusion_matrix,
            figures.round_times,
        ):
            with (
                self.subTest(draw.__name__),
                self.assertRaisesRegex(analysis.ResultsError, "no run 'x'"),
            ):
                draw(study, "x")

    def test_leaves_the_settings_of_matplotlib_alone(self):
        import matplotlib

        before = dict(matplotlib.rcParams)
        figures.global_model(self.study())
        self.assertEqual(dict(matplotlib.rcParams), before)


class Curves(FigureCase):
    def test_federated_and_centralized_show_the_recorded_values(self):
        study = self.study({"data.validation_samples": 5000})
        figure = figures.federated_and_centralized(study)
        panels = iter(figure.axes)
        for measure in ("accuracy", "loss"):
            for frame, x in ((study.rounds, "round"), (study.epochs, "epoch")):
                axes = next(panels)
                test, *validation = data_lines(axes)
                np.testing.assert_allclose(test, (frame[x], frame[f"test_{measure}"]))
                for line in validation:
                    np.testing.assert_allclose(line, (frame[x], frame[f"validation_{measure}"]))
                self.assertEqual(len(validation), frame is study.rounds)
                self.assertIn(x, axes.get_xlabel().lower())
                self.assertIn(measure, axes.get_ylabel())
        self.assertEqual(
            legend_of(figure),
            [
                f"federated {study.rounds['test_accuracy'].iloc[-1]:.4f}, "
                f"centralized {study.epochs['test_accuracy'].iloc[-1]:.4f}"
            ],
        )
        self.assertIn("thin lines: validation set", small_print(figure))

    def test_an_interrupted_run_is_drawn_as_far_as_it_went(self):
        study = self.study(status="interrupted", rounds=2, centralized=False)
        accuracy, _ = figures.federated_and_centralized(study).axes
        self.assertEqual([len(x) for x, _ in data_lines(accuracy)], [2])

    def test_rounds_that_were_not_evaluated_are_passed_over(self):
        study = self.study({"federated.evaluate_every": 2})
        ((x, _),) = data_lines(figures.global_model(study).axes[0])
        self.assertEqual(x.tolist(), [2, 4, 5])

    def test_conditions_lie_over_each_other_and_are_not_averaged(self):
        study = self.study(*({"training.epochs": epochs} for epochs in (2, 3, 4)))
        figure = figures.federated_and_centralized(study)
        self.assertEqual(len(figure.axes), 4)
        for line, epochs in zip(data_lines(figure.axes[0]), (2, 3, 4)):
            np.testing.assert_allclose(
                line[1], study.rounds[study.rounds["training.epochs"] == epochs]["test_accuracy"]
            )
        self.assertEqual([text.split(":")[0] for text in legend_of(figure)], ["E=2", "E=3", "E=4"])

    def test_both_models_have_one_scale(self):
        study = self.study(test_accuracy=[0.1, 0.2, 0.3, 0.4, 0.5], centralized_accuracy=0.97)
        left, right = figures.federated_and_centralized(study).axes[:2]
        self.assertEqual(left.get_ylim(), right.get_ylim())
        self.assertLess(left.get_ylim()[0], 0.1)

    def test_seeds_are_a_mean_with_a_band(self):
        study = self.study(*({"experiment.seed": seed} for seed in (1, 2, 3)))
        axes = figures.global_model(study).axes[0]
        ((_, y),) = data_lines(axes)
        values = study.rounds.groupby("round")["test_accuracy"]
        np.testing.assert_allclose(y, values.mean())
        band = axes.collections[0].get_paths()[0].vertices[:, 1]
        self.assertAlmostEqual(band.max(), (values.mean() + values.std()).max())
        self.assertAlmostEqual(band.min(), (values.mean() - values.std()).min())

    def test_conditions_of_numbers_have_different_colours_and_other_keys_line_styles(self):
        study = self.study(
            *(
                {"training.epochs": e, "training.persistent_momentum": m}
                for e in (5, 10)
                for m in ("true", "false")
            )
        )
        looks = series_styles(study)
        self.assertEqual(
            len({(str(look["color"]), str(look["linestyle"])) for look in looks.values()}), 4
        )
        self.assertEqual(len({str(look["color"]) for look in looks.values()}), 2)


class Sweep(FigureCase):
    def test_points_are_means_and_published_ranges_are_guides(self):
        study = self.study(
            *({**PAPER, "training.epochs": e, "experiment.seed": s} for e in (5, 10) for s in (1, 2))
        )
        axes = figures.accuracy_over_epochs(study).axes[0]
        means = study.runs.groupby("training.epochs")["federated_test_accuracy"].mean()
        np.testing.assert_allclose(data_lines(axes)[0][1], means)
        bands = [
            patch.get_path().get_extents(patch.get_patch_transform()).intervaly
            for patch in axes.patches
            if patch.get_gid() == GUIDE
        ]
        self.assertEqual(
            [(band.min(), band.max()) for band in bands], list(PUBLISHED.values())
        )

    def test_published_ranges_are_for_the_studys_own_runs_only(self):
        study = self.study({**PAPER, "federated.rounds": 5})
        self.assertEqual(len(figures.accuracy_over_epochs(study).axes[0].patches), 0)


class Privacy(FigureCase):
    def test_points_are_means_over_what_all_rounds_cost(self):
        study = self.study(
            {},
            *(
                {"privacy.mechanism": "gaussian", "privacy.noise_multiplier": z, "experiment.seed": s}
                for z in (0.5, 2)
                for s in (1, 2)
            ),
        )
        axes = figures.accuracy_over_epsilon(study).axes[0]
        private = study.runs[study.runs["privacy.mechanism"] == "gaussian"]
        means = private.groupby("privacy.noise_multiplier")["federated_test_accuracy"].mean()
        x, y = data_lines(axes)[0]
        np.testing.assert_allclose(x, 1.01 * np.sqrt(5) / np.array([2, 0.5]))
        np.testing.assert_allclose(y, means.loc[[2, 0.5]])
        (line,) = [line for line in axes.lines if line.get_gid() == GUIDE]
        plain = study.runs[study.runs["privacy.mechanism"] == "none"]
        self.assertEqual(line.get_ydata()[0], plain["federated_test_accuracy"].item())

    def test_without_noise_there_is_no_point(self):
        study = self.study({"privacy.mechanism": "gaussian", "privacy.noise_multiplier": 0})
        with self.assertRaises(analysis.NothingToDraw):
            figures.accuracy_over_epsilon(study)


class RoundsToTarget(FigureCase):
    def test_curves_never_fall_and_rows_have_panels_of_their_own(self):
        for scheme in ("iid", "shards"):
            for rate in (0.1, 0.2):
                write_run(
                    self.folder / f"{scheme}-{rate}.h5",
                    {"partition.scheme": scheme, "training.learning_rate": rate},
                    test_accuracy=[0.5, 0.9, 0.8, 0.98, 0.97],
                )
        figure = figures.rounds_to_target(analysis.load(f"{self.folder}/*.h5"))
        titles = [axes.get_title("left") for axes in figure.axes]
        self.assertEqual(
            titles,
            [
                "2NN, IID: rounds to 97%\npublished 87, here 3.9 (lr=0.1)",
                "2NN, shards: rounds to 97%\npublished 664, here 3.9 (lr=0.1)",
            ],
        )
        for axes in figure.axes:
            for _, y in data_lines(axes):
                np.testing.assert_allclose(y, [0.5, 0.9, 0.9, 0.98, 0.98])
        self.assertEqual(legend_of(figure), ["learning rate 0.1", "learning rate 0.2"])

    def test_a_row_alone_below_its_target_is_in_view(self):
        study = self.study({"partition.scheme": "iid"}, test_accuracy=[0.1, 0.2, 0.3, 0.3, 0.3])
        (axes,) = figures.rounds_to_target(study).axes
        self.assertLess(axes.get_ylim()[0], 0.3)

    def test_models_that_the_paper_does_not_have_are_nothing_to_draw(self):
        study = self.study({"model.type": "logistic"})
        with self.assertRaises(analysis.NothingToDraw):
            figures.rounds_to_target(study)


class AlgorithmsUnderSkew(FigureCase):
    def test_alphas_have_panels_and_algorithms_curves(self):
        study = self.study(
            *(
                {
                    "partition.scheme": "dirichlet",
                    "partition.alpha": alpha,
                    "experiment.seed": seed,
                    **algorithm,
                }
                for alpha in (1, 0.1)
                for seed in (1, 2)
                for algorithm in ({}, {"federated.server_optimizer": "adam"})
            )
        )
        figure = figures.algorithms_under_skew(study)
        left, right = figure.axes
        self.assertEqual(left.get_title("left"), "Dirichlet, alpha = 0.1")
        rounds = study.rounds[
            (study.rounds["partition.alpha"] == 1)
            & (study.rounds["federated.server_optimizer"] == "adam")
        ]
        means = rounds.groupby("round")["test_accuracy"].mean()
        lines = data_lines(right)
        self.assertEqual(len(lines), 2)
        self.assertTrue(any(np.allclose(y, means) for _, y in lines))
        self.assertEqual(sorted(legend_of(figure)), ["FedAdam", "FedAvg"])


class Clients(FigureCase):
    def test_local_curves_end_with_their_round(self):
        study = self.study({"training.epochs": 3, "federated.rounds": 4})
        axes = figures.local_training(study).axes[0]
        *clients, average = axes.lines
        self.assertEqual(len(clients), 5)
        np.testing.assert_array_equal(average.get_ydata(), study.rounds["test_accuracy"])
        y = clients[0].get_ydata()
        self.assertEqual(np.flatnonzero(np.isnan(y)).tolist(), [3, 7, 11, 15])
        rows = study.local_epochs[study.local_epochs["client"] == 0]
        np.testing.assert_array_equal(y[~np.isnan(y)], rows["test_accuracy"])

    def test_label_distribution_shows_the_counts(self):
        study = self.study({"partition.scheme": "dirichlet", "partition.clients": 7})
        figure = figures.label_distribution(study)
        totals, cells = figure.axes[:2]
        counts = study.label_counts.pivot(index="class", columns="client", values="samples")
        np.testing.assert_array_equal(cells.images[0].get_array(), counts)
        self.assertEqual([bar.get_height() for bar in totals.patches], counts.sum().tolist())
        self.assertEqual(len(cells.texts), int((counts > 0).sum().sum()))
        skew = label_skew(counts.to_numpy()).mean()
        self.assertIn(f"earth mover's distance {skew['emd']:.2f}", small_print(figure))


class Timing(FigureCase):
    def test_parts_of_a_round_add_up_to_it(self):
        study = self.study()
        parts = round_parts(study.rounds)
        self.assertEqual(
            list(parts), ["train", "bcast", "gather", "aggregate", "evaluate", "other"]
        )
        np.testing.assert_allclose(parts.sum(axis=1), study.rounds["wall_seconds"])
        np.testing.assert_allclose(parts["other"], 0.01)

    def test_parts_that_are_new_are_shown(self):
        rounds = self.study().rounds.assign(encode_seconds=0.005)
        self.assertIn("encode", round_parts(rounds))

    def test_bars_reach_the_wall_time(self):
        study = self.study()
        everything, overhead = figures.round_times(study).axes
        tops = [bar.get_y() + bar.get_height() for bar in everything.patches]
        self.assertAlmostEqual(max(tops), study.rounds["wall_seconds"].max())
        self.assertAlmostEqual(
            max(bar.get_y() + bar.get_height() for bar in overhead.patches),
            (study.rounds["wall_seconds"] - study.rounds["train_seconds"]).max(),
        )

    def test_strong_and_weak_series_are_found(self):
        table = figures.scaling_series(self.scaling_study()).set_index(["kind", "ranks"])
        strong, weak = table.loc["strong"], table.loc["weak"]
        self.assertEqual(strong.index.tolist(), [2, 3, 5])
        self.assertEqual(strong["workers"].tolist(), [1, 2, 4])
        first = strong["mean"].iloc[0]
        np.testing.assert_allclose(strong["ideal"], [first, first / 2, first / 4])
        np.testing.assert_allclose(strong["efficiency"], strong["ideal"] / strong["mean"])
        self.assertEqual(weak["load"].tolist(), [3000.0] * 3)
        self.assertEqual(weak["ideal"].nunique(), 1)

    def test_a_sweep_on_one_rank_count_is_no_scaling_series(self):
        study = self.study({"training.epochs": 2}, {"training.epochs": 3})
        with self.assertRaisesRegex(analysis.NothingToDraw, "scaling series"):
            figures.scaling(study)


class Confusion(FigureCase):
    def test_cells_hold_the_counts_of_both_models(self):
        study = self.study()
        federated, centralized = figures.confusion_matrix(study).axes
        rows = study.confusion[study.confusion["model"] == "federated"]
        shown = sorted(int(text.get_text()) for text in federated.texts)
        self.assertEqual(shown, sorted(rows.loc[rows["samples"] > 0, "samples"]))
        self.assertTrue(centralized.get_title("left").startswith("Centralized"))


class Digits(FigureCase):
    def test_the_first_images_of_each_class(self):
        images = np.arange(12 * 28 * 28).reshape(12, 28, 28) % 256
        labels = np.arange(12) % 3
        for compress in (True, False):
            folder = self.folder / str(compress)
            write_idx(folder, images, labels, compress)
            figure = figures.sample_digits(folder, each=2)
            figures.assert_drawn(figure)
            self.assertEqual(len(figure.axes), 6)
            np.testing.assert_array_equal(figure.axes[1].images[0].get_array(), images[1])

    def test_wrong_folders(self):
        with self.assertRaisesRegex(analysis.ResultsError, "no train-images-idx3-ubyte"):
            figures.sample_digits(self.folder)
        write_idx(self.folder, np.zeros((3, 28, 28)), np.zeros(2))
        with self.assertRaisesRegex(analysis.ResultsError, "do not belong together"):
            figures.sample_digits(self.folder)
        (self.folder / "train-images-idx3-ubyte").write_bytes(b"\0\0\x08\x03\0\0")
        with self.assertRaisesRegex(analysis.ResultsError, "not a readable IDX file"):
            figures.sample_digits(self.folder)
        write_idx(self.folder / "none", np.zeros((0, 28, 28)), np.zeros(0))
        with self.assertRaises(analysis.NothingToDraw):
            figures.sample_digits(self.folder / "none")


class AssertDrawn(unittest.TestCase):
    def test_panels_without_values_are_found(self):
        empty, guide_only, nan_only, full = (Figure() for _ in range(4))
        empty.subplots()
        guide_only.subplots().axhspan(0.93, 0.94, gid=GUIDE)
        nan_only.subplots().plot([1, 2], [np.nan, np.nan])
        full.subplots().plot([1, 2], [np.nan, 1])
        for figure in (Figure(), empty, guide_only, nan_only):
            with self.assertRaises(analysis.NothingToDraw):
                figures.assert_drawn(figure)
        figures.assert_drawn(full)

    def test_one_empty_panel_of_two_is_enough(self):
        figure = Figure()
        left, right = figure.subplots(1, 2)
        left.bar([1], [2])
        right.set_title("Right", loc="left")
        with self.assertRaisesRegex(analysis.NothingToDraw, "'Right'"):
            figures.assert_drawn(figure)


if __name__ == "__main__":
    unittest.main()
