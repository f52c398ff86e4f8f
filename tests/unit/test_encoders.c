/* Chains of encoders: every encoder that is compiled in, and what an encoder may be. */
#include "support.h"

#include "fedmpi/fl/client.h"
#include "fedmpi/fl/encoder.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/norm.h"
#include "fedmpi/run/rooms.h"

#include <math.h>

enum { N = 33 };

static fed_config_t config;
static fed_method_t method;
static fed_trainer_t trainer = {.config = &config, .method = &method};
static float global[N], local[2][N], kept[N];

static int set_up(void **state) {
    (void)state;
    fed_config_init(&config, fed_rooms);
    fed_slots_init(&method.slots, N);
    for (size_t j = 0; j < N; j++) {
        global[j] = (float)j - 3;
        local[0][j] = global[j] + 0.01f * (float)(j % 5) - 0.02f;
        local[1][j] = global[j] + (j % 2 ? 1.5f : -1.25f);
        kept[j] = 0;
    }
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    fed_slots_fini(&method.slots);
    fed_config_fini(&config);
    return fed_memory_live() != 0;
}

static fed_message_t message_of(size_t client) {
    return (fed_message_t){.place = fed_slots_place(&method.slots, &fed_slot_update),
                           .vector = {local[client], global},
                           .factor = 1,
                           .in_range = true,
                           .norm = NAN};
}

/* A client's update through these links, decoded again. */
static void encode(const fed_encoder_t *const *links, size_t count, size_t client, int64_t *sums,
                   fed_message_t *message) {
    fed_client_t at_work = {.trainer = &trainer, .state = kept, .w = global, .scale = 1};
    fed_chain_t chain = {links, count};
    double squared_norm;
    *message = message_of(client);
    fed_chain_encode(&chain, &at_work, message);
    assert_true(message->in_range);
    assert_true(fed_fixed_accumulate(N, message->vector.to, message->vector.from, message->factor,
                                     sums, &squared_norm));
}

static double difference(size_t client, size_t j) {
    return (double)local[client][j] - (double)global[j];
}

/* Sums of what linear encoders make are sums of what clients encoded, exactly; none makes a
 * vector longer. */
static void every_linear_encoder_adds(void **state) {
    (void)state;
    for (size_t e = 0; e < fed_encoder_count; e++) {
        int64_t alone[2][N] = {{0}}, together[N] = {0};
        fed_message_t message;
        for (size_t client = 0; client < 2; client++) {
            encode(&fed_encoders[e], 1, client, alone[client], &message);
            fed_free(message.own);
            encode(&fed_encoders[e], 1, client, together, &message);
            double before = 0, after = 0;
            for (size_t j = 0; j < N; j++) {
                before += difference(client, j) * difference(client, j);
                after += pow((double)alone[client][j] / FED_FIXED_ONE, 2);
            }
            assert_true(after <= before * (1 + 1e-9));
            fed_free(message.own);
        }
        for (size_t j = 0; fed_encoders[e]->linear && j < N; j++)
            assert_int_equal(together[j], alone[0][j] + alone[1][j]);
    }
}

static void norms_are_cut_to_their_bound(void **state) {
    (void)state;
    const fed_encoder_t *link = fed_encoders[0];
    const double bound = 1; /* the default of federated.norm_bound */
    assert_string_equal(link->plugin.name, "norm_bound");
    for (size_t client = 0; client < 2; client++) { /* a short one, a long one */
        int64_t sums[N] = {0};
        fed_message_t message;
        encode(&link, 1, client, sums, &message);
        assert_null(message.own); /* the fused path */
        assert_true(client == 0 ? message.factor == 1
                                : fabs(fed_message_norm(&message) - bound) < 1e-12);
        for (size_t j = 0; j < N; j++)
            assert_true(fabs((double)sums[j] / FED_FIXED_ONE -
                             message.factor * difference(client, j)) <= 0.51 / FED_FIXED_ONE);
    }
}

/* --- What an encoder may be: quarters, of which a client keeps the rest ------------------- */

static const fed_slot_t rest = {FED_OWNER_CLIENT, "rest", 0};

static void round_to_quarters(const fed_client_t *client, fed_message_t *message) {
    float *values = fed_message_rewrite(message), *left = fed_client_state(client, &rest);
    for (size_t j = 0; j < message->place->count; j++) {
        float wanted = values[j] + left[j];
        values[j] = rintf(4 * wanted) / 4;
        left[j] = wanted - values[j];
    }
}

static size_t a_byte_each(const fed_config_t *unused, size_t numbers, size_t bytes) {
    (void)unused;
    assert_int_equal(bytes, numbers * sizeof(float));
    return numbers;
}

static const fed_encoder_t quarters = {
    .plugin = {.name = "quarters", .summary = ""},
    FED_SLOTS(&rest),
    .encode = round_to_quarters,
    .bytes = a_byte_each,
};

static void rewritten_messages_keep_what_they_leave_out(void **state) {
    (void)state;
    static const fed_encoder_t *const links[] = {&quarters};
    fed_slots_add(&method.slots, &rest);
    double sent[N] = {0};
    enum { TIMES = 40 };
    for (size_t time = 0; time < TIMES; time++) {
        int64_t sums[N] = {0};
        fed_message_t message;
        encode(links, 1, 0, sums, &message);
        assert_true(fabs(message.norm - fed_norm_difference(N, local[0], global)) == 0);
        for (size_t j = 0; j < N; j++) {
            double quarter = (double)sums[j] / FED_FIXED_ONE * 4;
            assert_true(quarter == rint(quarter));
            sent[j] += quarter / 4;
        }
        fed_free(message.own);
    }
    for (size_t j = 0; j < N; j++) /* at most one rounding is on its way */
        assert_true(fabs(sent[j] - TIMES * difference(0, j)) < 0.126);
}

static void bytes_are_those_behind_the_last_link(void **state) {
    (void)state;
    static const fed_slot_t extra = {FED_OWNER_UP, "extra", 7};
    fed_slots_add(&method.slots, &extra);
    const fed_encoder_t only = {.update_only = true, .bytes = a_byte_each};
    const fed_encoder_t *all[] = {&quarters}, *one[] = {&only};
    assert_int_equal(fed_chain_bytes(&(fed_chain_t){NULL, 0}, &config, &method.slots),
                     (N + 7) * sizeof(float));
    assert_int_equal(fed_chain_bytes(&(fed_chain_t){all, 1}, &config, &method.slots), N + 7);
    assert_int_equal(fed_chain_bytes(&(fed_chain_t){one, 1}, &config, &method.slots),
                     N + 7 * sizeof(float));
}

static void masks_are_refused_behind_what_does_not_add(void **state) {
    (void)state;
    const fed_encoder_t mask = {
        .plugin = {.name = "mask", .summary = ""}, .linear = true, .needs_linear = true};
    const fed_encoder_t *wrong[] = {fed_encoders[0], &quarters, &mask};
    const fed_encoder_t *right[] = {fed_encoders[0], &mask, &quarters};
    assert_int_equal(fed_chain_check(&(fed_chain_t){wrong, 3}, &config, "federated.aggregation"),
                     FED_INPUT);
    assert_non_null(strstr(fed_error_message(), "quarters makes"));
    assert_int_equal(fed_chain_check(&(fed_chain_t){right, 3}, &config, "federated.aggregation"),
                     FED_OK);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_linear_encoder_adds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(norms_are_cut_to_their_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rewritten_messages_keep_what_they_leave_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(bytes_are_those_behind_the_last_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(masks_are_refused_behind_what_does_not_add, set_up,
                                        tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
