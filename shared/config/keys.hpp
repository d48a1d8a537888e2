// The table of configuration keys: everything that parses, explains or prints the configuration is driven by it.
// Threads: built once, then read only.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "shared/config/daemon_config.hpp"

namespace ndb::config {

/// How a key is given: a value, a switch (the flag needs no value), or the list of collections.
enum class Form { value, toggle, collections };

struct Key {
  std::string name;      ///< in YAML; "hnsw.m" is m inside hnsw
  std::string variable;  ///< "NDB_HNSW_M"
  std::string flags;     ///< "--hnsw-ef,--hnsw-ef-search"
  std::string help;      ///< one line, without range and default
  std::string allowed;   ///< "a whole number from 2 to 128"
  Form form = Form::value;
  bool quoted = false;  ///< whether YAML needs quotes around what get() returns
  /// False if the text is not allowed.
  std::function<bool(DaemonConfig&, const std::string& text)> set;
  std::function<std::string(const DaemonConfig&)> get;
};

/// In the order in which they are printed.
[[nodiscard]] const std::vector<Key>& keys();
/// Null if there is none.
[[nodiscard]] const Key* find_key(std::string_view name);
/// What holds before anything is read.
[[nodiscard]] DaemonConfig defaults(Role role);

/// A decimal integer from low to high and nothing else; false otherwise.
[[nodiscard]] bool parse_integer(std::string_view text, std::uint64_t low, std::uint64_t high, std::uint64_t& into);
/// What a toggle may be set to.
[[nodiscard]] bool is_toggle_value(std::string_view text) noexcept;
/// Splits HOST:PORT or [IPv6]:PORT; false if it is neither.
[[nodiscard]] bool parse_listen(const std::string& text, std::string& host, std::uint16_t& port);

}  // namespace ndb::config
