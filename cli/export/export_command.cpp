// ndb export: what import reads again.
#include <fmt/format.h>

#include <cerrno>
#include <fstream>

#include "cli/command.hpp"
#include "cli/export/document_stream.hpp"
#include "cli/history/as_of.hpp"
#include "cli/options.hpp"
#include "cli/progress.hpp"
#include "cli/text.hpp"
#include "ipc/http/codec/json_writer.hpp"
#include "ndb/filter.hpp"
#include "shared/base/result.hpp"

namespace ndb::cli {
namespace {

struct Export {
  std::string name, filter, output;
  bool quiet = false;
  AsOfOptions as_of;
};

std::string line_of(const Document& document, bool with_vector) {
  http::JsonWriter json;
  json.begin_object().field("id", document.id);
  if (with_vector) json.key("vector").floats(document.vector);
  if (document.payload.empty()) json.key("payload").null();
  else json.key("payload").raw(document.payload);
  json.end_object();
  return std::move(json).text() + "\n";
}

/// A file that gets its name when it is whole.
class NewFile {
 public:
  explicit NewFile(std::filesystem::path path) : path_(std::move(path)), partial_(path_.string() + ".partial") {
    file_.open(partial_, std::ios::binary | std::ios::trunc);
  }
  NewFile(const NewFile&) = delete;
  NewFile& operator=(const NewFile&) = delete;
  ~NewFile() {
    std::error_code ignored;
    if (!named_) std::filesystem::remove(partial_, ignored);
  }
  std::ofstream& stream() { return file_; }
  [[nodiscard]] Status finish() {
    file_.close();
    if (!file_) return failed();
    std::error_code error;
    std::filesystem::rename(partial_, path_, error);
    if (error) return fail(ErrorCode::io_error, fmt::format("{}: {}", path_.string(), error.message()));
    named_ = true;
    return {};
  }
  [[nodiscard]] std::unexpected<Error> failed() const { return base::fail_errno(errno == 0 ? EIO : errno, "write " + partial_.string()); }

 private:
  std::filesystem::path path_, partial_;
  std::ofstream file_;
  bool named_ = false;
};

/// Always 128 bytes long, so that the number of rows can be written last.
std::string npy_header(std::uint64_t rows, std::uint32_t dim) {
  constexpr std::size_t kBytes = 128, kBefore = 10;
  std::string text = fmt::format("{{'descr': '<f4', 'fortran_order': False, 'shape': ({}, {}), }}", rows, dim);
  text.resize(kBytes - kBefore - 1, ' ');
  const auto length = static_cast<std::uint16_t>(kBytes - kBefore);
  return std::string("\x93NUMPY\x01\x00", 8) + static_cast<char>(length & 0xFFU) + static_cast<char>(length >> 8U) + text + "\n";
}

/// Hands every document on; the number of them.
template <class Write>
Result<std::uint64_t> for_each(const Session& session, const Export& options, DocumentStream& documents, Write write) {
  Progress progress(session.streams.err, session.streams.err_is_terminal);
  Done done{.rows = 0, .rows_total = documents.total(), .bytes = 0, .bytes_total = 0};
  std::vector<Document> some;
  for (;;) {
    NDB_TRY_ASSIGN(const bool more, documents.next(some));
    if (!more) break;
    for (const auto& document : some) NDB_TRY(write(document));
    done.rows += some.size();
    if (!options.quiet && !options.output.empty()) progress.update(done);
  }
  if (!options.quiet && !options.output.empty()) progress.finish(done);
  return done.rows;
}

Result<std::uint64_t> to_lines(const Session& session, const Export& options, DocumentStream& documents, std::ostream& out) {
  return for_each(session, options, documents, [&](const Document& document) -> Status {
    out << line_of(document, true);
    return out ? Status{} : fail(ErrorCode::io_error, "cannot write the output");
  });
}

/// FILE.npy, and FILE.jsonl with ids and payloads in the same order.
Result<std::uint64_t> to_npy(const Session& session, const Export& options, DocumentStream& documents) {
  const std::filesystem::path path(options.output);
  NewFile vectors(path), lines(std::filesystem::path(path).replace_extension(".jsonl"));
  vectors.stream() << npy_header(0, documents.dim());
  NDB_TRY_ASSIGN(const auto rows, for_each(session, options, documents, [&](const Document& document) -> Status {
    vectors.stream().write(reinterpret_cast<const char*>(document.vector.data()), static_cast<std::streamsize>(document.vector.size() * sizeof(float)));
    lines.stream() << line_of(document, false);
    if (!vectors.stream()) return vectors.failed();
    return lines.stream() ? Status{} : lines.failed();
  }));
  vectors.stream().seekp(0);
  vectors.stream() << npy_header(rows, documents.dim());
  NDB_TRY(lines.finish());
  NDB_TRY(vectors.finish());
  return rows;
}

Status export_all(const Session& session, const Export& options) {
  if (!options.filter.empty())
    if (const auto parsed = Filter::from_json(options.filter, "--filter"); !parsed) return usage(parsed.error().message);
  const std::filesystem::path path(options.output);
  const bool npy = path.extension() == ".npy";
  if (!options.output.empty() && !npy && path.extension() != ".jsonl") return usage("--output must end with .jsonl, or with .npy for vectors and documents apart");
  NDB_TRY_ASSIGN(const auto documents, DocumentStream::open(session, options.name, options.filter, options.as_of));
  if (options.output.empty()) {
    NDB_TRY(to_lines(session, options, *documents, session.streams.out));
    return {};
  }
  std::uint64_t rows = 0;
  if (npy) {
    NDB_TRY_ASSIGN(rows, to_npy(session, options, *documents));
  } else {
    NewFile file(path);
    NDB_TRY_ASSIGN(rows, to_lines(session, options, *documents, file.stream()));
    NDB_TRY(file.finish());
  }
  if (session.json) session.print_json(fmt::format("{{\"documents\":{}}}", rows));
  else session.streams.out << fmt::format("exported {} documents of '{}' to {}\n", grouped(rows), options.name, printable(options.output));
  return {};
}

}  // namespace

void add_export_command(CLI::App& app, Session& session, Action& action) {
  add_command<Export>(
      app, action, "export", "Write documents as import reads them, ordered by id",
      [](CLI::App& command, Export& options) {
        add_collection_name(command, options.name);
        command.add_option("--filter", options.filter, "Only what matches")->type_name("JSON");
        command.add_option("-o,--output", options.output, "FILE.jsonl, or FILE.npy: then ids and payloads stand in FILE.jsonl [JSON lines to standard output]")->type_name("FILE");
        command.add_flag("-q,--quiet", options.quiet, "No progress");
        add_as_of_options(command, options.as_of);
        command.footer("Examples:\n  ndb export docs | gzip > docs.jsonl.gz\n"
                       "  ndb export docs -o docs.npy && ndb import copy docs.npy --documents docs.jsonl --create");
      },
      [&](Export& options) { return export_all(session, options); });
}

}  // namespace ndb::cli
