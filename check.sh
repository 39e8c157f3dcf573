#!/bin/sh
# Style, types, imports and unit tests: what one runs before each commit.
set -eu
cd "$(dirname "$0")"
bin=$PWD/.venv/bin
"$bin/ruff" check .
"$bin/ruff" format --check .
"$bin/mypy"
"$bin/lint-imports"
(cd web && PATH="$bin:$PATH" && export PATH && npx biome check src && npx tsc --noEmit && npx vitest run --silent)
"$bin/pytest" -q tests -m "not browser and not journey"
