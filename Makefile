# The one door. Every target is one or two lines; `make help` lists them.
PY := .venv/bin/python
PORT ?= 8400
N ?= 1000
SIDE_BY_SIDE := -n 2 --dist loadgroup
export OPENBLAS_NUM_THREADS ?= 1

.PHONY: help setup demo smoke pictures test check fix bench storm fuzz sabotage attack lock clean

help: ## what can be done here
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  make %-10s %s\n", $$1, $$2}'

setup: ## set up what is missing for tests and checks (every other target does it by itself)
	@tools/setup dev

demo: ## the whole product on a made city (PORT=8400 moves every port; FIELD_HOST=this machine's address lets telephones in; ctrl-C ends it)
	@tools/setup run && exec $(PY) -m safetynet demo --port $(PORT) $(if $(FIELD_HOST),--field-host $(FIELD_HOST))

smoke: ## a story in real Chromium, figures as JSON (STORY=tamper|zone|drift|curfew|approach|outage, DATA=folder for real input)
	@tools/setup dev && exec $(PY) -m safetynet smoke $(if $(STORY),--story $(STORY)) $(if $(DATA),--data $(DATA)) $(if $(RUNS),--runs $(RUNS))

pictures: ## every page of the running demo in Korean and English, into docs/screens (docs/screens.md shows them)
	@tools/setup dev && exec $(PY) -m safetynet pictures

test: ## every test: unit, property, storm, browser; two files at a time, or as ARGS="..." says
	@tools/setup dev && $(PY) -m pytest $(if $(ARGS),$(ARGS),$(SIDE_BY_SIDE))

check: ## format, lint, types, walls
	@tools/setup dev && $(PY) -m ruff format --check . && $(PY) -m ruff check . && $(PY) -m mypy && node_modules/.bin/pyright && node_modules/.bin/tsc -p safetynet/console && .venv/bin/lint-imports

fix: ## let the tools tidy up
	@tools/setup dev && $(PY) -m ruff format . && $(PY) -m ruff check --fix .

bench: ## all benchmarks, or one: make bench NAME=rules
	@tools/setup dev && for each in bench/$(if $(NAME),$(NAME),*).py; do echo "== $$each" && $(PY) $$each || exit 1; done

storm: ## N seeded storms of the whole country: make storm N=1000 [SEED=n]
	@tools/setup dev && $(PY) -m safetynet storm --runs $(N) $(if $(SEED),--seed $(SEED))

fuzz: ## search for new counter-examples to every property, then 200 new storms (SEED=n; long)
	@tools/setup dev && HYPOTHESIS_PROFILE=fuzz $(PY) -m pytest $$(grep -rl "hypothesis import" tests --include='test_*.py') $(ARGS) && $(PY) -m safetynet storm --runs 200 $(if $(SEED),--seed $(SEED))

sabotage: ## put small deliberate faults in and show that the tests catch each
	@tools/setup dev && $(PY) tools/sabotage.py

attack: ## named attacks on the running product, held or broken (WORD=part of a name; CONTROL=1: each with its defence taken out)
	@tools/setup dev && $(PY) -m tools.attacks $(if $(CONTROL),--control) "$(WORD)"

lock: ## write the locked requirements anew, with hashes and without addresses
	@tools/setup dev && for each in requirements requirements-dev requirements-node; do $(PY) -m piptools compile -q --upgrade --generate-hashes --no-emit-index-url --no-emit-trusted-host --no-emit-find-links --strip-extras --allow-unsafe -o $$each.txt $$each.in; done

clean: ## remove what set-up and runs have made
	rm -rf .venv .stamps node_modules out data safetynet/console/vendor
