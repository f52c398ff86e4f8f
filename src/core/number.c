/* Decimal numbers from text: one rule wherever users write some. */
#include "fedmpi/core/number.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LARGEST_EXPONENT 99 /* beyond are no numbers that anybody means */

/* A number's parts: digits before the point, digits behind it, exponent. */
typedef struct decimal {
    bool negative;
    const char *whole, *fraction;
    size_t whole_digits, fraction_digits;
    int exponent;
} decimal_t;

static size_t count_digits(const char *text) {
    return strspn(text, "0123456789");
}

static bool is_sign(char character) {
    return character == '-' || character == '+';
}

/* "e-3" to the end of the text, or nothing. */
static bool read_exponent(const char *text, int *exponent) {
    *exponent = 0;
    if (!*text)
        return true;
    if (*text != 'e' && *text != 'E')
        return false;
    const char *digits = text + 1 + is_sign(text[1]);
    size_t count = count_digits(digits);
    if (count == 0 || digits[count])
        return false;
    long size = strtol(digits, NULL, 10); /* LONG_MAX where it is too large */
    int bounded = size > LARGEST_EXPONENT ? LARGEST_EXPONENT + 1 : (int)size;
    *exponent = text[1] == '-' ? -bounded : bounded;
    return true;
}

static bool read_decimal(const char *text, decimal_t *number) {
    *number = (decimal_t){.negative = *text == '-'};
    number->whole = text + is_sign(*text);
    number->whole_digits = count_digits(number->whole);
    const char *rest = number->whole + number->whole_digits;
    number->fraction = rest + (*rest == '.');
    number->fraction_digits = *rest == '.' ? count_digits(number->fraction) : 0;
    return number->whole_digits + number->fraction_digits > 0 &&
           read_exponent(number->fraction + number->fraction_digits, &number->exponent);
}

bool fed_number_real(const char *text, double *value) {
    decimal_t number;
    if (!read_decimal(text, &number))
        return false;
    double parsed = strtod(text, NULL);
    if (!isfinite(parsed))
        return false;
    *value = parsed;
    return true;
}

/* The digit of 10^place, where the point stands behind place 0. */
static int digit_at(const decimal_t *number, long place) {
    long index = (long)number->whole_digits - 1 - place;
    if (index < 0 || index >= (long)(number->whole_digits + number->fraction_digits))
        return 0;
    size_t i = (size_t)index;
    return (i < number->whole_digits ? number->whole[i]
                                     : number->fraction[i - number->whole_digits]) -
           '0';
}

/* Digit by digit: a double would be exact up to 2^53 only. */
bool fed_number_integer(const char *text, int64_t *value) {
    decimal_t number;
    if (!read_decimal(text, &number))
        return false;
    int64_t sum = 0;
    long unit = -number.exponent, last = -(long)number.fraction_digits;
    for (long place = (long)number.whole_digits - 1; place >= last || place >= unit; place--) {
        int digit = digit_at(&number, place);
        bool counts = place >= unit;
        if (!counts && digit > 0)
            return false; /* what is left behind the point */
        int64_t signed_digit = number.negative ? -digit : digit;
        if (counts && (__builtin_mul_overflow(sum, 10, &sum) ||
                       __builtin_add_overflow(sum, signed_digit, &sum)))
            return false;
    }
    *value = sum;
    return true;
}
