check-packaging: fedmpi dist ## recipes of jobs/packaging, as far as this machine can: minutes, root, network
	@$(PYTHON) tests/packaging/run.py $(BUILD)

.PHONY: check-packaging
