# Shortcuts for those who work on hcbir; users need only pip (README).
PYTHON ?= python3
BUILD ?= build/dev

.PHONY: dev test check format clean
dev:  ## builds the core into python/hcbir, to work with PYTHONPATH=python
	cmake -S . -B $(BUILD) -G Ninja -DHCBIR_BUILD_PYTHON=ON -DHCBIR_WARNINGS_AS_ERRORS=ON \
	  -DPython_EXECUTABLE=$$($(PYTHON) -c 'import sys; print(sys.executable)') \
	  -Dpybind11_DIR=$$($(PYTHON) -m pybind11 --cmakedir) > /dev/null
	cmake --build $(BUILD)
	cp --remove-destination $(BUILD)/_core*.so python/hcbir/

test: dev
	PYTHONPATH=python $(PYTHON) -m pytest

check:  ## what .ci/run checks beside the tests
	$(PYTHON) -m ruff check .
	$(PYTHON) -m ruff format --check .
	$(PYTHON) -m mypy
	$(PYTHON) -m mypy.stubtest hcbir._core --allowlist tests/data/stubtest_allowlist.txt --ignore-unused-allowlist
	clang-format --dry-run -Werror $$(git ls-files 'cpp/*.?pp' 'cpp/*.inl' 'tests/*.cpp')

format:
	$(PYTHON) -m ruff format .
	$(PYTHON) -m ruff check --fix .
	clang-format -i $$(git ls-files 'cpp/*.?pp' 'cpp/*.inl' 'tests/*.cpp')

clean:
	rm -rf build python/hcbir/_core*.so
