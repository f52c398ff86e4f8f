/* Classes as the labels tell them. */
#include "classes.h"

#include "fedmpi/core/log.h"
#include "fedmpi/core/memory.h"

#include <stdbool.h>

#define GAP 16 /* of a small set, whose samples miss some classes */

/* Which labels there are. */
typedef struct seen {
    size_t *counts; /* [largest + 1] */
    size_t smallest, largest, distinct;
} seen_t;

static size_t largest_label(const fed_raw_samples_t *samples, size_t count, size_t largest) {
    for (size_t i = 0; i < count; i++)
        if ((size_t)samples->labels[i] > largest)
            largest = (size_t)samples->labels[i];
    return largest;
}

static void count_labels(const fed_raw_samples_t *samples, size_t count, size_t *counts) {
    for (size_t i = 0; i < count; i++)
        counts[samples->labels[i]]++;
}

static void shift_labels(fed_raw_samples_t *samples, size_t count) {
    for (size_t i = 0; i < count; i++)
        samples->labels[i]--;
}

/* From counts: the other fields. */
static void summarize(seen_t *seen) {
    seen->smallest = seen->largest;
    for (size_t label = seen->largest + 1; label-- > 0;) {
        if (seen->counts[label] == 0)
            continue;
        seen->smallest = label;
        seen->distinct++;
    }
}

/* The label below the widest gap; largest: there is none that is much wider than there are
 * labels. */
static size_t below_gap(const seen_t *seen) {
    size_t before = seen->smallest, below = seen->largest, widest = seen->distinct + GAP;
    for (size_t label = seen->smallest + 1; label <= seen->largest; label++) {
        if (seen->counts[label] == 0)
            continue;
        if (label - before > widest) {
            widest = label - before;
            below = before;
        }
        before = label;
    }
    return below;
}

static fed_status_t check_gap(const fed_config_t *config, const seen_t *seen) {
    size_t below = below_gap(seen), above = 0;
    for (size_t label = below + 1; label <= seen->largest; label++)
        above += seen->counts[label];
    if (below == seen->largest)
        return FED_OK;
    return fed_config_fail(
        config, "data.path",
        "its %zu different labels lie between %zu and %zu, with none from %zu on "
        "but in %zu samples (the largest is %zu): number the classes from 0 "
        "without gaps, and leave out samples without one",
        seen->distinct, seen->smallest, seen->largest, below + 1, above, seen->largest);
}

fed_status_t fed_classes_settle(const fed_config_t *config, fed_raw_samples_t *train,
                                size_t train_count, fed_raw_samples_t *test, size_t test_count,
                                size_t *classes) {
    seen_t seen = {.largest = largest_label(train, train_count, 0)};
    seen.largest = largest_label(test, test_count, seen.largest);
    FED_AUTOFREE size_t *counts = seen.counts = FED_NEW_ARRAY(size_t, seen.largest + 1);
    count_labels(train, train_count, counts);
    count_labels(test, test_count, counts);
    summarize(&seen);
    FED_TRY(check_gap(config, &seen));
    *classes = seen.largest + 1;
    if (seen.smallest != 1 || seen.distinct != seen.largest || seen.distinct < 2)
        return FED_OK;
    fed_info("%s: labels go from 1 to %zu: counted from 0 here", fed_data_options(config)->path,
             seen.largest);
    shift_labels(train, train_count);
    shift_labels(test, test_count);
    *classes = seen.largest;
    return FED_OK;
}
