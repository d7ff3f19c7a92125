"""PyTorch (oneDNN): seconds of each pass of the sweep's cases, in the better of the two memory layouts."""
import sys

import torch
import torch.nn.functional as F
from shapes import PASSES, chosen, fastest, threads

LAYOUTS = {4: [torch.contiguous_format, torch.channels_last], 5: [torch.contiguous_format, torch.channels_last_3d]}


def passes(case, layout):
    rank, dtype = len(case.window), getattr(torch, case.dtype)

    def images(shape):
        return torch.rand(shape[0], shape[-1], *shape[1:-1], dtype=dtype).to(memory_format=layout)

    x, dy = images(case.x), images(case.y)
    if case.kind == "conv":
        w = torch.rand(case.filters, case.w[-2], *case.window, dtype=dtype).to(memory_format=layout)
        sizes = [[n] * rank for n in (case.stride, case.pad, case.dilation)]

        def backward(*mask):
            return lambda: torch.ops.aten.convolution_backward(
                dy, x, w, None, *sizes, False, [0] * rank, case.groups, [*mask, False])

        convolve = (F.conv1d, F.conv2d, F.conv3d)[rank - 1]
        return {"y": lambda: convolve(x, w, None, *sizes, case.groups), "dx": backward(True, False),
                "dw": backward(False, True)}
    x.requires_grad_()
    if case.kind == "norm":
        scale, offset = (torch.rand(case.x[-1], dtype=dtype, requires_grad=True) for _ in range(2))
        mean, variance = torch.zeros(case.x[-1], dtype=dtype), torch.ones(case.x[-1], dtype=dtype)

        def forward():
            return F.batch_norm(x, mean, variance, scale, offset, True)
        needed = x, scale, offset
    else:
        name = f"{case.kind}_pool{rank}d"

        def forward():
            return getattr(F, name)(x, case.window, case.stride, case.pad)
        needed = (x,)
    return {"y": lambda: forward().detach(), "dx": lambda: torch.autograd.grad(forward(), needed, dy)}


def main():
    count = threads()
    torch.set_num_threads(count)
    for case in chosen(sys.argv[1:]):
        for name in PASSES[case.kind]:
            times = []
            for layout in LAYOUTS.get(len(case.x), [torch.contiguous_format]):
                step = passes(case, layout)[name]
                with torch.no_grad() if name == "y" and case.kind == "conv" else torch.enable_grad():
                    times.append(fastest(step, count == 1))
            print(f"{case.name}/{name} {min(times)}", flush=True)


main()
