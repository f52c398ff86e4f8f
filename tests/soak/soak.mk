# `make soak`: thousands of short rounds, memory and open files of every rank.
# `make soak-saving`: what saving costs a round when many rows lie behind it.
# `make soak-cluster`: hours of runs on three nodes to which things happen.
SOAK_ROUNDS ?= 2000
SOAK_SECONDS ?= 7200

soak: fedmpi ## memory and open files over SOAK_ROUNDS=2000 rounds
	@$(PYTHON) tests/soak/soak.py $(BUILD)/fedmpi $(SOAK_ROUNDS)

soak-saving: fedmpi ## what saving costs a round when many lie behind it
	@$(PYTHON) tests/soak/saving.py $(BUILD)/fedmpi

soak-cluster: fedmpi ## SOAK_SECONDS=7200 of runs and faults on three nodes: needs root
	@cd tests/cluster && FEDMPI=$(abspath $(BUILD))/fedmpi FEDMPI_SOAK_SECONDS=$(SOAK_SECONDS) \
	    PYTHONPATH=..:../e2e:. $(PYTHON) -m unittest soak

.PHONY: soak soak-saving soak-cluster
