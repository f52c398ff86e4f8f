# `make soak`: thousands of short rounds, memory and open files of every rank.
SOAK_ROUNDS ?= 2000

soak: fedmpi
	@$(PYTHON) tests/soak/soak.py $(BUILD)/fedmpi $(SOAK_ROUNDS)

.PHONY: soak
