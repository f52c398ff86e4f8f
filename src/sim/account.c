/* The account of a round: seconds, bytes, means over clients. */
#include "handle.h"

#include "fedmpi/comm/watchdog.h"
#include "fedmpi/comm/workers.h"
#include "fedmpi/core/clock.h"
#include "fedmpi/core/memory.h"

#include <math.h>

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
static double finish_spread(const fed_comm_t *comm, const fed_trained_t *trained) {
    FED_AUTOFREE double *busy = FED_NEW_ARRAY(double, (size_t)fed_comm_size(comm));
    for (size_t i = 0; i < trained->count; i++)
        busy[trained->client_rows[i].rank] += trained->client_rows[i].train_seconds;
    double shortest = INFINITY, longest = 0;
    for (int worker = 0; worker < fed_comm_workers(comm); worker++) {
        double seconds = busy[fed_comm_worker(comm, worker)];
        shortest = fmin(shortest, seconds);
        longest = fmax(longest, seconds);
    }
    return longest - shortest;
}

/* In the order of clients. */
static void count_clients(const fed_trained_t *trained, fed_round_row_t *row) {
    double loss = 0, correct = 0;
    for (size_t i = 0; i < trained->averaged_count; i++) {
        const fed_client_row_t *client = &trained->averaged[i];
        row->samples += client->samples;
        if (client->samples == 0) /* its measures are NaN */
            continue;
        loss += client->train.loss * (double)client->samples;
        correct += client->train.accuracy * (double)client->samples;
    }
    row->participants = (int64_t)trained->averaged_count;
    row->diverged = (int64_t)(trained->count - trained->averaged_count);
    row->train = (fed_measure_t){loss / (double)row->samples, correct / (double)row->samples};
}

/* What variants add that is a sum over clients. */
static void add_up_cells(const fed_method_t *method, const fed_trained_t *trained,
                         fed_round_row_t *row) {
    const fed_columns_t *rounds = &method->round_columns, *clients = &method->client_columns;
    for (size_t c = 0; c < rounds->count; c++) {
        const fed_added_column_t *column = rounds->added[c];
        double sum = 0;
        for (size_t i = 0; column->sum_of && i < trained->count; i++)
            if (!trained->client_rows[i].diverged)
                sum +=
                    fed_columns_get(clients, trained->cells + i * clients->count, column->sum_of);
        if (column->sum_of)
            fed_columns_set(rounds, row->cells, column, sum);
    }
}

void fed_engine_account(const fed_engine_t *engine, const fed_trained_t *trained,
                        fed_round_row_t *row) {
    const fed_problem_t *problem = engine->problem;
    size_t up = fed_method_bytes_up(problem->method, problem->config);
    const double *seconds = engine->seconds;
    count_clients(trained, row);
    add_up_cells(problem->method, trained, row);
    row->finish_spread_seconds = finish_spread(engine->comm, trained);
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
