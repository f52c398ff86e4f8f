# Tests and checks: `make check` runs them all, `make check-SUITE` one suite.

SUITES = unit mpi e2e python slurm cluster static sanitize valgrind clang fuzz
RUN_TESTS = $(PYTHON) tests/run.py --build $(BUILD)

# The set-up needs root only where something is missing.
check: ## everything that the tests need, and all tests
	@test ! -x jobs/setup/packages.sh || jobs/setup/packages.sh check
	@$(RUN_TESTS)

$(SUITES:%=check-%): check-%:
	@$(RUN_TESTS) $*

tests: $(UNIT_TESTS) $(MPI_TESTS) ## build the tests in C

C_FILES  := $(call c_files,src include tests)
C_SOURCES = $(filter %.c,$(C_FILES))
C_HEADERS = $(filter %.h,$(C_FILES))

format: ## clang-format on all C files
	clang-format -i $(C_FILES)

format-check: ## see that clang-format would change nothing
	clang-format --dry-run -Werror $(C_FILES)

# clang-tidy reads the flags that the sources are compiled with; a file that passed
# is looked at again when it or a header has changed.
MPI_CFLAGS = $(shell $(CC) --showme:compile 2>/dev/null || $(CC) -compile_info | cut -d' ' -f2-)
TIDY_FLAGS = $(filter-out -Werror -MMD -MP,$(FLAGS)) $(MPI_CFLAGS)

# Of tests, which are run under sanitizers and valgrind, the paths are not followed as deep as of
# the sources: that would take more than half of the whole time.
$(BUILD)/tidy/tests/%.passed: TIDY_FLAGS += -Xclang -analyzer-config -Xclang mode=shallow

tidy: ## clang-tidy on all C files
tidy: $(filter-out $(BUILD)/tidy/src/math/simd/%,$(C_SOURCES:%.c=$(BUILD)/tidy/%.passed)) \
      $(SIMD_SOURCES:%.c=$(BUILD)/tidy/%.passed)

$(BUILD)/tidy/src/math/simd/%.passed: TIDY_FLAGS += -DFED_SIMD=plain
$(BUILD)/tidy/%.passed: %.c $(C_HEADERS) .clang-tidy
	@mkdir -p $(@D)
	$(call quiet,TIDY,$<) clang-tidy --quiet --warnings-as-errors='*' $< -- $(TIDY_FLAGS) 2>$@.log || \
	    { cat $@.log; rm $@.log; exit 1; }
	@rm -f $@.log && touch $@

# Of the sources only: tests are clang-tidy's. Not asked about: what it fails to parse
# (GCC's vector types, compound literals), and null pointers, where it does not know
# which functions end the program.
CPPCHECK_OFF = internalAstError nullPointer nullPointerRedundantCheck missingIncludeSystem

cppcheck: ## cppcheck on the sources
	@mkdir -p $(BUILD)/cppcheck
	cppcheck --quiet --enable=warning,performance,portability --error-exitcode=1 --std=c11 \
	    --language=c -Iinclude -Isrc -DFED_SIMD=plain $(CPPCHECK_OFF:%=--suppress=%) \
	    --cppcheck-build-dir=$(BUILD)/cppcheck src

shellcheck: ## shellcheck on all scripts
	shellcheck $(wildcard jobs/*.sh jobs/*.sbatch jobs/*/*.sh) src/cli/completion/fedmpi.bash

.PHONY: check $(SUITES:%=check-%) tests format format-check tidy cppcheck shellcheck
