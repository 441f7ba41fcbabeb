#include "decode.hpp"

#include "hcbir/pq.hpp"
#include "kernels/dispatch.hpp"

namespace hcbir {
namespace {

/// The matrix that holds one row a descriptor.
template <class Visitor>
auto visit_matrix(const DescriptorsView& descriptors, const Visitor& visitor) {
    struct Unwrap {
        const Visitor& visitor;
        auto operator()(const MatrixView<const float>& values) const { return visitor(values); }
        auto operator()(const HalfDescriptors& half) const { return visitor(half.bits); }
        auto operator()(const Int8Descriptors& int8) const { return visitor(int8.values); }
        auto operator()(const PQDescriptors& pq) const { return visitor(pq.codes); }
        auto operator()(const BinaryDescriptors& binary) const { return visitor(binary.bytes); }
    };
    return std::visit(Unwrap{visitor}, descriptors);
}

}  // namespace

std::size_t num_descriptors(const DescriptorsView& descriptors) {
    return visit_matrix(descriptors, [](const auto& matrix) { return matrix.rows; });
}

std::size_t descriptor_length(const DescriptorsView& descriptors) {
    if (const auto* pq = std::get_if<PQDescriptors>(&descriptors)) return pq->quantizer->dim();
    return visit_matrix(descriptors, [](const auto& matrix) { return matrix.cols; });
}

MatrixView<const float> decode(const DescriptorsView& descriptors, std::vector<float>& buffer) {
    if (const auto* values = std::get_if<MatrixView<const float>>(&descriptors)) return *values;
    const auto& kernels = kernels::active();
    const std::size_t rows = num_descriptors(descriptors), cols = descriptor_length(descriptors);
    if (buffer.size() < rows * cols) buffer.resize(rows * cols);
    if (const auto* pq = std::get_if<PQDescriptors>(&descriptors)) {
        SerialExecutor serial;
        pq->quantizer->decode(pq->codes, {buffer.data(), rows, cols}, serial);
        return {buffer.data(), rows, cols};
    }
    for (std::size_t r = 0; r < rows; ++r) {
        float* row = buffer.data() + r * cols;
        if (const auto* half = std::get_if<HalfDescriptors>(&descriptors))
            kernels.widen_half(half->bits.row(r), cols, row);
        else if (const auto* int8 = std::get_if<Int8Descriptors>(&descriptors))
            kernels.widen_int8(int8->values.row(r), int8->scales[r], cols, row);
    }
    return {buffer.data(), rows, cols};
}

}  // namespace hcbir
