/* The synchronous federation: McMahan et al. 2017, "Communication-Efficient Learning of Deep
 * Networks from Decentralized Data", Algorithm 1. Its loop over t calls run_round. */
#include "protocols.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/sim/global.h"

typedef struct rounds {
    fed_global_t global;             /* w_t */
    fed_participants_t participants; /* S_t */
} rounds_t;

/* Initialize w_0. */
static void *create(fed_engine_t *engine, const float *initial) {
    rounds_t *rounds = FED_NEW(rounds_t);
    fed_global_init(&rounds->global, fed_engine_problem(engine), initial);
    fed_participants_init(&rounds->participants, fed_engine_problem(engine));
    return rounds;
}

static void destroy(void *state) {
    rounds_t *rounds = state;
    fed_participants_fini(&rounds->participants);
    fed_global_fini(&rounds->global);
    fed_free(rounds);
}

static size_t list_saved(void *state, fed_saved_t *saved) {
    rounds_t *rounds = state;
    return fed_global_list_saved(&rounds->global, saved);
}

static void start(void *state, fed_engine_t *engine) {
    rounds_t *rounds = state;
    fed_engine_send(engine, rounds->global.down);
}

static fed_status_t run_round(void *state, fed_engine_t *engine, int64_t round,
                              fed_trained_t *trained, fed_round_row_t *row) {
    rounds_t *rounds = state;
    fed_global_t *global = &rounds->global;
    fed_participants_t *participants = &rounds->participants;
    /* S_t <- random set of clients, each of which starts from w_t */
    fed_participants_draw(participants, round, global->down);
    /* for each client k of S_t in parallel: ClientUpdate(k, w_t) */
    FED_TRY(fed_engine_train(engine, participants->tasks, participants->count));
    fed_global_blur(global, engine, round);
    /* sum over k of p_k (w_t+1^k - w_t) */
    FED_TRY(fed_engine_gather(engine, trained));
    /* w_t+1; where nobody answered the model stays */
    if (fed_global_steps(global, trained))
        row->update_norm = fed_global_step(global, participants, trained, row);
    row->drawn = (int64_t)participants->selection.drawn;
    fed_engine_send(engine, global->down);
    return FED_OK;
}

static const float *model(const void *state) {
    const rounds_t *rounds = state;
    return fed_global_model(&rounds->global);
}

const fed_protocol_t fed_protocol_rounds = {
    .plugin = {.name = "rounds",
               .summary = "a server and K of N clients, synchronous (McMahan et al. 2017)"},
    .create = create,
    .destroy = destroy,
    .list_saved = list_saved,
    .start = start,
    .round = run_round,
    .model = model,
};
