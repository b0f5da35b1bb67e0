// SPDX-License-Identifier: MIT
#include <fire_and_forget/detail/engine.hpp>
#include <fire_and_forget/detail/platform/cpu_count.hpp>

#include "catch.hpp"

#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>

using namespace faf::detail;

static_assert(cpus_of_quota(100'000, 100'000) == 1);
static_assert(cpus_of_quota(150'000, 100'000) == 2, "half a processor is worth a thread");
static_assert(cpus_of_quota(400'000, 100'000) == 4);
static_assert(cpus_of_quota(1'000, 100'000) == 1, "never less than one");
static_assert(cpus_of_quota(-1, 100'000) == 0, "no limit in version 1");
static_assert(cpus_of_quota(0, 100'000) == 0);
static_assert(cpus_of_quota(100'000, 0) == 0);

static_assert(tighter(0, 0) == 0);
static_assert(tighter(0, 3) == 3);
static_assert(tighter(3, 0) == 3);
static_assert(tighter(2, 3) == 2);
static_assert(tighter(3, 2) == 2);

TEST_CASE("at least one processor can be used") {
    CHECK(usable_cpus() >= 1);
}

#if defined(__linux__)

namespace {

/// The files of a container, made up in a directory of their own.
class container {
public:
    container() {
        std::string pattern = std::filesystem::temp_directory_path() / "fafXXXXXX";
        root_ = ::mkdtemp(pattern.data());
    }
    ~container() { std::filesystem::remove_all(root_); }
    container(const container&) = delete;
    container& operator=(const container&) = delete;

    container& with(std::string_view path, std::string_view text) {
        const std::filesystem::path file = root_ / path;
        std::filesystem::create_directories(file.parent_path());
        std::ofstream(file) << text;
        return *this;
    }

    unsigned limit() const { return cgroup_cpu_limit(root_.c_str()); }

private:
    std::filesystem::path root_;
};

constexpr std::string_view groups = "proc/self/cgroup";

} // namespace

TEST_CASE("the affinity mask has a processor") {
    CHECK(affinity_cpus() >= 1);
    CHECK(usable_cpus() <= affinity_cpus());
}

TEST_CASE("a machine without control groups has no limit") {
    CHECK(container().limit() == 0);
    CHECK(container().with(groups, "").limit() == 0);
    CHECK(container().with(groups, "0::/\n").limit() == 0);
}

TEST_CASE("a version 2 group limits by its cpu.max") {
    container box;
    box.with(groups, "0::/\n").with("sys/fs/cgroup/cpu.max", "150000 100000\n");
    CHECK(box.limit() == 2);
    box.with("sys/fs/cgroup/cpu.max", "max 100000\n");
    CHECK(box.limit() == 0);
    box.with("sys/fs/cgroup/cpu.max", "5000 100000\n");
    CHECK(box.limit() == 1);
}

TEST_CASE("the tightest version 2 group on the way up counts") {
    container box;
    box.with(groups, "0::/a/b\n");
    box.with("sys/fs/cgroup/a/b/cpu.max", "800000 100000\n");
    CHECK(box.limit() == 8);
    box.with("sys/fs/cgroup/a/cpu.max", "300000 100000\n");
    CHECK(box.limit() == 3);
    box.with("sys/fs/cgroup/cpu.max", "max 100000\n");
    CHECK(box.limit() == 3);
    box.with("sys/fs/cgroup/cpu.max", "200000 100000\n");
    CHECK(box.limit() == 2);
    box.with("sys/fs/cgroup/a/other/cpu.max", "100000 100000\n");
    CHECK(box.limit() == 2);
}

TEST_CASE("a group that is not visible from inside the container is looked for further up") {
    container box;
    box.with(groups, "0::/system.slice/docker-0123456789.scope\n");
    box.with("sys/fs/cgroup/cpu.max", "400000 100000\n");
    CHECK(box.limit() == 4);
}

TEST_CASE("a version 1 group limits by its quota and period") {
    container box;
    box.with(groups, "12:memory:/x\n4:cpu,cpuacct:/x\n");
    box.with("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "250000\n");
    CHECK(box.limit() == 0); // without a period
    box.with("sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
    CHECK(box.limit() == 3);
    box.with("sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n");
    CHECK(box.limit() == 0);
}

TEST_CASE("a version 1 group is known by each of its names") {
    for (const char* names : {"cpu", "cpu,cpuacct", "cpuacct,cpu"}) {
        container box;
        box.with(groups, std::string("4:") + names + ":/\n");
        box.with("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
        box.with("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
        CHECK(box.limit() == 2);
    }
    for (const char* names : {"cpuset", "cpuacct", "memory", "name=systemd"}) {
        container box;
        box.with(groups, std::string("4:") + names + ":/\n");
        box.with("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "200000\n");
        box.with("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
        CHECK(box.limit() == 0);
    }
}

TEST_CASE("where both versions are mounted the tighter limit counts") {
    container box;
    box.with(groups, "4:cpu:/\n0::/unified\n");
    box.with("sys/fs/cgroup/cpu/cpu.cfs_quota_us", "300000\n");
    box.with("sys/fs/cgroup/cpu/cpu.cfs_period_us", "100000\n");
    box.with("sys/fs/cgroup/unified/cpu.max", "200000 100000\n");
    CHECK(box.limit() == 2);
    box.with("sys/fs/cgroup/unified/cpu.max", "900000 100000\n");
    CHECK(box.limit() == 3);
}

TEST_CASE("a list of groups without an end of line is understood") {
    container box;
    box.with(groups, "0::/a").with("sys/fs/cgroup/a/cpu.max", "200000 100000");
    CHECK(box.limit() == 2);
}

TEST_CASE("a list of groups that makes no sense sets no limit") {
    for (const char* nonsense : {"\n\n", "::", ":", "0:", "0::", "no colon\n0\n", "a:b\nc:d\n"}) {
        container box;
        box.with(groups, nonsense);
        CHECK(box.limit() == 0);
    }
    for (const char* nonsense : {"", "\n", "max", "100000", "x y", "-5 -5", "100000 0"}) {
        container box;
        box.with(groups, "0::/\n").with("sys/fs/cgroup/cpu.max", nonsense);
        CHECK(box.limit() == 0);
    }
}

TEST_CASE("a group whose path is endless does no harm") {
    container box;
    std::string path;
    while (path.size() < 3000) {
        path += "/deep";
    }
    box.with(groups, "0::" + path + "\n").with("sys/fs/cgroup/cpu.max", "200000 100000\n");
    CHECK(box.limit() == 2);
    box.with(groups, "0::" + path + path + "\n"); // longer than is read
    CHECK(box.limit() == 2);
}

#endif
