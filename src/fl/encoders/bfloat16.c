/* Sixteen of a float's bits: its sign, its exponent and seven bits behind the leading one, as
 * processors for learning have them (Kalamkar et al. 2019, "A Study of BFLOAT16 for Deep Learning
 * Training"). */
#include "encoders.h"

#include <string.h>

/* To the nearest, ties to even; numbers of a message are finite and far from the largest. */
static float round_number(float number) {
    uint32_t bits;
    memcpy(&bits, &number, sizeof bits);
    bits += 0x7fff + (bits >> 16 & 1);
    bits &= 0xffff0000;
    memcpy(&number, &bits, sizeof number);
    return number;
}

static void encode(const fed_client_t *client, fed_message_t *message) {
    (void)client;
    float *numbers = fed_message_rewrite(message);
    for (size_t j = 0; message->in_range && j < message->place->count; j++)
        numbers[j] = round_number(numbers[j]);
}

static size_t bytes(const fed_config_t *config, size_t numbers, size_t bytes_before) {
    (void)config;
    (void)bytes_before;
    return numbers * sizeof(uint16_t);
}

/* Not linear: sums of such numbers need more bits. */
const fed_encoder_t fed_encoder_bfloat16 = {
    .plugin = {.name = "bfloat16",
               .summary = "sends numbers in 16 bits, of which 8 are their digits (Kalamkar et al. "
                          "2019)"},
    .rewrites = true,
    .encode = encode,
    .bytes = bytes,
};
