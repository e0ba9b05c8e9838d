// A value or the sentence that says why there is none.
//
// The runtime throws nothing and aborts nowhere: what can fail returns a Result (or a Status where there is
// no value), and the sentence is complete enough to be shown to a user as it is.
#pragma once

#include <optional>
#include <string>
#include <utility>

namespace mlq {

// The sentence of a failure; converts into any Result or Status.
struct Failure {
  std::string sentence;
};

// Success, or a Failure's sentence.
class [[nodiscard]] Status {
 public:
  Status() = default;
  Status(Failure failure) : sentence_(std::move(failure.sentence)) {}

  bool ok() const { return !sentence_; }
  explicit operator bool() const { return ok(); }
  // The sentence; empty when ok.
  const std::string& error() const {
    static const std::string none;
    return sentence_ ? *sentence_ : none;
  }

 private:
  std::optional<std::string> sentence_;
};

// A T, or a Failure's sentence. Access to the value of a failed Result is undefined, as with std::optional.
template <class T>
class [[nodiscard]] Result {
 public:
  Result(T value) : value_(std::move(value)) {}
  Result(Failure failure) : status_(std::move(failure)) {}

  bool ok() const { return value_.has_value(); }
  explicit operator bool() const { return ok(); }
  const std::string& error() const { return status_.error(); }
  const Status& status() const { return status_; }

  T& operator*() & { return *value_; }
  const T& operator*() const& { return *value_; }
  T&& operator*() && { return std::move(*value_); }
  T* operator->() { return &*value_; }
  const T* operator->() const { return &*value_; }

 private:
  std::optional<T> value_;
  Status status_;
};

}  // namespace mlq
