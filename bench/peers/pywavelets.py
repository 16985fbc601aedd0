"""Measures PyWavelets on one thread, one request a line: see protocol.ts.

    cd bench/peers && python3 -B pywavelets.py

Needs numpy and PyWavelets. Answers the workloads haar_2d and haar_2d_inverse of workloads.ts.
"""

import os

# before numpy is loaded, which reads them
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import pywt

from peer import Prepared, Workload, draw_signed, serve

BANDS = ("approximation", "horizontal", "vertical", "diagonal")
DEFAULTS = {"size": 2048}


def prepare_analysis(params, seed):
    x = draw_signed(seed, 0, (params["size"], params["size"]))

    def transform():
        approximation, details = pywt.dwt2(x, "haar", mode="periodization")
        return dict(zip(BANDS, (approximation, *details)))

    return Prepared(transform, transform)


def prepare_synthesis(params, seed):
    half = params["size"] // 2
    approximation, *details = (draw_signed(seed, i, (half, half)) for i in range(len(BANDS)))
    coefficients = (approximation, tuple(details))

    def transform():
        return {"y": pywt.idwt2(coefficients, "haar", mode="periodization")}

    return Prepared(transform, transform)


if __name__ == "__main__":
    workloads = {
        "haar_2d": Workload(DEFAULTS, prepare_analysis),
        "haar_2d_inverse": Workload(DEFAULTS, prepare_synthesis),
    }
    serve("PyWavelets", pywt.__version__, "processor, one thread", workloads)
