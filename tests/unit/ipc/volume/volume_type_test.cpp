#include "ipc/volume/volume_type.hpp"

#include "tests/support/catch.hpp"
#include "tests/support/temp_folder.hpp"

namespace ndb::ipc {
namespace {

constexpr const char* kMounts =
    "22 1 254:0 / / rw,relatime shared:1 - ext4 /dev/vda1 rw,errors=continue\n"
    "23 22 0:21 / /data rw,noatime - xfs /dev/vdb rw\n"
    "24 23 0:44 / /data/shared\\040one ro,relatime - nfs4 nas:/export rw,vers=4.2,hard,local_lock=none\n"
    "25 22 0:45 / /data/deep rw - ext4 /dev/first rw\n"
    "26 22 0:46 / /data/deep rw master:1 propagate_from:2 - fuse.mfs mfs#master:9421 rw\n"
    "no mount at all\n";

Mount of_type(std::string type, std::string options = "rw") { return {"/x", std::move(type), "s", std::move(options)}; }

TEST_CASE("a folder is on the mount with the longest name that begins its path, and of equals on the last") {
  CHECK(find_mount(kMounts, "/data")->type == "xfs");
  CHECK(find_mount(kMounts, "/data/x")->type == "xfs");
  CHECK(find_mount(kMounts, "/database")->type == "ext4");
  CHECK(find_mount(kMounts, "/data/deep/a")->type == "fuse.mfs");
  const auto nfs = find_mount(kMounts, "/data/shared one/ndb");
  CHECK(nfs->point == "/data/shared one");
  CHECK(nfs->source == "nas:/export");
  CHECK(nfs->options == "ro,relatime,rw,vers=4.2,hard,local_lock=none");
  CHECK_FALSE(find_mount("", "/data"));
}

TEST_CASE("what is known of a kind is said: what is refused, what is weak") {
  CHECK(judge(of_type("ext4")).warnings.empty());
  CHECK_FALSE(judge(of_type("ext4")).refusal);
  for (const char* store : {"fuse.s3fs", "fuse.mountpoint-s3", "fuse.gcsfuse", "fuse.rclone"}) CHECK(judge(of_type(store)).refusal);
  CHECK_FALSE(judge(of_type("fuse.mfs")).refusal);
  CHECK(judge(of_type("tmpfs")).warnings.size() == 1);
  CHECK(judge(of_type("overlay")).warnings.size() == 1);
  CHECK(judge(of_type("nfs4", "rw,hard,local_lock=none")).warnings.size() == 1);
  CHECK(judge(of_type("nfs", "rw,soft,nolock")).warnings.size() == 3);
  CHECK(judge(of_type("nfs4", "rw,hard,local_lock=all")).warnings.size() == 2);
}

TEST_CASE("magic numbers have names") {
  CHECK(name_of_magic(0x6969) == "nfs");
  CHECK(name_of_magic(0xFF534D42) == "cifs");
  CHECK(name_of_magic(0x1234) == "unknown (0x1234)");
}

TEST_CASE("a real folder is on something, and one that is not there on nothing") {
  const test::TempFolder folder;
  const auto type = volume_type_of(folder.path());
  REQUIRE(type);
  CHECK_FALSE(type->mount.type.empty());
  CHECK(type->mount.type.find("unknown") == std::string::npos);
  CHECK_FALSE(volume_type_of(folder.path() / "none"));
}

}  // namespace
}  // namespace ndb::ipc
