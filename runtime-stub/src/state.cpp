#include "runtime-stub/src/state.h"

#include <algorithm>

namespace mlq {

namespace {

// As many executors stay as ran at once, unless input shapes keep changing. Those of one shape share the
// weights of their convolutions; the other packed weights each has for itself.
constexpr std::size_t max_kinds = 4;
constexpr std::size_t max_idle = 64;

std::size_t kinds(const std::vector<std::unique_ptr<Executor>>& idle) {
  std::size_t count = 0;
  for (auto it = idle.begin(); it != idle.end(); ++it)
    count += std::none_of(idle.begin(), it, [&](const auto& other) { return other->key() == (*it)->key(); });
  return count;
}

}  // namespace

Result<std::unique_ptr<Executor>> Model::State::take(ExecutorKey key) const {
  {
    const std::lock_guard lock(mutex_);
    const auto found = std::find_if(idle_.rbegin(), idle_.rend(),
                                    [&](const auto& executor) { return executor->key() == key; });
    if (found != idle_.rend()) {
      std::unique_ptr<Executor> executor = std::move(*found);
      idle_.erase(std::next(found).base());
      return executor;
    }
  }
  auto planned = plan_for(key);
  if (!planned) return Failure{planned.error()};
  return make_executor(linked, constants, planned->schedule, planned->ready, std::move(key), threads);
}

Result<Model::State::Planned> Model::State::plan_for(const ExecutorKey& key) const {
  {
    const std::lock_guard lock(mutex_);
    for (const Planned& planned : planned_)
      if (planned.key == key) return planned;
  }
  auto made = make_schedule(linked, constants, key.input_shapes, key.kept);
  if (!made) return Failure{made.error()};
  const std::lock_guard lock(mutex_);
  for (const Planned& planned : planned_)  // another thread may have been faster; its steps are to be shared
    if (planned.key == key) return planned;
  if (planned_.size() >= max_kinds) planned_.erase(planned_.begin());
  planned_.push_back(
      {key, std::make_shared<const Schedule>(std::move(*made)), std::make_shared<ReadySteps>()});
  return planned_.back();
}

void Model::State::give_back(std::unique_ptr<Executor> executor) const {
  std::vector<std::unique_ptr<Executor>> surplus;  // freed outside the lock
  const std::lock_guard lock(mutex_);
  idle_.push_back(std::move(executor));
  while (idle_.size() > max_idle || kinds(idle_) > max_kinds) {
    surplus.push_back(std::move(idle_.front()));
    idle_.erase(idle_.begin());
  }
}

}  // namespace mlq
