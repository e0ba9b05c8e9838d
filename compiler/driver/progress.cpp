#include "compiler/driver/progress.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace mlqc {

namespace {

bool is_terminal() {
  const char* kind = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) && kind && std::string_view(kind) != "dumb";
}

double now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

void write(const std::string& text) { std::fwrite(text.data(), 1, text.size(), stderr); }

constexpr double between_updates = 0.1;
constexpr const char* clear_line = "\r\033[K";

}  // namespace

Progress::Progress(When when, std::string name)
    : name_(std::move(name)), enabled_(when == When::always || (when == When::automatic && is_terminal())) {}

Progress::~Progress() {
  if (shown_) write(clear_line);
}

void Progress::show(const std::string& stage, std::size_t done, std::size_t total) {
  if (!enabled_) return;
  const double time = now();
  if (stage == stage_ && time - last_ < between_updates) return;
  stage_ = stage;
  last_ = time;
  shown_ = true;
  const std::string count = total ? fmt::format(" {}/{}", done, total) : "";
  write(fmt::format("{}{}: {}{}", clear_line, name_, stage, count));
}

}  // namespace mlqc
