// The exceptions of fewbits and the check at the door of every public function.
//
// The classes live outside the per-ISA namespace: an exception thrown by one build is caught by another.
// Messages read "function: argument rule, got value".
#pragma once

#include <cstddef>
#include <stdexcept>
#include <string>

namespace fewbits {

class Error : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// An argument outside what the function accepts.
class ArgumentError : public Error {
public:
    using Error::Error;
};

// Encoded data or a coder that cannot do what is asked of it.
class CodecError : public Error {
public:
    using Error::Error;
};

// The bytes are damaged, truncated or were never ours.
class CorruptDataError : public CodecError {
public:
    using CodecError::CodecError;
};

// The decoder was given other parameters (model, base tensor) than the encoder had.
class ParameterMismatchError : public CodecError {
public:
    using CodecError::CodecError;
};

// Sound data from a newer writer: a version, feature or stage this build does not know.
class UnsupportedFeatureError : public CodecError {
public:
    using CodecError::CodecError;
};

// Sound data that would decode to more than the caller allows.
class LimitError : public CodecError {
public:
    using CodecError::CodecError;
};

// An iteration that did not reach its tolerance.
class ConvergenceError : public Error {
public:
    ConvergenceError(const std::string& message, std::size_t iterations, double residual)
        : Error(message), iterations_(iterations), residual_(residual) {}
    std::size_t iterations() const noexcept { return iterations_; }
    double residual() const noexcept { return residual_; }

private:
    std::size_t iterations_;
    double residual_;
};

// A matrix or operator that is not what a method needs: singular, not positive definite, out of range.
class LinAlgError : public Error {
public:
    using Error::Error;
};

// The operating system refused: `code` is errno. Python sees OSError with errno and filename set.
class IoError : public Error {
public:
    IoError(int code, const std::string& path, const std::string& message)
        : Error(message), code_(code), path_(path) {}
    int code() const noexcept { return code_; }
    const std::string& path() const noexcept { return path_; }

private:
    int code_;
    std::string path_;
};

}  // namespace fewbits

// Checks a precondition that memory safety rests on; on in every build, O(1) at the boundary.
#define FEWBITS_REQUIRE(condition, message)                        \
    do {                                                           \
        if (!(condition)) throw ::fewbits::ArgumentError(message); \
    } while (false)
