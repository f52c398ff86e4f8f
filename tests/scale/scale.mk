# Minutes long and a few GB large, so not part of `make check`.

check-scale: fedmpi $(BUILD)/tests/scale/large_vectors
	@$(PYTHON) tests/scale/run.py --build $(BUILD)

.PHONY: check-scale
