/* Evaluation on the clients' own samples. */
#include "fedmpi/fl/personal.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/core/sort.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

static const fed_key_t keys[] = {
    FED_INTEGER(fed_personal_options_t, personal_epochs, 0, 8388607, "1",
                "with partition.holdout: epochs of fine-tuning between a client's two evaluations"),
};

const fed_key_group_t fed_personal_keys = FED_KEY_GROUP("federated", fed_personal_options_t, keys);

/* Epochs of fine-tuning are numbered from here: other orders than those of training. */
#define FIRST_EPOCH (1u << 23)

static void fine_tune(const fed_personal_task_t *task, const fed_config_t *config,
                      fed_training_t *training, const float *w) {
    training->sgd.learning_rate = (float)task->learning_rate;
    training->relabel = NULL;
    fed_training_start(training, w);
    for (int64_t epoch = 0; epoch < fed_personal_options(config)->personal_epochs; epoch++) {
        fed_stream_t stream = {
            .seed = task->seed,
            .who = task->client,
            .when = task->round,
            .which = FIRST_EPOCH + (uint32_t)epoch,
        };
        fed_training_begin_epoch(training, task->samples, task->sample_count, stream);
        while (fed_training_step(training))
            continue;
    }
    fed_training_settle(training);
}

fed_personal_t fed_personal_measure(const fed_personal_task_t *task, const fed_config_t *config,
                                    fed_training_t *training, fed_evaluator_t *evaluator,
                                    const float *w) {
    const fed_samples_t *samples = training->samples;
    fed_personal_t personal = {.client = task->client};
    fed_evaluate_chosen(evaluator, samples, task->holdout, task->holdout_count, w,
                        &personal.before);
    personal.after = personal.before;
    if (fed_personal_options(config)->personal_epochs == 0 || task->holdout_count == 0)
        return personal;
    fine_tune(task, config, training, w);
    personal.after = (fed_score_t){0};
    fed_evaluate_chosen(evaluator, samples, task->holdout, task->holdout_count, training->w,
                        &personal.after);
    return personal;
}

/* In ascending order of the accuracies, so that the sums do not depend on ranks. */
static fed_spread_t spread_of(const fed_measure_t *measures, size_t count) {
    if (count == 0)
        return (fed_spread_t){NAN, NAN, NAN, NAN};
    FED_AUTOFREE double *accuracies = FED_NEW_ARRAY(double, count);
    fed_spread_t spread = {0};
    size_t worst = (count + 9) / 10;
    for (size_t k = 0; k < count; k++)
        accuracies[k] = measures[k].accuracy;
    fed_sort_doubles(accuracies, count);
    for (size_t k = 0; k < count; k++) {
        spread.loss += measures[k].loss;
        spread.accuracy += accuracies[k];
        spread.worst += k < worst ? accuracies[k] : 0;
    }
    spread.loss /= (double)count;
    spread.accuracy /= (double)count;
    spread.worst /= (double)worst;
    for (size_t k = 0; k < count; k++) {
        double difference = accuracies[k] - spread.accuracy;
        spread.deviation += difference * difference;
    }
    spread.deviation = sqrt(spread.deviation / (double)count);
    return spread;
}

static int by_client(const void *a, const void *b) {
    const fed_personal_t *left = a, *right = b;
    return (left->client > right->client) - (left->client < right->client);
}

fed_personal_row_t fed_personal_summarize(int64_t round, fed_personal_t *evaluated, size_t count) {
    FED_AUTOFREE fed_measure_t *before = FED_NEW_ARRAY(fed_measure_t, count);
    FED_AUTOFREE fed_measure_t *after = FED_NEW_ARRAY(fed_measure_t, count);
    fed_personal_row_t row = {.round = round};
    qsort(evaluated, count, sizeof *evaluated, by_client);
    for (size_t k = 0; k < count; k++) {
        if (evaluated[k].before.samples == 0)
            continue;
        before[row.clients] = fed_score_measure(&evaluated[k].before);
        after[row.clients++] = fed_score_measure(&evaluated[k].after);
        row.samples += evaluated[k].before.samples;
    }
    row.before = spread_of(before, (size_t)row.clients);
    row.after = spread_of(after, (size_t)row.clients);
    return row;
}
