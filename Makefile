# fedmpi: `make demo` shows it, `make check` tests it, `make help` lists the rest.
#
# Needs mpicc, HDF5, OpenBLAS, inih, Random123, libsodium and zlib. Flags come from
# pkg-config, then from h5cc; on a cluster load the modules first, or give what is
# not found by hand: make HDF5_CFLAGS=-I... HDF5_LIBS="-L... -lhdf5"

CC      = mpicc
MPIRUN ?= mpirun
PYTHON ?= /usr/bin/python3
BUILD  ?= build
CFLAGS ?= -O3
V      ?= 0

# --- Libraries ----------------------------------------------------------------------

# pkg-config --cflags or --libs of a module, else what stands behind.
pkg = $(shell pkg-config $(1) $(2) 2>/dev/null || echo $(3))
h5cc_flags = $(filter $(1),$(shell h5cc -show 2>/dev/null))

HDF5_CFLAGS     ?= $(call pkg,--cflags,hdf5,$(call h5cc_flags,-I% -D%))
HDF5_LIBS       ?= $(call pkg,--libs,hdf5,$(call h5cc_flags,-L%) -lhdf5)
OPENBLAS_CFLAGS ?= $(call pkg,--cflags,openblas,)
OPENBLAS_LIBS   ?= $(call pkg,--libs,openblas,-lopenblas)
INIH_CFLAGS     ?= $(call pkg,--cflags,inih,)
INIH_LIBS       ?= $(call pkg,--libs,inih,-linih)
SODIUM_CFLAGS   ?= $(call pkg,--cflags,libsodium,)
SODIUM_LIBS     ?= $(call pkg,--libs,libsodium,-lsodium)
ZLIB_CFLAGS     ?= $(call pkg,--cflags,zlib,)
ZLIB_LIBS       ?= $(call pkg,--libs,zlib,-lz)
RANDOM123_CFLAGS ?=
CMOCKA_LIBS     ?= $(call pkg,--libs,cmocka,-lcmocka)

WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes -Werror
# -fno-math-errno, -fno-trapping-math: nobody asks for errno or traps, and loops with
# rounding become vector code. Never -ffast-math: sums keep their order.
FLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -fopenmp-simd -fno-math-errno \
        -fno-trapping-math -ffp-contract=fast -fno-common -MMD -MP -Iinclude $(SANITIZE) \
        $(HDF5_CFLAGS) $(OPENBLAS_CFLAGS) $(INIH_CFLAGS) $(SODIUM_CFLAGS) $(ZLIB_CFLAGS) \
        $(RANDOM123_CFLAGS)
LIBS  = $(HDF5_LIBS) $(OPENBLAS_LIBS) $(INIH_LIBS) $(SODIUM_LIBS) $(ZLIB_LIBS) -lm

# --- Running under mpirun --------------------------------------------------------------

# More ranks than cores, also as root: users of the targets below need not know.
export OMPI_MCA_rmaps_base_oversubscribe ?= 1
export OMPI_ALLOW_RUN_AS_ROOT ?= 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM ?= 1
export OPENBLAS_NUM_THREADS ?= 1

# --- What is built --------------------------------------------------------------------

SOURCES = $(filter-out src/app/main.c,$(wildcard src/*/*.c))

# One copy of the kernels for each instruction set; src/math/simd.c chooses at run time.
SIMD_SOURCES = $(wildcard src/math/simd/*.c)
SIMD = plain
ifneq (,$(findstring x86_64,$(shell $(CC) -dumpmachine 2>/dev/null)))
SIMD += avx2 avx512
endif
SIMD_FLAGS_avx2   = -march=x86-64-v3
SIMD_FLAGS_avx512 = -march=x86-64-v4

OBJECTS = $(SOURCES:%.c=$(BUILD)/%.o) \
          $(foreach simd,$(SIMD),$(SIMD_SOURCES:%.c=$(BUILD)/%.$(simd).o))
LIBRARY = $(BUILD)/libfedmpi.a
PROGRAM = $(BUILD)/fedmpi

UNIT_TESTS = $(patsubst tests/unit/%.c,$(BUILD)/tests/unit/%,$(wildcard tests/unit/test_*.c))
MPI_TESTS  = $(patsubst tests/mpi/%.c,$(BUILD)/tests/mpi/%,$(wildcard tests/mpi/test_*.c))
BENCHES    = $(patsubst tests/bench/%.c,$(BUILD)/tests/bench/%,$(wildcard tests/bench/*.c))

ifeq ($(V),0)
quiet = @printf '  %-5s %s\n' "$(1)" "$(2)";
endif

all: fedmpi

fedmpi: $(PROGRAM)
	@cp $< $@

$(PROGRAM): $(BUILD)/src/app/main.o $(LIBRARY)
	$(call quiet,LINK,$@) $(CC) $(FLAGS) $^ $(LIBS) -o $@

$(LIBRARY): $(OBJECTS)
	$(call quiet,AR,$@) rm -f $@ && $(AR) rcs $@ $^

# Sums of rounded products: the same bits whether or not a CPU fuses.
$(SIMD:%=$(BUILD)/src/math/simd/fixed.%.o): FLAGS += -ffp-contract=off

define SIMD_RULE
$(BUILD)/%.$(1).o: %.c
	@mkdir -p $$(@D)
	$$(call quiet,CC,$$< ($(1))) $$(CC) $$(FLAGS) $$(SIMD_FLAGS_$(1)) -DFED_SIMD=$(1) -c $$< -o $$@
endef
$(foreach simd,$(SIMD),$(eval $(call SIMD_RULE,$(simd))))

$(BUILD)/%.o: %.c
	@mkdir -p $(@D)
	$(call quiet,CC,$<) $(CC) $(FLAGS) -c $< -o $@

# The revision is compiled in: this file follows git's HEAD and index.
REVISION = $(shell git describe --always --dirty --abbrev=12 2>/dev/null || echo unknown)
$(BUILD)/src/app/version.o: FLAGS += -DFED_GIT_REVISION='"$(REVISION)"'
$(BUILD)/src/app/version.o: $(wildcard .git/HEAD .git/index)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIBRARY)
	$(call quiet,LINK,$@) $(CC) $(FLAGS) $^ $(LIBS) $(CMOCKA_LIBS) -o $@

clean:
	rm -rf build fedmpi

include tests/tests.mk
include tests/fuzz/fuzz.mk

.SECONDARY:
.PHONY: all clean

-include $(OBJECTS:.o=.d) $(BUILD)/src/app/main.d $(UNIT_TESTS:=.d) $(MPI_TESTS:=.d) $(BENCHES:=.d)
