// Runs the tool inside the test: over a folder of its own, or over a daemon that serves that folder.
#pragma once

#include <unistd.h>

#include <boost/json.hpp>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>
#include <sstream>

#include "bindings/http/daemon.hpp"
#include "cli/command.hpp"
#include "tests/support/catch.hpp"

namespace tool {

struct Answer {
  int code = 0;
  std::string out, err;

  [[nodiscard]] boost::json::object json() const {
    boost::json::error_code error;
    auto value = boost::json::parse(out, error);
    INFO("out: " << out << " err: " << err);
    REQUIRE_FALSE(error);
    REQUIRE(value.is_object());
    return value.get_object();
  }
};

enum class Over { folder, server };

class Tool {
 public:
  explicit Tool(Over over = Over::folder) {
    static int count = 0;
    folder_ = std::filesystem::temp_directory_path() / ("ndb-cli-" + std::to_string(::getpid()) + "-" + std::to_string(count++));
    std::filesystem::create_directory(folder_);
    if (over == Over::folder) return;
    ndb::config::DaemonConfig config;
    config.data_dir = data_dir();
    config.host = "127.0.0.1";
    config.listen = "127.0.0.1:0";
    config.log_level = ndb::base::LogLevel::error;
    auto daemon = ndb::http::Daemon::start(ndb::config::Role::writer, config);
    if (!daemon) FAIL(daemon.error().message);
    daemon_ = std::make_unique<ndb::http::Daemon>(std::move(*daemon));
  }
  Tool(const Tool&) = delete;
  Tool& operator=(const Tool&) = delete;
  ~Tool() {
    if (daemon_) CHECK(daemon_->stop());
    daemon_.reset();
    std::filesystem::remove_all(folder_);
  }

  [[nodiscard]] std::string data_dir() const { return (folder_ / "data").string(); }
  [[nodiscard]] std::string url() const { return daemon_->url(); }
  [[nodiscard]] std::string file(const std::string& name, const std::string& content) const {
    std::ofstream(folder_ / name, std::ios::binary) << content;
    return (folder_ / name).string();
  }

  /// The tool with exactly these words and variables.
  static Answer call(const std::vector<std::string>& words, const std::map<std::string, std::string>& variables = {}) {
    std::ostringstream out, err;
    const auto environment = [&](const std::string& name) -> std::optional<std::string> {
      const auto found = variables.find(name);
      return found == variables.end() ? std::nullopt : std::optional(found->second);
    };
    Answer answer;
    answer.code = ndb::cli::run(words, {.out = out, .err = err}, ndb::cli::open_target, environment);
    answer.out = out.str();
    answer.err = err.str();
    return answer;
  }
  /// The same, on this folder or server.
  [[nodiscard]] Answer operator()(std::vector<std::string> words) const {
    words.push_back(daemon_ ? "--url=" + url() : "--data-dir=" + data_dir());
    return call(words);
  }
  /// Must succeed.
  Answer ok(const std::vector<std::string>& words) const {
    Answer answer = (*this)(words);
    INFO("words: " << words.front() << " out: " << answer.out << " err: " << answer.err);
    REQUIRE(answer.code == 0);
    return answer;
  }
  boost::json::object json(std::vector<std::string> words) const {
    words.emplace_back("--json");
    return ok(words).json();
  }

 private:
  std::filesystem::path folder_;
  std::unique_ptr<ndb::http::Daemon> daemon_;
};

/// A collection with two segments (one of them with a graph and deletions) and a log.
inline void fill_two_segments(const Tool& tool) {
  std::string lines;
  for (int i = 1; i <= 1500; ++i)
    lines += "{\"id\":\"d" + std::to_string(i) + "\",\"vector\":[" + std::to_string(i) + ",1,2],\"payload\":{\"n\":" + std::to_string(i) + "}}\n";
  tool.ok({"import", "docs", tool.file("docs.jsonl", lines), "--create", "--flush", "-q"});
  tool.ok({"index", "build", "docs"});
  tool.ok({"delete", "docs", "d1", "d2"});
  tool.ok({"import", "docs", tool.file("more.jsonl", "{\"id\":\"x\",\"vector\":[1,2,3]}\n"), "--flush", "-q"});
  tool.ok({"import", "docs", tool.file("log.jsonl", "{\"id\":\"y\",\"vector\":[1,2,3],\"payload\":{}}\n"), "-q"});
}

}  // namespace tool
