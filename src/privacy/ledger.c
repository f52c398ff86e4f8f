/* Keeping the ledger. */
#include "fedmpi/privacy/ledger.h"

bool fed_ledger_add(fed_ledger_t *ledger, double sampling, double noise, double times) {
    for (size_t i = 0; i < ledger->count; i++)
        if (ledger->entries[i].sampling == sampling && ledger->entries[i].noise == noise) {
            ledger->entries[i].times += times;
            return true;
        }
    if (ledger->count == FED_LEDGER_MOST)
        return false;
    ledger->entries[ledger->count++] = (fed_mechanism_t){sampling, noise, times};
    return true;
}

double fed_ledger_times(const fed_ledger_t *ledger) {
    double times = 0;
    for (size_t i = 0; i < ledger->count; i++)
        times += ledger->entries[i].times;
    return times;
}
