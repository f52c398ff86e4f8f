/** A moving average of the global model, which is evaluated and saved in its place and on which
 * nobody trains: Polyak averaging, a_t = d a_(t-1) + (1 - d) w_t, a_0 = w_0.
 *
 * It stands behind w in the block that goes to all ranks, since all of them evaluate; a client of
 * a real federation would not get it, so it is not counted as sent.
 */
#ifndef FEDMPI_FL_AVERAGE_H
#define FEDMPI_FL_AVERAGE_H

#include "fedmpi/config/config.h"
#include "fedmpi/fl/slots.h"

typedef struct fed_average_options {
    double average_decay; /**< d; 0: no average */
} fed_average_options_t;

FED_DECLARE_OPTIONS(fed_average)

/** Its float form, FED_OWNER_DOWN. */
extern const fed_slot_t fed_slot_average;

/** Declare its slots, if the configuration asks for it. */
void fed_average_settle(fed_slots_t *slots, const fed_config_t *config);

/** The server's blocks before round 1, and after a round that changed w. Nothing without an
 * average. Local.
 * @param down          [in,out] the block of FED_OWNER_DOWN, w in it
 * @param server_state  [in,out] the block of FED_OWNER_SERVER */
void fed_average_start(const fed_slots_t *slots, float *down, double *server_state);
void fed_average_step(const fed_config_t *config, const fed_slots_t *slots, float *down,
                      double *server_state);

/** What is evaluated of a block: the average, or w. */
const float *fed_average_model(const fed_slots_t *slots, const float *down);

#endif
