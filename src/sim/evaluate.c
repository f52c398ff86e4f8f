/* Evaluation of one model by all ranks that have a core. */
#include "handle.h"

#include "fedmpi/comm/collectives.h"
#include "fedmpi/comm/shared.h"
#include "fedmpi/comm/workers.h"
#include "fedmpi/core/memory.h"

#include <assert.h>

static bool evaluates(const fed_comm_t *comm) {
    return fed_comm_works(comm) || fed_comm_is_server(comm); /* which has nothing else to do */
}

/* The evaluating ranks of all nodes in one row, the server first: which of them this node
 * has. near: [ranks]. @param all [out] their number @return the length of near[] */
static size_t find_near(const fed_comm_t *comm, size_t *near, size_t *all) {
    size_t count = 0, idle_server = fed_comm_size(comm) > 1; /* alone, it is the worker */
    size_t workers = (size_t)fed_comm_workers(comm);
    if (idle_server && fed_comm_is_near(comm, 0))
        near[count++] = 0;
    for (size_t worker = 0; worker < workers; worker++)
        if (fed_comm_is_near(comm, fed_comm_worker(comm, (int)worker)))
            near[count++] = idle_server + worker;
    *all = idle_server + workers;
    return count;
}

/* Blocks go round the evaluating ranks of all nodes; those of one node take what falls to
 * any of them in turns, so that none waits for one that others keep from its core. */
static void evaluate_share(fed_engine_t *engine, const fed_samples_t *samples, const float *w,
                           fed_score_t *score, int64_t *confusion) {
    const fed_comm_t *comm = engine->comm;
    FED_AUTOFREE size_t *near = FED_NEW_ARRAY(size_t, (size_t)fed_comm_size(comm));
    size_t all, count = find_near(comm, near, &all), blocks = fed_evaluation_blocks(samples);
    assert(count > 0); /* this rank is one of them */
    for (;;) {
        size_t turn = fed_shared_take_turn(engine->blocks, engine->evaluations);
        size_t block = turn / count * all + near[turn % count];
        if (block >= blocks)
            break;
        fed_evaluate(&engine->evaluator, samples, w, block, score, confusion);
    }
}

fed_measure_t fed_engine_evaluate(fed_engine_t *engine, const fed_samples_t *samples,
                                  const float *w, int64_t *confusion) {
    const fed_comm_t *comm = engine->comm;
    size_t classes = engine->problem->dataset->classes;
    fed_score_t score = {0};
    if (samples->count == 0)
        return fed_score_measure(&score);
    engine->evaluations++;
    if (evaluates(comm))
        evaluate_share(engine, samples, w, &score, confusion);
    fed_comm_reduce_sums(comm, (int64_t *)&score, sizeof score / sizeof(int64_t));
    if (confusion)
        fed_comm_reduce_sums(comm, confusion, classes * classes);
    return fed_score_measure(&score);
}
