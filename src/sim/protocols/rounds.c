/* The synchronous federation: McMahan et al. 2017, "Communication-Efficient Learning of Deep
 * Networks from Decentralized Data", Algorithm 1. A round is its loop over t. */
#include "protocols.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/fl/average.h"
#include "fedmpi/fl/selection.h"
#include "fedmpi/sim/weights.h"

#include <assert.h>
#include <string.h>

typedef struct rounds {
    const fed_problem_t *problem; /* borrowed */
    fed_selection_t selection;    /* S_t */
    fed_task_t *tasks;            /* [selection.capacity] */
    double *weights;              /* p_k, [selection.capacity] */
    float *down;                  /* w_t and what travels with it: FED_OWNER_DOWN */
    double *server_state;         /* server: what it keeps, FED_OWNER_SERVER; NULL elsewhere */
    char **names;                 /* of the slots, [places], "down/w" */
} rounds_t;

static void *create(fed_engine_t *engine, const float *initial) {
    rounds_t *rounds = FED_NEW(rounds_t);
    const fed_problem_t *problem = rounds->problem = fed_engine_problem(engine);
    const fed_method_t *method = problem->method;
    const fed_slots_t *slots = &method->slots;
    fed_selection_init(&rounds->selection, problem->config, method->sampler, problem->partition);
    rounds->tasks = FED_NEW_ARRAY(fed_task_t, rounds->selection.capacity);
    rounds->weights = FED_NEW_ARRAY(double, rounds->selection.capacity);
    rounds->down = FED_NEW_ARRAY(float, slots->lengths[FED_OWNER_DOWN]);
    rounds->names = FED_NEW_ARRAY(char *, slots->place_count);
    for (size_t i = 0; i < slots->place_count; i++) {
        const fed_slot_t *slot = slots->places[i].slot;
        rounds->names[i] = fed_format("%s/%s", fed_owner_name(slot->owner), slot->name);
    }
    if (!initial)
        return rounds;
    rounds->server_state = FED_NEW_ARRAY(double, slots->lengths[FED_OWNER_SERVER]);
    memcpy(rounds->down, initial, slots->parameters * sizeof *initial);
    fed_method_start(method, problem->config, rounds->server_state);
    fed_average_start(slots, rounds->down, rounds->server_state);
    return rounds;
}

static void destroy(void *state) {
    rounds_t *rounds = state;
    for (size_t i = 0; i < rounds->problem->method->slots.place_count; i++)
        fed_free(rounds->names[i]);
    fed_free(rounds->names);
    fed_free(rounds->server_state);
    fed_free(rounds->down);
    fed_free(rounds->weights);
    fed_free(rounds->tasks);
    fed_selection_fini(&rounds->selection);
    fed_free(rounds);
}

static size_t list_saved(void *state, fed_saved_t *saved) {
    rounds_t *rounds = state;
    const fed_slots_t *slots = &rounds->problem->method->slots;
    size_t count = 0;
    for (size_t i = 0; i < slots->place_count; i++) {
        const fed_place_t *place = &slots->places[i];
        fed_saved_t vector = {.name = rounds->names[i], .count = place->count};
        if (place->slot->owner == FED_OWNER_DOWN)
            vector.floats = rounds->down + place->offset;
        else if (place->slot->owner == FED_OWNER_SERVER)
            vector.doubles = rounds->server_state + place->offset;
        else
            continue;
        assert(count < FED_SAVED_VECTORS);
        saved[count++] = vector;
    }
    return count;
}

static void start(void *state, fed_engine_t *engine) {
    rounds_t *rounds = state;
    fed_engine_send(engine, rounds->down);
}

/* S_t: who takes part, each from w_t. */
static size_t draw_tasks(rounds_t *rounds, int64_t round) {
    fed_selection_t *selection = &rounds->selection;
    fed_selection_draw(selection, (uint32_t)round);
    fed_weights(rounds->problem, selection->chosen, selection->count, rounds->weights);
    for (size_t i = 0; i < selection->count; i++)
        rounds->tasks[i] = (fed_task_t){
            .client = selection->chosen[i],
            .weight = rounds->weights[i],
            .from = rounds->down,
        };
    return selection->count;
}

/* w_t+1 from the average of the updates. Server only. @return L2 norm of the update */
static double step(rounds_t *rounds, const fed_trained_t *trained, fed_round_row_t *row) {
    const fed_problem_t *problem = rounds->problem;
    const fed_selection_t *selection = &rounds->selection;
    double share = fed_weights_share(problem, selection->chosen, selection->count);
    fed_aggregate_t aggregate = {
        .config = problem->config,
        .slots = &problem->method->slots,
        .client_rows = trained->averaged,
        .participants = trained->averaged_count,
        .columns = &problem->method->round_columns,
        .cells = row->cells,
        .share = share / trained->grown,
        .up = trained->up,
        .down = rounds->down,
        .server_state = rounds->server_state,
    };
    return fed_method_step(problem->method, &aggregate);
}

static fed_status_t run_round(void *state, fed_engine_t *engine, int64_t round,
                              fed_trained_t *trained, fed_round_row_t *row) {
    rounds_t *rounds = state;
    size_t participants = draw_tasks(rounds, round);
    FED_TRY(fed_engine_train(engine, rounds->tasks, participants));
    FED_TRY(fed_engine_gather(engine, trained));
    if (trained->averaged_count > 0) /* else nobody answered: the model stays */
        row->update_norm = step(rounds, trained, row);
    row->drawn = (int64_t)rounds->selection.drawn;
    fed_engine_send(engine, rounds->down);
    return FED_OK;
}

static const float *model(const void *state) {
    const rounds_t *rounds = state;
    return fed_average_model(&rounds->problem->method->slots, rounds->down);
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
