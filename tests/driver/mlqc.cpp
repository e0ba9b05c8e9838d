#include "tests/driver/mlqc.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>

#include "tests/support/files.h"

namespace mlqc::test {

namespace {

void redirect(int descriptor, const std::filesystem::path& file) {
  const int fd = ::open(file.c_str(), O_WRONLY | O_CREAT | O_TRUNC, 0600);
  ::dup2(fd, descriptor);
}

std::vector<char*> pointers(std::vector<std::string>& words) {
  std::vector<char*> all;
  for (std::string& word : words) all.push_back(word.data());
  all.push_back(nullptr);
  return all;
}

Outcome run(std::vector<std::string> words, const std::vector<std::string>& environment) {
  const mlq::test::TemporaryFolder folder;
  const pid_t child = ::fork();
  if (child == 0) {
    for (const char* name : {"CI", "NO_COLOR", "MLQ_THREADS", "MLQ_GATE"}) ::unsetenv(name);
    for (const std::string& setting : environment) ::putenv(const_cast<char*>(setting.c_str()));
    redirect(STDOUT_FILENO, folder / "out");
    redirect(STDERR_FILENO, folder / "err");
    ::dup2(::open("/dev/null", O_RDONLY), STDIN_FILENO);
    ::execv(words[0].c_str(), pointers(words).data());
    ::_exit(127);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  const int exit = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  return {exit, mlq::test::read(folder / "out"), mlq::test::read(folder / "err")};
}

}  // namespace

Outcome run_mlqc(const std::vector<std::string>& arguments, const std::vector<std::string>& environment) {
  std::vector<std::string> words = {MLQC};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run(words, environment);
}

Outcome run_mlqc_after(const std::string& shell, const std::vector<std::string>& arguments) {
  std::vector<std::string> words = {"/bin/sh", "-c", shell + " exec \"$@\"", "sh", MLQC};
  words.insert(words.end(), arguments.begin(), arguments.end());
  return run(words, {});
}

std::vector<std::string> names_in(const std::filesystem::path& folder) {
  std::vector<std::string> names;
  if (std::filesystem::is_directory(folder))
    for (const auto& entry : std::filesystem::recursive_directory_iterator(folder))
      names.push_back(entry.path().lexically_relative(folder).string());
  std::ranges::sort(names);
  return names;
}

}  // namespace mlqc::test
