/* golden.h: what @{file} must compute, by the integer engine of neuropinn-lava @{version}. Do not edit. */
#ifndef @{macro}_GOLDEN_H
#define @{macro}_GOLDEN_H

#include <stdint.h>

/* Include @{file} first. */
#if (@{macro}_DIGEST != @{digest_number}) || (@{macro}_INTERFACE != @{interface})
#error "golden.h belongs to another network or another version than @{file}: export both again"
#endif

#define @{macro}_GOLDEN_SAMPLES @{n_samples}u
#define @{macro}_GOLDEN_STEPS @{n_steps}u /* steps of a sample */
#define @{macro}_GOLDEN_ROWS @{n_rows}u /* rows of inputs of a sample: one for each step of a sequence */
#define @{macro}_GOLDEN_SUMS @{n_sums}u /* numbers that a run returns */

@{words}
@{sums}
#ifdef NPL_HOST
/* The same in physical units. */
@{points}
@{outputs}
#endif

#endif /* @{macro}_GOLDEN_H */
