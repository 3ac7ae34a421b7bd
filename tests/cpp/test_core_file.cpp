#include "fewbits/core/file.hpp"

#include <sys/resource.h>
#include <sys/wait.h>

#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "check.hpp"

using namespace fewbits;

namespace {

// A directory of our own, removed with what is in it.
struct Directory {
    std::string path;
    Directory() {
        const char* base = std::getenv("TMPDIR");
        std::string pattern = std::string(base != nullptr ? base : "/tmp") + "/fewbits-XXXXXX";
        path = ::mkdtemp(pattern.data());
    }
    ~Directory() {
        const std::string command = "rm -rf '" + path + "'";
        if (std::system(command.c_str()) != 0) std::printf("could not remove %s\n", path.c_str());
    }
    std::string operator/(const char* name) const { return path + "/" + name; }
};

Bytes contents(const std::string& path) {
    const InputFile file(path);
    return {file.bytes().begin(), file.bytes().end()};
}

int error_code(const std::string& path) {
    try {
        InputFile file(path);
    } catch (const IoError& error) {
        CHECK(error.path() == path);
        return error.code();
    }
    return 0;
}

}  // namespace

TEST(file_appears_at_commit) {
    const Directory directory;
    const std::string path = directory / "out";
    const Bytes data{1, 2, 3, 4, 5};
    {
        OutputFile file(path);
        file.write(2, data);
        file.write(0, ByteSpan(data).first(2));
        CHECK_EQUAL(error_code(path), ENOENT);
        file.commit();
        CHECK_THROWS(file.write(0, data), ArgumentError);
        CHECK_THROWS(file.commit(), ArgumentError);
    }
    CHECK((contents(path) == Bytes{1, 2, 1, 2, 3, 4, 5}));
    {
        OutputFile file(path);
        file.write(0, data);
    }
    CHECK_EQUAL(contents(path).size(), std::size_t{7});  // abandoned: the old file stays
    OutputFile replaced(path);
    replaced.write(0, data);
    replaced.commit();
    CHECK(contents(path) == data);
}

TEST(file_errors_carry_errno) {
    const Directory directory;
    CHECK_EQUAL(error_code(directory / "missing"), ENOENT);
    CHECK_EQUAL(error_code(directory.path), EISDIR);
    CHECK_EQUAL(error_code("/dev/null"), ESPIPE);
    CHECK(::mkfifo((directory / "pipe").c_str(), 0600) == 0);
    CHECK_EQUAL(error_code(directory / "pipe"), ESPIPE);  // and does not wait for a writer
    CHECK_THROWS(OutputFile(directory.path), IoError);
    CHECK_THROWS(OutputFile(directory / "missing/out"), IoError);
    CHECK_THROWS(OutputFile(""), ArgumentError);
    OutputFile(directory / "empty").commit();
    CHECK(contents(directory / "empty").empty());
    InputFile a(directory / "empty");
    InputFile b(std::move(a));
    CHECK(b.bytes().empty());
}

// A file system that is full, by way of the limit on a file's size, in a process of its own.
TEST(file_that_does_not_fit_leaves_nothing) {
    const Directory directory;
    const std::string path = directory / "big";
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        std::signal(SIGXFSZ, SIG_IGN);
        const rlimit limit{4096, 4096};
        ::setrlimit(RLIMIT_FSIZE, &limit);
        int code = 0;
        try {
            OutputFile file(path);
            file.write(0, Bytes(10000));
            file.commit();
        } catch (const IoError& error) {
            code = error.code();
        }
        std::_Exit(code == EFBIG ? 0 : 1);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    CHECK(::rmdir(directory.path.c_str()) == 0);  // empty
    CHECK(::mkdir(directory.path.c_str(), 0777) == 0);
}

TEST(file_of_a_killed_process_does_not_appear) {
    const Directory directory;
    const std::string path = directory / "killed";
    std::fflush(stdout);
    const pid_t child = ::fork();
    if (child == 0) {
        OutputFile file(path);
        file.write(0, Bytes(1000));
        ::raise(SIGKILL);
    }
    int status = 0;
    ::waitpid(child, &status, 0);
    CHECK(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
    CHECK_EQUAL(error_code(path), ENOENT);
}
