// The version of this runtime. Wrappers that another version's mlqc generated refuse to compile with it.
#pragma once

namespace mlq {

inline constexpr int version_major = 0;
inline constexpr int version_minor = 1;
inline constexpr int version_patch = 0;

}  // namespace mlq
