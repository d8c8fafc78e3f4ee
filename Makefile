PYTHON ?= python3
BIN := .venv/bin
READY := .venv/ready
TRAINING := notebooks/02_training.ipynb
OTHERS := $(filter-out $(TRAINING),$(sort $(wildcard notebooks/*.ipynb)))
PYTEST := $(BIN)/python -m pytest -q
# A read-only checkout can have its build/ and runs/ elsewhere: SERIES_OUTPUT=folder.
BUILD := $(if $(SERIES_OUTPUT),$(abspath $(SERIES_OUTPUT))/build,build)
# So many notebooks or tests run at a time, a thread each: two of two threads each take far longer on two cores.
JOBS ?= 2
story notebooks unit nightly coverage mutants test-latest strict lax: export OMP_NUM_THREADS = 1
# Large activations come in large pages, where Linux has them: a fifth of an intervention's time.
story notebooks unit strict lax: export THP_MEM_ALLOC_ENABLE = 1

unexport PYTHONSAFEPATH  # tools import one another

.DEFAULT_GOAL := help
.PHONY: help runtime story test unit nightly coverage mutants test-latest strict lax lab site explorer test-browser test-colab notebooks results readme release train bench notebook colab tamper lint clean

help:  ## list the targets
	@grep -hE '^[a-z-]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:[^#]*## /\t/' | expand -t 14

$(READY): requirements.txt constraints.txt pyproject.toml
	@$(PYTHON) -c 'import sys; v = sys.version_info; sys.exit(None if (3, 11) <= v < (3, 14) else f"Python 3.11 to 3.13 is needed, {sys.executable} is {v[0]}.{v[1]}: make PYTHON=python3.12 …")'
	@echo "installing into .venv (a few minutes, once)"
	$(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[lab,site,test]"
	@touch $@

# What the site's explorer runs the model with, in the versions and with the checksums of package-lock.json.
NPM := $(BUILD)/npm
$(NPM)/ready: tools/explorer/package-lock.json
	@mkdir -p $(NPM) && cp tools/explorer/package*.json $(NPM)
	@command -v npm >/dev/null || { echo "npm is needed, which comes with Node.js" >&2; exit 1; }
	@npm ci --prefix $(NPM) --ignore-scripts --no-audit --no-fund --loglevel=error --fetch-retries=0 --fetch-timeout=60000
	@touch $@

runtime: $(NPM)/ready  ## fetch ONNX Runtime Web by npm, for the explorer of the site

# Without npm or network the site is built all the same, with a sentence where its explorer would be.
TRY_RUNTIME = @$(MAKE) -s runtime 2>/dev/null || echo "no npm or no network: the site's explorer is left out (make runtime says why)"

story: $(READY)  ## run every notebook on the shipped model and build the site with what comes out
	$(TRY_RUNTIME)
	$(BIN)/python tools/story.py --jobs $(JOBS)

test: lint unit strict lax  ## ruff, unit tests, strict nbval on the shipped model, lax nbval on a model trained on the spot

unit: $(READY)
	$(PYTEST) -n $(JOBS) --dist worksteal tests --ignore=tests/browser --ignore=tests/fresh

# Numbers of examples are printed; -s shows how many kills there were.
nightly: $(READY)  ## the unit tests with 2,000 examples to a property, 50 kills and all of -OO (over an hour)
	HYPOTHESIS_PROFILE=nightly $(PYTEST) -s --hypothesis-show-statistics tests --ignore=tests/browser --ignore=tests/fresh

coverage: $(READY)  ## branches of helpers that the unit tests take; fails below 95 % (no notebooks)
	$(BIN)/coverage erase
	$(BIN)/coverage run -m pytest -q -n $(JOBS) --dist worksteal tests --ignore=tests/browser --ignore=tests/fresh
	$(BIN)/coverage combine --quiet
	$(BIN)/coverage report --fail-under=95

mutants: $(READY)  ## change 80 places of analysis and claims, one at a time, and see whether a test notices (hours)
	$(BIN)/python tools/mutants.py

# In an environment of its own; constraints.txt is left out. Torch from the package index, as pip finds it.
test-latest:  ## the unit tests with the newest versions that are allowed, in build/latest
	$(PYTHON) -m venv --clear $(BUILD)/latest
	$(BUILD)/latest/bin/python -m pip install --quiet --disable-pip-version-check --upgrade -e ".[lab,site,test]"
	$(BUILD)/latest/bin/python -m pytest -q -n $(JOBS) --dist worksteal tests --ignore=tests/browser --ignore=tests/fresh

strict: $(READY)
	$(PYTEST) -n $(JOBS) --dist loadfile --nbval notebooks

lax: $(READY)  # notebook 02 comes first: it trains the model that the others then load
	rm -rf $(BUILD)/live
	MODEL=$(BUILD)/live $(PYTEST) --nbval-lax $(TRAINING)
	MODEL=$(BUILD)/live $(PYTEST) -n $(JOBS) --dist loadfile --nbval-lax $(OTHERS)

lab: $(READY)  ## open JupyterLab on notebook 01 (ARGS= are Jupyter's, such as --no-browser)
	$(BIN)/jupyter lab --ServerApp.root_dir=. --LabApp.default_url=/lab/tree/notebooks/01_data_generation.ipynb $(ARGS)

# The root is the repository, as in lab, so that links out of notebooks/ lead somewhere. Voilà alone serves one notebook
# and nothing beside it; in a Jupyter server it wants a contents manager that is not asynchronous.
explorer: $(READY)  ## serve the explorer as a page without its code (Voilà; ARGS= as for lab)
	$(BIN)/jupyter server --ServerApp.root_dir=. --ServerApp.default_url=/voila/render/notebooks/13_explorer.ipynb \
		--ServerApp.contents_manager_class=jupyter_server.services.contents.largefilemanager.LargeFileManager \
		--VoilaConfiguration.file_allowlist='(docs|bench)/[\w/-]+[.]\w+' \
		--VoilaConfiguration.file_allowlist='[A-Z]+([.](md|cff))?' $(ARGS)

site: $(READY)  ## build the site under build/site from the stored notebooks
	$(TRY_RUNTIME)
	$(BIN)/python tools/build_site.py

test-browser: $(READY)  ## site, JupyterLab and explorer in a real browser (needs a Chromium on the PATH)
	$(BIN)/python -m pip install --quiet --disable-pip-version-check -c constraints.txt -e ".[browser]"
	$(PYTEST) tests/browser

test-colab: $(READY)  ## notebook 01 from its first cell on in an empty environment like Colab's (three minutes)
	$(PYTEST) tests/fresh

notebooks: $(READY)  ## run the notebooks and store their outputs, with a PNG of each figure (needs a Chromium)
	STORE_PNG=1 $(BIN)/python tools/story.py --store --jobs $(JOBS)

results: $(READY)  ## measure the shipped models again: checkpoints/results.csv, and what renders from it
	$(BIN)/python -m helpers.claims --write
	$(BIN)/python tools/readme.py

readme: $(READY)  ## bring README and drawing up to date with checkpoints/results.csv
	$(BIN)/python tools/readme.py

release: $(READY)  ## collect a release under build/release and print how to publish it (ARGS="--push --hub name" does)
	$(BIN)/python tools/citation.py
	$(BIN)/python tools/release.py $(ARGS)

train: $(READY)  ## train a model into runs/: make train RECIPE=small (or fast, paper, bounded; FRESH=1 trains it anew)
	$(BIN)/python -m helpers.training --recipe $(or $(RECIPE),small) $(if $(FRESH),--fresh)

bench: $(READY)  ## time a training step against other loops and its floor, what a reader waits for, make story and make test
	$(BIN)/python bench/bench.py
	$(BIN)/python bench/waits.py
	$(BIN)/python bench/loop.py

notebook: $(READY)  ## start a notebook from the template: make notebook NAME=my_recurrence
	$(BIN)/python tools/new_notebook.py $(NAME)

colab: $(READY)  ## set where Colab fetches the series from: make colab REPO=owner/name (REF=main)
	$(BIN)/python tools/address.py $(REPO) --ref $(or $(REF),main)

tamper: $(READY)  ## show that strict nbval notices one head's output matrix multiplied by 1.02
	$(BIN)/python tools/tamper.py

lint: $(READY)  ## ruff
	$(BIN)/ruff check . && $(BIN)/ruff format --check .

clean:  ## remove build/ (the environment stays)
	rm -rf $(BUILD)
