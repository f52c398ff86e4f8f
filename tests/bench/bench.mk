# Benchmarks: `make bench` measures and prints one table (build/bench.md).

bench: fedmpi $(BENCHES)
	@$(PYTHON) tests/bench/run.py --build $(BUILD)

.PHONY: bench
