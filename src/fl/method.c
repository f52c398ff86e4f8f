/* The choices of a configuration, together. */
#include "fedmpi/fl/method.h"

#include "encoders/encoders.h"

#include "fedmpi/fl/average.h"
#include "fedmpi/fl/client.h"
#include "fedmpi/math/norm.h"

/* A rule that looks is shown floats; else all goes to the sums. */
static void add_end(fed_chain_t *chain, const fed_config_t *config, const fed_aggregation_t *rule,
                    bool is_private) {
    if (rule->see) {
        fed_chain_add(chain, &fed_encoder_show);
        return;
    }
    if (fed_client_options(config)->on_divergence == FED_DIVERGENCE_SKIPS)
        fed_chain_add(chain, &fed_encoder_range);
    fed_chain_add(chain, &fed_encoder_weight);
    fed_chain_add(chain, is_private ? &fed_encoder_clip : &fed_encoder_fixed_point);
}

/* What vectors pass, as fl/encoder.h has it. */
static fed_status_t make_chain(fed_method_t *method, const fed_config_t *config) {
    fed_chain_t *chain = &method->chain;
    const fed_aggregation_t *rule = method->aggregation;
    if (fed_attack_options(config)->byzantine_clients > 0 && method->attack->pretend)
        fed_chain_add(chain, &fed_encoder_pretend);
    const fed_names_t *named = &fed_encoder_options(config)->encoders;
    for (size_t i = 0; i < named->count; i++)
        fed_chain_add(chain, (const fed_encoder_t *)named->plugins[i]);
    for (size_t i = 0; i < rule->encoder_count; i++)
        fed_chain_add(chain, rule->encoders[i]);
    add_end(chain, config, rule, method->privacy.mechanism->is_private);
    return fed_chain_check(chain, config, "federated.encoders");
}

fed_status_t fed_method_find(fed_method_t *method, const fed_config_t *config) {
    *method = (fed_method_t){
        .optimizer = fed_server_optimizer_of(config),
        .aggregation = fed_aggregation_of(config),
        .sampler = fed_sampler_of(config),
        .schedule = fed_schedule_of(config),
        .attack = fed_attack_of(config),
        .privacy = fed_privacy_of(config),
        .round_columns = fed_columns_of(config, &fed_round_table),
        .client_columns = fed_columns_of(config, &fed_client_table),
    };
    FED_TRY(make_chain(method, config));
    FED_TRY(fed_algorithm_find(config, &method->algorithm));
    return fed_privacy_check(config, method);
}

static void add_all(fed_slots_t *slots, const fed_slot_t *const *list, size_t count) {
    for (size_t i = 0; i < count; i++)
        fed_slots_add(slots, list[i]);
}

void fed_method_settle(fed_method_t *method, const fed_config_t *config, size_t parameters) {
    fed_slots_init(&method->slots, parameters);
    add_all(&method->slots, method->algorithm->slots, method->algorithm->slot_count);
    add_all(&method->slots, method->optimizer->slots, method->optimizer->slot_count);
    for (size_t i = 0; i < method->chain.count; i++)
        add_all(&method->slots, method->chain.links[i]->slots, method->chain.links[i]->slot_count);
    if (method->privacy.mechanism->is_private)
        add_all(&method->slots, method->privacy.clipping->slots,
                method->privacy.clipping->slot_count);
    fed_average_settle(&method->slots, config);
    if (fed_momentum_persists(config))
        fed_slots_add(&method->slots, &fed_slot_momentum);
}

void fed_method_fini(fed_method_t *method) {
    fed_slots_fini(&method->slots);
    *method = (fed_method_t){0};
}

void fed_method_start(const fed_method_t *method, const fed_config_t *config, float *down,
                      double *server_state) {
    fed_server_step_t before = {
        .config = config, .slots = &method->slots, .server_state = server_state};
    if (method->optimizer->start)
        method->optimizer->start(&before);
    if (method->privacy.mechanism->is_private && method->privacy.clipping->start)
        method->privacy.clipping->start(config, &method->slots, down);
    fed_average_start(&method->slots, down, server_state);
}

size_t fed_method_bytes_down(const fed_method_t *method) {
    const fed_slots_t *slots = &method->slots;
    size_t numbers = 0;
    for (size_t i = 0; i < slots->place_count; i++)
        if (slots->places[i].slot->owner == FED_OWNER_DOWN &&
            slots->places[i].slot != &fed_slot_average)
            numbers += slots->places[i].count;
    return numbers * sizeof(float);
}

size_t fed_method_bytes_up(const fed_method_t *method, const fed_config_t *config) {
    return fed_chain_bytes(&method->chain, config, &method->slots);
}

double fed_method_step(const fed_method_t *method, const fed_aggregate_t *round) {
    if (method->algorithm->aggregate)
        method->algorithm->aggregate(round);
    const double *update = fed_round_up(round, &fed_slot_update);
    fed_server_step_t step = {
        .config = round->config,
        .slots = round->slots,
        .update = update,
        .server_state = round->server_state,
        .w = fed_round_down(round, &fed_slot_parameters),
    };
    method->optimizer->step(&step);
    if (method->privacy.mechanism->is_private && method->privacy.clipping->step)
        method->privacy.clipping->step(round);
    fed_average_step(round->config, round->slots, round->down, round->server_state);
    return fed_norm_double(round->slots->parameters, update);
}
