/* The centralized baseline, piece by piece. */
#include "fedmpi/fl/centralized.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/core/memory.h"

#include <string.h>
#include <time.h>

static const char *const data_words[] = {
    [FED_CENTRALIZED_CLIENTS] = "clients",
    [FED_CENTRALIZED_ALL] = "all",
    NULL,
};

/* clang-format off */
static const fed_key_t keys[] = {
    FED_BOOLEAN(fed_centralized_options_t, enabled, "true", "train the same network on pooled data for comparison"),
    FED_INTEGER(fed_centralized_options_t, epochs, 0, 16777215, "0", "epochs of the baseline; 0: as [training]"),
    FED_CHOICE(fed_centralized_options_t, data, data_words, "clients", "clients: what they hold together; all: the whole training set"),
};
/* clang-format on */

const fed_key_group_t fed_centralized_keys =
    FED_KEY_GROUP("centralized", fed_centralized_options_t, keys);

/* The baseline shares its core with clients where ranks outnumber cores: its
 * training is timed on the processor, not on the wall. */
static double processor_seconds(void) {
    struct timespec used;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &used);
    return (double)used.tv_sec + 1e-9 * (double)used.tv_nsec;
}

/* The order of samples is that of client 0 in round 1: one client that holds
 * everything and the baseline are the same computation. */
static void begin_epoch(fed_centralized_t *centralized) {
    fed_stream_t stream = {
        .seed = centralized->seed, .who = 0, .when = 1, .which = (uint32_t)centralized->epoch};
    fed_training_begin_epoch(&centralized->training, centralized->samples, centralized->count,
                             stream);
}

void fed_centralized_init(fed_centralized_t *centralized, const fed_config_t *config,
                          const fed_dataset_t *dataset, const fed_model_t *model,
                          const uint32_t *samples, size_t count, const float *w) {
    int64_t epochs = fed_centralized_options(config)->epochs > 0
                         ? fed_centralized_options(config)->epochs
                         : fed_training_options(config)->epochs;
    *centralized = (fed_centralized_t){
        .dataset = dataset,
        .seed = fed_seed(config),
        .samples = FED_NEW_ARRAY(uint32_t, count),
        .count = count,
        .epochs = epochs,
        .epoch = 1,
        .rows = FED_NEW_ARRAY(fed_centralized_row_t, (size_t)epochs),
    };
    memcpy(centralized->samples, samples, count * sizeof *samples);
    fed_training_init(&centralized->training, model, &dataset->train, config);
    fed_evaluator_init(&centralized->evaluator, model);
    memcpy(centralized->training.w, w, model->parameters * sizeof *w);
    begin_epoch(centralized);
}

void fed_centralized_fini(fed_centralized_t *centralized) {
    fed_training_fini(&centralized->training);
    fed_evaluator_fini(&centralized->evaluator);
    fed_free(centralized->samples);
    fed_free(centralized->rows);
    *centralized = (fed_centralized_t){0};
}

static bool train_piece(fed_centralized_t *centralized) {
    double started = processor_seconds();
    bool trained = fed_training_step(&centralized->training);
    if (!trained)
        fed_training_settle(&centralized->training);
    centralized->train_seconds += processor_seconds() - started;
    return trained;
}

/* Evaluate the next block of test, then of validation; false when none is left. */
static bool evaluate_piece(fed_centralized_t *centralized) {
    const fed_samples_t *test = &centralized->dataset->test;
    const fed_samples_t *validation = &centralized->dataset->validation;
    size_t test_blocks = fed_evaluation_blocks(test);
    size_t all_blocks = test_blocks + fed_evaluation_blocks(validation);
    size_t block = centralized->evaluated_blocks;
    if (block >= all_blocks)
        return false;
    bool on_test = block < test_blocks;
    fed_evaluate(&centralized->evaluator, on_test ? test : validation, centralized->training.w,
                 on_test ? block : block - test_blocks,
                 on_test ? &centralized->test : &centralized->validation, NULL);
    centralized->evaluated_blocks++;
    return true;
}

static void finish_epoch(fed_centralized_t *centralized) {
    centralized->rows[centralized->epoch - 1] = (fed_centralized_row_t){
        .epoch = centralized->epoch,
        .train = fed_training_measure(&centralized->training),
        .test = fed_score_measure(&centralized->test),
        .validation = fed_score_measure(&centralized->validation),
        .train_seconds = centralized->train_seconds,
    };
    centralized->epoch++;
    centralized->evaluated_blocks = 0;
    centralized->test = centralized->validation = (fed_score_t){0};
    centralized->train_seconds = 0;
    if (centralized->epoch <= centralized->epochs)
        begin_epoch(centralized);
}

bool fed_centralized_advance(fed_centralized_t *centralized) {
    if (centralized->epoch > centralized->epochs)
        return false;
    if (train_piece(centralized) || evaluate_piece(centralized))
        return true;
    finish_epoch(centralized);
    return true;
}

/* Of an epoch, in which so many samples are used. */
static int64_t steps_in(const fed_centralized_t *centralized, size_t samples) {
    size_t batch_size = centralized->training.batch_size;
    return (int64_t)((samples + batch_size - 1) / batch_size);
}

void fed_centralized_resume(fed_centralized_t *centralized, size_t position, double loss_sum,
                            int64_t correct) {
    if (centralized->epoch > centralized->epochs)
        return;
    begin_epoch(centralized);
    centralized->training.position = position;
    centralized->training.loss_sum = loss_sum;
    centralized->training.correct = correct;
    centralized->training.steps =
        (centralized->epoch - 1) * steps_in(centralized, centralized->count) +
        steps_in(centralized, position);
    centralized->evaluated_blocks = 0;
    centralized->test = centralized->validation = (fed_score_t){0};
}
