# Fuzz targets (clang's libFuzzer with AddressSanitizer and UBSan): `make fuzz` runs each
# for FUZZ_SECONDS, `make check-fuzz` is the short run of `make check`.

FUZZ_SECONDS ?= 600
FUZZ_BUILD    = $(BUILD)/fuzz
FUZZ_TARGETS  = ini idx hdf5 dataset checkpoint
FUZZ_SHARED   = $(BUILD)/tests/fuzz/input.o $(BUILD)/tests/fuzz/tiny.o
FUZZ_FLAGS    = -fsanitize=fuzzer-no-link,address,undefined -fno-sanitize-recover=all -g1

# A file makes no larger allocation than it bears out, MiB. (HDF5 reads in a process of its
# own, with limits of its own.) What MPI keeps until the end is not ours, and its components,
# closed by then, have no names to suppress: targets that start MPI count our own blocks only.
FUZZ_MALLOC_LIMIT = 64
FUZZ_ASAN_checkpoint = detect_leaks=0
FUZZ_ASAN_hdf5       = detect_leaks=0

# Files reach no kernel: these are the dearest to compile, and the sanitizers' own build has them.
fuzz-build:
	@OMPI_CC=clang MPICH_CC=clang $(MAKE) --no-print-directory BUILD=$(FUZZ_BUILD) CFLAGS="-O1 -Wno-pass-failed" \
	    SANITIZE="$(FUZZ_FLAGS)" SANITIZE_KERNELS= $(FUZZ_TARGETS:%=$(FUZZ_BUILD)/tests/fuzz/fuzz_%)

$(FUZZ_TARGETS:%=$(BUILD)/tests/fuzz/fuzz_%): $(BUILD)/tests/fuzz/fuzz_%: \
                            $(BUILD)/tests/fuzz/fuzz_%.o $(FUZZ_SHARED) $(LIBRARY)
	$(call quiet,LINK,$@) $(CC) $(FLAGS) -fsanitize=fuzzer $^ $(LIBS) -o $@

fuzz: $(FUZZ_TARGETS:%=fuzz-%) ## each target for FUZZ_SECONDS=600; fuzz-ini and so on: one

# Finds are kept in the corpus of the build folder, from one run to the next.
$(FUZZ_TARGETS:%=fuzz-%): fuzz-%: fuzz-build
	@mkdir -p $(FUZZ_BUILD)/corpus/$* $(FUZZ_BUILD)/finds tests/fuzz/seeds/$*
	@test $* != checkpoint || FEDMPI_FUZZ_SEED=$(FUZZ_BUILD)/corpus/checkpoint/valid \
	    ASAN_OPTIONS=detect_leaks=0 $(FUZZ_BUILD)/tests/fuzz/fuzz_checkpoint -runs=0 2>/dev/null
	@echo "fuzz_$*: $(FUZZ_SECONDS) s"
	@ASAN_OPTIONS=$(FUZZ_ASAN_$*) $(FUZZ_BUILD)/tests/fuzz/fuzz_$* -max_total_time=$(FUZZ_SECONDS) -timeout=20 -max_len=65536 \
	    -rss_limit_mb=2048 -print_final_stats=1 \
	    -verbosity=0 -artifact_prefix=$(FUZZ_BUILD)/finds/$*- -malloc_limit_mb=$(FUZZ_MALLOC_LIMIT) \
	    $(FUZZ_BUILD)/corpus/$* tests/fuzz/seeds/$* 2>$(FUZZ_BUILD)/$*.log || \
	    { cat $(FUZZ_BUILD)/$*.log; exit 1; }
	@grep -E "number_of_executed_units|peak_rss_mb" $(FUZZ_BUILD)/$*.log

.PHONY: fuzz fuzz-build $(FUZZ_TARGETS:%=fuzz-%)
