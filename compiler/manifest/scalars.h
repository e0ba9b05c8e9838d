// The words of a manifest as numbers. Strict: what YAML's dialects read differently (010, 0x10, 1_000, yes)
// is no number here.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

namespace mlqc {

std::optional<std::int64_t> to_whole(const std::string& text);
std::optional<double> to_number(const std::string& text);
// Bytes: "1300000", "700 KB", "1.4 MiB". K, M, G count in 1000s, Ki, Mi, Gi in 1024s.
std::optional<double> to_size(const std::string& text);
// "a" or "a::b": what C++ takes for a name.
bool is_identifier(const std::string& text);
bool is_qualified_identifier(const std::string& text);
bool is_sha256(const std::string& text);

}  // namespace mlqc
