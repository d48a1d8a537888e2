#include "bench/engine/support.hpp"

#include <arpa/inet.h>
#include <fmt/format.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <limits>
#include <random>

namespace ndb::bench {
namespace {

int free_port() {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  if (::bind(fd, reinterpret_cast<sockaddr*>(&address), length) != 0) std::abort();
  ::getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length);
  ::close(fd);
  return ::ntohs(address.sin_port);
}

int connect_to(int port) {
  const int fd = ::socket(AF_INET, SOCK_STREAM, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = ::htonl(INADDR_LOOPBACK);
  address.sin_port = ::htons(static_cast<std::uint16_t>(port));
  if (::connect(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) == 0) return fd;
  ::close(fd);
  return -1;
}

std::string row_id(std::uint64_t row) { return "row-" + std::to_string(row); }

}  // namespace

double thread_cpu_seconds() {
  timespec time{};
  ::clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double percentile(std::vector<double> values, double share) {
  if (values.empty()) return std::numeric_limits<double>::quiet_NaN();
  std::ranges::sort(values);
  const auto place = static_cast<std::size_t>(share * static_cast<double>(values.size()));
  return values[std::min(place, values.size() - 1)];
}

std::vector<float> clustered_row(std::uint64_t row, std::uint32_t dim) {
  std::minstd_rand centre(static_cast<unsigned>(row % 500 + 1));
  std::minstd_rand noise(static_cast<unsigned>(row + 1'000));
  std::normal_distribution<float> normal;
  std::vector<float> vector(dim);
  for (auto& x : vector) x = normal(centre);
  normal.reset();
  for (auto& x : vector) x += 0.5F * normal(noise);
  return vector;
}

std::filesystem::path make_data(const std::filesystem::path& folder, std::uint64_t rows, std::uint32_t dim) {
  const auto path = folder / fmt::format("{}x{}", rows, dim);
  DatabaseOptions options;
  // ef_construction decides how long building takes and how good the graph is, not how large it is or how it is opened.
  options.index_min_rows = 2'000'000'000;  // indexed once, at the end
  options.memtable_bytes = 512ULL << 20;
  if (!std::filesystem::exists(path / "done")) {
    std::filesystem::remove_all(path);
    auto db = must(Database::open(path, options));
    auto docs = must(db.create_collection("docs", {.dim = dim, .distance = Distance::euclidean, .hnsw = {.ef_construction = 100}}));
    for (std::uint64_t row = 0; row < rows;) {
      std::vector<Document> batch;
      for (; row < rows && batch.size() < 10'000; ++row)
        batch.push_back({.id = row_id(row), .vector = clustered_row(row, dim), .payload = R"({"kind":"bench"})"});
      must(docs.insert_batch(batch));
    }
    must(docs.compact());
    must(docs.rebuild_index());
    if (const auto closed = db.close(); !closed) std::exit(1);
    std::filesystem::create_directory(path / "done.tmp");
    std::filesystem::rename(path / "done.tmp", path / "done");
  }
  return path;
}

std::filesystem::path reader_binary() { return NDB_READER_BINARY; }

Memory memory_of(pid_t pid) {
  std::ifstream status(fmt::format("/proc/{}/status", pid));
  Memory memory;
  for (std::string word; status >> word;) {
    double kib = 0.0;
    if (word == "RssAnon:" && status >> kib) memory.anonymous = kib / 1024.0;
    if (word == "RssFile:" && status >> kib) memory.with_files = memory.anonymous + kib / 1024.0;
  }
  return memory;
}

ReaderProcess::ReaderProcess(const std::filesystem::path& data) : pid_(-1), port_(free_port()) {
  const std::string listen = fmt::format("127.0.0.1:{}", port_);
  const std::string folder = data.string();
  pid_ = ::fork();
  if (pid_ != 0) return;
  ::execl(NDB_READER_BINARY, NDB_READER_BINARY, "--data-dir", folder.c_str(), "--listen", listen.c_str(), "--log-level", "error",
          nullptr);
  ::_exit(127);
}

ReaderProcess::~ReaderProcess() {
  ::kill(pid_, SIGTERM);
  ::waitpid(pid_, nullptr, 0);
}

std::string ReaderProcess::ask(const std::string& request) const {
  int fd = -1;
  while ((fd = connect_to(port_)) < 0) ::usleep(200);
  const int on = 1;
  ::setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (::write(fd, request.data(), request.size()) != static_cast<ssize_t>(request.size())) std::exit(1);
  std::string answer;
  char piece[4096];
  for (ssize_t n = 0; (n = ::read(fd, piece, sizeof piece)) > 0;) answer.append(piece, static_cast<std::size_t>(n));
  ::close(fd);
  return answer;
}

std::string ReaderProcess::post(const std::string& target, const std::string& body) const {
  const std::string answer = ask(fmt::format(
      "POST {} HTTP/1.1\r\nHost: x\r\nConnection: close\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{}", target,
      body.size(), body));
  if (!answer.starts_with("HTTP/1.1 200")) {
    fprintf(stderr, "%s\n", answer.c_str());
    std::exit(1);
  }
  return answer.substr(answer.find("\r\n\r\n") + 4);
}

void ReaderProcess::wait_until_ready() const {
  while (!ask("GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").starts_with("HTTP/1.1 200")) ::usleep(200);
}

std::string search_body(std::uint64_t row, std::uint32_t dim) {
  const auto vector = clustered_row(row, dim);
  return fmt::format(R"({{"vector":[{}],"top_k":10}})", fmt::join(vector, ","));
}

}  // namespace ndb::bench
