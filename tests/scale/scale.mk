# Minutes long and a few GB large, so not part of `make check`.

check-scale: fedmpi $(BUILD)/tests/scale/large_vectors ## 2 to 200 ranks and vectors beyond 2 GB: takes minutes and gigabytes
	@$(PYTHON) tests/scale/run.py --build $(BUILD)

check-memory: fedmpi ## what --dry-run says of memory, and what runs take; HUGE=1: 416 million parameters
	@$(PYTHON) tests/scale/memory.py $(BUILD)/fedmpi

.PHONY: check-scale check-memory
