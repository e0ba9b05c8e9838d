#include "compiler/frontends/keras/value.h"

#include <nlohmann/json.hpp>

#include "compiler/support/error.h"

namespace mlqc::keras {

namespace {

constexpr int deepest = 200;  // a model in a model in a model takes a dozen levels each

struct TooDeep {};

Value converted(const nlohmann::json& from) {
  if (from.is_boolean()) return {from.get<bool>()};
  if (from.is_number_integer()) return {from.get<std::int64_t>()};
  if (from.is_number()) return {from.get<double>()};
  if (from.is_string()) return {from.get<std::string>()};
  if (from.is_array()) {
    Value::List list;
    for (const auto& entry : from) list.push_back(converted(entry));
    return {std::move(list)};
  }
  if (!from.is_object()) return {};
  Value::Map map;
  for (const auto& [key, entry] : from.items()) map.emplace(key, converted(entry));
  return {std::move(map)};
}

}  // namespace

const Value& Value::operator[](std::string_view key) const {
  static const Value none;
  const auto found = map().find(key);
  return found == map().end() ? none : found->second;
}

const Value& Value::any(std::initializer_list<std::string_view> keys) const {
  for (const std::string_view key : keys)
    if (const Value& value = (*this)[key]; !value.null()) return value;
  return (*this)[""];
}

const Value::List& Value::list() const {
  static const List none;
  const auto* list = std::get_if<List>(&is);
  return list ? *list : none;
}

const Value::Map& Value::map() const {
  static const Map none;
  const auto* map = std::get_if<Map>(&is);
  return map ? *map : none;
}

std::string Value::text(std::string_view otherwise) const {
  const auto* text = std::get_if<std::string>(&is);
  return text ? *text : std::string(otherwise);
}

double Value::number(double otherwise) const {
  if (const auto* number = std::get_if<double>(&is)) return *number;
  if (const auto* number = std::get_if<std::int64_t>(&is)) return static_cast<double>(*number);
  return otherwise;
}

std::int64_t Value::integer(std::int64_t otherwise) const {
  if (const auto* number = std::get_if<std::int64_t>(&is)) return *number;
  // Some versions write 3.0.
  const auto* number = std::get_if<double>(&is);
  return number && *number >= -1e9 && *number <= 1e9 ? static_cast<std::int64_t>(*number) : otherwise;
}

bool Value::truth(bool otherwise) const {
  const auto* truth = std::get_if<bool>(&is);
  return truth ? *truth : otherwise;
}

std::vector<std::int64_t> Value::integers() const {
  std::vector<std::int64_t> all;
  for (const Value& entry : list()) all.push_back(entry.integer(-1));
  if (!is_list() && !null()) all.push_back(integer(-1));
  return all;
}

Value parse_json(std::string_view text, const std::filesystem::path& path) {
  try {
    // The library itself needs no stack for depth; what follows does.
    const auto bound = [](int depth, nlohmann::json::parse_event_t, nlohmann::json&) {
      return depth > deepest ? throw TooDeep() : true;
    };
    return converted(nlohmann::json::parse(text, bound));
  } catch (const nlohmann::json::exception&) {
  } catch (const TooDeep&) {
  }
  throw Error(Exit::model, {{path.string()},
                            "the description of the network in this file is damaged: it is not JSON",
                            "MLQ306",
                            "compare the file's size and checksum with the original's",
                            {}});
}

}  // namespace mlqc::keras
