/* The table of configuration keys. A new key is one line here and one field in
 * fed_config_t. */
#include "fedmpi/config/config.h"

#define AT(field) offsetof(fed_config_t, field)
#define INTEGER(section, name, low, high, initial, help)                                           \
    { #section, #name, FED_KEY_INTEGER, AT(section.name), low, high, false, NULL, initial, help }
#define REAL(section, name, low, high, open, initial, help)                                        \
    { #section, #name, FED_KEY_REAL, AT(section.name), low, high, open, NULL, initial, help }
#define BOOLEAN(section, name, initial, help)                                                      \
    {                                                                                              \
#section, #name, FED_KEY_BOOLEAN, AT(section.name), 0, 1, false, "true | false", initial,  \
            help                                                                                   \
    }
#define CHOICE(section, name, choices, initial, help)                                              \
    { #section, #name, FED_KEY_CHOICE, AT(section.name), 0, 0, false, choices, initial, help }
#define NAME(section, name, initial, help)                                                         \
    { #section, #name, FED_KEY_NAME, AT(section.name), 0, 0, false, NULL, initial, help }
#define DURATION(section, name, initial, help)                                                     \
    { #section, #name, FED_KEY_DURATION, AT(section.name), 0, 0, false, NULL, initial, help }
#define TEXT(section, name, initial, help)                                                         \
    { #section, #name, FED_KEY_TEXT, AT(section.name), 0, 0, false, NULL, initial, help }
#define INTEGERS(section, name, low, high, initial, help)                                          \
    { #section, #name, FED_KEY_INTEGERS, AT(section.name), low, high, false, NULL, initial, help }

#define COUNT_MAX 2147483647.0
#define CLIENTS_MAX 100000000.0

/* clang-format off */
const fed_config_key_t fed_config_keys[] = {
    TEXT(experiment, name, "mnist-fedavg", "a name for the run, kept in the results"),
    INTEGER(experiment, seed, 0, 9007199254740992.0, "1", "everything random derives from it"),

    NAME(data, dataset, "mnist", "the data set, see --list"),
    TEXT(data, path, "", "folder of the data files, for hdf5 the file; empty: data/ and the data set's name"),
    CHOICE(data, normalize, "unit | standard | none", "unit",
           "unit: x/255; standard: mean 0 and deviation 1 over the training set; none: as stored"),
    CHOICE(data, layout, "auto | channels_first | channels_last", "auto",
           "where pictures of named arrays have their channels; auto: by their number, 1, 3 or 4"),
    INTEGER(data, train_limit, 0, COUNT_MAX, "0", "use the first N training samples; 0: all"),
    INTEGER(data, validation_samples, 0, COUNT_MAX, "0", "hold out the last N of the training samples"),
    BOOLEAN(data, drop_constant_features, "false", "leave out features that are the same in every training sample"),
    REAL(data, synthetic_alpha, 0, 1e6, false, "1", "synthetic: deviation of the clients' rules from each other"),
    REAL(data, synthetic_beta, 0, 1e6, false, "1", "synthetic: deviation of the clients' features from each other"),
    INTEGER(data, synthetic_test_samples, 1, COUNT_MAX, "10000", "synthetic: size of the test set, from clients spread over all"),

    NAME(partition, scheme, "iid", "how the training set is dealt to the clients, see --list"),
    INTEGER(partition, clients, 0, CLIENTS_MAX, "150", "number of clients; 0: all that the data name (natural, file)"),
    INTEGER(partition, samples_per_client, 0, COUNT_MAX, "300", "samples a client holds, on average where sizes differ; natural, file: at most; 0: share everything out"),
    BOOLEAN(partition, stratified, "true", "iid: the same count of every class for each client"),
    CHOICE(partition, dirichlet_form, "client_mixture | class_split", "client_mixture",
           "dirichlet: a class mixture drawn for each client, equal sizes (Hsu et al. 2019), or each class dealt over the clients, unequal sizes (Li et al. 2021)"),
    REAL(partition, alpha, 0, 1e9, true, "0.5", "dirichlet: concentration; small: few classes a client, large: iid"),
    INTEGER(partition, shards_per_client, 1, COUNT_MAX, "2", "shards: pieces of the samples sorted by label that a client gets"),
    CHOICE(partition, quantity_law, "power | lognormal", "lognormal", "quantity: what the clients' sizes are proportional to"),
    REAL(partition, quantity_exponent, 0, 1000, true, "1.5", "quantity, power: a of the density a / x^(a+1); small: unequal"),
    REAL(partition, quantity_sigma, 0, 100, false, "1", "quantity, lognormal: deviation of the logarithm; large: unequal"),
    INTEGER(partition, min_samples, 1, COUNT_MAX, "10", "dirichlet with class_split, quantity: clients with fewer take samples from the largest"),
    REAL(partition, feature_rotation, 0, 180, false, "30", "feature: largest angle in degrees that a client's images are turned by, either way"),
    REAL(partition, feature_intensity, 0, 1, false, "0", "feature: largest relative change of a client's intensity, either way"),
    REAL(partition, feature_noise, 0, 1000, false, "0", "feature: deviation of the last client's Gaussian noise; client k of K has k/K of it"),
    TEXT(partition, file, "", "file: client of each training sample, -1: nobody's; HDF5 with /client, or text with one a line"),
    REAL(partition, holdout, 0, 0.9, false, "0", "share of each client's samples that it does not train on but is evaluated on, see federated/personalization"),

    NAME(model, type, "mlp", "the network, see --list"),
    INTEGERS(model, hidden, 1, 1048576, "200,200", "mlp: units of the hidden layers; empty: none"),
    INTEGERS(model, filters, 1, 4096, "", "cnn, cifar-cnn: channels of the convolutions; empty: the paper's 32,64 or 64,64"),
    INTEGERS(model, dense, 1, 1048576, "", "cnn, cifar-cnn: units of the hidden dense layers; empty: the paper's 512 or 384,192"),
    INTEGER(model, norm_groups, 0, 4096, "32", "cifar-cnn: groups of channels that are normalised together; 0: no normalisation"),
    REAL(model, dropout, 0, 0.99, false, "0", "probability with which a training step drops a hidden dense unit"),
    CHOICE(model, gemm, "auto | own | openblas", "auto",
           "products of dense layers: own kernels, which skip zeros, OpenBLAS's, or by shape whichever is faster"),
    TEXT(model, init, "pytorch", "pytorch: U(-1/sqrt(fan_in), 1/sqrt(fan_in)); else an HDF5 file with tensors to start from"),

    INTEGER(training, epochs, 1, 16777215, "10", "E: local epochs of a client in a round"),
    INTEGER(training, batch_size, 1, 1048576, "32", "B: samples of a mini-batch; the last of an epoch may be smaller"),
    REAL(training, learning_rate, 0, 1000, true, "0.01", "of the clients' and the baseline's SGD"),
    REAL(training, momentum, 0, 0.999999, false, "0.9", "of the clients' and the baseline's SGD"),
    REAL(training, weight_decay, 0, 1000, false, "0", "L2 term added to the gradient"),
    BOOLEAN(training, persistent_momentum, "false", "keep each client's momentum from round to round"),
    BOOLEAN(training, nesterov, "false", "Nesterov's momentum, as PyTorch's SGD has it"),
    REAL(training, clip_norm, 0, 1e30, false, "0", "L2 norm to which a mini-batch's gradient is scaled down if it is longer; 0: never"),
    INTEGER(training, steps, 0, 16777215, "0", "mini-batches of a client in a round, in place of epochs; 0: epochs"),
    NAME(training, schedule, "constant",
         "of the clients' learning rate over the rounds, with decay and decay_rounds"),
    REAL(training, decay, 0, 1, true, "0.1", "factor on the learning rate: every decay_rounds (step), over each decay_rounds (exponential), at their end (cosine)"),
    INTEGER(training, decay_rounds, 1, 10000000, "100", "rounds of the schedule: from one decay to the next (step, exponential), from start to end (cosine)"),

    BOOLEAN(federated, enabled, "true", "run the federated part"),
    NAME(federated, protocol, "rounds", "who trains from which parameters and when results count, see --list"),
    NAME(federated, algorithm, "fedavg", "what clients and server compute, see --list"),
    REAL(federated, mu, 0, 1000, false, "0.01", "fedprox: weight of the proximal term"),
    REAL(federated, alpha, 0, 1000, true, "0.01", "feddyn: weight of the regularisation"),
    CHOICE(federated, scaffold_option, "1 | 2", "2", "scaffold: a client's new control is its gradient at the global model (1) or what its steps amount to (2)"),
    NAME(federated, server_optimizer, "sgd", "how the averaged update changes the global model, see --list"),
    REAL(federated, server_learning_rate, 0, 1000, true, "1", "of the server's optimizer; sgd with 1 is averaging, adaptive ones want less"),
    REAL(federated, beta1, 0, 0.999999, false, "0.9", "server's momentum, adagrad, adam and yogi: decay of the first moment"),
    REAL(federated, beta2, 0, 0.999999, false, "0.99", "server's adam and yogi: decay of the second moment"),
    REAL(federated, tau, 0, 1000, true, "0.001", "server's adagrad, adam and yogi: adaptivity, added to the root of the second moment"),
    INTEGER(federated, rounds, 1, 10000000, "20", "communication rounds"),
    INTEGER(federated, clients_per_round, 0, CLIENTS_MAX, "0", "K: clients drawn each round; 0: all"),
    NAME(federated, sampling, "uniform",
         "uniform: K clients, equally likely; weighted: K, in proportion to their samples; poisson: each on its own, see participation"),
    REAL(federated, participation, 0, 1, true, "0.1", "poisson: probability that a client is drawn in a round"),
    REAL(federated, availability, 0, 1, true, "1", "probability that a client can be drawn in a round"),
    REAL(federated, dropout, 0, 1, false, "0", "probability that a client that was drawn does not answer"),
    CHOICE(federated, weighting, "samples | uniform", "samples", "weight of a client's update in the average"),
    NAME(federated, aggregation, "mean", "how the clients' updates become one, see --list"),
    REAL(federated, tolerated, 0, 0.499, false, "0.2", "trimmed_mean, krum, multi_krum: share of a round's clients that may send anything; f is its number, rounded down"),
    REAL(federated, norm_bound, 0, 1e30, true, "1", "norm_bound: L2 norm to which a longer update is cut"),
    INTEGER(federated, byzantine_clients, 0, CLIENTS_MAX, "0", "simulated clients that attack, chosen by the seed"),
    NAME(federated, attack, "sign_flip",
         "what they do: send their update times -attack_scale, noise of that deviation, or train on turned labels (c as classes-1-c)"),
    REAL(federated, attack_scale, 0, 1e6, false, "1", "sign_flip, gaussian: size of the attack"),
    CHOICE(federated, collective, "gather | reduce", "gather", "how updates reach the server: MPI_Gather or MPI_Reduce"),
    CHOICE(federated, on_divergence, "stop | skip", "stop", "a client whose parameters leave the range of numbers: stop the run, or leave the client out of the round"),
    INTEGER(federated, evaluate_every, 1, 10000000, "1", "rounds from one evaluation of the global model to the next; the last is always evaluated"),
    INTEGER(federated, personal_epochs, 0, 8388607, "1", "with partition.holdout: epochs of fine-tuning between a client's two evaluations"),
    INTEGERS(federated, tracked_clients, 0, CLIENTS_MAX - 1, "0,1,2,3,4", "clients with a curve over their local epochs; empty: none"),

    BOOLEAN(centralized, enabled, "true", "train the same network on pooled data for comparison"),
    INTEGER(centralized, epochs, 0, 16777215, "0", "epochs of the baseline; 0: as [training]"),
    CHOICE(centralized, data, "clients | all", "clients", "clients: what they hold together; all: the whole training set"),

    TEXT(checkpoint, file, "", "empty: the results file's name with .checkpoint behind it"),
    INTEGER(checkpoint, every, 0, 10000000, "1", "rounds from one checkpoint to the next; 0: never"),
    DURATION(checkpoint, time_limit, "0", "checkpoint and stop in time to end after this long; 0: no limit but the Slurm job's own"),

    TEXT(output, file, "results/mnist-fedavg.h5", "the results file, HDF5"),
};
/* clang-format on */

const size_t fed_config_key_count = sizeof fed_config_keys / sizeof *fed_config_keys;
