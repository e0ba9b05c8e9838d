// What the plugins of this process are doing right now, in memory that the supervisor shares: it outlives a
// crash, and can be looked at while a call does not come back.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mlqc {

// One call into a plugin.
struct BoardEntry {
  std::atomic<bool> taken{false};
  std::atomic<std::int64_t> since{0};  // nanoseconds of the steady clock; 0: nothing runs
  char what[256] = {};                 // "layer 'warp' of class GridSampler"
  char phase[32] = {};                 // the method, or "loading"
};

struct Board {
  static constexpr int size = 64;  // calls at once; those beyond are not watched
  BoardEntry entries[size];
  std::atomic<int> crashed{-1};    // the entry whose thread got a deadly signal
  std::atomic<bool> ended{false};  // the command came to its end
};

// The board of this process; null where nobody supervises.
Board* board();
void set_board(Board* shared);

// Marks the signals of crashes on the board before they take their course.
void watch_signals();

// A call in progress, for as long as this lives.
class OnBoard {
 public:
  OnBoard(std::string_view what, std::string_view phase);
  ~OnBoard();
  OnBoard(const OnBoard&) = delete;
  OnBoard& operator=(const OnBoard&) = delete;

 private:
  int entry_ = -1;
  int outer_ = -1;
};

std::int64_t steady_nanoseconds();

}  // namespace mlqc
