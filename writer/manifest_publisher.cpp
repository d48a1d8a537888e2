#include "writer/manifest_publisher.hpp"

#include <limits>

#include "shared/base/crash_point.hpp"
#include "shared/base/log.hpp"
#include "shared/format/pointer_files.hpp"
#include "writer/fencing.hpp"
#include "writer/publish.hpp"

namespace ndb::writer {

ManifestPublisher::ManifestPublisher(fs::FileSystem& fs, fs::Path collection, CommitLog& log,
                                     std::shared_ptr<const format::Manifest> current, OnPublish on_publish,
                                     const base::Clock& clock)
    : fs_(fs), collection_(std::move(collection)), log_(log), on_publish_(std::move(on_publish)), clock_(clock),
      current_(std::move(current)) {}

std::shared_ptr<const format::Manifest> ManifestPublisher::current() const {
  const std::scoped_lock lock(current_mutex_);
  return current_;
}

Result<std::shared_ptr<WalFile>> ManifestPublisher::add_wal(format::Manifest& next) {
  if (!log_.needs_next()) return nullptr;
  NDB_TRY_ASSIGN(auto wal, WalFile::create(fs_, collection_, {log_.epoch(), wal_number_++}, next.collection_uid));
  next.wals.push_back({.name = wal->name()});
  return wal;
}

std::unexpected<Error> ManifestPublisher::give_up(Error error) {
  if (error.code == ErrorCode::already_exists)
    error = {ErrorCode::fenced, "another writer published the next manifest: it took over", {}};
  base::log_error("publishing a manifest failed", error);
  log_.fail_with(error);
  return std::unexpected(std::move(error));
}

Result<ManifestVersion> ManifestPublisher::publish(const Edit& edit) {
  const std::scoped_lock publish_lock(publish_mutex_);
  if (const auto failure = log_.failure()) return std::unexpected(*failure);
  auto next = std::make_shared<format::Manifest>(*current());
  next->version = next->version.next();
  next->epoch = log_.epoch();
  next->created_unix_ms = base::unix_ms(clock_);
  NDB_TRY(edit(*next));
  NDB_TRY_ASSIGN(auto wal, add_wal(*next));
  // Opened before it is published: what this process cannot read must not become the newest version.
  NDB_TRY_ASSIGN(auto prepared, log_.state().prepare(fs_, collection_, next, false));
  while (prepared.load_graphs(std::numeric_limits<std::size_t>::max())) {
  }  // searches of this process find them in memory
  for (const auto& segment : prepared.segments)
    if (segment.new_graph) NDB_TRY(segment.slot.view->damage());
  if (auto status = publish_manifest(fs_, collection_, *next); !status) return give_up(std::move(status.error()));
  base::crash_point("current-replaced");
  log_.install(std::move(prepared), std::move(wal));
  {
    const std::scoped_lock lock(current_mutex_);
    current_ = next;
  }
  on_publish_(next->version);
  return next->version;
}

Status ManifestPublisher::still_ours() {
  if (const auto epoch = check_epoch(fs_, collection_, log_.epoch()); !epoch) {
    if (epoch.error().code == ErrorCode::fenced) log_.fail_with(epoch.error());
    return epoch;
  }
  return while_still([&]() -> Status {
    NDB_TRY_ASSIGN(const auto seen, format::read_current(fs_, collection_));
    const auto newest = current();
    if (seen.version >= newest->version) return {};
    return format::write_current(fs_, collection_, {newest->version, newest->collection_uid});
  });
}

}  // namespace ndb::writer
