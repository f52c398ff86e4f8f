/** The record of a run: its results file, kept by the server. */
#ifndef FEDMPI_RUN_RECORD_H
#define FEDMPI_RUN_RECORD_H

#include "fedmpi/fl/centralized.h"
#include "fedmpi/fl/records.h"
#include "fedmpi/io/archive.h"
#include "fedmpi/io/bundle.h"
#include "fedmpi/io/journal.h"
#include "fedmpi/io/run_status.h"
#include "fedmpi/run/run.h"

#include <stddef.h>
#include <stdint.h>

/** [output] */
typedef struct fed_output_options {
    const char *file;
} fed_output_options_t;

FED_DECLARE_OPTIONS(fed_output)

#define FED_RECORD_TABLES 6

typedef struct fed_record {
    const fed_run_t *run;                  /**< borrowed */
    fed_table_t tables[FED_RECORD_TABLES]; /**< that grow, with what the run's variants add */
    fed_archive_t *archive;
    char started[32];                /**< when the run did, ISO 8601; kept when it is resumed */
    char *arithmetic;                /**< who computed, since when: fed_arithmetic_since */
    fed_run_status_t status;         /**< in the archive */
    int64_t rows[FED_RECORD_TABLES]; /**< of each table, so far */
    size_t waiting_bytes;            /**< of rows that are not in the file yet */
    fed_bundle_t pending;            /**< rows that are not in the journal yet */
    fed_mark_t journaled;            /**< the rows up to here are */
} fed_record_t;

/** Start a results file: who ran what on which machine, the partition, the initial
 * model, empty tables. @param hosts as fed_comm_hosts gives them */
void fed_record_create(fed_record_t *record, const fed_run_t *run, const char *hosts);

/** Append rows[count] to a table: fed_round_table, ...; each with the cells behind it that the
 * run's variants add, as the results file has them. */
void fed_record_rows(fed_record_t *record, const fed_table_t *table, const void *rows,
                     size_t count);

/** How many a table has so far. */
int64_t fed_record_count(const fed_record_t *record, const fed_table_t *table);

/** Do so many rows wait that they should be written before their round is over? */
bool fed_record_is_full(const fed_record_t *record);

/** Memory of rows that wait, where a round has so many bytes of them. */
size_t fed_record_rows_bytes(size_t round_bytes);

/** Write the rows since the last time behind the others in the journal, where no checkpoint counts
 * them yet. */
fed_status_t fed_record_spill(fed_record_t *record, const char *journal);

/** The same, and put into the checkpoint how far the journal counts: what it costs does not grow
 * with the run. */
fed_status_t fed_record_save(fed_record_t *record, const char *journal, fed_bundle_t *checkpoint);

/** Go on with the record of an interrupted run, after fed_record_create; its rows come next.
 * @param rounds    after which the checkpoint was written
 * @param complete  nothing is computed any more */
fed_status_t fed_record_restore(fed_record_t *record, const fed_bundle_t *checkpoint,
                                int64_t rounds, bool complete);

/** The next of the journal's rows, in a bundle of their own. FED_INPUT if they are not rows of this
 * run's tables. Where they are many they are spilled. */
fed_status_t fed_record_restore_rows(fed_record_t *record, const fed_bundle_t *rows);

/** The last have come: FED_INPUT unless they are those of so many rounds, and so many epochs of the
 * baseline. */
fed_status_t fed_record_check_rows(const fed_record_t *record, int64_t rounds, int64_t epochs);

void fed_record_fini(fed_record_t *record);

/** A parameter vector as one data set a tensor under `group`. */
void fed_record_model(fed_record_t *record, const char *group, const float *w);

/** Counts of (class, predicted) as `path`: confusion[classes][classes]. */
void fed_record_confusion(fed_record_t *record, const char *path, const int64_t *confusion);

/** Epochs of the baseline that are complete and not yet in the file. */
void fed_record_centralized(fed_record_t *record, const fed_centralized_t *centralized);

/** How the run stands; the end of it also sets the time. */
void fed_record_status(fed_record_t *record, fed_run_status_t status);

/** What the run ended with: its status, and of an interrupted one `stopped_because` and
 * `stopped_message`, the line that the user saw. */
void fed_record_end(fed_record_t *record, fed_status_t status, const char *message);

/** Let the file appear, or be as the record is now. What it costs depends on what is new.
 * @param last  nothing is added any more */
fed_status_t fed_record_publish(fed_record_t *record, bool last);

#endif
