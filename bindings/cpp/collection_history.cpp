// Older versions of a collection.
#include <fmt/format.h>

#include "bindings/cpp/database_impl.hpp"

namespace ndb {

Status Collection::Impl::check_newest() const {
  if (past == nullptr) return {};
  return fail(ErrorCode::read_only, fmt::format("this is version {} of '{}'; only the newest can be changed",
                                                past->info().version.value, core->name()));
}

Result<live::View> Collection::Impl::view_at(Seq seq, std::chrono::milliseconds bound) const {
  if (past == nullptr) {
    NDB_TRY_ASSIGN(const auto state, seq == Seq{} ? core->state() : core->state_at(seq, bound));
    return state->view();
  }
  NDB_TRY(core->check_there());
  if (seq <= past->info().seq) return past->view();
  return fail(ErrorCode::invalid_argument, fmt::format("version {} is the state after seq {}; it will never hold {}",
                                                       past->info().version.value, past->info().seq.value, seq.value),
              "min_seq");
}

Result<Collection> Collection::at_version(ManifestVersion version) const {
  NDB_TRY_ASSIGN(const auto state, impl_->core->state());
  NDB_TRY_ASSIGN(auto past, impl_->core->past().at_version(version, *state->snapshot()));
  return Collection(std::make_shared<Impl>(impl_->database, impl_->core, std::move(past)));
}

Result<Collection> Collection::at_time(std::chrono::system_clock::time_point time) const {
  NDB_TRY_ASSIGN(const auto state, impl_->core->state());
  NDB_TRY_ASSIGN(auto past, impl_->core->past().at_time(time, *state->snapshot()));
  return Collection(std::make_shared<Impl>(impl_->database, impl_->core, std::move(past)));
}

std::optional<VersionInfo> Collection::as_of() const {
  if (impl_->past == nullptr) return std::nullopt;
  return impl_->past->info();
}

Result<std::vector<VersionInfo>> Collection::versions() const {
  NDB_TRY(impl_->core->state());
  return impl_->core->past().list();
}

Result<ManifestVersion> Collection::set_history(const HistoryConfig& history) {
  NDB_TRY(impl_->check_newest());
  NDB_TRY(validate(history));
  NDB_TRY_ASSIGN(const auto writer, impl_->core->writer());
  return writer->set_history(history);
}

}  // namespace ndb
