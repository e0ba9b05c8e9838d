"""What the layers of Keras mean, in loops and plain NumPy; images and sequences are [N, ..., channels]."""
import numpy as np


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def hard_sigmoid(x):  # Keras 1 and 2
    return np.clip(0.2 * x + 0.5, 0, 1)


def softmax(x):
    e = np.exp(x - x.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def relu(x):
    return np.maximum(x, 0)


def first(x):
    """From channels last to channels first."""
    return np.moveaxis(x, -1, 1)


def last(x):
    return np.moveaxis(x, 1, -1)


def unroll(step, x, state, mask=None):
    """Outputs of all steps [N, T, units] and the last state; a step that is masked changes nothing."""
    outputs = []
    for t in range(x.shape[1]):
        after = step(x[:, t], state)
        if mask is not None:
            keep = mask[:, t].reshape(-1, *[1] * (after[0].ndim - 1))
            after = [np.where(keep, new, old) for new, old in zip(after, state)]
        state = after
        outputs.append(state[0])
    return np.stack(outputs, 1), state


def lstm(x, W, U, b, gate=sigmoid, h=None, c=None, mask=None):
    units = len(U)
    zero = np.zeros((len(x), units))

    def step(x, state):
        h, c = state
        i, f, g, o = np.split(x @ W + h @ U + b, 4, -1)
        c = gate(f) * c + gate(i) * np.tanh(g)
        return [gate(o) * np.tanh(c), c]

    return unroll(step, x, [zero if h is None else h, zero if c is None else c], mask)


def gru(x, W, U, b, after, gate=sigmoid, mask=None):
    units = len(U)
    b = np.stack([b, 0 * b]) if b.ndim == 1 else b

    def step(x, state):
        h, = state
        xz, xr, xh = np.split(x @ W + b[0], 3, -1)
        z = gate(xz + h @ U[:, :units] + b[1][:units])
        r = gate(xr + h @ U[:, units:2 * units] + b[1][units:2 * units])
        of_state = h @ U[:, 2 * units:] + b[1][2 * units:] if after else (r * h) @ U[:, 2 * units:]
        new = np.tanh(xh + (r * of_state if after else of_state))
        return [z * h + (1 - z) * new]

    return unroll(step, x, [np.zeros((len(x), units))], mask)


def rnn(x, W, U, b, f=np.tanh, mask=None):
    return unroll(lambda x, state: [f(x @ W + state[0] @ U + b)], x, [np.zeros((len(x), len(U)))], mask)


def edges(size, k, stride, same, dilation=1):
    """Zeros before an axis, zeros after it, and the length of the result."""
    reach = (k - 1) * dilation + 1
    if not same:
        return 0, 0, (size - reach) // stride + 1
    out = -(-size // stride)
    missing = max((out - 1) * stride + reach - size, 0)
    return missing // 2, missing - missing // 2, out


def windows(x, k, stride=(1, 1), same=False, dilation=(1, 1), fill=0.0):
    """[N, H', W', kh, kw, C] of images [N, H, W, C]."""
    (top, bottom, height), (left, right, width) = (edges(x.shape[a + 1], k[a], stride[a], same, dilation[a]) for a in (0, 1))
    padded = np.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), constant_values=fill)
    y = np.zeros((len(x), height, width, k[0], k[1], x.shape[-1]))
    for i in range(height):
        for j in range(width):
            for a in range(k[0]):
                for b in range(k[1]):
                    y[:, i, j, a, b] = padded[:, i * stride[0] + a * dilation[0], j * stride[1] + b * dilation[1]]
    return y


def conv(x, kernel, bias=0, **more):
    return np.einsum("nijabc,abco->nijo", windows(x, kernel.shape[:2], **more), kernel) + bias


def depthwise(x, kernel, bias=0, **more):
    y = np.einsum("nijabc,abcm->nijcm", windows(x, kernel.shape[:2], **more), kernel)
    return y.reshape(*y.shape[:3], -1) + bias


def conv_transposed(x, kernel, bias, stride):
    """"Valid" padding; the kernel is [kh, kw, out, in]."""
    n, h, w, _ = x.shape
    kh, kw, out, _ = kernel.shape
    y = np.zeros((n, (h - 1) * stride[0] + max(kh, stride[0]), (w - 1) * stride[1] + max(kw, stride[1]), out))
    for i in range(h):
        for j in range(w):
            y[:, i * stride[0]:i * stride[0] + kh, j * stride[1]:j * stride[1] + kw] += \
                np.einsum("nc,aboc->nabo", x[:, i, j], kernel)
    return y + bias


def max_pool(x, k, stride, same=False):
    return windows(x, k, stride, same, fill=-np.inf).max((3, 4))


def average_pool(x, k, stride, same=False):
    ones = windows(np.ones_like(x), k, stride, same).sum((3, 4))
    return windows(x, k, stride, same).sum((3, 4)) / ones


def conv_lstm(x, W, U, b, same=False, stride=(1, 1), gate=hard_sigmoid):
    """x is [N, T, H, W, C]."""
    of_input = np.stack([conv(x[:, t], W, b, same=same, stride=stride) for t in range(x.shape[1])], 1)
    zero = np.zeros((*of_input[:, 0].shape[:-1], U.shape[2]))

    def step(z, state):
        h, c = state
        i, f, g, o = np.split(z + conv(h, U, same=True), 4, -1)
        c = gate(f) * c + gate(i) * np.tanh(g)
        return [gate(o) * np.tanh(c), c]

    return unroll(step, of_input, [zero, zero.copy()])


def local(x, kernel, bias, k, stride=(1, 1)):
    """Another kernel at each place: [places, kh * kw * C, filters]."""
    w = windows(x, k, stride)
    n, h, width = w.shape[:3]
    y = np.einsum("npf,pfo->npo", w.reshape(n, h * width, -1), kernel)
    return y.reshape(n, h, width, -1) + bias


def attention(scores, value, causal=False):
    if causal:
        steps = np.arange(scores.shape[-1])
        scores = np.where(steps[None, :] <= np.arange(scores.shape[-2])[:, None], scores, -1e9)
    chances = softmax(scores)
    return chances @ value, chances


def multi_head(q, v, k, weights, causal=False):
    (Wq, bq), (Wk, bk), (Wv, bv), (Wo, bo) = weights
    heads = lambda x, W, b: np.einsum("ntd,dhk->nhtk", x, W) + b[None, :, None, :]
    query, key, value = heads(q, Wq, bq), heads(k, Wk, bk), heads(v, Wv, bv)
    y, _ = attention(query @ key.swapaxes(-1, -2) / np.sqrt(Wq.shape[-1]), value, causal)
    return np.einsum("nhtv,hvd->ntd", y, Wo) + bo


def batch_norm(x, gamma, beta, mean, variance, epsilon=1e-3):
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def layer_norm(x, gamma, beta, epsilon=1e-3):
    mean, variance = x.mean(-1, keepdims=True), x.var(-1, keepdims=True)
    return gamma * (x - mean) / np.sqrt(variance + epsilon) + beta


def group_norm(x, groups, gamma, beta, epsilon=1e-3):
    y = x.reshape(*x.shape[:-1], groups, -1)
    axes = (*range(1, x.ndim - 1), x.ndim)
    y = (y - y.mean(axes, keepdims=True)) / np.sqrt(y.var(axes, keepdims=True) + epsilon)
    return gamma * y.reshape(x.shape) + beta
