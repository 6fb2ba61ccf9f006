/* The estimate from the registers: P. Flajolet and others, "HyperLogLog" (2007), with its correction for few values.
 * Runs in a sandboxed child of airlock-gate; pure. */
#include "gate/sketch.h"

#include <math.h>

double sketch_estimate(const struct sketch *sketch)
{
    const double size = SKETCH_SIZE;
    double sum = 0;
    unsigned empty = 0;

    for (unsigned i = 0; i < SKETCH_SIZE; i++) {
        sum += ldexp(1, -(int)sketch->registers[i]);
        empty += sketch->registers[i] == 0;
    }
    double estimate = 0.7213 / (1 + 1.079 / size) * size * size / sum;
    if (estimate <= 2.5 * size && empty > 0)
        return size * log(size / empty);
    return estimate;
}
