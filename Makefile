# fedmpi: `make demo` shows it, `make check` tests it, `make help` lists the rest.
#
# Needs mpicc, HDF5, OpenBLAS, FFTW, Random123, libsodium and zlib. Each is looked for
# in NAME_DIR if that is given (make HDF5_DIR=/opt/hdf5), by pkg-config, by h5cc, and
# where the compiler looks by itself, which is enough where modules or Spack have been
# loaded. NAME_CFLAGS and NAME_LIBS say it exactly.

CC      = mpicc
MPIRUN ?= mpirun
PYTHON ?= /usr/bin/python3
BUILD  ?= build
CFLAGS ?= -O3
V      ?= 0

ifneq ($(words $(BUILD)),1)
$(error BUILD=$(BUILD): make takes no folder with blanks)
endif

, := ,

# --- Libraries ----------------------------------------------------------------------

# A library's flags: from NAME_DIR, else from pkg-config, else what stands behind.
cflags = $(if $($(1)_DIR),-I$($(1)_DIR)/include,$(shell pkg-config --cflags $(2) 2>/dev/null || echo $(3)))
libs   = $(if $($(1)_DIR),$(call in_dir,$($(1)_DIR)) $(4),$(shell pkg-config --libs $(2) 2>/dev/null || echo $(3) $(4)))
in_dir = $(patsubst %,-L%,$(wildcard $(1)/lib $(1)/lib64))
h5cc   = $(filter $(1),$(shell h5cc -show 2>/dev/null))

HDF5_CFLAGS     ?= $(call cflags,HDF5,hdf5,$(call h5cc,-I% -D%))
HDF5_LIBS       ?= $(call libs,HDF5,hdf5,$(call h5cc,-L%),-lhdf5)
OPENBLAS_CFLAGS ?= $(call cflags,OPENBLAS,openblas)
OPENBLAS_LIBS   ?= $(call libs,OPENBLAS,openblas,,-lopenblas)
FFTW_CFLAGS     ?= $(call cflags,FFTW,fftw3)
FFTW_LIBS       ?= $(call libs,FFTW,fftw3,,-lfftw3)
SODIUM_CFLAGS   ?= $(call cflags,SODIUM,libsodium)
SODIUM_LIBS     ?= $(call libs,SODIUM,libsodium,,-lsodium)
ZLIB_CFLAGS     ?= $(call cflags,ZLIB,zlib)
ZLIB_LIBS       ?= $(call libs,ZLIB,zlib,,-lz)
RANDOM123_CFLAGS ?= $(if $(RANDOM123_DIR),-I$(RANDOM123_DIR)/include)
CMOCKA_LIBS     ?= $(call libs,CMOCKA,cmocka,,-lcmocka)

# Asked once, not in each command.
LIBRARY_CFLAGS := $(HDF5_CFLAGS) $(OPENBLAS_CFLAGS) $(FFTW_CFLAGS) \
                  $(SODIUM_CFLAGS) $(ZLIB_CFLAGS) $(RANDOM123_CFLAGS)
LIBRARY_LIBS   := $(HDF5_LIBS) $(OPENBLAS_LIBS) $(FFTW_LIBS) $(SODIUM_LIBS) $(ZLIB_LIBS) -lm

# Libraries outside the system's folders are found again when the program starts.
LIBRARY_LIBS += $(patsubst -L%,-Wl$(,)-rpath$(,)%,$(filter-out -L/usr/%,$(filter -L%,$(LIBRARY_LIBS))))

# The tests build with WERROR=-Werror; a newer compiler's new warning stops no user.
WERROR  ?=
WARNINGS = -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes $(WERROR)
# -fno-math-errno, -fno-trapping-math: nobody asks for errno or traps, and loops with
# rounding become vector code. Never -ffast-math: sums keep their order. A product and a sum are
# fused in kernels alone, or the bits would be another processor's.
FLAGS = -std=gnu11 -D_GNU_SOURCE $(WARNINGS) $(CFLAGS) -fopenmp-simd -fno-math-errno \
        -fno-trapping-math -ffp-contract=$(CONTRACT) -fno-common -MMD -MP -Iinclude -Isrc $(SANITIZE) $(LIBRARY_CFLAGS)
LIBS  = $(LIBRARY_LIBS)

# --- Running under mpirun --------------------------------------------------------------

# More ranks than cores, also as root: users of the targets below need not know. Open MPI 5's
# launcher has another name for it; MPICH needs nothing.
export OMPI_MCA_rmaps_base_oversubscribe ?= 1
export PRTE_MCA_rmaps_default_mapping_policy ?= :oversubscribe
export OMPI_ALLOW_RUN_AS_ROOT ?= 1
export OMPI_ALLOW_RUN_AS_ROOT_CONFIRM ?= 1
export OPENBLAS_NUM_THREADS ?= 1

# --- What is built --------------------------------------------------------------------

# Every C file below a folder, whatever rooms it has.
c_files = $(shell find $(1) -name '*.[ch]')
SOURCES = $(filter-out src/cli/main.c src/math/simd/%,$(filter %.c,$(call c_files,src)))

# One copy of the kernels for each instruction set; src/math/simd.c chooses at run time.
SIMD_SOURCES = $(wildcard src/math/simd/*.c)
SIMD = plain
ifneq (,$(findstring x86_64,$(shell $(CC) -dumpmachine 2>/dev/null)))
SIMD += avx2 avx512
endif
# gcc before 11 has no names for these levels.
march = $(if $(shell $(CC) -march=$(1) -E -xc /dev/null 2>/dev/null),-march=$(1),$(2))
LEVEL_3 = -mcx16 -msahf -mpopcnt -msse4.2 -mavx2 -mbmi -mbmi2 -mf16c -mfma -mlzcnt -mmovbe -mxsave
LEVEL_4 = $(LEVEL_3) -mavx512f -mavx512bw -mavx512cd -mavx512dq -mavx512vl
SIMD_FLAGS_avx2   := $(call march,x86-64-v3,$(LEVEL_3))
SIMD_FLAGS_avx512 := $(call march,x86-64-v4,$(LEVEL_4))

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

all: fedmpi ## the program (the default)

# Compared and not by time, for there may be several builds: ./fedmpi is the one asked for last.
# Where this folder is read-only the program is in BUILD alone.
fedmpi: $(PROGRAM) FORCE
	@cmp -s $< $@ || test ! -w . || cp $< $@
FORCE:

$(PROGRAM): $(BUILD)/src/cli/main.o $(LIBRARY)
	$(call quiet,LINK,$@) $(CC) $(FLAGS) $^ $(LIBS) -o $@

$(LIBRARY): $(OBJECTS)
	$(call quiet,AR,$@) rm -f $@ && $(AR) rcs $@ $^

# Of the kernels these have sums of rounded products, the same bits whether or not a CPU fuses.
ROUNDED_KERNELS = src/math/simd/adam.c src/math/simd/fixed.c
CONTRACT = off
$(foreach kernel,$(basename $(filter-out $(ROUNDED_KERNELS),$(SIMD_SOURCES))),$(SIMD:%=$(BUILD)/$(kernel).%.o)): CONTRACT = fast

# What is missing is told with the names of its packages, once, before anything compiles.
$(BUILD)/libraries.found:
	@CC='$(CC)' FEDMPI_CFLAGS='$(LIBRARY_CFLAGS)' FEDMPI_LIBS='$(LIBRARY_LIBS)' \
	    jobs/setup/packages.sh --missing build
	@mkdir -p $(@D) && touch $@

# Sanitizers multiply what the kernels take to compile: where these are not asked about, none.
SANITIZE_KERNELS ?= $(SANITIZE)
KERNEL_FLAGS = $(filter-out $(SANITIZE),$(FLAGS)) $(SANITIZE_KERNELS)

define SIMD_RULE
$(BUILD)/%.$(1).o: %.c | $(BUILD)/libraries.found
	@mkdir -p $$(@D)
	$$(call quiet,CC,$$< ($(1))) $$(CC) $$(KERNEL_FLAGS) $$(SIMD_FLAGS_$(1)) -DFED_SIMD=$(1) -c $$< -o $$@
endef
$(foreach simd,$(SIMD),$(eval $(call SIMD_RULE,$(simd))))

$(BUILD)/%.o: %.c | $(BUILD)/libraries.found
	@mkdir -p $(@D)
	$(call quiet,CC,$<) $(CC) $(FLAGS) -c $< -o $@

# Revision and version are compiled in: this file follows git's HEAD and index. A release is a
# tag, v0.2.0; commits behind it say how many they are, 0.2.0+5.g1234abc. A repository around an
# unpacked archive is not ours.
GIT = git --git-dir=.git
REVISION = $(shell $(GIT) describe --always --dirty --abbrev=12 --exclude='*' 2>/dev/null || echo unknown)
TAGGED   = $(shell $(GIT) describe --tags --match='v[0-9]*' 2>/dev/null | sed 's/^v//; s/-\([0-9]*\)-g/+\1.g/')
VERSION  = $(or $(TAGGED),$(shell cat VERSION))
$(BUILD)/src/run/version.o: FLAGS += -DFED_GIT_REVISION='"$(REVISION)"' -DFED_VERSION='"$(VERSION)"'
$(BUILD)/src/run/version.o: VERSION $(wildcard .git/HEAD .git/index)

$(BUILD)/tests/%: $(BUILD)/tests/%.o $(LIBRARY)
	$(call quiet,LINK,$@) $(CC) $(FLAGS) $^ $(LIBS) $(TEST_LIBS) -o $@

# What a test does takes no time that an optimizer would save.
$(UNIT_TESTS:%=%.o) $(MPI_TESTS:%=%.o): FLAGS += -O1

# Only tests that use it need cmocka: benchmarks do not.
$(UNIT_TESTS) $(MPI_TESTS): TEST_LIBS = $(CMOCKA_LIBS)

# --- For users ------------------------------------------------------------------------

RANKS   ?= 6
DATASET ?= mnist
PREFIX  ?= /usr/local

# As many compilers as cores, unless make was given -j.
PARALLEL = $(if $(findstring -j,$(MAKEFLAGS)),,-j$(shell nproc 2>/dev/null || echo 2))

demo: ## set up, build, train on DATASET=mnist, compare, and draw demo.png
	@PYTHON='$(PYTHON)' jobs/setup/packages.sh demo
	@$(MAKE) --no-print-directory $(PARALLEL) fedmpi
	@$(MAKE) --no-print-directory data
	$(MPIRUN) -np $(RANKS) ./fedmpi configs/$(DATASET).ini -o results/demo-$(DATASET).h5 --overwrite
	@echo
	$(PYTHON) -m analysis.plot results/demo-$(DATASET).h5 -o demo.png

data: ## put DATASET=mnist or fashion-mnist under data/
	@PYTHON='$(PYTHON)' jobs/setup/data.sh $(DATASET)

install: $(PROGRAM) ## program, library, manual page and the rest under PREFIX=/usr/local
	@BUILD='$(BUILD)' PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' VERSION='$(VERSION)' \
	    FEDMPI_CFLAGS='$(LIBRARY_CFLAGS)' FEDMPI_LIBS='$(LIBRARY_LIBS)' jobs/setup/install.sh install

dist: ## BUILD/fedmpi-VERSION.tar.gz: the sources as they are committed
	@mkdir -p $(BUILD)
	git archive --prefix=fedmpi-$$(cat VERSION)/ -o $(BUILD)/fedmpi-$$(cat VERSION).tar.gz HEAD

uninstall: ## take away what make install put under PREFIX, and nothing else
	@PREFIX='$(PREFIX)' DESTDIR='$(DESTDIR)' jobs/setup/install.sh uninstall

docs: fedmpi ## write docs/reference/ and the manual page anew from the program
	@$(PYTHON) docs/reference/make.py

clean: ## remove what was built; data and results stay
	rm -rf build fedmpi

help: ## this list
	@echo 'make TARGET [VARIABLE=VALUE ...]'
	@{ sed -n 's/^\([a-z-]*\): \(.* \)\?## \(.*\)/\1|\3/p' $(MAKEFILE_LIST); \
	    echo 'check-SUITE|one of the suites $(SUITES)'; } | \
	    LC_ALL=C sort -t'|' -k1,1 | awk -F'|' '{ printf "  %-12s %s\n", $$1, $$2 }'
	@echo
	@echo 'Libraries: HDF5_DIR=PREFIX, or HDF5_CFLAGS and HDF5_LIBS; the same for OPENBLAS,'
	@echo 'FFTW, RANDOM123, SODIUM, ZLIB. Programs: CC=mpicc, MPIRUN=mpirun, PYTHON=/usr/bin/python3.'

# What only builds the program may go without the tests.
include $(wildcard tests/tests.mk tests/*/*.mk)

.SECONDARY: $(C_SOURCES:%.c=$(BUILD)/%.o)
.PHONY: all demo data install dist uninstall docs clean help

# What each object was made from: all sources, so that no program's headers are forgotten.
-include $(C_SOURCES:%.c=$(BUILD)/%.d) $(OBJECTS:.o=.d)
