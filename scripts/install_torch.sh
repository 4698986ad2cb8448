#!/bin/sh
# Install the pinned torch: the small CPU build unless a CUDA one is asked for.
set -eu
kind="${1:-cpu}"
version=$(sed -n 's/^torch==//p' constraints.txt)
pip=".venv/bin/python -m pip install --quiet"
if [ "$kind" = cuda ]; then
    exec $pip --constraint constraints.txt "torch==$version"
fi
# macOS and Windows wheels of the default index are CPU builds already; on Linux they carry CUDA.
if [ "$(uname -s)" = Linux ]; then
    if $pip --no-deps --retries 0 --timeout 15 "torch==$version" \
        --index-url https://download.pytorch.org/whl/cpu; then
        exit 0
    fi
    echo "The CPU build of torch could not be fetched; taking the default build (larger)." >&2
fi
exec $pip --constraint constraints.txt "torch==$version"
