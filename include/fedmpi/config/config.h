/** The configuration: every key declared once, in the table of config_keys.c.
 *
 * The parser, --set, --dry-run, --help, the reference in docs/ and the attributes
 * of the results file all read that table. Values arrive checked for type and
 * range; what only a higher layer can judge (a name in a plug-in table, a size
 * against the data) fails through fed_config_fail, which names the place where
 * the user wrote it.
 */
#ifndef FEDMPI_CONFIG_CONFIG_H
#define FEDMPI_CONFIG_CONFIG_H

#include "fedmpi/config/plugin.h"
#include "fedmpi/core/error.h"
#include "fedmpi/core/text.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct fed_list {
    int64_t *values; /**< [count], owned by the configuration */
    size_t count;
} fed_list_t;

typedef enum fed_normalize {
    FED_NORMALIZE_UNIT,
    FED_NORMALIZE_STANDARD,
    FED_NORMALIZE_NONE
} fed_normalize_t;
typedef enum fed_layout {
    FED_LAYOUT_AUTO,
    FED_LAYOUT_CHANNELS_FIRST,
    FED_LAYOUT_CHANNELS_LAST
} fed_layout_t;
typedef enum fed_dirichlet_form {
    FED_DIRICHLET_CLIENT_MIXTURE,
    FED_DIRICHLET_CLASS_SPLIT
} fed_dirichlet_form_t;
typedef enum fed_quantity_law { FED_QUANTITY_POWER, FED_QUANTITY_LOGNORMAL } fed_quantity_law_t;
typedef enum fed_weighting { FED_WEIGHT_SAMPLES, FED_WEIGHT_UNIFORM } fed_weighting_t;
typedef enum fed_collective { FED_COLLECTIVE_GATHER, FED_COLLECTIVE_REDUCE } fed_collective_t;
typedef enum fed_on_divergence { FED_DIVERGENCE_STOPS, FED_DIVERGENCE_SKIPS } fed_on_divergence_t;
typedef enum fed_centralized_data {
    FED_CENTRALIZED_CLIENTS,
    FED_CENTRALIZED_ALL
} fed_centralized_data_t;

/** Where a value comes from and how it was written. */
typedef struct fed_config_value {
    char *text;   /**< as written, trimmed */
    char *origin; /**< "run.ini:12", "--set", "--output"; NULL: the default */
} fed_config_value_t;

/** Texts belong to the configuration. Choices are int-sized enumerations. */
typedef struct fed_config {
    struct {
        const char *name;
        int64_t seed;
    } experiment;
    struct {
        const char *dataset, *path;
        int normalize; /**< fed_normalize_t */
        int layout;    /**< fed_layout_t */
        int64_t train_limit, validation_samples;
        bool drop_constant_features;
        double synthetic_alpha, synthetic_beta;
        int64_t synthetic_test_samples;
    } data;
    struct {
        const char *scheme;
        int64_t clients, samples_per_client;
        bool stratified;
        int dirichlet_form; /**< fed_dirichlet_form_t */
        double alpha;
        int64_t shards_per_client;
        int quantity_law; /**< fed_quantity_law_t */
        double quantity_exponent, quantity_sigma;
        int64_t min_samples;
        double feature_rotation, feature_intensity, feature_noise;
        const char *file;
        double holdout;
    } partition;
    struct {
        const char *type;
        fed_list_t hidden, filters, dense;
        int64_t norm_groups;
        double dropout;
        int gemm; /**< fed_gemm_t */
        const char *init;
    } model;
    struct {
        int64_t epochs, batch_size;
        double learning_rate, momentum, weight_decay;
        bool persistent_momentum, nesterov;
        int64_t steps;
        double clip_norm;
        const char *schedule;
        double decay;
        int64_t decay_rounds;
    } training;
    struct {
        bool enabled;
        const char *protocol;
        const char *algorithm;
        double mu, alpha;
        int scaffold_option; /**< 0: option 1, 1: option 2 */
        const char *server_optimizer;
        double server_learning_rate, beta1, beta2, tau;
        int64_t rounds, clients_per_round;
        const char *sampling;
        double participation, availability, dropout;
        int64_t personal_epochs;
        const char *aggregation;
        double tolerated, norm_bound;
        int64_t byzantine_clients;
        const char *attack;
        double attack_scale;
        int weighting;     /**< fed_weighting_t */
        int collective;    /**< fed_collective_t */
        int on_divergence; /**< fed_on_divergence_t */
        int64_t evaluate_every;
        fed_list_t tracked_clients;
    } federated;
    struct {
        bool enabled;
        int64_t epochs;
        int data; /**< fed_centralized_data_t */
    } centralized;
    struct {
        const char *file;
        int64_t every;
        double time_limit; /**< seconds; 0: none */
    } checkpoint;
    struct {
        const char *file;
    } output;
    fed_config_value_t *values; /**< [fed_config_key_count], in the order of the table */
} fed_config_t;

typedef enum fed_key_type {
    FED_KEY_INTEGER,
    FED_KEY_REAL,
    FED_KEY_BOOLEAN,
    FED_KEY_CHOICE,   /**< one of `choices` */
    FED_KEY_NAME,     /**< the name of a plug-in; its table judges it */
    FED_KEY_TEXT,     /**< anything on one line */
    FED_KEY_DURATION, /**< seconds as a double, written as seconds or H:MM:SS */
    FED_KEY_INTEGERS, /**< integers with commas between; may be empty */
} fed_key_type_t;

typedef struct fed_config_key {
    const char *section, *name;
    fed_key_type_t type;
    size_t offset;           /**< of the value in fed_config_t */
    double minimum, maximum; /**< numbers: what is accepted, bounds included */
    bool above_minimum;      /**< the minimum itself is not accepted */
    const char *choices;     /**< "samples | uniform" */
    const char *initial;     /**< the default, as text */
    const char *help;        /**< one line */
} fed_config_key_t;

extern const fed_config_key_t fed_config_keys[];
extern const size_t fed_config_key_count;

/** All keys at their defaults. fed_config_fini gives the memory back. */
void fed_config_init(fed_config_t *config);
void fed_config_fini(fed_config_t *config);

/** Set one key from text; `origin` is where the user wrote it.
 * FED_INPUT for an unknown section or key (with the nearest name), a wrong type,
 * or a value out of range. */
fed_status_t fed_config_set(fed_config_t *config, const char *section, const char *name,
                            const char *text, const char *origin);

/** Set from "section.key=value", as --set takes it. */
fed_status_t fed_config_override(fed_config_t *config, const char *assignment);

/** Read an INI file (inih's dialect; `include = other.ini` before the first section
 * reads that file first, relative to this one). */
fed_status_t fed_config_read_file(fed_config_t *config, const char *path);

/** Read INI text that fed_config_write made; `name` stands for the file in messages. */
fed_status_t fed_config_read_text(fed_config_t *config, const char *ini, const char *name);

/** The effective configuration as INI text that reads back to the same values.
 * @param comments  add each key's help behind it */
void fed_config_write(const fed_config_t *config, bool comments, fed_text_t *ini);

/** Have both configurations the same value for this key, however it was written? */
bool fed_config_same(const fed_config_t *a, const fed_config_t *b, size_t key);

/** Fail with "where: section.key = value: message". `dotted` is "section.key". */
fed_status_t fed_config_fail(const fed_config_t *config, const char *dotted, const char *format,
                             ...) __attribute__((format(printf, 3, 4)));

/** The entry of a plug-in table that the configuration names.
 * @param name  the value of table->key; FED_INPUT lists the names there are */
fed_status_t fed_config_choose(const fed_config_t *config, const fed_plugin_table_t *table,
                               const char *name, const fed_plugin_t **entry);

/** What a key accepts, in words: "an integer from 1 to 1000000"; the caller frees it. */
char *fed_config_accepted(const fed_config_key_t *key);

/** Position in the table of "section.key"; dies if there is none (a programmer's name). */
size_t fed_config_index(const char *dotted);

#endif
