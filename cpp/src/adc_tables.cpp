#include "adc_tables.hpp"

#include "kernels/dispatch.hpp"

namespace hcbir {

void AdcTables::load(MatrixView<const float> queries, Executor& executor) {
    const std::size_t size = code_size() * byte_values;
    floats_.reserve(queries.rows * size);
    executor.parallel_for(queries.rows, [&](std::size_t q, std::size_t) {
        load_query(queries.row(q), floats_.data() + q * size);
    });
}

void AdcTables::load_query(const float* query, float* tables) const {
    const auto& kernels = kernels::active();
    const auto table_of = metric_ == Metric::l2 ? kernels.l2_table : kernels.dot_table;
    const std::size_t num = quantizer_.num_subquantizers(), sub_dim = quantizer_.sub_dim();
    if (quantizer_.bits() == 8) {
        for (std::size_t m = 0; m < num; ++m)
            table_of(query + m * sub_dim, quantizer_.column(m, 0), byte_values, sub_dim,
                     tables + m * byte_values);
        return;
    }
    for (std::size_t m = 0; m < num; m += 2) {
        float low[16], high[16] = {};
        table_of(query + m * sub_dim, quantizer_.column(m, 0), 16, sub_dim, low);
        if (m + 1 < num) table_of(query + (m + 1) * sub_dim, quantizer_.column(m + 1, 0), 16, sub_dim, high);
        float* table = tables + m / 2 * byte_values;
        for (std::size_t v = 0; v < byte_values; ++v) table[v] = low[v % 16] + high[v / 16];
    }
}

}  // namespace hcbir
