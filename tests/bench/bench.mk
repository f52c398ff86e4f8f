# Benchmarks: `make bench` measures and prints one table (build/bench.md).

bench: fedmpi $(BENCHES)
	@$(PYTHON) tests/bench/run.py --build $(BUILD)

# The README's cost model beside measured rounds.
cost-model: fedmpi $(BUILD)/tests/bench/bench_comm
	@$(PYTHON) tests/bench/cost_model.py --build $(BUILD)

.PHONY: bench cost-model
