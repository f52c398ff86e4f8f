/** A run: everything that is set up before the first round. */
#ifndef FEDMPI_RUN_RUN_H
#define FEDMPI_RUN_RUN_H

#include "fedmpi/comm/comm.h"
#include "fedmpi/comm/shared.h"
#include "fedmpi/config/config.h"
#include "fedmpi/data/dataset.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/data/transform.h"
#include "fedmpi/fl/method.h"
#include "fedmpi/nn/model.h"
#include "fedmpi/run/claim.h"
#include "fedmpi/run/machine.h"
#include "fedmpi/run/options.h"

typedef struct fed_run {
    fed_comm_t *comm;             /**< borrowed */
    const fed_options_t *options; /**< borrowed */
    double started;               /**< on the clock of fed_clock_seconds */
    fed_machine_t machine;        /**< what the ranks' machines have in common */
    fed_config_t config;          /**< the same on every rank */
    fed_claim_t claim;            /**< server: on the files that it writes */
    fed_shared_t *block;          /**< the data set's memory, one a node */
    fed_dataset_t dataset;        /**< a view on it */
    fed_partition_t holdout;      /**< each client's samples for its own evaluation */
    fed_partition_t partition;    /**< the same on every rank */
    fed_transform_t *transform;   /**< of the training samples' features; NULL: none */
    fed_model_t model;
    fed_method_t method;
    float *initial; /**< server: the parameters to start from, [model.parameters]; NULL when all
                       have taken them */
} fed_run_t;

/** Read the configuration, load the data, deal it, build the model. Collective.
 * After any status, fed_run_fini gives everything back. */
fed_status_t fed_run_init(fed_run_t *run, fed_comm_t *comm, const fed_options_t *options);

/** Collective. */
void fed_run_fini(fed_run_t *run);

/** Nobody starts from the initial parameters any more. */
void fed_run_forget_initial(fed_run_t *run);

/** The training set's labels, as partitions want them. */
fed_labels_t fed_run_labels(const fed_run_t *run);

/** Two lines that say what is about to run; to stderr, where it speaks. */
void fed_run_announce(const fed_run_t *run);

/** --dry-run: the effective configuration, clients and ranks, memory; server, to stdout. */
void fed_run_describe(const fed_run_t *run);

#endif
