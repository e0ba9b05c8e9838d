"""A small convolutional classifier in NumPy: forward, backward and Adam (Kingma and Ba, 2015)."""
import numpy as np


class Convolution:
    """"Same" padding, stride 1; weights [out, in, k, k]."""

    def __init__(self, inputs, outputs, k, random):
        self.k = k
        self.weights = random.normal(0, np.sqrt(2 / (inputs * k * k)), (outputs, inputs, k, k)).astype(np.float32)
        self.bias = np.zeros(outputs, np.float32)

    def patches(self, x):
        half = self.k // 2
        padded = np.pad(x, ((0, 0), (0, 0), (half, half), (half, half)))
        windows = np.lib.stride_tricks.sliding_window_view(padded, (self.k, self.k), (2, 3))
        return windows.transpose(0, 2, 3, 1, 4, 5).reshape(-1, x.shape[1] * self.k**2)

    def forward(self, x):
        self.columns, self.shape = self.patches(x), x.shape
        y = self.columns @ self.weights.reshape(len(self.weights), -1).T + self.bias
        return np.maximum(y, 0).reshape(x.shape[0], *x.shape[2:], -1).transpose(0, 3, 1, 2)

    def backward(self, y, gradient):
        gradient = (gradient * (y > 0)).transpose(0, 2, 3, 1).reshape(-1, len(self.weights))
        self.gradients = [(gradient.T @ self.columns).reshape(self.weights.shape), gradient.sum(0)]
        columns = (gradient @ self.weights.reshape(len(self.weights), -1)).reshape(
            self.shape[0], *self.shape[2:], self.shape[1], self.k, self.k)
        half, (height, width) = self.k // 2, self.shape[2:]
        padded = np.zeros((*self.shape[:2], height + 2 * half, width + 2 * half), np.float32)
        for i in range(self.k):
            for j in range(self.k):
                padded[:, :, i:i + height, j:j + width] += columns[..., i, j].transpose(0, 3, 1, 2)
        return padded[:, :, half:half + height, half:half + width]


class MaxPool:
    """The largest of each 2 x 2."""

    def forward(self, x):
        n, c, h, w = x.shape
        self.x = x
        return x.reshape(n, c, h // 2, 2, w // 2, 2).max((3, 5))

    def backward(self, y, gradient):
        spread = lambda a: a.repeat(2, 2).repeat(2, 3)
        return spread(gradient) * (self.x == spread(y))


class Dense:
    """Weights [out, in]."""

    def __init__(self, inputs, outputs, relu, random):
        self.weights = random.normal(0, np.sqrt(2 / inputs), (outputs, inputs)).astype(np.float32)
        self.bias, self.relu = np.zeros(outputs, np.float32), relu

    def forward(self, x):
        self.shape, self.x = x.shape, x.reshape(len(x), -1)
        y = self.x @ self.weights.T + self.bias
        return np.maximum(y, 0) if self.relu else y

    def backward(self, y, gradient):
        gradient = gradient * (y > 0) if self.relu else gradient
        self.gradients = [gradient.T @ self.x, gradient.sum(0)]
        return (gradient @ self.weights).reshape(self.shape)


class Network:
    def __init__(self, random):
        self.layers = [Convolution(1, 8, 5, random), MaxPool(), Convolution(8, 16, 5, random), MaxPool(),
                       Dense(16 * 7 * 7, 64, True, random), Dense(64, 10, False, random)]
        self.parameters = [p for layer in self.layers if not isinstance(layer, MaxPool)
                           for p in (layer.weights, layer.bias)]
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in self.parameters]
        self.steps = 0

    def forward(self, images):
        self.values = [images.astype(np.float32)[:, None] / 255]
        for layer in self.layers:
            self.values.append(layer.forward(self.values[-1]))
        return self.values[-1]

    def classify(self, images):
        return np.concatenate([self.forward(part).argmax(1) for part in np.array_split(images, len(images) // 200)])

    def learn(self, images, digits, rate):
        """One step down the gradient of the cross entropy, which is returned."""
        scores = self.forward(images)
        chances = np.exp(scores - scores.max(1, keepdims=True))
        chances /= chances.sum(1, keepdims=True)
        rows = np.arange(len(digits))
        loss = -np.log(chances[rows, digits] + 1e-12).mean()
        gradient = chances.copy()
        gradient[rows, digits] -= 1
        gradient /= len(digits)
        for layer, y in zip(reversed(self.layers), reversed(self.values)):
            gradient = layer.backward(y, gradient)
        self.step(rate)
        return loss

    def step(self, rate):
        self.steps += 1
        gradients = [g for layer in self.layers if not isinstance(layer, MaxPool) for g in layer.gradients]
        for parameter, gradient, (mean, square) in zip(self.parameters, gradients, self.moments):
            mean += .1 * (gradient - mean)
            square += .001 * (gradient**2 - square)
            corrected = mean / (1 - .9**self.steps)
            parameter -= rate * corrected / (np.sqrt(square / (1 - .999**self.steps)) + 1e-8)


def train(images, digits, epochs, seed, report):
    random = np.random.default_rng(seed)
    network, batch = Network(random), 64
    for epoch in range(epochs):
        order = random.permutation(len(images))
        losses = [network.learn(images[part], digits[part], 2e-3 * (1 - epoch / epochs))
                  for part in np.array_split(order, len(images) // batch)]
        report(epoch + 1, float(np.mean(losses)))
    return network
