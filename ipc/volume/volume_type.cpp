#include "ipc/volume/volume_type.hpp"

#include <fmt/format.h>
#include <sys/statfs.h>

#include <algorithm>
#include <array>
#include <cerrno>
#include <fstream>
#include <sstream>

#include "shared/base/result.hpp"

namespace ndb::ipc {
namespace {

struct Magic {
  std::uint64_t number;
  const char* name;
};

// linux/magic.h, and the documents of the file systems that are not in it.
constexpr std::array kMagics{
    Magic{0xEF53, "ext4"},          Magic{0x58465342, "xfs"},       Magic{0x9123683E, "btrfs"},   Magic{0x2FC12FC1, "zfs"},
    Magic{0xF2F52010, "f2fs"},      Magic{0xCA451A4E, "bcachefs"},  Magic{0x01021994, "tmpfs"},   Magic{0x858458F6, "ramfs"},
    Magic{0x794C7630, "overlay"},   Magic{0x6969, "nfs"},           Magic{0xFF534D42, "cifs"},    Magic{0xFE534D42, "smb3"},
    Magic{0x65735546, "fuse"},      Magic{0x00C36400, "ceph"},      Magic{0x01021997, "9p"},      Magic{0x0BD00BD0, "lustre"},
    Magic{0x47504653, "gpfs"},      Magic{0x19830326, "beegfs"},    Magic{0x4D44, "vfat"},        Magic{0x2011BAB0, "exfat"},
};

// File systems over object stores: no appends, no second names, and renames that copy.
constexpr std::array<std::string_view, 9> kObjectStores{"s3fs", "goofys", "mountpoint-s3", "gcsfuse", "blobfuse", "blobfuse2", "rclone", "geesefs", "ossfs"};

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const auto at = text.find(separator);
    parts.push_back(text.substr(0, at));
    if (at == std::string_view::npos) return parts;
    text.remove_prefix(at + 1);
  }
}

// The kernel writes blanks, newlines and backslashes as three octal digits.
std::string unescaped(std::string_view text) {
  std::string plain;
  for (std::size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\\' && i + 3 < text.size()) {
      plain += static_cast<char>((text[i + 1] - '0') * 64 + (text[i + 2] - '0') * 8 + (text[i + 3] - '0'));
      i += 3;
    } else {
      plain += text[i];
    }
  }
  return plain;
}

// "36 35 98:0 /root /point rw,noatime shared:1 - ext4 /dev/sda1 rw,errors=continue"
std::optional<Mount> parse_line(std::string_view line) {
  const auto fields = split(line, ' ');
  const auto dash = std::ranges::find(fields, std::string_view("-"));
  if (dash - fields.begin() < 6 || fields.end() - dash < 3) return std::nullopt;
  Mount mount{unescaped(fields[4]), std::string(dash[1]), unescaped(dash[2]), std::string(fields[5])};
  if (fields.end() - dash > 3) mount.options += "," + std::string(dash[3]);
  return mount;
}

bool lies_below(const std::string& path, const std::string& point) {
  return point == "/" || path == point || (path.starts_with(point) && path[point.size()] == '/');
}

bool has_option(const Mount& mount, std::string_view wanted) {
  const auto options = split(mount.options, ',');
  return std::ranges::find(options, wanted) != options.end();
}

void judge_nfs(VolumeType& volume) {
  const Mount& mount = volume.mount;
  volume.warnings.emplace_back(
      "NFS: other hosts see files as late as their client's caches allow; readers there should name the writer (writer_url)");
  for (const char* option : {"nolock", "local_lock=all", "local_lock=posix"})
    if (has_option(mount, option))
      volume.warnings.push_back(fmt::format("mounted with {}: a second writer on another host is not kept out by the lock, only fenced off by epochs", option));
  if (has_option(mount, "soft") || has_option(mount, "softerr"))
    volume.warnings.emplace_back("mounted soft: a server that is away for a while makes writes fail, and the collection read-only; mount it hard");
}

}  // namespace

std::optional<Mount> find_mount(std::string_view mountinfo, const std::filesystem::path& folder) {
  std::optional<Mount> found;
  for (const auto line : split(mountinfo, '\n')) {
    auto mount = parse_line(line);
    if (mount && lies_below(folder.string(), mount->point) && (!found || mount->point.size() >= found->point.size())) found = std::move(mount);
  }
  return found;
}

std::string name_of_magic(std::uint64_t magic) {
  const auto known = std::ranges::find(kMagics, magic, &Magic::number);
  return known == kMagics.end() ? fmt::format("unknown (0x{:x})", magic) : known->name;
}

VolumeType judge(Mount mount) {
  VolumeType volume{.mount = std::move(mount), .refusal = {}, .warnings = {}};
  const std::string& type = volume.mount.type;
  const std::string_view fuse = type.starts_with("fuse.") ? std::string_view(type).substr(5) : std::string_view();
  if (type == "tmpfs" || type == "ramfs") {
    volume.warnings.emplace_back("it is memory: everything is gone when it is unmounted or the machine stops");
  } else if (type == "overlay") {
    volume.warnings.emplace_back("it is a container's own layer: everything goes with the container; mount a volume");
  } else if (type.starts_with("nfs")) {
    judge_nfs(volume);
  } else if (std::ranges::find(kObjectStores, fuse) != kObjectStores.end()) {
    volume.refusal = "it is an object store behind a file system: files there cannot be appended to, linked or renamed as a log and manifests need";
  } else if (type == "9p" || fuse == "sshfs") {
    volume.warnings.emplace_back("this kind of file system is not made for databases and was not tested");
  }
  return volume;
}

Result<VolumeType> volume_type_of(const std::filesystem::path& folder) {
  struct statfs status {};
  if (::statfs(folder.c_str(), &status) != 0) return base::fail_errno(errno, "statfs " + folder.string());
  std::error_code error;
  const auto path = std::filesystem::canonical(folder, error);
  std::ifstream file("/proc/self/mountinfo");
  std::ostringstream text;
  text << file.rdbuf();
  auto mount = error ? std::nullopt : find_mount(text.str(), path);
  if (!mount) mount = Mount{"", name_of_magic(static_cast<std::uint64_t>(static_cast<std::uint32_t>(status.f_type))), "", ""};
  return judge(std::move(*mount));
}

}  // namespace ndb::ipc
