// What make and Ninja read to know when a step must run again.
#pragma once

#include <filesystem>
#include <string>
#include <vector>

namespace mlqc {

// "target: file file ...". The target is written as it was given; files become absolute, and those that do
// not exist are left out, because either tool would run the step at every build.
std::string depfile_text(const std::string& target, const std::vector<std::filesystem::path>& files);

// Marks a step as done: new time even with old content, since make compares times.
void write_stamp(const std::filesystem::path& stamp);

}  // namespace mlqc
