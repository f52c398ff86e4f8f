# Benchmarks: `make bench` measures and prints one table (build/bench.md);
# `make bench BENCH_FLAGS=--docs` puts it into docs/benchmarks.md, on a quiet machine.
# BENCH_PYTHONS=PYTHON:PYTHON names interpreters that have a PyTorch: the fastest is the measure.

bench: fedmpi $(BENCHES) ## measure, beside plain PyTorch where there is one: build/bench.md
	@$(PYTHON) tests/bench/run.py --build $(BUILD) $(BENCH_FLAGS)

# docs/design/cost-model.md beside measured rounds.
cost-model: fedmpi $(BUILD)/tests/bench/bench_comm ## predict rounds by the formula of the design, and run them
	@$(PYTHON) tests/bench/cost_model.py --build $(BUILD)

cost-nodes: fedmpi ## what distance between nodes costs a round, beside the formula of the design; needs root
	@$(PYTHON) tests/bench/cost_nodes.py --build $(BUILD)

.PHONY: bench cost-model cost-nodes
