/** Renyi differential privacy: a bound on epsilon that is cheap, and adds up. */
#ifndef FEDMPI_PRIVACY_RDP_H
#define FEDMPI_PRIVACY_RDP_H

#include "fedmpi/privacy/ledger.h"

/** Renyi divergence of this order, in nats, between what one time of a mechanism says of two
 * neighbours, the larger of both directions: Mironov, Talwar and Zhang 2019, "Renyi Differential
 * Privacy of the Sampled Gaussian Mechanism", section 3.3.
 * @param order  alpha, above 1
 * @return infinity where there is no noise, or the series does not end */
double fed_rdp(double sampling, double noise, double order);

/** The smallest epsilon that goes with this delta, over orders 1.1 to 1024; infinity if none does.
 * From orders to epsilon as in Canonne, Kamath and Steinke 2020, "The Discrete Gaussian for
 * Differential Privacy", Proposition 12. */
double fed_rdp_epsilon(const fed_ledger_t *ledger, double delta);

#endif
