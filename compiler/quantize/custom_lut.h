// `algorithm: custom_lut`: tables that a function of the user's chooses.
#pragma once

#include <functional>
#include <string_view>

#include "compiler/quantize/quantize.h"
#include "mlq/lut_function.h"

namespace mlqc {

// Checked: what it returns is a table and indices into it; it throws Error else.
using CustomLut = std::function<mlq::Lut(const mlq::LutTask& task)>;

// From here on `custom_lut` calls this one. Before anything is quantized; none at first.
void use_custom_lut(CustomLut function);
bool has_custom_lut();

// `importance`: of each weight, or empty. The tables ascend and are filled up to 2^bits with their last
// value.
Quantized custom_lut(const Weights& weights, int bits, std::span<const float> importance,
                     std::string_view layer);

}  // namespace mlqc
