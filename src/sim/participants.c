/* Drawing the participants of a round. */
#include "fedmpi/sim/participants.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/sim/weights.h"

void fed_participants_init(fed_participants_t *participants, const fed_problem_t *problem) {
    fed_selection_t *selection = &participants->selection;
    *participants = (fed_participants_t){.problem = problem};
    fed_selection_init(selection, problem->config, problem->method->sampler, problem->partition);
    participants->tasks = FED_NEW_ARRAY(fed_task_t, selection->capacity);
    participants->weights = FED_NEW_ARRAY(double, selection->capacity);
}

void fed_participants_fini(fed_participants_t *participants) {
    fed_free(participants->weights);
    fed_free(participants->tasks);
    fed_selection_fini(&participants->selection);
}

void fed_participants_draw(fed_participants_t *participants, int64_t round, const float *from) {
    const fed_problem_t *problem = participants->problem;
    fed_selection_t *selection = &participants->selection;
    fed_selection_draw(selection, (uint32_t)round);
    fed_weights(problem, selection->chosen, selection->count, participants->weights);
    for (size_t i = 0; i < selection->count; i++)
        participants->tasks[i] = (fed_task_t){
            .client = selection->chosen[i],
            .weight = participants->weights[i],
            .from = from,
        };
    participants->count = selection->count;
    participants->share = fed_weights_share(problem, selection->chosen, selection->count);
}
