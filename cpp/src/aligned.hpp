// Scratch memory on cache-line boundaries.
#pragma once

#include <cstddef>
#include <memory>
#include <new>

namespace hcbir {

/// `count` uninitialised values of a trivial type, 64-byte aligned.
template <class T>
class AlignedBuffer {
public:
    AlignedBuffer() = default;
    explicit AlignedBuffer(std::size_t count)
        : data_(static_cast<T*>(::operator new(count * sizeof(T), alignment))), capacity_(count) {}

    /// Room for `count` values; what stood here is lost if it grows.
    void reserve(std::size_t count) {
        if (capacity_ < count) *this = AlignedBuffer(count);
    }

    T* data() const { return data_.get(); }
    T& operator[](std::size_t i) const { return data_.get()[i]; }

private:
    static constexpr std::align_val_t alignment{64};
    struct Free {
        void operator()(T* p) const { ::operator delete(p, alignment); }
    };
    std::unique_ptr<T, Free> data_;
    std::size_t capacity_ = 0;
};

}  // namespace hcbir
