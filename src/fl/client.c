/* Local training. */
#include "fedmpi/fl/client.h"

#include "fedmpi/core/clock.h"
#include "fedmpi/core/stop.h"
#include "fedmpi/math/fixed.h"

#include <math.h>
#include <string.h>

static fed_status_t train_epoch(const fed_client_task_t *task, fed_training_t *training,
                                int64_t epoch, int64_t *steps) {
    fed_stream_t stream = {
        .seed = task->seed,
        .client = task->client,
        .round = task->round,
        .epoch = (uint32_t)epoch,
    };
    fed_training_begin_epoch(training, task->samples, task->count, stream);
    for (; fed_training_step(training); ++*steps)
        if (fed_stop_requested())
            return fed_stop_status();
    return FED_OK;
}

static void track_epoch(const fed_tracking_t *tracking, const fed_client_task_t *task,
                        fed_training_t *training, int64_t epoch) {
    fed_score_t score = {0};
    fed_training_settle(training);
    fed_evaluate(tracking->evaluator, tracking->test, training->w, 0, 1, &score, NULL);
    tracking->rows[epoch - 1] = (fed_local_epoch_row_t){
        .round = task->round,
        .client = task->client,
        .epoch = epoch,
        .train = fed_training_measure(training),
        .test = fed_score_measure(&score),
    };
}

fed_status_t fed_client_train(const fed_client_task_t *task, fed_training_t *training,
                              fed_momenta_t *momenta, const float *global,
                              const fed_tracking_t *tracking, int64_t *sums,
                              fed_client_row_t *row) {
    size_t n = training->model->parameters;
    double started = fed_clock_seconds();
    memcpy(training->w, global, n * sizeof *global);
    if (momenta)
        fed_momenta_load(momenta, task->client, training->v);
    else
        memset(training->v, 0, n * sizeof *training->v);

    int64_t steps = 0;
    for (int64_t epoch = 1; epoch <= task->epochs; epoch++) {
        FED_TRY(train_epoch(task, training, epoch, &steps));
        if (tracking)
            track_epoch(tracking, task, training, epoch);
    }
    fed_training_settle(training);

    double squared_norm;
    if (!fed_fixed_accumulate(n, training->w, global, task->weight, sums, &squared_norm))
        return fed_fail(FED_DIVERGED,
                        "round %u: client %u diverged: a parameter is not a number or changed by "
                        "more than %.0f; training.learning_rate = %g is likely too large",
                        task->round, task->client, FED_FIXED_LIMIT,
                        (double)training->sgd.learning_rate);
    if (momenta)
        fed_momenta_store(momenta, task->client, training->v);
    *row = (fed_client_row_t){
        .round = task->round,
        .client = task->client,
        .samples = (int64_t)task->count,
        .steps = steps,
        .train = fed_training_measure(training),
        .update_norm = sqrt(squared_norm),
        .train_seconds = fed_clock_seconds() - started,
    };
    return FED_OK;
}
