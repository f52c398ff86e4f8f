/* Feature shifts of clients. */
#include "fedmpi/data/transform.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/config/purposes.h"
#include "fedmpi/core/distributions.h"
#include "fedmpi/core/memory.h"

#include <math.h>
#include <string.h>

typedef struct options {
    double feature_rotation, feature_intensity, feature_noise;
} options_t;

/* clang-format off */
static const fed_key_t keys[] = {
    FED_REAL(options_t, feature_rotation, 0, 180, "30", "feature: largest angle in degrees that a client's images are turned by, either way"),
    FED_REAL(options_t, feature_intensity, 0, 1, "0", "feature: largest relative change of a client's intensity, either way"),
    FED_REAL(options_t, feature_noise, 0, 1000, "0", "feature: deviation of the last client's Gaussian noise; client k of K, from 1, has k/K of it, the first 1/K"),
};
/* clang-format on */

const fed_key_group_t fed_transform_keys = FED_KEY_GROUP("partition", options_t, keys);

#define NOBODY UINT32_MAX

/* Of one client. */
typedef struct shift {
    double cosine, sine; /* of its rotation */
    float intensity;
    double noise; /* standard deviation */
} shift_t;

struct fed_transform {
    uint64_t seed;
    size_t channels, height, width;
    const float *background; /* [channels]: what a stored 0 is decoded to */
    bool rotates;
    shift_t *shifts; /* [clients] */
    uint32_t *owner; /* [training samples] */
    float *before;   /* [height][width] */
    double *normals; /* [channels * height * width] */
};

/* Uniform in [-1, 1). */
static double symmetric(const fed_stream_t *stream, uint32_t index) {
    return 2 * fed_random_uniform(stream, index) - 1;
}

static shift_t draw_shift(const fed_config_t *config, size_t client, size_t clients) {
    const options_t *options = fed_config_options(config, &fed_transform_keys);
    fed_stream_t stream = {
        .seed = fed_seed(config), .purpose = FED_RANDOM_SHIFT, .who = (uint32_t)client};
    double angle = options->feature_rotation * symmetric(&stream, 0) * M_PI / 180;
    double change = options->feature_intensity * symmetric(&stream, 1);
    return (shift_t){
        .cosine = cos(angle),
        .sine = sin(angle),
        .intensity = (float)(1 + change),
        .noise = options->feature_noise * (double)(client + 1) / (double)clients,
    };
}

static uint32_t *find_owners(const fed_partition_t *partition, size_t samples) {
    uint32_t *owner = FED_NEW_ARRAY(uint32_t, samples);
    for (size_t i = 0; i < samples; i++)
        owner[i] = NOBODY;
    for (size_t k = 0; k < partition->clients; k++)
        for (size_t i = partition->first[k]; i < partition->first[k + 1]; i++)
            owner[partition->samples[i]] = (uint32_t)k;
    return owner;
}

fed_status_t fed_transform_create(const fed_config_t *config, const fed_dataset_t *dataset,
                                  const fed_partition_t *partition, fed_transform_t **transform) {
    const options_t *options = fed_config_options(config, &fed_transform_keys);
    bool rotates = options->feature_rotation > 0;
    if (!rotates && options->feature_intensity == 0 && options->feature_noise == 0)
        return fed_config_fail(config, "partition.feature_rotation",
                               "partition.scheme = feature needs a rotation, an intensity or noise "
                               "above 0");
    if (rotates && dataset->height == 1)
        return fed_config_fail(config, "partition.feature_rotation",
                               "the samples are no images; 0 leaves only intensity and noise");
    fed_transform_t *made = FED_NEW(fed_transform_t);
    *made = (fed_transform_t){
        .seed = fed_seed(config),
        .channels = dataset->channels,
        .height = dataset->height,
        .width = dataset->width,
        .background = dataset->train.shift,
        .rotates = rotates,
        .shifts = FED_NEW_ARRAY(shift_t, partition->clients),
        .owner = find_owners(partition, dataset->train.count),
        .before = FED_NEW_ARRAY(float, dataset->height * dataset->width),
        .normals = FED_NEW_ARRAY(double, dataset->train.features),
    };
    for (size_t k = 0; k < partition->clients; k++)
        made->shifts[k] = draw_shift(config, k, partition->clients);
    *transform = made;
    return FED_OK;
}

void fed_transform_destroy(fed_transform_t *transform) {
    if (!transform)
        return;
    fed_free(transform->shifts);
    fed_free(transform->owner);
    fed_free(transform->before);
    fed_free(transform->normals);
    fed_free(transform);
}

static float pixel(const fed_transform_t *transform, ptrdiff_t y, ptrdiff_t x, float background) {
    bool inside = y >= 0 && x >= 0 && (size_t)y < transform->height && (size_t)x < transform->width;
    return inside ? transform->before[(size_t)y * transform->width + (size_t)x] : background;
}

/* The image between pixels: bilinear, and background around it. */
static float pixel_at(const fed_transform_t *transform, double y, double x, float background) {
    double top = floor(y), left = floor(x);
    ptrdiff_t row = (ptrdiff_t)top, column = (ptrdiff_t)left;
    float from_top = (float)(y - top), from_left = (float)(x - left);
    float above = (1 - from_left) * pixel(transform, row, column, background) +
                  from_left * pixel(transform, row, column + 1, background);
    float below = (1 - from_left) * pixel(transform, row + 1, column, background) +
                  from_left * pixel(transform, row + 1, column + 1, background);
    return (1 - from_top) * above + from_top * below;
}

/* Turn a plane around its middle: each pixel comes from where the inverse takes it. */
static void rotate(const fed_transform_t *transform, const shift_t *shift, float background,
                   float *plane) {
    size_t height = transform->height, width = transform->width;
    double middle_y = ((double)height - 1) / 2, middle_x = ((double)width - 1) / 2;
    memcpy(transform->before, plane, height * width * sizeof *plane);
    for (size_t y = 0; y < height; y++)
        for (size_t x = 0; x < width; x++) {
            double off_y = (double)y - middle_y, off_x = (double)x - middle_x;
            plane[y * width + x] =
                pixel_at(transform, middle_y + shift->cosine * off_y - shift->sine * off_x,
                         middle_x + shift->sine * off_y + shift->cosine * off_x, background);
        }
}

static void add_noise(const fed_transform_t *transform, size_t index, double deviation,
                      size_t features, float *x) {
    fed_stream_t stream = {
        .seed = transform->seed, .purpose = FED_RANDOM_NOISE, .who = (uint32_t)index};
    fed_random_normals(&stream, 0, features, transform->normals);
    for (size_t f = 0; f < features; f++)
        x[f] += (float)(deviation * transform->normals[f]);
}

void fed_transform_apply(const fed_transform_t *transform, size_t index, float *x) {
    if (transform->owner[index] == NOBODY)
        return;
    const shift_t *shift = &transform->shifts[transform->owner[index]];
    size_t plane = transform->height * transform->width, features = transform->channels * plane;
    if (transform->rotates)
        for (size_t c = 0; c < transform->channels; c++)
            rotate(transform, shift, transform->background[c], x + c * plane);
    for (size_t f = 0; f < features; f++)
        x[f] *= shift->intensity;
    if (shift->noise > 0)
        add_noise(transform, index, shift->noise, features, x);
}
