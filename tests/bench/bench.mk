# Benchmarks: `make bench` measures and prints one table (build/bench.md);
# `make bench BENCH_FLAGS=--docs` puts it into docs/benchmarks.md, on a quiet machine.

bench: fedmpi $(BENCHES)
	@$(PYTHON) tests/bench/run.py --build $(BUILD) $(BENCH_FLAGS)

# docs/design/cost-model.md beside measured rounds.
cost-model: fedmpi $(BUILD)/tests/bench/bench_comm
	@$(PYTHON) tests/bench/cost_model.py --build $(BUILD)

.PHONY: bench cost-model
