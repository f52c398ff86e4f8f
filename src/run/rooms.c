/* The one place that knows all rooms. */
#include "fedmpi/run/rooms.h"

#include "fedmpi/config/experiment.h"
#include "fedmpi/data/dataset.h"
#include "fedmpi/data/partition.h"
#include "fedmpi/fl/aggregation.h"
#include "fedmpi/fl/algorithm.h"
#include "fedmpi/fl/attack.h"
#include "fedmpi/fl/average.h"
#include "fedmpi/fl/centralized.h"
#include "fedmpi/fl/client.h"
#include "fedmpi/fl/encoder.h"
#include "fedmpi/fl/optimizer.h"
#include "fedmpi/fl/personal.h"
#include "fedmpi/fl/privacy.h"
#include "fedmpi/fl/schedule.h"
#include "fedmpi/fl/selection.h"
#include "fedmpi/fl/server_optimizer.h"
#include "fedmpi/fl/training.h"
#include "fedmpi/nn/initialization.h"
#include "fedmpi/nn/model.h"
#include "fedmpi/run/checkpoint.h"
#include "fedmpi/run/limit.h"
#include "fedmpi/run/record.h"
#include "fedmpi/sim/federated.h"
#include "fedmpi/sim/protocol.h"

const fed_key_group_t *const fed_rooms[] = {
    &fed_experiment_keys,
    &fed_data_keys,
    &fed_partition_keys,
    &fed_model_keys,
    &fed_initialization_keys,
    &fed_training_keys,
    &fed_optimizer_keys,
    &fed_schedule_keys,
    &fed_federated_keys,
    &fed_protocol_keys,
    &fed_algorithm_keys,
    &fed_server_optimizer_keys,
    &fed_average_keys,
    &fed_selection_keys,
    &fed_encoder_keys,
    &fed_aggregation_keys,
    &fed_attack_keys,
    &fed_client_keys,
    &fed_privacy_keys,
    &fed_personal_keys,
    &fed_centralized_keys,
    &fed_checkpoint_keys,
    &fed_limit_keys,
    &fed_output_keys,
    NULL,
};
