// The files of page/, which travel inside mlqc.
#pragma once

#include <string_view>

namespace mlqc {

extern const std::string_view page_shell, page_style, page_common, page_report, page_sweep, page_model,
    page_compare;

}  // namespace mlqc
