/* The privacy loss of one mechanism, on a grid. */
#ifndef FEDMPI_PRIVACY_LOSS_H
#define FEDMPI_PRIVACY_LOSS_H

#include <stddef.h>

/* Of two neighbours: which of them is the truth. */
typedef enum fed_direction {
    FED_MEMBER_LESS, /* the one with the member is */
    FED_MEMBER_MORE, /* the one without */
    FED_DIRECTIONS
} fed_direction_t;

/* Losses i * mesh for i = -bins/2 .. bins/2 - 1, i negative standing behind the others, as a
 * Fourier transform has them. */
typedef struct fed_loss_grid {
    double mesh; /* nats */
    size_t bins; /* even */
} fed_loss_grid_t;

/* The probability of each bin, of losses between the ends of the grid: cells around the bins'
 * middles. Gopi et al. 2021, Algorithm 2.
 * @param mass  [out] [grid->bins], which adds up to 1
 * @return by how much all losses have to be shifted for their mean to be right */
double fed_loss_discretize(const fed_loss_grid_t *grid, double sampling, double noise,
                           fed_direction_t direction, double *mass);

#endif
