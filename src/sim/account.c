/* The account of a round: seconds, bytes, means over clients. */
#include "handle.h"

#include "fedmpi/comm/watchdog.h"
#include "fedmpi/comm/workers.h"
#include "fedmpi/core/clock.h"

#include <math.h>
#include <string.h>

/* The watchdog's words; training says itself what it expects. */
static const char *const operations[FED_PHASES] = {
    [FED_PHASE_GATHERING] = "gathering updates",
    [FED_PHASE_AGGREGATING] = "aggregating updates",
    [FED_PHASE_SENDING] = "sending parameters",
    [FED_PHASE_EVALUATING] = "evaluating",
};

static void end_phase(fed_engine_t *engine) {
    double now = fed_clock_seconds();
    engine->seconds[engine->phase] = now - engine->phase_started;
    engine->phase_started = now;
}

void fed_phases_begin(fed_engine_t *engine, fed_phase_t phase) {
    double last = engine->seconds[phase];
    end_phase(engine);
    engine->phase = phase;
    fed_comm_expect(engine->comm, operations[phase], engine->round, last);
}

void fed_engine_begin(fed_engine_t *engine, int64_t round, fed_status_t mine) {
    engine->round = round;
    memset(engine->busy, 0, (size_t)fed_comm_size(engine->comm) * sizeof *engine->busy);
    engine->mine = mine;
    engine->phase = FED_PHASE_TRAINING;
    engine->phase_started = fed_clock_seconds();
}

void fed_engine_begin_evaluation(fed_engine_t *engine) {
    fed_phases_begin(engine, FED_PHASE_EVALUATING);
}

void fed_engine_end(fed_engine_t *engine) {
    end_phase(engine);
}

/* Between the worker that was busy with its clients for the shortest and for the longest time. */
static double finish_spread(const fed_comm_t *comm, const double *busy) {
    double shortest = INFINITY, longest = 0;
    for (int worker = 0; worker < fed_comm_workers(comm); worker++) {
        double seconds = busy[fed_comm_worker(comm, worker)];
        shortest = fmin(shortest, seconds);
        longest = fmax(longest, seconds);
    }
    return longest - shortest;
}

/* What variants add that is a sum over clients. */
static void add_cells(const fed_method_t *method, const fed_client_row_t *row, double *sums) {
    const fed_columns_t *rounds = &method->round_columns;
    for (size_t c = 0; c < rounds->count; c++)
        if (rounds->added[c]->sum_of)
            sums[c] += fed_columns_get(&method->client_columns, fed_client_cells(row),
                                       rounds->added[c]->sum_of);
}

void fed_account_add(const fed_engine_t *engine, const fed_client_row_t *row,
                     fed_trained_t *trained) {
    const fed_problem_t *problem = engine->problem;
    add_cells(problem->method, row, trained->cells);
    trained->weight += row->weight;
    trained->gradients += row->weight * fed_client_gradients(problem->config, row->steps);
    trained->samples += row->samples;
    if (row->samples == 0) /* its measures are NaN */
        return;
    trained->loss += row->train.loss * (double)row->samples;
    trained->correct += row->train.accuracy * (double)row->samples;
}

static void set_cells(const fed_columns_t *columns, const double *sums, fed_cell_t *cells) {
    for (size_t c = 0; c < columns->count; c++)
        if (columns->added[c]->sum_of)
            fed_columns_set(columns, cells, columns->added[c], sums[c]);
}

void fed_engine_account(const fed_engine_t *engine, const fed_trained_t *trained,
                        fed_round_row_t *row) {
    const fed_problem_t *problem = engine->problem;
    size_t up = fed_method_bytes_up(problem->method, problem->config);
    const double *seconds = engine->seconds;
    double samples = (double)trained->samples;
    row->participants = (int64_t)trained->averaged_count;
    row->diverged = (int64_t)(trained->count - trained->averaged_count);
    row->samples = trained->samples;
    row->train = (fed_measure_t){trained->loss / samples, trained->correct / samples};
    set_cells(&problem->method->round_columns, trained->cells, row->cells);
    row->finish_spread_seconds = finish_spread(engine->comm, engine->busy);
    row->bytes_down = row->drawn * (int64_t)fed_method_bytes_down(problem->method);
    row->bytes_up = (int64_t)(trained->count * up);
    row->train_seconds = seconds[FED_PHASE_TRAINING];
    row->gather_seconds = seconds[FED_PHASE_GATHERING];
    row->aggregate_seconds = seconds[FED_PHASE_AGGREGATING];
    row->bcast_seconds = seconds[FED_PHASE_SENDING];
    row->evaluate_seconds = seconds[FED_PHASE_EVALUATING];
    row->wall_seconds = 0;
    for (size_t phase = 0; phase < FED_PHASES; phase++)
        row->wall_seconds += seconds[phase];
}
