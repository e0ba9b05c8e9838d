#include "compiler/plugins/board.h"

#include <signal.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <vector>

namespace mlqc {

namespace {

Board* shared_board = nullptr;
thread_local volatile int current = -1;  // this thread's entry

// A stack for the handler: the crash may be that the thread's own has run over.
class SignalStack {
 public:
  SignalStack() {
    stack_t before{};
    if (sigaltstack(nullptr, &before) != 0 || !(before.ss_flags & SS_DISABLE))
      return;  // sanitizers bring one
    memory_.resize(64 * 1024);
    stack_t own{};
    own.ss_sp = memory_.data();
    own.ss_size = memory_.size();
    sigaltstack(&own, nullptr);
  }
  ~SignalStack() {
    if (memory_.empty()) return;
    stack_t none{};
    none.ss_flags = SS_DISABLE;
    sigaltstack(&none, nullptr);
  }
  SignalStack(const SignalStack&) = delete;
  SignalStack& operator=(const SignalStack&) = delete;

 private:
  std::vector<char> memory_;
};

// exit() called by a plugin would destroy what other threads work with, and crash. Once per thread, because
// what was registered last runs first.
struct ExitAtOnce {
  ExitAtOnce() {
    on_exit([](int status, void*) { _exit(status); }, nullptr);
  }
};

// Only what a handler may do: it stores a number, and the signal comes again with nobody in its way. The
// handler steps aside here, after the store, and not by SA_RESETHAND: that would let a second thread's crash
// end the process before the first has told.
void on_crash(int number) {
  if (shared_board && current >= 0) shared_board->crashed = current;
  signal(number, SIG_DFL);
  raise(number);
}

template <std::size_t size>
void copy_text(char (&to)[size], std::string_view from) {
  const std::size_t length = std::min(from.size(), size - 1);
  std::memcpy(to, from.data(), length);
  to[length] = '\0';
}

int take_entry() {
  for (int i = 0; i < Board::size; ++i)
    if (!shared_board->entries[i].taken.exchange(true)) return i;
  return -1;
}

}  // namespace

Board* board() { return shared_board; }
void set_board(Board* shared) { shared_board = shared; }

void watch_signals() {
  for (const int number : std::array{SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT}) {
    struct sigaction action {};
    action.sa_handler = on_crash;
    action.sa_flags = SA_ONSTACK;
    sigaction(number, &action, nullptr);
  }
}

OnBoard::OnBoard(std::string_view what, std::string_view phase) {
  if (!shared_board) return;
  static thread_local SignalStack stack;
  static thread_local ExitAtOnce exits;
  entry_ = take_entry();
  if (entry_ < 0) return;
  BoardEntry& entry = shared_board->entries[entry_];
  copy_text(entry.what, what);
  copy_text(entry.phase, phase);
  entry.since = steady_nanoseconds();
  outer_ = current;
  current = entry_;
}

OnBoard::~OnBoard() {
  if (entry_ < 0) return;
  current = outer_;
  shared_board->entries[entry_].since = 0;
  shared_board->entries[entry_].taken = false;
}

std::int64_t steady_nanoseconds() {
  return std::chrono::steady_clock::now().time_since_epoch() / std::chrono::nanoseconds(1);
}

}  // namespace mlqc
