// Against servers that answer as Qdrant 1.x and Chroma 1.x do (shapes recorded from their interfaces), page by page, and fail when told to.
#include <atomic>
#include <mutex>

#include "ipc/http/server.hpp"
#include "tests/unit/cli/tool.hpp"

using namespace tool;
namespace json = boost::json;

namespace {

constexpr int kPoints = 1'234;

class FakeServer {
 public:
  /// answer: the body for a request, null for 404.
  explicit FakeServer(std::function<json::value(const ndb::http::Request&)> answer) : answer_(std::move(answer)) {
    auto started = ndb::http::Server::start({}, [this](ndb::http::Request&& request, ndb::http::Responder responder) {
      ndb::http::Response response;
      const std::scoped_lock lock(mutex_);
      const int number = ++requests_;
      if (number == busy_at_) {
        response.status = 503;
      } else if (broken_from_ > 0 && number >= broken_from_) {
        response.status = 400;
        response.body = "{\"status\":{\"error\":\"broken\"}}";
      } else if (const auto body = answer_(request); body.is_null()) {
        response.status = 404;
      } else {
        response.body = json::serialize(body);
      }
      std::move(responder).send(std::move(response));
    });
    if (!started) FAIL(started.error().message);
    server_.emplace(std::move(*started));
  }
  [[nodiscard]] std::string url() const { return "http://127.0.0.1:" + std::to_string(server_->port()); }
  void busy_at(int request) { busy_at_ = requests_ + request; }
  void broken_from(int request) { broken_from_ = request == 0 ? 0 : requests_ + request; }

 private:
  std::function<json::value(const ndb::http::Request&)> answer_;
  std::mutex mutex_;
  int requests_ = 0;
  std::atomic<int> busy_at_{0}, broken_from_{0};
  std::optional<ndb::http::Server> server_;
};

json::value qdrant(const ndb::http::Request& request, bool named) {
  const auto vector_of = [&](int i) -> json::value {
    json::array vector = {0.1F * static_cast<float>(i + 1), 1.0, -2.5};
    if (named) return json::object{{"image", {1, 2}}, {"text", vector}};
    return vector;
  };
  if (request.target == "/collections/my%20docs") {
    const json::object text = {{"size", 3}, {"distance", "Dot"}};
    const json::value vectors = named ? json::value(json::object{{"image", {{"size", 2}, {"distance", "Manhattan"}}}, {"text", text}}) : json::value(text);
    return {{"result", {{"points_count", kPoints}, {"config", {{"params", {{"vectors", vectors}}}}}}}, {"status", "ok"}};
  }
  if (request.target != "/collections/my%20docs/points/scroll") return nullptr;
  const auto body = json::parse(request.body).as_object();
  const int from = body.contains("offset") ? body.at("offset").to_number<int>() : 0;
  const int to = std::min(kPoints, from + body.at("limit").to_number<int>());
  json::array points;
  for (int i = from; i < to; ++i)
    points.push_back({{"id", i}, {"payload", {{"n", i}, {"pi", 3.14}}}, {"vector", i == 77 && named ? json::value(json::object{{"image", {1, 2}}}) : vector_of(i)}});
  return {{"result", {{"points", points}, {"next_page_offset", to < kPoints ? json::value(to) : json::value(nullptr)}}}, {"status", "ok"}};
}

json::value chroma(const ndb::http::Request& request) {
  const std::string base = "/api/v2/tenants/default_tenant/databases/default_database/collections/";
  if (request.target == base + "docs") return {{"id", "11-22"}, {"name", "docs"}, {"dimension", 2}, {"configuration_json", {{"hnsw", {{"space", "l2"}}}}}};
  if (request.target == base + "11-22/count") return kPoints;
  if (request.target != base + "11-22/get") return nullptr;
  const auto body = json::parse(request.body).as_object();
  const int from = body.at("offset").to_number<int>();
  json::array ids, embeddings, metadatas, documents, uris;
  for (int i = from; i < std::min(kPoints, from + body.at("limit").to_number<int>()); ++i) {
    ids.push_back(json::string("r" + std::to_string(i)));
    embeddings.push_back({i, 0.25});
    metadatas.push_back(i % 2 == 0 ? json::value({{"even", true}, {"n", i}}) : json::value(nullptr));
    documents.push_back(i % 3 == 0 ? json::value("text \"" + std::to_string(i) + "\"") : json::value(nullptr));
    uris.push_back(nullptr);
  }
  return {{"ids", ids}, {"embeddings", embeddings}, {"metadatas", metadatas}, {"documents", documents}, {"uris", uris}};
}

std::string rejects(const Tool& tool) { return (std::filesystem::path(tool.data_dir()).parent_path() / "rejects").string(); }

}  // namespace

TEST_CASE("all points of a Qdrant collection come over, through failures and interruptions") {
  for (const Over over : {Over::folder, Over::server}) {
    const Tool tool(over);
    FakeServer server([](const auto& request) { return qdrant(request, false); });
    const std::vector<std::string> words = {"import-qdrant", server.url(), "--collection", "my docs", "--as", "docs", "--batch-rows", "100",
                                            "--state", rejects(tool) + ".state"};
    server.busy_at(3);
    server.broken_from(6);
    const auto broken = tool(words);
    CHECK(broken.code == 1);
    CHECK(broken.err.find("400 {\"status\"") != std::string::npos);
    CHECK(broken.err.find("rows are in; the same command goes on after them") != std::string::npos);
    server.broken_from(0);
    const auto answer = tool.json(words);
    CHECK(answer.at("rows") == kPoints);
    CHECK(answer.at("resumed_at").to_number<int>() > 0);
    CHECK(answer.at("rejected") == 0);
    const auto stats = tool.json({"stats", "docs"});
    CHECK(stats.at("distance") == "dot");
    CHECK(stats.at("documents") == kPoints);
    const auto one = tool.json({"get", "docs", "1233"}).at("documents").at(0);
    CHECK(one.at("payload").at("n") == 1233);
    CHECK(one.at("payload").at("pi").to_number<double>() == 3.14);
    CHECK(one.at("vector").at(0).to_number<float>() == 0.1F * 1234.0F);
  }
}

TEST_CASE("one of named vectors is chosen, and points without it are rejects") {
  const Tool tool;
  const FakeServer server([](const auto& request) { return qdrant(request, true); });
  const std::vector<std::string> words = {"import-qdrant", server.url(), "--collection", "my docs", "--as", "docs", "--rejects", rejects(tool)};
  const auto unnamed = tool(words);
  CHECK(unnamed.code == 1);
  CHECK(unnamed.err.find("named vectors: image, text; say which with --vector-name") != std::string::npos);
  auto text = words;
  text.insert(text.end(), {"--vector-name", "text"});
  const auto answer = tool.json(text);
  CHECK(answer.at("rows") == kPoints - 1);
  CHECK(answer.at("rejected") == 1);
  auto image = words;
  image[5] = "images";
  image.insert(image.end(), {"--vector-name", "image"});
  CHECK(tool(image).err.find("say how with --distance") != std::string::npos);  // Manhattan
  image.insert(image.end(), {"--distance", "euclidean"});
  CHECK(tool.json(image).at("rows") == kPoints);
}

TEST_CASE("all records of a Chroma collection come over, documents and metadata as payload") {
  const Tool tool;
  FakeServer server(chroma);
  const std::vector<std::string> words = {"import-chroma", server.url(), "--collection", "docs", "--batch-rows", "200"};
  server.broken_from(6);
  CHECK(tool(words).code == 1);
  server.broken_from(0);
  const auto answer = tool.json(words);
  CHECK(answer.at("rows") == kPoints);
  CHECK(answer.at("resumed_at").to_number<int>() > 0);
  CHECK(tool.json({"stats", "docs"}).at("distance") == "euclidean");
  for (int i = 0; i < kPoints; ++i) {
    const auto document = tool.json({"get", "docs", "r" + std::to_string(i)}).at("documents").at(0);
    CAPTURE(i);
    CHECK(document.at("vector").at(0).to_number<int>() == i);
    const auto& payload = document.at("payload");
    if (i % 6 == 1 || i % 6 == 5) CHECK(payload.is_null());
    if (i % 3 == 0) CHECK(std::string(payload.at("document").as_string()) == "text \"" + std::to_string(i) + "\"");
    if (i % 2 == 0) CHECK(payload.at("n") == i);
    if (i > 60) i += 97;
  }
}

TEST_CASE("servers that are not there, or hold no such collection, are said so") {
  const Tool tool;
  const FakeServer server(chroma);
  CHECK(tool({"import-chroma", server.url(), "--collection", "none"}).err.find("404") != std::string::npos);
  CHECK(tool({"import-qdrant", "http://127.0.0.1:1", "--collection", "none"}).code == 1);
  CHECK(tool({"import-qdrant", server.url()}).code == 2);
}
