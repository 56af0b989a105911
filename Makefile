# `make book` and `make test` do everything on a fresh machine with Python; `make help` lists the rest.
# Written for GNU make 3.81 (macOS) and later.

PYTHON ?= python3
VENV ?= .venv
NPM ?= $(shell command -v npm)

BIN := $(VENV)/bin
PIP := $(BIN)/python -m pip --disable-pip-version-check
VENDOR := book/_static/vendor
AXE := $(if $(NPM),_build/axe/.fetched)
JAVASCRIPT := $(if $(NPM),_build/javascript/.installed)

# What the book is made of; the notebooks beside the pages are only for Colab and Binder.
PAGES := $(shell find book \( -path $(VENDOR) -o -name __pycache__ -o -name .ipynb_checkpoints \) \
           -prune -o -type f ! -name '*.ipynb' -print)
PACKAGE := $(shell find src/dlcourse -name __pycache__ -prune -o -type f -print)

.PHONY: help book page paper slides test lint parity bench cuda fuzz notebooks zoo release course collect grade feedback report grading address \
  requirements clean distclean

help:
	@echo "make book        install, execute every page, build the HTML book and say where it is"
	@echo "make page PAGE=book/3-speed/gpu   execute and build one page, and say where it is"
	@echo "make paper       the built book as a PDF and an EPUB, in _build/paper; needs Chromium and npm"
	@echo "make slides      slides for teachers, in _build/html/slides; needs npm"
	@echo "make test        install, build the book, lint, check types and run all tests"
	@echo "make parity      add PyTorch, for the tests that compare with it"
	@echo "make bench       measure speed and memory against PyTorch; OPTIONS=--quick"
	@echo "make cuda        add CuPy and the CUDA compiler (3 GB), for the tests of CUDA sources"
	@echo "make lint        ruff, mypy, Biome and TypeScript only"
	@echo "make fuzz        read damaged files for an hour; MINUTES=5, SEED=1 for others, CASE=7 repeats"
	@echo "make notebooks   write the .ipynb beside each page that has code"
	@echo "make zoo         train the shipped weights again (hours)"
	@echo "make release     write the notebooks that learners get, into exercises/release"
	@echo "make course SECRET=...   make a course whose hidden tests only its secret tells; OVERLAY=, COURSE=folder"
	@echo "make collect FROM=moodle.zip   sort what was handed in into submitted; ASSIGNMENT=ps1-deeper"
	@echo "make grade       grade what was handed in; ASSIGNMENT=ps1-deeper, OPTIONS=--again"
	@echo "make feedback    write the feedback, when the questions in words are graded as well"
	@echo "make report      write the report on the class; ASSIGNMENT=ps1-deeper"
	@echo "make address URL=https://github.com/OWNER/REPOSITORY   move the project there"
	@echo "make requirements   pin the newest versions again"
	@echo "make clean       remove what was built; make distclean also the virtual environment"
	@echo "PYTHON=python3.12 chooses the Python; NPM= builds without npm"

book: _build/.book
	@echo "The book is in file://$(CURDIR)/_build/html/index.html"

# A file of tests stays on one core: its fixtures are made once.
test: _build/.book $(VENV)/.test $(VENV)/.grading $(AXE) lint
	$(BIN)/python -m pytest -n auto --dist loadfile
	DLCOURSE_KERNELS=off $(BIN)/python -m pytest -n auto --dist loadfile $(NUMBERS)

# What computes: once more without the kernels in C.
NUMBERS := tests/nn tests/optim tests/training tests/models tests/parity tests/test_bits.py

lint: $(VENV)/.test $(JAVASCRIPT)
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(if $(NPM),$(BIN)/python tools/javascript.py check,@echo "JavaScript and CSS are not checked: there is no npm")

parity: $(VENV)/.parity

bench: $(VENV)/.parity $(VENV)/.book
	$(BIN)/python benchmarks/bench.py $(OPTIONS)

cuda: $(VENV)/.cuda

# One core; a report at the end, and each finding at once with the number that repeats it.
fuzz: $(VENV)/.test
	PYTHONPATH=tests:tests/support $(BIN)/python -m fuzz --minutes $(or $(MINUTES),60) --seed $(or $(SEED),0) \
	  $(if $(CASE),--case $(CASE))

notebooks: $(VENV)/.book
	$(BIN)/python tools/twins.py

zoo: $(VENV)/.package
	$(BIN)/python tools/zoo.py

# The assignments; a teacher names another one with ASSIGNMENT=.
ASSIGNMENT ?= ps1-deeper
ASSIGNMENTS := $(basename $(notdir $(wildcard exercises/text/*.py)))
# nbgrader calls alembic, which lies beside it.
NBGRADER = cd exercises && PATH="$(abspath $(BIN)):$$PATH" nbgrader

grading: $(VENV)/.grading

release: $(VENV)/.grading
	$(BIN)/python tools/assignments.py
	$(foreach name,$(ASSIGNMENTS),($(NBGRADER) generate_assignment $(name) --force) &&) true

# A teacher's own course lies in course/, or where COURSE= says; without one it is the public course.
COURSE ?= $(if $(wildcard course/source),course,exercises)
course: COURSE := $(if $(filter exercises,$(COURSE)),course,$(COURSE))
course: $(VENV)/.grading
	@$(if $(SECRET),DLCOURSE_SECRET='$(SECRET)') $(TEACH) make $(if $(OVERLAY),--overlay "$(OVERLAY)") $(HERE)

collect: $(VENV)/.grading
	$(TEACH) collect $(ASSIGNMENT) --from "$(FROM)" $(HERE)

grade: $(VENV)/.grading
	$(TEACH) grade $(ASSIGNMENT) $(HERE) $(OPTIONS)

feedback report: $(VENV)/.grading
	$(TEACH) $@ $(ASSIGNMENT) $(HERE)

TEACH = PATH="$(abspath $(BIN)):$$PATH" dlcourse course
HERE = --course "$(COURSE)"

address:
	@$(PYTHON) tools/address.py $(URL)

# book.txt first: the others take their versions of shared packages from it.
requirements: $(VENV)/.created
	$(PIP) install --quiet uv
	$(call pin,book,--extra book)
	$(call pin,base,--constraint requirements/book.txt)
	$(call pin,test,--extra test --constraint requirements/book.txt)
	$(call pin,grading,--extra grading --constraint requirements/book.txt \
	  --constraint requirements/test.txt)
	$(call pin,cuda,--extra gpu --constraint requirements/book.txt)

pin = $(BIN)/uv pip compile pyproject.toml --quiet --upgrade --universal --python-version 3.11 \
  --no-annotate --no-emit-index-url --no-emit-find-links \
  --custom-compile-command "make requirements" --output-file requirements/$(1).txt $(2)

clean:
	rm -rf _build $(VENDOR) dist .pytest_cache .mypy_cache .ruff_cache .hypothesis

distclean: clean
	rm -rf $(VENV)

# The virtual environment. The stamps lie inside it and go with it.

$(VENV)/.created:
	@$(PYTHON) -c 'import sys; sys.version_info >= (3, 11) or sys.exit("dlcourse needs Python 3.11 or later, and $(PYTHON) is " + sys.version.split()[0] + "; name another one: make PYTHON=python3.12 $(MAKECMDGOALS)")'
	@$(PYTHON) -m venv $(VENV) || { echo "On Debian and Ubuntu, 'apt install python3-venv' brings what is missing." >&2; exit 1; }
	@touch $@

$(VENV)/.package: pyproject.toml requirements/base.txt $(VENV)/.created
	$(PIP) install --quiet --requirement requirements/base.txt
	$(PIP) install --quiet --no-deps --editable .
	@touch $@

$(VENV)/.book: requirements/book.txt requirements/no-deps.txt $(VENV)/.package
	$(PIP) install --quiet --requirement requirements/book.txt
	$(PIP) install --quiet --no-deps --requirement requirements/no-deps.txt
	@touch $@

$(VENV)/.test: requirements/test.txt $(VENV)/.book
	$(PIP) install --quiet --requirement requirements/test.txt
	@touch $@

$(VENV)/.grading: requirements/grading.txt $(VENV)/.book
	$(PIP) install --quiet --requirement requirements/grading.txt
	@touch $@

$(VENV)/.parity: requirements/parity.txt $(VENV)/.package
	$(PIP) install --quiet --requirement requirements/parity.txt
	@touch $@

$(VENV)/.cuda: requirements/cuda.txt $(VENV)/.package
	$(PIP) install --quiet --requirement requirements/cuda.txt
	@touch $@

# The book.

# Scripts of others are fetched, not committed; without npm the book asks their CDNs instead.
ifneq ($(NPM),)
SCRIPTS := $(VENDOR)/.fetched
$(SCRIPTS): package.json tools/vendor.py $(VENV)/.created
	$(BIN)/python tools/vendor.py "$(NPM)" $(VENDOR)
	@touch $@
endif

# The checker of accessibility that the tests put into the pages.
ifneq ($(NPM),)
$(AXE): package.json tools/vendor.py $(VENV)/.created
	$(BIN)/python tools/vendor.py "$(NPM)" _build/axe devDependencies
	@touch $@
endif

# What checks our own scripts.
ifneq ($(NPM),)
$(JAVASCRIPT): package.json tools/javascript.py $(VENV)/.created
	$(BIN)/python tools/javascript.py install "$(NPM)"
	@touch $@
endif

# Which pages run again is decided in there, by what each has read.
BUILDERS := $(wildcard tools/*.py tools/recorder/*.py)
_build/.book: _config.yml _toc.yml $(PAGES) $(PACKAGE) $(BUILDERS) $(VENV)/.book $(SCRIPTS)
	$(BIN)/python tools/building.py
	@touch $@

page: $(VENV)/.book $(SCRIPTS)
	$(BIN)/python tools/building.py --page "$(PAGE)"

# The book on paper, and slides: no page runs again.
paper: _build/.paper
	@echo "PDF and EPUB are in file://$(CURDIR)/_build/paper"

_build/.paper: _build/.book tools/paper.css $(VENV)/.test
	$(BIN)/python tools/paper.py
	@touch $@

slides: _build/.book
	$(BIN)/python tools/slides.py
