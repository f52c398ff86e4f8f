/* Aggregation rules against plain ones, and attacks. */
#include "federation.h"

#include "fedmpi/config/purposes.h"
#include "fedmpi/fl/aggregation.h"
#include "fedmpi/fl/attack.h"
#include "fedmpi/fl/client.h"
#include "fedmpi/math/fixed.h"

#include <math.h>

static uint64_t random_state = 1;

static float random_float(void) {
    random_state = random_state * 6364136223846793005u + 1442695040888963407u;
    return (float)(random_state >> 40) * 0x1p-23f - 1.0f;
}

static const fed_aggregation_t *find(const char *name) {
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_int_equal(fed_config_set(&config, "federated", "aggregation", name, "test"), FED_OK);
    const fed_aggregation_t *rule = fed_aggregation_of(&config);
    fed_config_fini(&config);
    return rule;
}

static float *random_vectors(size_t clients, size_t width) {
    float *vectors = calloc(clients * width + 1, sizeof *vectors);
    for (size_t i = 0; i < clients * width; i++)
        vectors[i] = i % 7 ? random_float() : 0.25f; /* some equal ones */
    return vectors;
}

/* What a rule with a look makes of [clients][length], in pieces of so many coordinates.
 * @param aggregate  [out] [length], where the rule makes it
 * @param weights    [out] [clients], where it gives them
 * @param memory     [out] [rule->memory(clients)]; or NULL */
static void look_at(const fed_aggregation_t *rule, size_t tolerated, size_t clients, size_t length,
                    const float *vectors, size_t piece, double *aggregate, double *weights,
                    double *memory) {
    size_t numbers = rule->memory ? rule->memory(clients) : 0;
    double *own = calloc(numbers + 1, sizeof *own);
    float *values = calloc(clients * piece + 1, sizeof *values);
    fed_look_t look = {clients, tolerated, own, aggregate};
    for (size_t first = 0; first < length; first += piece) {
        size_t width = length - first < piece ? length - first : piece;
        for (size_t k = 0; k < clients; k++)
            memcpy(values + k * width, vectors + k * length + first, width * sizeof *values);
        rule->see(&look, first, width, values);
    }
    memset(weights, 0, clients * sizeof *weights);
    if (rule->weigh)
        rule->weigh(&look, weights);
    if (memory)
        memcpy(memory, own, numbers * sizeof *own);
    free(values);
    free(own);
}

static int ascending(const void *a, const void *b) {
    double left = *(const double *)a, right = *(const double *)b;
    return (left > right) - (left < right);
}

/* Mean of what is left of a sorted column without `cut` values at each end. */
static double plain_middle(const float *vectors, size_t clients, size_t width, size_t c,
                           size_t cut) {
    double column[64], sum = 0;
    for (size_t k = 0; k < clients; k++)
        column[k] = (double)vectors[k * width + c];
    qsort(column, clients, sizeof *column, ascending);
    for (size_t k = cut; k < clients - cut; k++)
        sum += column[k];
    return sum / (double)(clients - 2 * cut);
}

static void check_coordinates(size_t tolerated, size_t clients, size_t width, size_t piece) {
    float *vectors = random_vectors(clients, width);
    double median[201], trimmed[201], nobody[21];
    look_at(find("median"), tolerated, clients, width, vectors, piece, median, nobody, NULL);
    look_at(find("trimmed_mean"), tolerated, clients, width, vectors, piece, trimmed, nobody, NULL);
    for (size_t c = 0; c < width; c++) {
        double middle = plain_middle(vectors, clients, width, c, (clients - 1) / 2);
        double left = plain_middle(vectors, clients, width, c, tolerated);
        assert_true(fabs(median[c] - middle) < 1e-15);
        assert_true(fabs(trimmed[c] - left) < 1e-15);
    }
    free(vectors);
}

static void coordinates_are_sorted_and_cut(void **state) {
    (void)state;
    static const size_t widths[] = {0, 1, 5, 63, 64, 65, 200};
    for (size_t clients = 1; clients <= 21; clients++)
        for (size_t i = 0; i < sizeof widths / sizeof *widths; i++) {
            size_t tolerated = clients / 3 * 2 < clients ? clients / 3 : 0;
            check_coordinates(tolerated, clients, widths[i], 200);
            check_coordinates(tolerated, clients, widths[i], 17);
        }
}

static double plain_distance(const float *a, const float *b, size_t length) {
    double sum = 0;
    for (size_t j = 0; j < length; j++)
        sum += ((double)a[j] - (double)b[j]) * ((double)a[j] - (double)b[j]);
    return sum;
}

/* distances[out] [clients][clients] from pieces of so many coordinates */
static void distances_in_pieces(size_t clients, size_t length, const float *vectors, size_t piece,
                                double *distances) {
    double weights[64];
    assert_int_equal(find("krum")->memory(clients), clients * clients);
    look_at(find("krum"), 0, clients, length, vectors, piece, NULL, weights, distances);
}

static void distances_do_not_depend_on_pieces(void **state) {
    (void)state;
    enum { CLIENTS_SEEN = 5, LENGTH = 3 * FED_LOOK_BLOCK + 77 };
    float *vectors = random_vectors(CLIENTS_SEEN, LENGTH);
    double whole[CLIENTS_SEEN * CLIENTS_SEEN], pieces[CLIENTS_SEEN * CLIENTS_SEEN];
    distances_in_pieces(CLIENTS_SEEN, LENGTH, vectors, LENGTH, whole);
    for (size_t blocks = 1; blocks <= 3; blocks++) {
        distances_in_pieces(CLIENTS_SEEN, LENGTH, vectors, blocks * FED_LOOK_BLOCK, pieces);
        assert_memory_equal(whole, pieces, sizeof whole);
    }
    for (size_t a = 0; a < CLIENTS_SEEN; a++)
        for (size_t b = 0; b < CLIENTS_SEEN; b++) {
            double plain = plain_distance(vectors + a * LENGTH, vectors + b * LENGTH, LENGTH);
            assert_true(fabs(whole[a * CLIENTS_SEEN + b] - plain) <= 1e-12 * plain);
        }
    free(vectors);
}

/* Krum's score by repeatedly taking the closest client that is left. */
static double plain_score(size_t client, size_t clients, size_t neighbours,
                          const double *distances) {
    bool used[64] = {false};
    double total = 0;
    used[client] = true;
    for (size_t i = 0; i < neighbours; i++) {
        size_t closest = clients;
        for (size_t k = 0; k < clients; k++)
            if (!used[k] && (closest == clients || distances[client * clients + k] <
                                                       distances[client * clients + closest]))
                closest = k;
        used[closest] = true;
        total += distances[client * clients + closest];
    }
    return total;
}

static void krum_chooses_the_best_scores(void **state) {
    (void)state;
    for (size_t clients = 3; clients <= 15; clients++) {
        size_t tolerated = (clients - 3) / 2, length = 40;
        float *vectors = random_vectors(clients, length);
        double distances[15 * 15], scores[15], one[15], many[15];
        distances_in_pieces(clients, length, vectors, FED_LOOK_BLOCK, distances);
        look_at(find("krum"), tolerated, clients, length, vectors, FED_LOOK_BLOCK, NULL, one, NULL);
        look_at(find("multi_krum"), tolerated, clients, length, vectors, FED_LOOK_BLOCK, NULL, many,
                NULL);
        for (size_t k = 0; k < clients; k++)
            scores[k] = plain_score(k, clients, clients - tolerated - 2, distances);
        size_t count_one = 0, count_many = 0;
        for (size_t k = 0; k < clients; k++) {
            count_one += one[k] > 0;
            count_many += many[k] > 0;
            assert_true(one[k] == 0 || one[k] == 1);
            assert_true(many[k] == 0 || many[k] == 1 / (double)(clients - tolerated));
            for (size_t other = 0; other < clients; other++) {
                assert_true(one[k] == 0 || scores[k] <= scores[other] + 1e-12);
                assert_true(many[k] == 0 || many[other] > 0 || scores[k] <= scores[other] + 1e-12);
            }
        }
        assert_int_equal(count_one, 1);
        assert_int_equal(count_many, clients - tolerated);
        free(vectors);
    }
}

/* Far more than the honest ones differ: no rule that is made for it lets it through. A rule
 * weighs clients or makes the aggregate itself. */
static void rules_ignore_an_outlier(void **state) {
    (void)state;
    enum { CLIENTS_SEEN = 7, LENGTH = 30 };
    for (size_t i = 0; i < fed_aggregations.count; i++) {
        const fed_aggregation_t *rule = (const fed_aggregation_t *)fed_aggregations.entries[i];
        if (!rule->see) {
            assert_null(rule->weigh);
            continue;
        }
        float *vectors = random_vectors(CLIENTS_SEEN, LENGTH);
        for (size_t j = 0; j < LENGTH; j++)
            vectors[3 * LENGTH + j] = 1e6f;
        double aggregate[LENGTH], weights[CLIENTS_SEEN], total = 0;
        for (size_t j = 0; j < LENGTH; j++)
            aggregate[j] = 1e6;
        look_at(rule, 1, CLIENTS_SEEN, LENGTH, vectors, 1 << 10, aggregate, weights, NULL);
        for (size_t k = 0; k < CLIENTS_SEEN; k++)
            total += weights[k];
        assert_true(weights[3] == 0);
        assert_true(fabs(total - (rule->weigh ? 1 : 0)) < 1e-12);
        for (size_t j = 0; j < LENGTH; j++)
            assert_true(rule->weigh ? aggregate[j] == 1e6 : fabs(aggregate[j]) <= 1);
        free(vectors);
    }
}

static void tolerated_clients_are_counted_and_checked(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_int_equal(fed_config_override(&config, "federated.tolerated=0.25"), FED_OK);
    assert_int_equal(fed_aggregation_tolerated(&config, 7), 1);
    assert_int_equal(fed_aggregation_tolerated(&config, 8), 2);
    assert_int_equal(fed_aggregation_check(&config, find("krum"), 7), FED_OK);
    assert_int_equal(fed_aggregation_check(&config, find("krum"), 4), FED_INPUT);
    assert_int_equal(fed_aggregation_check(&config, find("median"), 1), FED_OK);
    assert_int_equal(fed_config_override(&config, "federated.clients_per_round=4"), FED_OK);
    assert_int_equal(fed_aggregation_check(&config, find("krum"), 100), FED_INPUT);
    fed_config_fini(&config);
}

/* --- Attacks and bounds, on a client ------------------------------------------------------ */

static void attackers_are_as_many_as_asked_for(void **state) {
    (void)state;
    fed_config_t config;
    fed_byzantine_t byzantine;
    fed_config_init(&config, fed_rooms);
    assert_int_equal(fed_config_override(&config, "federated.byzantine_clients=3"), FED_OK);
    assert_int_equal(fed_byzantine_check(&config, 2), FED_INPUT);
    assert_int_equal(fed_byzantine_check(&config, 3), FED_OK);
    const fed_attack_t *attack = fed_attack_of(&config);
    fed_byzantine_init(&byzantine, &config, attack, 10);
    size_t count = 0;
    for (uint32_t k = 0; k < 10; k++)
        count += fed_byzantine_attack(&byzantine, k) == attack;
    assert_int_equal(count, 3);
    fed_byzantine_fini(&byzantine);
    assert_null(fed_byzantine_attack(&byzantine, 0));
    fed_config_fini(&config);
    assert_int_equal(fed_memory_live(), 0);
}

static const fed_attack_t *attack_named(const char *name) {
    const fed_attack_t *attack = (const fed_attack_t *)fed_plugin_find(&fed_attacks, name);
    assert_non_null(attack);
    return attack;
}

static void attacks_are_what_they_say(void **state) {
    (void)state;
    enum { LENGTH = 20000 };
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    assert_int_equal(fed_config_override(&config, "federated.attack_scale=2"), FED_OK);
    const fed_stream_t stream = {.seed = 1, .purpose = FED_RANDOM_ATTACK, .who = 1, .when = 1};
    const float global[] = {1, 2};
    float w[] = {1.5f, 1};
    attack_named("sign_flip")->pretend(&config, &stream, 2, global, w);
    assert_true(w[0] == 0 && w[1] == 4);

    float *zero = calloc(LENGTH, sizeof *zero), *noise = calloc(LENGTH, sizeof *noise);
    attack_named("gaussian")->pretend(&config, &stream, LENGTH, zero, noise);
    double mean = 0, square = 0, tail = 0;
    for (size_t j = 0; j < LENGTH; j++) {
        mean += (double)noise[j] / LENGTH;
        square += (double)noise[j] * (double)noise[j] / LENGTH;
        tail += fabs((double)noise[j]) > 2 * 1.96 ? 1.0 / LENGTH : 0;
    }
    assert_true(fabs(mean) < 5 * 2 / sqrt(LENGTH) && fabs(square / 4 - 1) < 0.05);
    assert_true(fabs(tail - 0.05) < 0.01);
    free(zero);
    free(noise);
    assert_int_equal(attack_named("label_flip")->relabel(1, 10), 8);
    fed_config_fini(&config);
}

/* What the table has in common: something is done, the same each time, and labels stay labels. */
static void every_attack_does_one_thing_again(void **state) {
    (void)state;
    fed_config_t config;
    fed_config_init(&config, fed_rooms);
    const float global[] = {1, 2, 3}, trained[] = {1.5f, 1, 3.25f};
    const fed_stream_t stream = {.seed = 5, .purpose = FED_RANDOM_ATTACK, .who = 2, .when = 7};
    for (size_t i = 0; i < fed_attacks.count; i++) {
        const fed_attack_t *attack = (const fed_attack_t *)fed_attacks.entries[i];
        assert_true(attack->pretend || attack->relabel);
        float once[3], again[3];
        memcpy(once, trained, sizeof once);
        memcpy(again, trained, sizeof again);
        if (attack->pretend) {
            attack->pretend(&config, &stream, 3, global, once);
            attack->pretend(&config, &stream, 3, global, again);
            assert_memory_equal(once, again, sizeof once);
            assert_memory_not_equal(once, trained, sizeof once);
        }
        for (int32_t label = 0; attack->relabel && label < 10; label++) {
            int32_t turned = attack->relabel(label, 10);
            assert_true(turned >= 0 && turned < 10);
        }
    }
    fed_config_fini(&config);
}

/* What the first client of the golden problem sends, half of it to the sums, or all shown. */
static fed_client_row_t train_once(const federation_t *federation, int64_t *sums, float *shown) {
    const fed_problem_t *problem = &federation->problem.view;
    fed_training_t training;
    fed_states_t states;
    fed_training_init(&training, problem->model, &problem->dataset->train, problem->config);
    fed_states_init(&states, CLIENTS, problem->method->slots.lengths[FED_OWNER_CLIENT]);
    fed_client_task_t task = {.seed = 1, .round = 1, .weight = 0.5};
    task.samples = fed_partition_samples(problem->partition, 0, &task.count);
    fed_trainer_t trainer = {
        .config = problem->config,
        .method = problem->method,
        .training = &training,
        .states = &states,
        .down = federation->w,
        .sums = sums,
        .shown = shown,
    };
    fed_client_row_t record;
    memset(sums, 0, problem->method->slots.lengths[FED_OWNER_UP] * sizeof *sums);
    assert_ok(fed_client_train(&trainer, &task, NULL, &record));
    fed_states_fini(&states);
    fed_training_fini(&training);
    return record;
}

/* The method that other keys ask for, on the vectors that there are. */
static void choose_rule(federation_t *federation, const char *rule) {
    fed_method_t *method = &federation->problem.method, found;
    set(&federation->problem.config, "federated.aggregation", "%s", rule);
    assert_ok(fed_method_find(&found, &federation->problem.config));
    method->client_columns = found.client_columns;
    method->chain = found.chain;
}

static void shown_and_bounded_agree_with_sums(void **state) {
    (void)state;
    hid_t golden = golden_open("tests/golden/clients.h5");
    federation_t federation;
    federation_init(&federation, golden, "mlp");
    federation_start(&federation, 0.1);
    fed_config_t *config = &federation.problem.config;
    size_t n = federation.problem.model.parameters;
    int64_t sums[64];
    float shown[64];
    double plain[64], bounded[64], squares = 0;
    fed_client_row_t record = train_once(&federation, sums, NULL);
    fed_fixed_decode_double(n, sums, plain);
    choose_rule(&federation, "median");
    train_once(&federation, sums, shown);
    for (size_t j = 0; j < n; j++)
        assert_true(fabs(0.5 * (double)shown[j] - plain[j]) < 1e-8);

    double bound = record.update_norm / 3;
    set(config, "federated.norm_bound", "%.17g", bound);
    choose_rule(&federation, "norm_bound");
    fed_client_row_t cut = train_once(&federation, sums, NULL);
    fed_fixed_decode_double(n, sums, bounded);
    assert_true(cut.update_norm == record.update_norm); /* recorded as it was */
    for (size_t j = 0; j < n; j++) {
        assert_true(fabs(bounded[j] - plain[j] / 3) < 1e-9);
        squares += bounded[j] * bounded[j];
    }
    assert_true(fabs(2 * sqrt(squares) - bound) < 1e-9);
    set(config, "federated.norm_bound", "%.17g", 2 * record.update_norm);
    train_once(&federation, sums, NULL);
    fed_fixed_decode_double(n, sums, bounded);
    assert_memory_equal(bounded, plain, n * sizeof *plain);
    federation_fini(&federation);
    H5Fclose(golden);
}

/* Labels turned by the attack, or in the data: the same training. */
static void flipped_labels_are_turned_labels(void **state) {
    (void)state;
    hid_t golden = golden_open("tests/golden/clients.h5");
    float w[2][64];
    size_t bytes = 0;
    for (size_t i = 0; i < 2; i++) {
        federation_t federation;
        federation_init(&federation, golden, "mlp");
        set(&federation.problem.config, "federated.attack", "label_flip");
        set(&federation.problem.config, "federated.byzantine_clients", i == 0 ? "3" : "0");
        federation_start(&federation, 0.1);
        for (size_t s = 0; i == 1 && s < federation.problem.dataset.train.count; s++)
            federation.labels[s] = 2 - federation.labels[s];
        federation_round(&federation, 1, false);
        assert_int_equal(federation.trained.count, CLIENTS);
        for (size_t k = 0; k < CLIENTS; k++)
            assert_int_equal(federation.client_rows[k].byzantine, i == 0);
        bytes = federation.problem.model.parameters * sizeof(float);
        memcpy(w[i], federation.w, bytes);
        federation_fini(&federation);
    }
    assert_memory_equal(w[0], w[1], bytes);
    H5Fclose(golden);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(coordinates_are_sorted_and_cut),
        cmocka_unit_test(distances_do_not_depend_on_pieces),
        cmocka_unit_test(krum_chooses_the_best_scores),
        cmocka_unit_test(rules_ignore_an_outlier),
        cmocka_unit_test(tolerated_clients_are_counted_and_checked),
        cmocka_unit_test(attackers_are_as_many_as_asked_for),
        cmocka_unit_test(attacks_are_what_they_say),
        cmocka_unit_test(every_attack_does_one_thing_again),
        cmocka_unit_test(shown_and_bounded_agree_with_sums),
        cmocka_unit_test(flipped_labels_are_turned_labels),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
