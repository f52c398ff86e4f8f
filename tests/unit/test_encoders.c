/* Chains of encoders: every encoder that is compiled in, and what an encoder may be. */
#include "support.h"

#include "fedmpi/fl/client.h"
#include "fedmpi/fl/encoder.h"
#include "fedmpi/math/fixed.h"
#include "fedmpi/math/norm.h"
#include "fedmpi/run/rooms.h"

#include "fl/encoders/encoders.h" /* the ends */

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
                           .weight = 1,
                           .in_range = true,
                           .norm = NAN};
}

/* A client's update through these links and into the sums. */
static void encode(const fed_encoder_t *const *links, size_t count, size_t client, int64_t *sums,
                   fed_message_t *message) {
    const fed_client_task_t task = {.client = (uint32_t)client, .weight = 1};
    trainer.sums = sums;
    fed_client_t at_work = {
        .trainer = &trainer, .task = &task, .state = kept, .w = global, .scale = 1};
    fed_chain_t chain = {0};
    for (size_t i = 0; i < count; i++)
        fed_chain_add(&chain, links[i]);
    fed_chain_add(&chain, &fed_encoder_weight);
    fed_chain_add(&chain, &fed_encoder_fixed_point);
    *message = message_of(client);
    assert_true(fed_chain_pass(&chain, &at_work, message, 1));
}

static double difference(size_t client, size_t j) {
    return (double)local[client][j] - (double)global[j];
}

/* Sums of what linear encoders make are sums of what clients encoded, exactly; none makes a
 * vector longer, but for a rounding, or costs bytes that were not there. */
static void every_encoder_keeps_what_it_says(void **state) {
    (void)state;
    for (size_t e = 0; e < fed_encoders.count; e++) {
        const fed_encoder_t *link = (const fed_encoder_t *)fed_encoders.entries[e];
        int64_t alone[2][N] = {{0}}, together[N] = {0};
        for (size_t client = 0; client < 2; client++) {
            fed_message_t first, again;
            encode(&link, 1, client, alone[client], &first);
            encode(&link, 1, client, together, &again);
            double before = 0, after = 0;
            for (size_t j = 0; j < N; j++) {
                before += difference(client, j) * difference(client, j);
                after += pow((double)alone[client][j] / FED_FIXED_ONE, 2);
            }
            assert_true(after > 0 && sqrt(after) <= sqrt(before) * (1 + 0x1p-8));
            assert_int_equal(first.own != NULL, link->rewrites);
            fed_free(first.own);
            fed_free(again.own);
        }
        for (size_t j = 0; link->linear && j < N; j++)
            assert_int_equal(together[j], alone[0][j] + alone[1][j]);
        assert_true(!link->bytes ||
                    link->bytes(&config, N, N * sizeof(float)) <= N * sizeof(float));
    }
}

/* What a binary number with eight digits is, by arithmetic. */
static double eight_digits(double number) {
    int exponent;
    double mantissa = frexp(number, &exponent);
    return ldexp(rint(mantissa * 256) / 256, exponent);
}

static void bfloat16_has_eight_digits(void **state) {
    (void)state;
    static const fed_encoder_t *const links[] = {&fed_encoder_bfloat16};
    static const float zero[N];
    float numbers[N] = {0, 1, -1, 257, 259, 1 + 0x1p-8f, 1 + 0x3p-8f, 0x1.fep0f, 0x1.ffp0f, 3e-30f};
    for (size_t j = 10; j < N; j++)
        numbers[j] = (float)(any_number() * pow(2, (double)j - 20));
    fed_client_t at_work = {.trainer = &trainer, .w = global};
    fed_message_t message = message_of(0);
    message.vector = (fed_difference_t){numbers, zero};
    links[0]->encode(&at_work, &message);
    assert_true(message.in_range);
    for (size_t j = 0; j < N; j++) {
        double made =
            message.factor * ((double)message.vector.to[j] - (double)message.vector.from[j]);
        assert_true(fabs(made - eight_digits((double)numbers[j])) == 0);
    }
    fed_free(message.own);
    assert_int_equal(links[0]->bytes(&config, N, N * sizeof(float)), 2 * N);
}

static void norms_are_cut_to_their_bound(void **state) {
    (void)state;
    const fed_encoder_t *link = &fed_encoder_norm_bound;
    const double bound = 1;                         /* the default of federated.norm_bound */
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
    .rewrites = true,
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
    assert_int_equal(fed_chain_bytes(&(fed_chain_t){.count = 0}, &config, &method.slots),
                     (N + 7) * sizeof(float));
    assert_int_equal(fed_chain_bytes(&(fed_chain_t){{&quarters}, 1}, &config, &method.slots),
                     N + 7);
    assert_int_equal(fed_chain_bytes(&(fed_chain_t){{&only}, 1}, &config, &method.slots),
                     N + 7 * sizeof(float));
    const fed_chain_t scaled = {{&fed_encoder_norm_bound}, 1}, rounded = {{&quarters}, 1};
    assert_int_equal(fed_chain_memory(&scaled, &method.slots), 0);
    assert_int_equal(fed_chain_memory(&rounded, &method.slots), 2 * (N + 7) * sizeof(float));
}

static void masks_want_sums(void **state) {
    (void)state;
    const fed_encoder_t mask = {
        .plugin = {.name = "mask", .summary = ""}, .linear = true, .needs_linear = true};
    const fed_chain_t right = {{&fed_encoder_norm_bound, &mask, &fed_encoder_weight}, 3},
                      before = {{&quarters, &mask}, 2},
                      behind = {{&mask, &fed_encoder_weight, &quarters}, 3},
                      shown = {{&mask, &fed_encoder_show}, 2};
    const char *key = "federated.aggregation";
    assert_ok(fed_chain_check(&right, &config, key));
    assert_fails(FED_INPUT, "mask goes with what can be added up, and quarters",
                 fed_chain_check(&before, &config, key));
    assert_fails(FED_INPUT, "and quarters", fed_chain_check(&behind, &config, key));
    assert_fails(FED_INPUT, "and show (floats of each client",
                 fed_chain_check(&shown, &config, key));
}

/* --- Chains of configurations ------------------------------------------------------------- */

static void assert_chain(const char *const *settings, const char *expected) {
    fed_method_t found;
    fed_text_t names = {0};
    for (; *settings; settings += 2)
        set(&config, settings[0], "%s", settings[1]);
    assert_ok(fed_method_find(&found, &config));
    for (size_t i = 0; i < found.chain.count; i++)
        fed_text_append(&names, "%s%s", i ? " " : "", found.chain.links[i]->plugin.name);
    assert_string_equal(names.chars, expected);
    fed_text_fini(&names);
}

#define SETTINGS(...) ((const char *const[]){__VA_ARGS__, NULL})

static void chains_are_as_configured(void **state) {
    (void)state;
    assert_chain(SETTINGS("federated.attack", "gaussian"), "weight fixed_point");
    assert_chain(SETTINGS("federated.byzantine_clients", "1"), "pretend weight fixed_point");
    assert_chain(SETTINGS("federated.aggregation", "norm_bound"),
                 "pretend norm_bound weight fixed_point");
    assert_chain(SETTINGS("federated.on_divergence", "skip"),
                 "pretend norm_bound range weight fixed_point");
    assert_chain(SETTINGS("federated.aggregation", "median"), "pretend show");
    assert_chain(SETTINGS("federated.encoders", "bfloat16,norm_bound"),
                 "pretend bfloat16 norm_bound show");
    assert_chain(SETTINGS("federated.attack", "label_flip"), "bfloat16 norm_bound show");
    assert_chain(
        SETTINGS("federated.aggregation", "mean", "federated.encoders", "norm_bound, bfloat16"),
        "norm_bound bfloat16 range weight fixed_point");
    fed_method_t twice;
    set(&config, "federated.aggregation", "norm_bound");
    assert_fails(FED_INPUT,
                 "federated.encoders = norm_bound,bfloat16: federated.aggregation brings "
                 "norm_bound along already",
                 fed_method_find(&twice, &config));
}

/* --- Ends --------------------------------------------------------------------------------- */

/* Two vectors of which the second leads beyond all numbers: with `range` before them, nothing of
 * either is added. */
static void what_diverged_leaves_no_trace(void **state) {
    (void)state;
    static const fed_slot_t extra = {FED_OWNER_UP, "extra", 3};
    static const float huge[3] = {0, 1e30f, 0}, nothing[3];
    fed_slots_add(&method.slots, &extra);
    int64_t sums[N + 3] = {0}, untouched[N + 3] = {0};
    const fed_client_task_t task = {.weight = 0.5};
    trainer.sums = sums;
    fed_client_t at_work = {.trainer = &trainer, .task = &task, .w = global, .scale = 1};
    fed_message_t messages[] = {message_of(1), message_of(1)};
    messages[1].place = fed_slots_place(&method.slots, &extra);
    messages[1].vector = (fed_difference_t){huge, nothing};
    const fed_chain_t careful = {
        {&fed_encoder_range, &fed_encoder_weight, &fed_encoder_fixed_point}, 3};
    assert_false(fed_chain_pass(&careful, &at_work, messages, 2));
    assert_memory_equal(sums, untouched, sizeof sums);
    assert_true(fabs(messages[0].norm - fed_norm_difference(N, local[1], global)) < 1e-9);
}

/* What is shown times the weight is what is added, also where an algorithm scales. */
static void what_is_shown_is_what_is_added(void **state) {
    (void)state;
    int64_t sums[N] = {0};
    float shown[N];
    const fed_client_task_t task = {.weight = 0.25};
    trainer.sums = sums;
    trainer.shown = shown;
    fed_client_t at_work = {.trainer = &trainer, .task = &task, .w = global, .scale = 0.5};
    const fed_chain_t added = {{&fed_encoder_weight, &fed_encoder_fixed_point}, 2},
                      seen = {{&fed_encoder_show}, 1};
    fed_message_t first = message_of(1), second = message_of(1);
    first.weight = second.weight = at_work.scale;
    assert_true(fed_chain_pass(&added, &at_work, &first, 1));
    assert_true(fed_chain_pass(&seen, &at_work, &second, 1));
    assert_true(first.norm > 1 && fabs(first.norm - second.norm) < 1e-12);
    for (size_t j = 0; j < N; j++) {
        assert_true(fabs((double)shown[j] - 0.5 * difference(1, j)) < 1e-7);
        assert_true(fabs((double)sums[j] / FED_FIXED_ONE - 0.25 * (double)shown[j]) < 1e-7);
    }
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(every_encoder_keeps_what_it_says, set_up, tear_down),
        cmocka_unit_test_setup_teardown(bfloat16_has_eight_digits, set_up, tear_down),
        cmocka_unit_test_setup_teardown(norms_are_cut_to_their_bound, set_up, tear_down),
        cmocka_unit_test_setup_teardown(rewritten_messages_keep_what_they_leave_out, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(bytes_are_those_behind_the_last_link, set_up, tear_down),
        cmocka_unit_test_setup_teardown(masks_want_sums, set_up, tear_down),
        cmocka_unit_test_setup_teardown(chains_are_as_configured, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_diverged_leaves_no_trace, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_shown_is_what_is_added, set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
