#include "hcbir/isa.hpp"

#include <atomic>
#include <cstdlib>

#include "hcbir/error.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {
namespace {

std::vector<const kernels::Table*> usable_tables() {
    std::vector<const kernels::Table*> tables{&kernels::baseline};
#ifdef HCBIR_X86_LEVELS
    // The same sets of features as in KernelLevels.cmake, operating-system support included.
    if (__builtin_cpu_supports("x86-64-v3")) tables.push_back(&kernels::avx2);
    if (__builtin_cpu_supports("x86-64-v4")) tables.push_back(&kernels::avx512);
    if (__builtin_cpu_supports("x86-64-v4") && __builtin_cpu_supports("avx512vnni") &&
        __builtin_cpu_supports("avx512vbmi") && __builtin_cpu_supports("avx512vbmi2") &&
        __builtin_cpu_supports("avx512bitalg") && __builtin_cpu_supports("avx512vpopcntdq"))
        tables.push_back(&kernels::avx512icl);
#endif
    return tables;
}

const kernels::Table* find(std::string_view name, const char* origin) {
    std::string names;
    for (const auto* table : usable_tables()) {
        if (name == table->name) return table;
        names += (names.empty() ? "" : ", ") + std::string(table->name);
    }
    throw std::invalid_argument(std::string(origin) + " must be one of the levels this CPU can run (" +
                                names + "), got '" + std::string(name) + "'");
}

std::atomic<const kernels::Table*> chosen{nullptr};

}  // namespace

const kernels::Table& kernels::active() {
    if (const Table* table = chosen.load(std::memory_order_acquire)) return *table;
    const char* forced = std::getenv("HCBIR_ISA");
    const Table* table = forced && *forced ? find(forced, "HCBIR_ISA") : usable_tables().back();
    const Table* none = nullptr;
    chosen.compare_exchange_strong(none, table);
    return *chosen.load();
}

std::vector<std::string> available_isas() {
    std::vector<std::string> names;
    for (const auto* table : usable_tables()) names.emplace_back(table->name);
    return names;
}

std::string isa() { return kernels::active().name; }

void use_isa(std::string_view name) { chosen.store(find(name, "isa"), std::memory_order_release); }

}  // namespace hcbir
