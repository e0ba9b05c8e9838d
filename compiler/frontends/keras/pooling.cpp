#include "compiler/frontends/keras/masks.h"
#include "compiler/frontends/nhwc/arrays.h"
#include "compiler/frontends/nhwc/spatial.h"

namespace mlqc::keras {

namespace {

Ids pool(Net& net, const char* op) {
  const Value& config = net.config();
  const Ints size = config.any({"pool_size", "pool_length"}).integers();
  nhwc::Window window;
  window.stride = config.any({"strides", "stride"}).integers();
  if (window.stride.empty()) window.stride = size;
  const std::string padding = config.any({"padding", "border_mode"}).text("valid");
  net.b.require(padding == "same" || padding == "valid", "has a padding that mlq does not know");
  if (padding == "same") window.padding = nhwc::Padding::same;
  return {channels_back(net, nhwc::pool(net.b, op, channels_last(net, net.x()), size, window))};
}

// Of the steps that count; alone among layers that pool, this one heeds the mask.
TensorId average_of(Net& net, TensorId mask) {
  net.b.require(net.b.rank(net.x()) == 3 && !channels_first(net), "averages under a mask of other axes");
  const TensorId weights = nhwc::expand_dims(net.b, mask, 2);
  const bool keep = net.config()["keepdims"].truth(false);
  const TensorId sum = nhwc::reduce(net.b, "ReduceSum", net.b.node("Mul", {net.x(), weights}), {1}, keep);
  return net.b.node("Div", {sum, nhwc::reduce(net.b, "ReduceSum", weights, {1}, keep)});
}

Ids pool_all(Net& net, const char* op) {
  const TensorId mask = mask_of(net, net.x());
  if (mask != mlq::no_tensor && net.layer->kind == "GlobalAveragePooling1D") return {average_of(net, mask)};
  const TensorId x = channels_last(net, net.x());
  const bool keep = net.config()["keepdims"].truth(false);
  const TensorId y = nhwc::pool_all(net.b, op, x, keep);
  return {keep ? channels_back(net, y) : y};
}

constexpr Row rows[] = {
    {"AveragePooling1D", pool, no_weights, "AveragePool"},
    {"AveragePooling2D", pool, no_weights, "AveragePool"},
    {"AveragePooling3D", pool, no_weights, "AveragePool"},
    {"GlobalAveragePooling1D", pool_all, no_weights, "GlobalAveragePool"},
    {"GlobalAveragePooling2D", pool_all, no_weights, "GlobalAveragePool"},
    {"GlobalAveragePooling3D", pool_all, no_weights, "GlobalAveragePool"},
    {"GlobalMaxPooling1D", pool_all, no_weights, "GlobalMaxPool"},
    {"GlobalMaxPooling2D", pool_all, no_weights, "GlobalMaxPool"},
    {"GlobalMaxPooling3D", pool_all, no_weights, "GlobalMaxPool"},
    {"MaxPooling1D", pool, no_weights, "MaxPool"},
    {"MaxPooling2D", pool, no_weights, "MaxPool"},
    {"MaxPooling3D", pool, no_weights, "MaxPool"},
};

}  // namespace

std::span<const Row> pooling_rows() { return rows; }

}  // namespace mlqc::keras
