/* Setting up the tiny run. */
#include "tiny.h"
#include "nn/initializations/initializations.h"

#include "fedmpi/core/memory.h"
#include "fedmpi/run/rooms.h"

#include <stdlib.h>
#include <string.h>

enum { SAMPLES = 8, FEATURES = 4, CLASSES = 2, CLIENTS = 4 };

static uint8_t values[SAMPLES * FEATURES];
static int32_t labels[SAMPLES];
static float scale[1] = {1.0F / 255}, shift[1];
static uint32_t dealt[SAMPLES];
static size_t first[CLIENTS + 1];

static void set(fed_config_t *config, const char *assignment) {
    if (fed_config_override(config, assignment) != FED_OK)
        abort();
}

static void configure(fed_config_t *config) {
    fed_config_init(config, fed_rooms);
    set(config, "partition.clients=4");
    set(config, "partition.samples_per_client=2");
    set(config, "model.hidden=3");
    set(config, "training.epochs=1");
    set(config, "training.batch_size=2");
    set(config, "training.persistent_momentum=true");
    set(config, "federated.rounds=3");
    set(config, "federated.tracked_clients=0");
    set(config, "checkpoint.file=tiny.checkpoint");
}

static void make_data(fed_run_t *run) {
    for (size_t i = 0; i < SAMPLES; i++) {
        labels[i] = (int32_t)(i % CLASSES);
        dealt[i] = (uint32_t)i;
        for (size_t f = 0; f < FEATURES; f++)
            values[i * FEATURES + f] = (uint8_t)(31 * i + 17 * f);
    }
    for (size_t k = 0; k <= CLIENTS; k++)
        first[k] = k * SAMPLES / CLIENTS;
    fed_samples_t samples = {.count = SAMPLES,
                             .features = FEATURES,
                             .channels = 1,
                             .type = FED_VALUES_UINT8,
                             .values = values,
                             .labels = labels,
                             .scale = scale,
                             .shift = shift};
    run->dataset = (fed_dataset_t){
        .train = samples,
        .validation = samples,
        .test = samples,
        .channels = 1,
        .height = 2,
        .width = 2,
        .classes = CLASSES,
    };
    run->dataset.validation.count = 0;
    run->partition = (fed_partition_t){.clients = CLIENTS, .first = first, .samples = dealt};
}

static void make_server(fed_federation_t *federation, fed_run_t *run) {
    fed_server_t *server = federation->server = FED_NEW(fed_server_t);
    federation->run = run;
    fed_method_settle(&run->method, &run->config, run->model.parameters);
    federation->problem = fed_run_problem(run);
    run->comm = fed_comm_alone();
    federation->protocol = fed_protocol_of(&run->config);
    if (fed_engine_create(run->comm, &federation->problem, NULL, &federation->engine) != FED_OK)
        abort();
    federation->state = federation->protocol->create(federation->engine, run->initial);
    fed_centralized_init(&server->centralized, &run->config, &run->dataset, &run->model, dealt,
                         SAMPLES, run->initial);
}

fed_federation_t *tiny_federation(void) {
    static fed_options_t options = {.command_line = (char *)"tiny"};
    static fed_run_t run;
    static fed_federation_t federation;
    if (federation.run)
        return &federation;
    run.options = &options;
    configure(&run.config);
    make_data(&run);
    fed_model_input_t input = {1, 2, 2, CLASSES, 1.0};
    if (fed_method_find(&run.method, &run.config) != FED_OK ||
        fed_model_init(&run.model, &run.config, &input) != FED_OK)
        abort();
    run.initial = FED_NEW_ARRAY(float, run.model.parameters);
    fed_initialization_draw(&fed_initialization_pytorch, &run.model, 1, run.initial);
    make_server(&federation, &run);
    return &federation;
}
