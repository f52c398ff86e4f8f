/* What saving and loading a checkpoint share. */
#ifndef FEDMPI_RUN_CHECKPOINT_FORMAT_H
#define FEDMPI_RUN_CHECKPOINT_FORMAT_H

#include "fedmpi/io/sealed.h"
#include "fedmpi/run/run.h"

#include <stdint.h>

/* Grows when the content changes its meaning. */
#define FED_CHECKPOINT_FORMAT 8

/* Where the run stands: scalars of the checkpoint, in one array. */
enum {
    ROUNDS_DONE,
    COMPLETE,
    EPOCH,
    POSITION,
    CORRECT,
    TOTAL_ROUNDS,
    TOTAL_BYTES_DOWN,
    TOTAL_BYTES_UP,
    INTEGER_COUNT
};
enum {
    LOSS_SUM,
    TRAIN_SECONDS,
    TOTAL_WALL_SECONDS,
    TOTAL_TRAIN_SECONDS,
    TOTAL_MEASURES, /* loss and accuracy: train, test, validation */
    REAL_COUNT = TOTAL_MEASURES + 6
};

/* The name of the checkpoint's journal; the caller frees it. */
char *fed_checkpoint_journal(const fed_run_t *run);

/* Of what a run starts from: data and initial parameters. Server only. */
void fed_checkpoint_fingerprint(const fed_run_t *run, unsigned char hash[FED_HASH_BYTES]);

#endif
