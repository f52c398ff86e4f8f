/* What a client sends at the end of its training. */
#ifndef FEDMPI_FL_SEND_H
#define FEDMPI_FL_SEND_H

#include "fedmpi/fl/client.h"

/* Pass the client's vectors through the chain, at the end of which they are in the sums, or shown.
 * @param norm  [out] of its update, as it is before any scaling
 * @return FED_DIVERGED if a difference is out of the range of numbers */
fed_status_t fed_client_send(const fed_client_t *client, double *norm);

#endif
