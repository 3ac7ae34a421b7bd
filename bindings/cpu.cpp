// Which of the extensions in this folder the CPU can run. Compiled with baseline flags only.
#include <nanobind/nanobind.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
#include <intrin.h>
#endif

namespace nb = nanobind;

namespace {

bool has_avx2() {
#if defined(_MSC_VER) && (defined(_M_X64) || defined(_M_IX86))
    int leaf1[4], leaf7[4];
    __cpuid(leaf1, 1);
    __cpuidex(leaf7, 7, 0);
    const bool os_saves_ymm = (leaf1[2] & (1 << 27)) && (_xgetbv(0) & 6) == 6;
    return os_saves_ymm && (leaf1[2] & (1 << 12)) && (leaf7[1] & (1 << 5)) && (leaf7[1] & (1 << 8));
#elif defined(__x86_64__) || defined(__i386__)
    // Every CPU with these three also has F16C, BMI1, LZCNT and POPCNT; Clang 14 rejects the names of some.
    return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma") && __builtin_cpu_supports("bmi2");
#else
    return false;
#endif
}

// Best first.
std::vector<std::string> supported_isas() {
#if defined(__aarch64__) || defined(_M_ARM64)
    return {"neon"};
#else
    if (has_avx2()) return {"avx2", "scalar"};
    return {"scalar"};
#endif
}

}  // namespace

NB_MODULE(_cpu, m) {
    m.doc() = "Instruction sets of this machine.";
    m.def("supported_isas", &supported_isas, "Instruction sets this machine can run, best first.");
}
