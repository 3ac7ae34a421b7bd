// Files: a read-only mapping, and an output that appears under its name only when it is whole.
//
// OutputFile writes to a temporary name in the same directory; commit() flushes it to the disk and renames it
// over the target. A crash, an exception or a full disk leaves the old file, or nothing. POSIX.
#pragma once

#if defined(_WIN32)
#error "fewbits/core/file.hpp needs POSIX files"
#endif

#include <fcntl.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <cerrno>
#include <cstring>
#include <string>
#include <utility>

#include "fewbits/core/error.hpp"
#include "fewbits/core/isa.hpp"
#include "fewbits/core/span.hpp"

namespace fewbits {
inline namespace FEWBITS_ISA {

namespace detail {
[[noreturn]] inline void throw_errno(int code, const std::string& path) {
    throw IoError(code, path, std::strerror(code));
}
}  // namespace detail

// A whole file, mapped read-only. Another process that truncates the file under us ends in SIGBUS, as with
// every mapping; renaming over it (what OutputFile does) is safe.
class InputFile {
public:
    explicit InputFile(const std::string& path) {
        // Without O_NONBLOCK the opening of a pipe would wait for a writer.
        const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
        if (fd < 0) detail::throw_errno(errno, path);
        struct stat status{};
        int code = 0;
        if (::fstat(fd, &status) != 0) {
            code = errno;
        } else if (S_ISDIR(status.st_mode)) {
            code = EISDIR;
        } else if (!S_ISREG(status.st_mode)) {
            code = ESPIPE;  // a pipe or device cannot be mapped
        } else if (status.st_size > 0) {
            size_ = static_cast<std::size_t>(status.st_size);
            void* address = ::mmap(nullptr, size_, PROT_READ, MAP_PRIVATE, fd, 0);
            if (address == MAP_FAILED) {
                code = errno;
            } else {
                data_ = static_cast<const std::uint8_t*>(address);
            }
        }
        ::close(fd);
        if (code != 0) detail::throw_errno(code, path);
    }
    InputFile(InputFile&& other) noexcept
        : data_(std::exchange(other.data_, nullptr)), size_(std::exchange(other.size_, 0)) {}
    InputFile& operator=(InputFile&& other) noexcept {
        std::swap(data_, other.data_);
        std::swap(size_, other.size_);
        return *this;
    }
    ~InputFile() {
        if (data_ != nullptr) ::munmap(const_cast<std::uint8_t*>(data_), size_);
    }

    ByteSpan bytes() const { return {data_, size_}; }

private:
    const std::uint8_t* data_ = nullptr;
    std::size_t size_ = 0;
};

class OutputFile {
public:
    explicit OutputFile(std::string path) : path_(std::move(path)) {
        FEWBITS_REQUIRE(!path_.empty(), "OutputFile: path must not be empty");
        struct stat status{};
        if (::stat(path_.c_str(), &status) == 0 && S_ISDIR(status.st_mode))
            detail::throw_errno(EISDIR, path_);
        static std::atomic<unsigned> counter{0};
        for (;;) {
            temporary_ = path_ + "." + std::to_string(::getpid()) + "-" + std::to_string(counter++) + ".tmp";
            fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
            if (fd_ >= 0) break;
            if (errno != EEXIST) detail::throw_errno(errno, path_);
        }
    }
    OutputFile(const OutputFile&) = delete;
    OutputFile& operator=(const OutputFile&) = delete;
    ~OutputFile() { abort(); }

    const std::string& path() const { return path_; }

    // Writes all of `data` at `offset`. Several threads may write disjoint ranges at a time.
    void write(std::uint64_t offset, ByteSpan data) {
        FEWBITS_REQUIRE(fd_ >= 0, "OutputFile::write: the file is closed");
        std::size_t done = 0;
        while (done < data.size()) {
            const ssize_t n =
                ::pwrite(fd_, data.data() + done, data.size() - done, static_cast<off_t>(offset + done));
            if (n < 0) {
                if (errno == EINTR) continue;
                detail::throw_errno(errno, path_);
            }
            if (n == 0) detail::throw_errno(ENOSPC, path_);
            done += static_cast<std::size_t>(n);
        }
    }

    // Makes the file durable and gives it its name; on failure nothing is left behind.
    void commit() {
        FEWBITS_REQUIRE(fd_ >= 0, "OutputFile::commit: the file is closed");
        // Some file systems refuse to sync (EINVAL, ENOTSUP); there the rename is all one can have.
        if (::fsync(fd_) != 0 && errno != EINVAL && errno != ENOTSUP) give_up();
        // Network file systems report write errors at close.
        if (::close(std::exchange(fd_, -1)) != 0 && errno != EINTR) give_up();
        if (::rename(temporary_.c_str(), path_.c_str()) != 0) give_up();
        temporary_.clear();
        sync_directory();
    }

    // Removes the temporary file; does nothing after commit().
    void abort() noexcept {
        if (fd_ >= 0) ::close(std::exchange(fd_, -1));
        if (!temporary_.empty()) ::unlink(temporary_.c_str());
        temporary_.clear();
    }

private:
    [[noreturn]] void give_up() {
        const int code = errno;
        abort();
        detail::throw_errno(code, path_);
    }
    // The rename itself must reach the disk. A file system that cannot sync a directory keeps its own
    // promise.
    void sync_directory() const noexcept {
        const std::size_t slash = path_.rfind('/');
        const std::string directory = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
        const int fd = ::open(directory.c_str(), O_RDONLY | O_CLOEXEC);
        if (fd < 0) return;
        ::fsync(fd);
        ::close(fd);
    }

    std::string path_;
    std::string temporary_;  // Invariant: names an existing file of ours, or is empty
    int fd_ = -1;
};

}  // namespace FEWBITS_ISA
}  // namespace fewbits
