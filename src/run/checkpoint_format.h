/* What saving and loading a checkpoint share. */
#ifndef FEDMPI_RUN_CHECKPOINT_FORMAT_H
#define FEDMPI_RUN_CHECKPOINT_FORMAT_H

#include "fedmpi/io/sealed.h"
#include "fedmpi/run/run.h"

#include <stdint.h>

/* Grows when the content changes its meaning. */
#define FED_CHECKPOINT_FORMAT 5

/* Where the run stands: scalars of the checkpoint, in one array. */
enum { ROUNDS_DONE, COMPLETE, EPOCH, POSITION, CORRECT, INTEGER_COUNT };
enum { LOSS_SUM, TRAIN_SECONDS, REAL_COUNT };

/* The name of the checkpoint's journal; the caller frees it. */
char *fed_checkpoint_journal(const fed_run_t *run);

/* The name of a slot's array, "down/w"; the caller frees it. */
char *fed_checkpoint_slot(const fed_slot_t *slot);

/* Of what a run starts from: data and initial parameters. Server only. */
void fed_checkpoint_fingerprint(const fed_run_t *run, unsigned char hash[FED_HASH_BYTES]);

#endif
