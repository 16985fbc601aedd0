"""What the peers in Python share: the inputs of random.ts, the timing of timing.ts, and the process
that answers one request a line, as protocol.ts has it.

Needs numpy.
"""

import json
import sys
import time
from typing import Any, Callable, NamedTuple

import numpy as np

# as in timing.ts
SAMPLE_SECONDS = 0.12
MIN_SAMPLES = 3
PATIENCE = 10
# as sampleOutput() of protocol.ts has it
SAMPLED = 32


class Prepared(NamedTuple):
    """Work whose inputs are drawn: one repetition of it, and its outputs by name."""

    repeat: Callable[[], Any]
    outputs: Callable[[], dict[str, np.ndarray]]


class Workload(NamedTuple):
    """A workload of workloads.ts: its numbers, and what draws its inputs from them and a seed."""

    defaults: dict[str, int]
    prepare: Callable[[dict[str, int], int], Prepared]


def hashed(values):
    """PCG's hash of 32-bit integers, as random.ts has it."""
    state = values * np.uint32(747796405) + np.uint32(2891336453)
    word = ((state >> ((state >> np.uint32(28)) + np.uint32(4))) ^ state) * np.uint32(277803737)
    return (word >> np.uint32(22)) ^ word


def draw_unit(seed, stream, shape):
    """Numbers in [0, 1), multiples of 2^-24, in float64."""
    with np.errstate(over="ignore"):  # modulo 2^32 is meant
        key = hashed(hashed(np.array([seed], np.uint32)) + np.uint32(stream))
        index = np.arange(np.prod(shape), dtype=np.uint32)
        bits = hashed(hashed(index) ^ key) >> np.uint32(8)
    return (bits / 2**24).reshape(shape)


def draw_signed(seed, stream, shape, bound=1.0):
    """Numbers in [-bound, bound), rounded once."""
    return (float(bound) * (2 * draw_unit(seed, stream, shape) - 1)).astype(np.float32)


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

    def __init__(self, peer, version, adapter, workloads):
        self.peer, self.version, self.adapter = peer, version, adapter
        self.workloads = workloads
        self.key = None

    def measure(self, request):
        name = request["workload"]
        seed, seconds = request.get("seed", 1), request.get("minimumSeconds", 1)
        if name not in self.workloads:
            reason = f'Cannot run "{name}" in {self.peer}: no such operation is known'
            return {"ok": False, "unsupported": True, "reason": reason}
        params = {**self.workloads[name].defaults, **request.get("params", {})}
        key = (name, params, seed)
        if self.key != key:
            self.key = None  # should it fail, nothing is kept
            self.prepared = self.workloads[name].prepare(params, seed)
            outputs = self.prepared.outputs()
            self.outputs = {output: sample_output(array) for output, array in outputs.items()}
            self.key = key
        return {
            "ok": True,
            "peer": self.peer,
            "version": self.version,
            "workload": name,
            "params": params,
            "seed": seed,
            "adapter": self.adapter,
            **(time_work(self.prepared.repeat, seconds) if seconds > 0 else UNTIMED),
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


def serve(peer, version, adapter, workloads):
    """Greets, then answers every line of standard input until it ends."""
    measurer = Measurer(peer, version, adapter, workloads)
    defaults = {name: workload.defaults for name, workload in workloads.items()}
    write({"ready": True, "peers": {peer: version}, "workloads": defaults})
    for line in sys.stdin:
        if line.strip():
            write(measurer.answer(line))
