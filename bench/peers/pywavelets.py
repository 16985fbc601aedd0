"""Measures PyWavelets on one thread, one request a line: see protocol.ts.

    cd bench/peers && python3 pywavelets.py

Needs numpy and PyWavelets. Answers the workloads haar_2d and haar_2d_inverse of workloads.ts, whose
inputs it draws as random.ts does.
"""

import json
import os
import sys
import time

# before numpy is loaded, which reads them
for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import numpy as np
import pywt

PEER = "PyWavelets"
BANDS = ("approximation", "horizontal", "vertical", "diagonal")
# as in timing.ts
SAMPLE_SECONDS = 0.12
MIN_SAMPLES = 3
PATIENCE = 10
SAMPLED = 32


def hashed(values):
    """PCG's hash of 32-bit integers, as random.ts has it."""
    state = values * np.uint32(747796405) + np.uint32(2891336453)
    word = ((state >> ((state >> np.uint32(28)) + np.uint32(4))) ^ state) * np.uint32(277803737)
    return (word >> np.uint32(22)) ^ word


def draw_signed(seed, stream, shape):
    """Numbers in [-1, 1), multiples of 2^-23."""
    with np.errstate(over="ignore"):  # modulo 2^32 is meant
        key = hashed(hashed(np.array([seed], np.uint32)) + np.uint32(stream))
        index = np.arange(np.prod(shape), dtype=np.uint32)
        bits = hashed(hashed(index) ^ key) >> np.uint32(8)
    return (2 * (bits / 2**24) - 1).astype(np.float32).reshape(shape)


def prepare_analysis(size, seed):
    x = draw_signed(seed, 0, (size, size))

    def transform():
        approximation, details = pywt.dwt2(x, "haar", mode="periodization")
        return dict(zip(BANDS, (approximation, *details)))

    return transform


def prepare_synthesis(size, seed):
    bands = [draw_signed(seed, stream, (size // 2, size // 2)) for stream in range(len(BANDS))]
    coefficients = (bands[0], tuple(bands[1:]))
    return lambda: {"y": pywt.idwt2(coefficients, "haar", mode="periodization")}


WORKLOADS = {"haar_2d": prepare_analysis, "haar_2d_inverse": prepare_synthesis}
DEFAULTS = {"size": 2048}


def sample_output(array):
    """Some elements and two sums, as sampleOutput() of protocol.ts takes them."""
    flat = array.ravel()
    taken = min(SAMPLED, flat.size)
    indices = [i * flat.size // taken for i in range(taken)]
    exact = flat.astype(np.float64)
    return {
        "length": flat.size,
        "sum": float(exact.sum()),
        "sumOfSquares": float(np.square(exact).sum()),
        "indices": indices,
        "values": [float(flat[i]) for i in indices],
    }


def sample(work, repetitions):
    start = time.perf_counter()
    for _ in range(repetitions):
        work()
    return time.perf_counter() - start


def time_work(work, seconds):
    """Milliseconds a repetition, sampled as timePrepared() of timing.ts does."""
    sample(work, 1)
    repetitions, last = 1, sample(work, 1)
    while last < SAMPLE_SECONDS:
        repetitions *= min(8, max(2, int(np.ceil(SAMPLE_SECONDS / last))))
        last = sample(work, repetitions)
    samples, elapsed = [last], last
    while elapsed < (PATIENCE * seconds if len(samples) < MIN_SAMPLES else seconds):
        samples.append(sample(work, repetitions))
        elapsed += samples[-1]
    times = sorted(1000 * one / repetitions for one in samples)
    quantile = lambda q: times[min(len(times) - 1, int(q * len(times)))]
    return {
        "median_ms": quantile(0.5),
        "p10": quantile(0.1),
        "p90": quantile(0.9),
        "repetitions": repetitions * len(samples),
    }


UNTIMED = {"median_ms": None, "p10": None, "p90": None, "repetitions": 0}


class Measurer:
    """Keeps the last workload prepared, so that a caller can alternate samples."""

    def __init__(self):
        self.key = None

    def measure(self, request):
        workload = request["workload"]
        params = {**DEFAULTS, **request.get("params", {})}
        seed, seconds = request.get("seed", 1), request.get("minimumSeconds", 1)
        if workload not in WORKLOADS:
            reason = f'Cannot run "{workload}" in {PEER}: no such operation is known'
            return {"ok": False, "unsupported": True, "reason": reason}
        key = (workload, params["size"], seed)
        if self.key != key:
            self.work = WORKLOADS[workload](params["size"], seed)
            self.outputs = {name: sample_output(array) for name, array in self.work().items()}
            self.key = key
        return {
            "ok": True,
            "peer": PEER,
            "version": pywt.__version__,
            "workload": workload,
            "params": params,
            "seed": seed,
            "adapter": "processor, one thread",
            **(time_work(self.work, seconds) if seconds > 0 else UNTIMED),
            "outputs": self.outputs,
        }

    def answer(self, line):
        try:
            return self.measure(json.loads(line))
        except Exception as error:
            reason = " ".join(f"{type(error).__name__}: {error}".split())
            return {"ok": False, "unsupported": False, "reason": reason}


def write(message):
    print(json.dumps(message), flush=True)


if __name__ == "__main__":
    measurer = Measurer()
    workloads = {name: DEFAULTS for name in WORKLOADS}
    write({"ready": True, "peers": {PEER: pywt.__version__}, "workloads": workloads})
    for line in sys.stdin:
        if line.strip():
            write(measurer.answer(line))
