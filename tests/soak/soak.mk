# `make soak`: thousands of short rounds, memory and open files of every rank.
# `make soak-saving`: what saving costs a round when many rows lie behind it.
SOAK_ROUNDS ?= 2000

soak: fedmpi ## memory and open files over SOAK_ROUNDS=2000 rounds
	@$(PYTHON) tests/soak/soak.py $(BUILD)/fedmpi $(SOAK_ROUNDS)

soak-saving: fedmpi ## what saving costs a round when many lie behind it
	@$(PYTHON) tests/soak/saving.py $(BUILD)/fedmpi

.PHONY: soak soak-saving
