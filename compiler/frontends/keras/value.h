// JSON as plain values: how Keras describes a network.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace mlqc::keras {

class Value {
 public:
  using List = std::vector<Value>;
  using Map = std::map<std::string, Value, std::less<>>;
  std::variant<std::monostate, bool, std::int64_t, double, std::string, List, Map> is;

  // The member of a map, or a null value.
  const Value& operator[](std::string_view key) const;
  // The first of the names that is there: Keras 1 and Keras 2 often differ in nothing else.
  const Value& any(std::initializer_list<std::string_view> keys) const;

  bool null() const { return is.index() == 0; }
  bool is_text() const { return std::holds_alternative<std::string>(is); }
  bool is_list() const { return std::holds_alternative<List>(is); }
  bool is_map() const { return std::holds_alternative<Map>(is); }
  const List& list() const;  // of anything else: empty
  const Map& map() const;

  std::string text(std::string_view otherwise = "") const;
  std::int64_t integer(std::int64_t otherwise) const;  // a whole number
  double number(double otherwise) const;
  bool truth(bool otherwise) const;
  std::vector<std::int64_t> integers() const;  // of a list, or of a number alone; null counts as -1
};

// Throws Error MLQ306.
Value parse_json(std::string_view text, const std::filesystem::path& path);

}  // namespace mlqc::keras
