// Convolutions with a kernel of its own at each place: a product of matrices for each.
#include "compiler/frontends/keras/layers.h"
#include "compiler/frontends/nhwc/arrays.h"

namespace mlqc::keras {

namespace {

struct Places {
  Ints kernel, stride, counts;  // per spatial axis
  std::int64_t all = 1, window = 1;
};

Places places_of(const Net& net, TensorId x, std::size_t axes) {
  const Value& config = net.config();
  Places places{config.any({"kernel_size", "filter_length"}).integers(),
                config.any({"strides", "subsample_length"}).integers(),
                {}};
  net.b.require(config.any({"padding", "border_mode"}).text("valid") == "valid" &&
                    config["implementation"].integer(1) == 1,
                "has a padding, or an implementation other than 1, which mlq does not support");
  if (places.stride.empty()) places.stride.assign(axes, 1);
  net.b.require(places.kernel.size() == axes && places.stride.size() == axes &&
                    net.b.rank(x) == static_cast<int>(axes) + 2,
                "has windows of another number of axes than its operand");
  for (std::size_t i = 0; i < axes; ++i) {
    const std::int64_t size = net.b.shape(x)[i + 1], k = places.kernel[i], stride = places.stride[i];
    net.b.require(k > 0 && stride > 0 && stride < 1 << 16 && size >= k,
                  "has windows that do not fit its operand");
    places.counts.push_back((size - k) / stride + 1);
    places.all *= places.counts.back(), places.window *= k;
  }
  net.b.require(places.window < 4096 && places.all < 1 << 24, "has too many windows, or too large ones");
  return places;
}

// The numbers of each window, [N, counts..., window * C]: one slice for each place within the window.
TensorId windows(Net& net, TensorId x, const Places& places) {
  Ids parts;
  const std::size_t axes = places.kernel.size();
  for (std::int64_t at = 0; at < places.window; ++at) {
    Ints starts(axes), ends(axes), which(axes);
    std::int64_t rest = at;
    for (std::size_t i = axes; i-- > 0; rest /= places.kernel[i]) {
      starts[i] = rest % places.kernel[i];
      ends[i] = starts[i] + (places.counts[i] - 1) * places.stride[i] + 1;
      which[i] = static_cast<std::int64_t>(i) + 1;
    }
    nhwc::Build& b = net.b;
    parts.push_back(b.node("Slice", {x, b.ints(starts), b.ints(ends), b.ints(which), b.ints(places.stride)}));
  }
  return nhwc::concat(net.b, parts, -1);
}

// [places, window * C, filters]. With the channels in front, they are outermost within a window.
TensorId kernels(Net& net, const Places& places, std::int64_t channels) {
  if (!channels_first(net)) return net.weight(0, "weights");
  net.b.require(!net.layer->weights.empty() && net.layer->weights[0]->shape.size() == 3,
                "has too few weights");
  const std::int64_t filters = net.layer->weights[0]->shape[2];
  const TensorId apart = net.weight(0, "weights", {}, {places.all, channels, places.window, filters});
  return net.b.reshape(net.b.transpose(apart, {0, 2, 1, 3}), {places.all, places.window * channels, filters});
}

Ids local(Net& net, const char*) {
  const TensorId x = channels_last(net, net.x());
  const Places places = places_of(net, x, net.layer->kind == "LocallyConnected1D" ? 1 : 2);
  const std::int64_t channels = net.b.shape(x).back();
  net.b.require(channels > 0, "needs a number of channels that is known");
  const TensorId rows = net.b.reshape(windows(net, x, places), {-1, places.all, 1, places.window * channels});
  const TensorId y = net.b.node("MatMul", {rows, kernels(net, places, channels)});
  Ints target{-1};
  target.insert(target.end(), places.counts.begin(), places.counts.end());
  target.push_back(net.b.shape(y).back());
  TensorId result = channels_back(net, net.b.reshape(y, target));
  if (has_bias(net.config())) result = net.b.node("Add", {result, net.weight(1, "bias")});
  return {activate(net, result, net.config()["activation"])};
}

constexpr Row rows[] = {
    {"LocallyConnected1D", local, kernel_and_bias},
    {"LocallyConnected2D", local, kernel_and_bias},
};

}  // namespace

std::span<const Row> local_rows() { return rows; }

}  // namespace mlqc::keras
