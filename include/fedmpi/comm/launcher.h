/** What the launcher says through environment variables, before MPI starts or without it. */
#ifndef FEDMPI_COMM_LAUNCHER_H
#define FEDMPI_COMM_LAUNCHER_H

#include <stdbool.h>

typedef struct fed_launcher {
    int rank;       /**< which of its processes this is, from 0 */
    long processes; /**< that it has started; 0: does not say, or there is none */
    bool is_srun;
    bool has_pmix; /**< it tells its processes by PMIx how to find each other */
} fed_launcher_t;

/** Local. To be asked before MPI starts, which sets such variables itself. */
fed_launcher_t fed_launcher_read(void);

#endif
