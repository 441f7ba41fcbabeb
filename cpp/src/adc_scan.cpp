#include "adc_scan.hpp"

namespace hcbir {

void AdcScan::scan(const CodeBlock& block, std::span<const AdcQuery> queries) {
    const std::size_t code_size = tables_.code_size();
    for (const AdcQuery& query : queries) {
        const float* tables = tables_.floats(query.query);
        for (std::size_t i = 0; i < block.codes.rows; ++i) {
            const std::int64_t index = block.index(i);
            if (block.allowed && block.allowed[index] == 0) continue;
            query.best->push({adc_score(tables, block.codes.row(i), code_size) + query.base, index});
        }
    }
}

}  // namespace hcbir
