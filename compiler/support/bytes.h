// Files as bytes: mapped for reading, written whole or not at all.
#pragma once

#include <filesystem>
#include <span>
#include <string>
#include <string_view>

#include "mlq/graph.h"

namespace mlqc {

// Maps a file read-only. Throws Error MLQ301 (missing, unreadable, a folder). An empty file is empty bytes.
mlq::Data map_file(const std::filesystem::path& path);
std::string read_text(const std::filesystem::path& path);

// 64 lower-case hexadecimal digits.
std::string sha256(std::span<const std::byte> bytes);
std::string sha256(std::string_view text);

// Writes under a temporary name in the same folder, syncs, renames. Leaves the file untouched when it has
// these bytes already; returns whether it wrote. Creates the folder. Throws Error MLQ501 with the cause
// (no space, no permission), in which case nothing of the temporary file stays.
bool write_if_changed(const std::filesystem::path& path, std::span<const std::byte> bytes);
bool write_if_changed(const std::filesystem::path& path, std::string_view text);

}  // namespace mlqc
