#include "compiler/plugins/supervise.h"

#include <fmt/format.h>
#include <signal.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cstdio>
#include <ctime>
#include <new>

#include "compiler/plugins/board.h"

namespace mlqc {

namespace {

constexpr long look_every = 50'000'000;  // nanoseconds

[[noreturn]] void run_child(const std::function<int()>& body, pid_t parent, const sigset_t& signals) {
  prctl(PR_SET_PDEATHSIG, SIGKILL);  // not to outlive a parent that is killed
  if (getppid() != parent) _exit(static_cast<int>(Exit::internal));
  sigprocmask(SIG_SETMASK, &signals, nullptr);
  watch_signals();
  const int status = body();
  board()->ended = true;
  std::fflush(nullptr);
  _exit(status);  // what plugins do at exit is none of ours
}

std::string text_of(const BoardEntry& entry) {
  return fmt::format("{} ({})", static_cast<const char*>(entry.what), static_cast<const char*>(entry.phase));
}

const BoardEntry* find_late(const Board& board, double seconds) {
  const std::int64_t now = steady_nanoseconds();
  for (const BoardEntry& entry : board.entries) {
    const std::int64_t since = entry.since;
    if (since != 0 && static_cast<double>(now - since) > seconds * 1e9) return &entry;
  }
  return nullptr;
}

const BoardEntry* find_running(const Board& board) {
  for (const BoardEntry& entry : board.entries)
    if (entry.since != 0) return &entry;
  return nullptr;
}

Supervised fault_of_plugin(std::string what, std::string hint) {
  return {0, Diagnostic{{}, std::move(what), "MLQ315", std::move(hint), {}}, true};
}

Supervised explain(const Board& board, int status) {
  if (WIFEXITED(status)) {
    if (board.ended) return {WEXITSTATUS(status), {}, false};
    const BoardEntry* entry = find_running(board);
    const std::string who = entry ? text_of(*entry) : "a plugin";
    return fault_of_plugin(fmt::format("{} ended the process, with status {}", who, WEXITSTATUS(status)),
                           "a layer returns a mlq::Failure when something is wrong, it does not exit");
  }
  const int signal = WTERMSIG(status);
  const std::string name = fmt::format("{} (signal {})", strsignal(signal), signal);
  if (const int crashed = board.crashed; crashed >= 0)
    return fault_of_plugin(fmt::format("{} crashed: {}", text_of(board.entries[crashed]), name),
                           "run mlqc in a debugger, or build the plugin with -fsanitize=address");
  return {0, Diagnostic{{}, "mlqc was ended: " + name, "MLQ900", "please report it with the model", {}},
          false};
}

Supervised watch(pid_t child, const Board& board, double seconds, const sigset_t& child_ended) {
  for (;;) {
    int status = 0;
    if (waitpid(child, &status, WNOHANG) == child) return explain(board, status);
    if (const BoardEntry* late = find_late(board, seconds)) {
      const std::string who = text_of(*late);
      kill(child, SIGKILL);
      waitpid(child, &status, 0);
      return fault_of_plugin(fmt::format("{} did not come back within {} seconds", who, seconds),
                             "an endless loop, or a machine too slow for it: --plugin-seconds gives it more");
    }
    const timespec pause{0, look_every};
    sigtimedwait(&child_ended, nullptr, &pause);
  }
}

}  // namespace

Supervised supervise(const std::function<int()>& body, double seconds) {
  void* memory = mmap(nullptr, sizeof(Board), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED)
    throw Error(Exit::internal, {{}, "no memory to share with a child process", "MLQ900", "", {}});
  Board* shared = new (memory) Board;
  set_board(shared);
  sigset_t child_ended, before;
  sigemptyset(&child_ended);
  sigaddset(&child_ended, SIGCHLD);
  sigprocmask(SIG_BLOCK, &child_ended, &before);  // so that it can be waited for
  std::fflush(nullptr);                           // or both would print what is pending
  const pid_t parent = getpid(), child = fork();
  if (child == 0) run_child(body, parent, before);
  Supervised result;
  if (child > 0)
    result = watch(child, *shared, seconds, child_ended);
  else
    result.fault = Diagnostic{{}, "no child process can be started", "MLQ900", "", {}};
  set_board(nullptr);
  sigprocmask(SIG_SETMASK, &before, nullptr);
  munmap(memory, sizeof(Board));
  return result;
}

}  // namespace mlqc
