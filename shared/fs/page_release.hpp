// For processes that read mapped files now and then and are judged by their memory, such as bulk loads.
//
// Threads: any.
#pragma once

namespace ndb::fs {

/// Takes the pages of all mapped files out of this process's memory. They stay in the page cache, and are mapped again when they are
/// touched, so who is searching now is slowed down for a moment.
void release_mapped_pages() noexcept;

}  // namespace ndb::fs
