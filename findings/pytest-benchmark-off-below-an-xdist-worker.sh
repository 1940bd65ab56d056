#!/usr/bin/env bash
# pytest-benchmark 5.3.1 with pytest-xdist 3.8.0: a pytest that a test starts measures nothing, and ends with 0.
#
# pytest_benchmark/session.py, lines 76-81: whether it is in a worker of pytest-xdist is read from the environment variable
# PYTEST_XDIST_WORKER, which every process inherits that a test starts. So a benchmark session of its own, in a new
# process, with no -n, is taken for a part of the parallel one: each benchmark runs once, no file is written for
# --benchmark-json, the exit status is 0, and only a warning tells. Whoever tests the script that runs the benchmarks finds
# that it works, until the tests are run with -n.
#
# Seen, the same pytest with --benchmark-json=report.json, started by a test:
#   outer pytest without -n: inner status 0, report.json written
#   outer pytest with -n 1:  inner status 0, no report.json
set -euo pipefail
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"
"${PYTHON:-python3}" -m venv venv
venv/bin/pip install --quiet pytest==9.2.0 pytest-benchmark==5.3.1 pytest-xdist==3.8.0
cat > measured.py <<'PYTHON'
def test_measured(benchmark):
    benchmark(sum, [1, 2])
PYTHON
cat > test_starts_it.py <<'PYTHON'
import pathlib
import subprocess
import sys


def test_the_report(tmp_path):
    report = tmp_path / "report.json"
    command = [sys.executable, "-m", "pytest", "-q", f"--benchmark-json={report}", "measured.py"]
    finished = subprocess.run(command, capture_output=True)
    pathlib.Path("seen.txt").write_text(f"{finished.returncode} {report.exists()}")
PYTHON
for workers in 0 1; do
    venv/bin/python -m pytest -q -n "$workers" test_starts_it.py > /dev/null
    echo "-n $workers: status and report of the inner pytest: $(cat seen.txt)"
    [ "$(cat seen.txt)" = "$([ "$workers" = 0 ] && echo '0 True' || echo '0 False')" ]
done
