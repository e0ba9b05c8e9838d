"""The shapes of three public networks, 3 x 224 x 224 in and 1000 scores out, with random weights.

SqueezeNet 1.1 (Iandola et al., 2016), MobileNetV2 (Sandler et al., 2018) and ResNet50 (He et al., 2015), batch
normalization folded into the convolutions as exporters do.
"""
from description import Net


def squeezenet():
    net = Net(seed=1)
    fires = {16: 64, 32: 128, 48: 192, 64: 256}

    def fire(x, squeeze):
        x = net.relu(net.conv(x, squeeze, 1))
        return net.concat(net.relu(net.conv(x, fires[squeeze], 1)), net.relu(net.conv(x, fires[squeeze], 3, pad=1)))

    x = net.relu(net.conv("input", 64, 3, stride=2))
    for squeeze in (16, 32):
        x = fire(fire(net.maxpool(x), squeeze), squeeze)
    x = net.maxpool(x)
    for squeeze in (48, 48, 64, 64):
        x = fire(x, squeeze)
    net.mean(net.relu(net.conv(x, 1000, 1)))
    return net


def mobilenet():
    net = Net(seed=2)
    relu6 = lambda x: net.relu(x, "relu6")

    def block(x, channels, stride, expand):
        inner = net.channels[x] * expand
        y = relu6(net.conv(x, inner, 1)) if expand > 1 else x
        y = relu6(net.conv(y, inner, 3, stride, 1, groups=inner))
        y = net.conv(y, channels, 1, gain=.7)
        return net.sum(x, y) if stride == 1 and channels == net.channels[x] else y

    x = relu6(net.conv("input", 32, 3, stride=2, pad=1))
    for expand, channels, count, stride in ((1, 16, 1, 1), (6, 24, 2, 2), (6, 32, 3, 2), (6, 64, 4, 2), (6, 96, 3, 1),
                                            (6, 160, 3, 2), (6, 320, 1, 1)):
        for i in range(count):
            x = block(x, channels, stride if i == 0 else 1, expand)
    net.dense(net.mean(relu6(net.conv(x, 1280, 1))), 1000)
    return net


def resnet():
    net = Net(seed=3)

    def block(x, channels, stride):
        y = net.relu(net.conv(x, channels, 1))
        y = net.relu(net.conv(y, channels, 3, stride, 1))
        y = net.conv(y, 4 * channels, 1, gain=.3)
        if stride != 1 or net.channels[x] != 4 * channels:
            x = net.conv(x, 4 * channels, 1, stride, gain=.7)
        return net.relu(net.sum(x, y))

    x = net.maxpool(net.relu(net.conv("input", 64, 7, stride=2, pad=3)), pad=1)
    for stage, count in enumerate((3, 4, 6, 3)):
        for i in range(count):
            x = block(x, 64 << stage, 2 if i == 0 and stage > 0 else 1)
    net.dense(net.mean(x), 1000)
    return net


NETS = {"SqueezeNet 1.1": squeezenet, "MobileNetV2": mobilenet, "ResNet50": resnet}
