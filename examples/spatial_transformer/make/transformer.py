"""A classifier that first looks at where the digit is: a spatial transformer (Jaderberg et al., 2015) in NumPy."""
import network  # of the digits example
import numpy as np

INSIDE, OUTSIDE = 28, 40  # sides of the digit and of the picture that it lies in
SCALE = (INSIDE - 1) / (OUTSIDE - 1)  # of a grid that covers one digit


def affine_grid():
    """The matrix from six numbers, a b c d e f, to all points x = a u + b v + c, y = d u + e v + f of the output."""
    v, u = np.meshgrid(np.linspace(-1, 1, INSIDE), np.linspace(-1, 1, INSIDE), indexing="ij")
    points = np.stack([u.ravel(), v.ravel(), np.ones(INSIDE**2)], 1)
    grid = np.zeros((2, INSIDE**2, 6))
    grid[0, :, :3] = grid[1, :, 3:] = points
    return grid.reshape(2 * INSIDE**2, 6).astype(np.float32)


def sample(images, grid):
    """Bilinear values of images [n, H, W] at points [n, 2, P] in -1..1, and their slopes [n, 2, P]; 0 outside."""
    rows = np.arange(len(images))[:, None]
    x, y = (grid + 1) * (OUTSIDE - 1) / 2
    left, top = np.floor(x).astype(int), np.floor(y).astype(int)
    fx, fy = x - left, y - top

    def at(row, column):
        inside = (row >= 0) & (row < OUTSIDE) & (column >= 0) & (column < OUTSIDE)
        return images[rows, row.clip(0, OUTSIDE - 1), column.clip(0, OUTSIDE - 1)] * inside

    a, b, c, d = at(top, left), at(top, left + 1), at(top + 1, left), at(top + 1, left + 1)
    values = (a * (1 - fx) + b * fx) * (1 - fy) + (c * (1 - fx) + d * fx) * fy
    slopes = np.stack([(b - a) * (1 - fy) + (d - c) * fy, (c - a) * (1 - fx) + (d - b) * fx])
    return values, slopes * (OUTSIDE - 1) / 2


class Localisation:
    """From a picture of half the size to the six numbers."""

    def __init__(self, random):
        self.hidden = network.Dense((OUTSIDE // 2)**2, 48, True, random)
        self.where = network.Dense(48, 6, False, random)
        self.where.weights *= .05
        self.where.bias[:] = [SCALE, 0, 0, 0, SCALE, 0]  # begins by looking at the middle
        self.layers = [self.hidden, self.where]

    def forward(self, images):
        n, half = len(images), OUTSIDE // 2
        small = images.reshape(n, half, 2, half, 2).mean((2, 4)).reshape(n, -1)
        self.seen = self.hidden.forward(small)
        return self.where.forward(self.seen)

    def backward(self, gradient):
        self.hidden.backward(self.seen, self.where.backward(None, gradient))


class Transformer:
    def __init__(self, classifier, random):
        self.localisation, self.classifier, self.grid = Localisation(random), classifier, affine_grid()
        layers = self.localisation.layers
        self.steppers = [Adam([p for layer in layers for p in (layer.weights, layer.bias)])]

    def look(self, images):
        """What the classifier sees, [n, 28, 28], and its slopes along x and y."""
        theta = self.localisation.forward(images)
        points = (theta @ self.grid.T).reshape(len(images), 2, -1).transpose(1, 0, 2)
        values, slopes = sample(images, points)
        return values.reshape(-1, INSIDE, INSIDE), slopes, theta

    def classify(self, images):
        return np.concatenate([self.classifier.classify(255 * self.look(part)[0])
                               for part in np.array_split(images, len(images) // 200)])

    def learn_where(self, images, offsets, rate):
        """A step towards the offsets [n, 2] in -1..1 at which the digits were put."""
        theta = self.localisation.forward(images)
        wanted = np.tile(np.float32([SCALE, 0, 0, 0, SCALE, 0]), (len(images), 1))
        wanted[:, [2, 5]] = offsets
        self.localisation.backward(2 * (theta - wanted) / len(images))
        self.step(rate)
        return np.abs(theta - wanted)[:, [2, 5]].mean() * (OUTSIDE - 1) / 2

    def learn(self, images, digits, rate):
        """A step of both nets at once down the cross entropy, through the sampler."""
        seen, slopes, _ = self.look(images)
        loss, gradient = gradients(self.classifier, 255 * seen, digits)
        points = (gradient.reshape(len(images), 1, -1) * slopes.transpose(1, 0, 2)).reshape(len(images), -1)
        self.localisation.backward(points @ self.grid)
        self.classifier.step(rate / 4)
        self.step(rate)
        return loss

    def step(self, rate):
        self.steppers[0].step([g for layer in self.localisation.layers for g in layer.gradients], rate)


def gradients(classifier, images, digits):
    """The cross entropy, and its gradient along the pixels 0..1; the layers keep theirs."""
    scores = classifier.forward(images)
    chances = np.exp(scores - scores.max(1, keepdims=True))
    chances /= chances.sum(1, keepdims=True)
    rows = np.arange(len(digits))
    loss = -np.log(chances[rows, digits] + 1e-12).mean()
    gradient = chances.copy()
    gradient[rows, digits] -= 1
    gradient /= len(digits)
    for layer, y in zip(reversed(classifier.layers), reversed(classifier.values)):
        gradient = layer.backward(y, gradient)
    return loss, gradient


class Adam:
    def __init__(self, parameters):
        self.parameters, self.steps = parameters, 0
        self.moments = [(np.zeros_like(p), np.zeros_like(p)) for p in parameters]

    def step(self, gradients, rate):
        self.steps += 1
        for parameter, gradient, (mean, square) in zip(self.parameters, gradients, self.moments):
            mean += .1 * (gradient - mean)
            square += .001 * (gradient**2 - square)
            corrected = mean / (1 - .9**self.steps)
            parameter -= rate * corrected / (np.sqrt(square / (1 - .999**self.steps)) + 1e-8)
