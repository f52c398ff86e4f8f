/** The table at the end of a run, on stdout. Server only. */
#ifndef FEDMPI_RUN_SUMMARY_H
#define FEDMPI_RUN_SUMMARY_H

#include "fedmpi/run/federation.h"

/** Count a round in. */
void fed_totals_add(fed_totals_t *totals, const fed_round_row_t *row);

/** Federated beside centralized, seconds, bytes, where the results are. */
void fed_summary_print(const fed_federation_t *federation);

#endif
