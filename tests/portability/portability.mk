# Other compilers, MPIs, libraries and processors than this machine's: minutes, so not part of
# `make check`. GET=1 fetches those that are not there; STACKS="mpich arm" names some.
STACKS ?=
GET    ?=

check-portability: ## the same bits on each MPI, compiler, library that is there; GET=1 fetches the others
	@$(PYTHON) tests/portability/run.py --folder $(BUILD)/portability $(if $(GET),--get) $(STACKS)

.PHONY: check-portability
