"""ResNet50- and MobileNetV2-shaped networks with seeded random weights, exported to ONNX by Debian's python3-torch.

    torch_nets.py FOLDER      writes resnet50.onnx, mobilenet_v2.onnx, and of each input.npy and output.npy beside it

What each weighs and how it is built follows the papers (He et al., 2015; Sandler et al., 2018). Exit status 77 without
python3-torch."""
import pathlib
import sys

import numpy as np

try:
    import torch
    from torch import nn
except ImportError:
    print("SKIPPED: python3-torch is not installed")
    sys.exit(77)


def conv(before, after, size, stride=1, groups=1, activation=nn.ReLU):
    layers = [nn.Conv2d(before, after, size, stride, size // 2, groups=groups, bias=False), nn.BatchNorm2d(after)]
    return nn.Sequential(*layers, *([activation()] if activation else []))


class Bottleneck(nn.Module):
    """1x1, 3x3, 1x1, and what was there before added; a projection where shapes differ."""

    def __init__(self, before, inner, stride):
        super().__init__()
        after = 4 * inner
        self.main = nn.Sequential(conv(before, inner, 1), conv(inner, inner, 3, stride), conv(inner, after, 1, activation=None))
        same = before == after and stride == 1
        self.skip = nn.Identity() if same else conv(before, after, 1, stride, activation=None)

    def forward(self, x):
        return torch.relu(self.main(x) + self.skip(x))


def resnet50():
    layers, before = [conv(3, 64, 7, 2), nn.MaxPool2d(3, 2, 1)], 64
    for inner, blocks, stride in ((64, 3, 1), (128, 4, 2), (256, 6, 2), (512, 3, 2)):
        for i in range(blocks):
            layers.append(Bottleneck(before, inner, stride if i == 0 else 1))
            before = 4 * inner
    return nn.Sequential(*layers, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, 1000))


class InvertedResidual(nn.Module):
    """Widened, depthwise 3x3, narrowed without activation; added where shapes allow."""

    def __init__(self, before, after, stride, wider):
        super().__init__()
        inner = before * wider
        layers = [conv(before, inner, 1, activation=nn.ReLU6)] if wider > 1 else []
        layers += [conv(inner, inner, 3, stride, inner, nn.ReLU6), conv(inner, after, 1, activation=None)]
        self.main, self.adds = nn.Sequential(*layers), stride == 1 and before == after

    def forward(self, x):
        return x + self.main(x) if self.adds else self.main(x)


def mobilenet_v2():
    layers, before = [conv(3, 32, 3, 2, activation=nn.ReLU6)], 32
    for wider, after, blocks, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                         (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(blocks):
            layers.append(InvertedResidual(before, after, stride if i == 0 else 1, wider))
            before = after
    layers += [conv(before, 1280, 1, activation=nn.ReLU6), nn.AdaptiveAvgPool2d(1), nn.Flatten()]
    return nn.Sequential(*layers, nn.Dropout(0.2), nn.Linear(1280, 1000))


def prepare(net):
    """Statistics that a batch norm would have learnt: without them, random layers drown their signal."""
    for module in net.modules():
        if isinstance(module, nn.BatchNorm2d):
            module.momentum = None
    net.train()
    with torch.no_grad():
        net(torch.rand(4, 3, 224, 224))
    return net.eval()


def write(folder):
    folder.mkdir(parents=True, exist_ok=True)
    for name, make in (("resnet50", resnet50), ("mobilenet_v2", mobilenet_v2)):
        torch.manual_seed(7)
        net = prepare(make())
        x = torch.rand(1, 3, 224, 224)
        torch.onnx.export(net, x, folder / f"{name}.onnx", opset_version=13, input_names=["image"], output_names=["scores"])
        np.save(folder / f"{name}.input.npy", x.numpy())
        with torch.no_grad():
            np.save(folder / f"{name}.output.npy", net(x).numpy())


if __name__ == "__main__":
    write(pathlib.Path(sys.argv[1]))
