#!/bin/sh
# Finds a Python >= 3.11 and hands over to scripts/set_up.py, which does the work and says what it does.
# PYTHON=/path/to/python chooses one by hand.
set -eu
cd "$(dirname "$0")/.."

new_enough() {
    # Run it, do not trust its name: a launcher may be called python3.13 and still find no Python behind it.
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' >/dev/null 2>&1
}

if [ -n "${PYTHON:-}" ]; then
    new_enough "$PYTHON" || {
        echo "lexclip needs Python 3.11 or newer, and PYTHON=$PYTHON is not one that runs." >&2
        exit 1
    }
    exec "$PYTHON" scripts/set_up.py
fi
for candidate in python3.13 python3.12 python3.11 python3 python; do
    if command -v "$candidate" >/dev/null 2>&1 && new_enough "$candidate"; then
        exec "$candidate" scripts/set_up.py
    fi
done
cat >&2 <<'MESSAGE'
lexclip needs Python 3.11 or newer, and none was found (tried python3.13, python3.12, python3.11, python3, python).
  Debian, Ubuntu:  sudo apt-get install python3 python3-venv
  macOS:           brew install python@3.13
  anywhere:        https://www.python.org/downloads/
If you have one under another name: PYTHON=/path/to/python make setup
MESSAGE
exit 1
