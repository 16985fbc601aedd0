"""Measures PyTorch on two threads of the processor, one request a line: see protocol.ts.

    cd bench/peers && python3 -B pytorch.py

Needs numpy and PyTorch 2.4 or later. Answers conv2d, its two gradients and cnn_step of
workloads.ts. Images are kept channels last and Adam is the fused one: both are as exact as the
library's defaults, and faster.
"""

import numpy as np
import torch
from torch import nn
from torch.nn import functional

from peer import Prepared, Workload, draw_signed, draw_unit, serve

THREADS = 2
CLASSES = 10
# as ADAM of workloads.ts
ADAM = {"lr": 1e-3, "betas": (0.9, 0.999), "eps": 1e-8}

CONVOLUTION_DEFAULTS = {"batch": 32, "inputChannels": 1, "outputChannels": 16, "size": 28}
STEP_DEFAULTS = {"batch": 64, "steps": 10}


def of_images(array):
    """Gives an array [batch, channels, height, width] in the layout that is fastest here."""
    return torch.from_numpy(array).contiguous(memory_format=torch.channels_last)


def prepare_convolution(output, operation):
    """Makes what prepares one function of x, w and dy, the arrays of a convolution."""

    def prepare(params, seed):
        batch, size = params["batch"], params["size"]
        inputs, outputs = params["inputChannels"], params["outputChannels"]
        x = of_images(draw_signed(seed, 0, (batch, inputs, size, size)))
        w = of_images(draw_signed(seed, 1, (outputs, inputs, 3, 3)))
        dy = of_images(draw_signed(seed, 2, (batch, outputs, size, size)))
        return Prepared(
            lambda: operation(x, w, dy),
            lambda: {output: operation(x, w, dy).numpy()},
        )

    return Workload(CONVOLUTION_DEFAULTS, prepare)


def forward(x, w, dy):
    return functional.conv2d(x, w, padding=1)


def input_gradient(x, w, dy):
    return nn.grad.conv2d_input(x.shape, w, dy, padding=1)


def weight_gradient(x, w, dy):
    return nn.grad.conv2d_weight(x, w.shape, dy, padding=1)


def draw_layer(layer, seed, stream):
    """Weight and bias, uniform within 1 / sqrt(inputs of a unit), as layer() of workloads.ts."""
    bound = np.float32(1 / np.sqrt(layer.weight[0].numel()))
    with torch.no_grad():
        for i, tensor in enumerate((layer.weight, layer.bias)):
            tensor.copy_(torch.from_numpy(draw_signed(seed, stream + i, tensor.shape, bound)))


def prepare_step(params, seed):
    batch, steps = params["batch"], params["steps"]
    pixels = np.floor(256 * draw_unit(seed, 0, (batch, 1, 28, 28))) / 255
    images = of_images(pixels.astype(np.float32))
    labels = torch.from_numpy(np.floor(CLASSES * draw_unit(seed, 1, (batch,))).astype(np.int64))
    conv1, conv2 = nn.Conv2d(1, 16, 3, padding=1), nn.Conv2d(16, 32, 3, padding=1)
    linear = nn.Linear(32 * 7 * 7, CLASSES)
    for i, layer in enumerate((conv1, conv2, linear)):
        draw_layer(layer, seed, 2 + 2 * i)
    model = nn.Sequential(
        *(conv1, nn.ReLU(), nn.MaxPool2d(2)),
        *(conv2, nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Flatten(), linear),
    ).to(memory_format=torch.channels_last)
    optimizer = torch.optim.Adam(model.parameters(), **ADAM, fused=True)

    def step():
        optimizer.zero_grad()
        loss = functional.cross_entropy(model(images), labels)
        loss.backward()
        optimizer.step()
        return loss

    return Prepared(step, lambda: {"losses": np.array([step().item() for _ in range(steps)])})


if __name__ == "__main__":
    torch.set_num_threads(THREADS)
    workloads = {
        "conv2d": prepare_convolution("y", forward),
        "conv2d_input_gradient": prepare_convolution("dx", input_gradient),
        "conv2d_weight_gradient": prepare_convolution("dw", weight_gradient),
        "cnn_step": Workload(STEP_DEFAULTS, prepare_step),
    }
    version = torch.__version__.split("+")[0]
    serve("PyTorch", version, f"processor, {torch.get_num_threads()} threads", workloads)
