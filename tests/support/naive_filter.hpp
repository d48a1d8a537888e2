// Random documents and filters, and an evaluator of filters that shares nothing with the real one: boost::json trees, the text of the
// filter, and numbers as long double (on x86 and on AArch64 Linux it holds every int64, uint64 and double exactly). One thread.
#pragma once

#include <boost/json.hpp>
#include <cstdint>
#include <limits>
#include <optional>
#include <random>
#include <string>
#include <vector>

namespace ndb::test {

namespace json = boost::json;

static_assert(std::numeric_limits<long double>::digits >= 64);

// The naive evaluator.

inline std::optional<long double> number(const json::value& value) {
  if (value.is_int64()) return value.get_int64();
  if (value.is_uint64()) return value.get_uint64();
  if (value.is_double()) return value.get_double();
  return std::nullopt;
}

inline bool equal(const json::value& left, const json::value& right) {
  const auto a = number(left), b = number(right);
  if (a || b) return a && b && *a == *b;
  return !left.is_structured() && left.kind() == right.kind() && left == right;
}

inline int order(const json::value& left, const json::value& right) {  // 2: not comparable
  const auto a = number(left), b = number(right);
  if (a && b) return *a < *b ? -1 : *a > *b ? 1 : 0;
  if (!left.is_string() || !right.is_string()) return 2;
  const int sign = std::string(left.get_string()).compare(std::string(right.get_string()));
  return sign < 0 ? -1 : sign > 0 ? 1 : 0;
}

inline void collect(const json::value& from, const std::string& path, std::vector<json::value>& into) {
  if (path.empty()) return into.push_back(from);
  const auto dot = path.find('.');
  const std::string first = path.substr(0, dot), rest = dot == std::string::npos ? "" : path.substr(dot + 1);
  if (from.is_object() && from.get_object().contains(first)) collect(from.get_object().at(first), rest, into);
  if (from.is_array())
    for (const auto& element : from.get_array())
      if (element.is_object()) collect(element, path, into);
}

inline bool holds(const std::string& op, const json::value& operand, const std::vector<json::value>& found) {
  if (op == "$exists") return found.empty() != operand.get_bool();
  if (op == "$ne") return !holds("$eq", operand, found);
  if (op == "$nin") return !holds("$in", operand, found);
  const auto test = [&](const json::value& value) {
    if (op == "$eq") return equal(value, operand);
    if (op == "$in") {
      for (const auto& one : operand.get_array())
        if (equal(value, one)) return true;
      return false;
    }
    const int sign = order(value, operand);
    if (sign == 2) return false;
    return op == "$lt" ? sign < 0 : op == "$lte" ? sign <= 0 : op == "$gt" ? sign > 0 : sign >= 0;
  };
  for (const auto& value : found) {
    if (test(value)) return true;
    if (value.is_array())
      for (const auto& element : value.get_array())
        if (test(element)) return true;
  }
  return false;
}

inline bool naive_match(const json::object& filter, const json::value& document) {
  for (const auto& [key, value] : filter) {
    bool ok = true;
    if (key == "$not") ok = !naive_match(value.get_object(), document);
    else if (key == "$and") for (const auto& child : value.get_array()) ok = ok && naive_match(child.get_object(), document);
    else if (key == "$or") {
      ok = false;
      for (const auto& child : value.get_array()) ok = ok || naive_match(child.get_object(), document);
    } else {
      std::vector<json::value> found;
      collect(document, std::string(key), found);
      if (!value.is_object()) ok = holds("$eq", value, found);
      else for (const auto& [op, operand] : value.get_object()) ok = ok && holds(std::string(op), operand, found);
    }
    if (!ok) return false;
  }
  return true;
}

// The generator: few names and values, so that things meet.

class FilterGenerator {
 public:
  explicit FilterGenerator(std::uint64_t seed) : random_(seed) {}

  json::object document(int depth = 0) {
    json::object object;
    for (unsigned i = 0, count = below(4); i < count; ++i) object[name()] = value(depth + 1);
    return object;
  }

  json::object filter(int depth = 0) {
    json::object object;
    if (depth < 3 && below(3) == 0) {
      switch (below(3)) {
        case 0: object["$not"] = filter(depth + 1); break;
        case 1: object["$and"] = filters(depth, below(3)); break;
        default: object["$or"] = filters(depth, 1 + below(3)); break;
      }
    }
    for (unsigned i = 0, count = below(3); i < count; ++i) object[path()] = condition();
    return object;
  }

 private:
  unsigned below(unsigned n) { return static_cast<unsigned>(random_() % n); }
  std::string name() { return std::string(1, static_cast<char>('a' + below(4))); }
  std::string path() { return below(2) == 0 ? name() : below(3) == 0 ? name() + "." + name() + "." + name() : name() + "." + name(); }

  json::value scalar() {
    static const std::vector<json::value> values{
        nullptr, true, false, "", "a", "b", "ab", "\xc3\xa4", 0, 1, 2, -1, 1.0, 1.5, -0.0, 9007199254740992,
        9007199254740993, 9007199254740992.0, INT64_MAX, INT64_MIN, UINT64_MAX, 0x1p63, 0x1p64, -0x1p63, 1e300, -1e300, 5e-324};
    return values[below(static_cast<unsigned>(values.size()))];
  }
  json::value value(int depth) {
    if (depth < 4 && below(3) == 0) return document(depth);
    if (depth >= 4 || below(3) != 0) return scalar();
    json::array array;
    for (unsigned i = 0, count = below(4); i < count; ++i) array.push_back(value(depth + 1));
    return array;
  }
  json::array filters(int depth, unsigned count) {
    json::array array;
    for (unsigned i = 0; i < count; ++i) array.push_back(filter(depth + 1));
    return array;
  }
  json::value condition() {
    if (below(3) == 0) return scalar();
    json::object object;
    for (unsigned i = 0, count = 1 + below(2); i < count; ++i) {
      static const char* const ops[] = {"$eq", "$ne", "$lt", "$lte", "$gt", "$gte", "$in", "$nin", "$exists"};
      const std::string op = ops[below(9)];
      if (op == "$exists") object[op] = below(2) == 0;
      else if (op == "$in" || op == "$nin") {
        json::array array;
        for (unsigned k = 0, n = below(5); k < n; ++k) array.push_back(scalar());
        object[op] = array;
      } else {
        json::value operand = scalar();
        while (op[1] != 'e' && op != "$ne" && !number(operand) && !operand.is_string()) operand = scalar();
        object[op] = operand;
      }
    }
    return object;
  }

  std::mt19937_64 random_;
};

}  // namespace ndb::test
